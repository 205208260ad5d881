#include "hw/movers/strided_walk.h"

#include <algorithm>

namespace kpu::hw {

namespace {

/// To be added to addresses modulo 2^64.
std::uint64_t signed_stride(std::uint32_t word) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(word)));
}

} // namespace

bytes total_bytes(const iface::copy_operands& copy) {
    std::uint64_t total = copy.run;
    for (const std::uint32_t count : copy.count) {
        if (count > 1 && total > k_largest_copy / count)
            return bytes(0);
        total *= count;
    }
    return bytes(total);
}

strided_walk::strided_walk(const iface::copy_operands& copy, const iface::copy_side& side)
    : m_base(side.base.value()), m_run(copy.run), m_left(total_bytes(copy).value()), m_here(m_base) {
    for (std::size_t d = iface::k_copy_dims; d-- > 0;) {
        const std::uint64_t count = copy.count[d];
        const std::uint64_t stride = signed_stride(side.stride[d]);
        if (count == 1)
            continue;
        if (m_rank == 0 && stride == m_run) {
            m_run *= count;
        } else if (m_rank > 0 && stride == m_dims[m_rank - 1].count * m_dims[m_rank - 1].stride) {
            m_dims[m_rank - 1].count *= count;
        } else {
            m_dims[m_rank].count = count;
            m_dims[m_rank].stride = stride;
            ++m_rank;
        }
    }
}

void strided_walk::advance() {
    m_offset = 0;
    for (std::size_t d = 0; d < m_rank; ++d) {
        dimension& dim = m_dims[d];
        m_here += dim.stride;
        if (++dim.index < dim.count)
            return;
        m_here -= dim.count * dim.stride;
        dim.index = 0;
    }
}

segment strided_walk::next(bytes limit) {
    const std::uint64_t start = m_here + m_offset;
    std::uint64_t length = 0;
    while (length < limit.value() && m_left > 0 && m_here + m_offset == start + length) {
        const std::uint64_t take = std::min(limit.value() - length, m_run - m_offset);
        length += take;
        m_left -= take;
        m_offset += take;
        if (m_offset == m_run)
            advance();
    }
    return {address(start), bytes(length)};
}

address strided_walk::locate(bytes position) const {
    if (m_rank == 0)
        return address(m_base + position.value());
    std::uint64_t where = m_base + position.value() % m_run;
    std::uint64_t nth = position.value() / m_run;
    for (std::size_t d = 0; d < m_rank; ++d) {
        where += nth % m_dims[d].count * m_dims[d].stride;
        nth /= m_dims[d].count;
    }
    return address(where);
}

segment row_walk::next(bytes limit) {
    const std::uint64_t length = std::min(limit.value(), m_run - m_offset);
    const address where = m_source + bytes(m_indices[m_row] * m_pitch + m_offset);
    m_offset += length;
    if (m_offset == m_run) {
        m_offset = 0;
        ++m_row;
    }
    return {where, bytes(length)};
}

bytes chunk_length(const strided_walk& side, bytes position, bytes left, bytes limit, bytes alignment) {
    const std::uint64_t run = side.run().value();
    const std::uint64_t within = position.value() % run;
    std::uint64_t length = 0;
    if (run <= limit.value()) {
        length = limit.value() / run * run - within;
    } else {
        const std::uint64_t start = side.locate(position).value();
        const std::uint64_t end = (start + limit.value()) / alignment.value() * alignment.value();
        length = std::min(run - within, end > start ? end - start : limit.value());
    }
    return std::min(bytes(length), left);
}

} // namespace kpu::hw
