#include "hw/memory/paged_storage.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

paged_storage::paged_storage(bytes capacity)
    : m_capacity(capacity), m_groups(ceil_div(capacity.value(), k_page * k_group)) {}

const paged_storage::page& paged_storage::unwritten() {
    static const page poison = [] {
        page p;
        p.fill(k_poison);
        return p;
    }();
    return poison;
}

const paged_storage::page& paged_storage::page_at(std::uint64_t number) const {
    const group* in = m_groups[number / k_group].get();
    if (in == nullptr || (*in)[number % k_group] == nullptr)
        return unwritten();
    return *(*in)[number % k_group];
}

paged_storage::page& paged_storage::page_for_write(std::uint64_t number) {
    std::unique_ptr<group>& in = m_groups[number / k_group];
    if (in == nullptr)
        in = std::make_unique<group>();
    std::unique_ptr<page>& at = (*in)[number % k_group];
    if (at == nullptr) {
        at.reset(new page);
        at->fill(k_poison);
        ++m_pages;
    }
    return *at;
}

void paged_storage::read(std::uint64_t offset, std::uint64_t length, unsigned char* into) const {
    while (length != 0) {
        const std::uint64_t within = offset % k_page;
        const std::uint64_t n = std::min(length, k_page - within);
        std::memcpy(into, page_at(offset / k_page).data() + within, n);
        offset += n, into += n, length -= n;
    }
}

void paged_storage::write(std::uint64_t offset, std::uint64_t length, const unsigned char* from) {
    while (length != 0) {
        const std::uint64_t within = offset % k_page;
        const std::uint64_t n = std::min(length, k_page - within);
        // memmove: the source may be a loan from this same storage.
        std::memmove(page_for_write(offset / k_page).data() + within, from, n);
        offset += n, from += n, length -= n;
    }
}

const unsigned char* paged_storage::loan(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t within = offset % k_page;
    return length <= k_page - within ? page_at(offset / k_page).data() + within : nullptr;
}

} // namespace kpu::hw
