#include "hw/kpu/host_port.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace kpu::hw {

namespace {

constexpr bytes k_piece{1u << 30}; // a payload's length has 32 bits

} // namespace

host_port::host_port(sc_core::sc_module_name name, std::vector<platform::address_range> ranges)
    : sc_core::sc_module(name), memory_i("memory_i", ranges.size()), m_ranges(std::move(ranges)) {
    for (auto& socket : memory_i)
        m_initiators.push_back(std::make_unique<initiator>(socket));
}

template <class Access>
void host_port::each_piece(address where, bytes length, Access access) {
    const auto range = std::find_if(m_ranges.begin(), m_ranges.end(),
                                    [&](const platform::address_range& r) { return r.contains(where, length); });
    if (range == m_ranges.end())
        throw std::out_of_range(
            fmt::format("{} bytes at {:#x} do not lie within one memory", length.value(), where.value()));
    initiator& through = *m_initiators[static_cast<std::size_t>(range - m_ranges.begin())];
    for (bytes done; done < length;) {
        const bytes piece = std::min(length - done, k_piece);
        if (access(through, done, piece) != piece)
            throw std::out_of_range(fmt::format("no memory at {:#x}", (where + done).value()));
        done += piece;
    }
}

void host_port::poke(address where, const void* from, bytes length) {
    const auto* const data = static_cast<const unsigned char*>(from);
    each_piece(where, length, [&](initiator& through, bytes done, bytes piece) {
        return through.debug_write(where + done, piece, data + done.value());
    });
}

void host_port::peek(address where, void* into, bytes length) {
    auto* const data = static_cast<unsigned char*>(into);
    each_piece(where, length, [&](initiator& through, bytes done, bytes piece) {
        return through.debug_read(where + done, piece, data + done.value());
    });
}

} // namespace kpu::hw
