#include "hw/memory/paged_storage.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <sys/mman.h>

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

/// Not cleared: that would touch all of it. The host is asked for its large pages, which come with a five hundredth of
/// the faults.
unsigned char* host_memory(std::size_t size) {
    constexpr std::size_t k_large_page = std::size_t{2} << 20;
    void* memory = nullptr;
    if (posix_memalign(&memory, k_large_page, size) != 0)
        throw std::bad_alloc();
    (void)madvise(memory, size, MADV_HUGEPAGE); // where there are none it makes no difference
    return static_cast<unsigned char*>(memory);
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

unsigned char* paged_storage::room_for(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t nth = offset / k_group_bytes;
    std::unique_ptr<group>& in = m_groups[nth];
    if (in == nullptr) {
        const std::uint64_t pages = std::min(k_group, ceil_div(m_capacity.value(), k_page) - nth * k_group);
        in = std::make_unique<group>();
        in->data.reset(host_memory(pages * k_page));
        in->written.resize(pages);
    }
    unsigned char* const data = in->data.get();
    const std::uint64_t begin = offset - nth * k_group_bytes;
    const std::uint64_t end = begin + length;
    for (std::uint64_t page = begin / k_page; page * k_page < end; ++page) {
        if (in->written[page])
            continue;
        in->written[page] = true;
        ++m_pages;
        const std::uint64_t from = page * k_page;
        if (from < begin)
            std::memset(data + from, k_poison, begin - from);
        if (from + k_page > end)
            std::memset(data + end, k_poison, from + k_page - end);
    }
    return data + begin;
}

void paged_storage::read(std::uint64_t offset, std::uint64_t length, unsigned char* into) const {
    if (const unsigned char* const together = loan(offset, length)) {
        std::memcpy(into, together, length);
        return;
    }
    while (length != 0) {
        const std::uint64_t within = offset % k_page;
        const std::uint64_t n = std::min(length, k_page - within);
        std::memcpy(into, page_at(offset / k_page) + within, n);
        offset += n, into += n, length -= n;
    }
}

void paged_storage::write(std::uint64_t offset, std::uint64_t length, const unsigned char* from) {
    while (length != 0) {
        const std::uint64_t n = std::min(length, k_group_bytes - offset % k_group_bytes);
        // memmove: the source may be a loan from this same storage.
        std::memmove(room_for(offset, n), from, n);
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
