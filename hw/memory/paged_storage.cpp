#include "hw/memory/paged_storage.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

namespace {

/// What a page that does not exist reads as.
const unsigned char* unwritten() {
    static const std::array<unsigned char, paged_storage::k_page> poison = [] {
        std::array<unsigned char, paged_storage::k_page> p{};
        p.fill(paged_storage::k_poison);
        return p;
    }();
    return poison.data();
}

} // namespace

paged_storage::paged_storage(bytes capacity)
    : m_capacity(capacity), m_groups(ceil_div(capacity.value(), k_page * k_group)) {}

bool paged_storage::is_written(std::uint64_t page) const {
    const group* const in = m_groups[page / k_group].get();
    return in != nullptr && in->written[page % k_group];
}

const unsigned char* paged_storage::page_at(std::uint64_t page) const {
    return is_written(page) ? m_groups[page / k_group]->data.get() + page % k_group * k_page : unwritten();
}

unsigned char* paged_storage::page_for_write(std::uint64_t page, std::uint64_t within, std::uint64_t length) {
    std::unique_ptr<group>& in = m_groups[page / k_group];
    if (in == nullptr) {
        const std::uint64_t first = page / k_group * k_group;
        const std::uint64_t pages = std::min(k_group, ceil_div(m_capacity.value(), k_page) - first);
        in = std::make_unique<group>();
        in->data.reset(new unsigned char[pages * k_page]); // not cleared: that would touch all pages
    }
    unsigned char* const at = in->data.get() + page % k_group * k_page;
    if (!in->written[page % k_group]) {
        in->written[page % k_group] = true;
        std::memset(at, k_poison, within);
        std::memset(at + within + length, k_poison, k_page - within - length);
        ++m_pages;
    }
    return at;
}

void paged_storage::read(std::uint64_t offset, std::uint64_t length, unsigned char* into) const {
    while (length != 0) {
        const std::uint64_t within = offset % k_page;
        const std::uint64_t n = std::min(length, k_page - within);
        std::memcpy(into, page_at(offset / k_page) + within, n);
        offset += n, into += n, length -= n;
    }
}

void paged_storage::write(std::uint64_t offset, std::uint64_t length, const unsigned char* from) {
    while (length != 0) {
        const std::uint64_t within = offset % k_page;
        const std::uint64_t n = std::min(length, k_page - within);
        // memmove: the source may be a loan from this same storage.
        std::memmove(page_for_write(offset / k_page, within, n) + within, from, n);
        offset += n, from += n, length -= n;
    }
}

const unsigned char* paged_storage::loan(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t first = offset / k_page;
    const std::uint64_t last = (offset + length - 1) / k_page;
    if (first / k_group != last / k_group)
        return nullptr;
    for (std::uint64_t page = first; page <= last && first != last; ++page)
        if (!is_written(page))
            return nullptr;
    return page_at(first) + offset % k_page;
}

} // namespace kpu::hw
