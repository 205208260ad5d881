#pragma once
// The bytes that a command reads and writes, from its descriptor alone.

#include "hw/fabric/vector_kernel.h"
#include "hw/interface/descriptor.h"

#include <cstdint>
#include <vector>

namespace kpu::test {

struct byte_access {
    bool is_write = false;
    address where;
    std::uint64_t length = 0;
};

/// Calls `body(source, destination)` for every run of a copy, in its order.
template <class Body>
void for_each_run(const iface::copy_operands& c, Body body) {
    const auto at = [](const iface::copy_side& s, std::uint64_t i, std::uint64_t j, std::uint64_t k, std::uint64_t l) {
        const auto step = [&](std::size_t d) { // signed
            return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(s.stride[d])});
        };
        return address(s.base.value() + i * step(0) + j * step(1) + k * step(2) + l * step(3));
    };
    for (std::uint64_t i = 0; i < c.count[0]; ++i)
        for (std::uint64_t j = 0; j < c.count[1]; ++j)
            for (std::uint64_t k = 0; k < c.count[2]; ++k)
                for (std::uint64_t l = 0; l < c.count[3]; ++l)
                    body(at(c.source, i, j, k, l), at(c.destination, i, j, k, l));
}

/// A fill's walk, as a copy onto itself.
inline iface::copy_operands as_copy(const iface::fill_operands& f) {
    return {f.count, f.run, f.destination, f.destination};
}

/// One of a command's folds, by itself.
inline iface::fold_operands fold_of(iface::fold_operands all, std::uint32_t number) {
    all.a = all.a + bytes(std::uint64_t{number} * all.a_stride);
    all.c = all.c + bytes(std::uint64_t{number} * all.c_stride);
    all.seed = all.seed + bytes(std::uint64_t{number} * all.c_stride);
    all.count = 1;
    return all;
}

/// Reads come before writes; runs that follow each other directly are one access.
class access_list {
  public:
    explicit access_list(const iface::descriptor_words& words) {
        switch (iface::decode_header(words).op) {
        case iface::opcode::copy:
            add(iface::decode_copy(words));
            break;
        case iface::opcode::fold:
            add(iface::decode_fold(words));
            break;
        case iface::opcode::vector:
            add(iface::decode_vector(words));
            break;
        case iface::opcode::fill:
            add(iface::decode_fill(words));
            break;
        case iface::opcode::gather:
            add(iface::decode_gather(words));
            break;
        default:
            break;
        }
        m_all.insert(m_all.end(), m_writes.begin(), m_writes.end());
    }
    [[nodiscard]] const std::vector<byte_access>& all() const { return m_all; }

  private:
    static void extend(std::vector<byte_access>& list, bool is_write, address where, std::uint64_t length) {
        if (!list.empty() && list.back().where + bytes(list.back().length) == where)
            list.back().length += length;
        else
            list.push_back({is_write, where, length});
    }
    void read(address where, std::uint64_t length) { extend(m_all, false, where, length); }
    void write(address where, std::uint64_t length) { extend(m_writes, true, where, length); }

    void add(const iface::copy_operands& c) {
        for_each_run(c, [&](address from, address to) {
            read(from, c.run);
            write(to, c.run);
        });
    }
    void add(const iface::fold_operands& all) {
        for (std::uint32_t i = 0; i < all.count; ++i)
            add_one(fold_of(all, i));
    }
    void add_one(const iface::fold_operands& f) {
        const std::uint64_t operand = size_of(f.type);
        const std::uint64_t cells = std::uint64_t{f.m} * f.n * size_of(accumulator_of(f.type));
        read(f.a, std::uint64_t{f.m} * f.k * operand);
        read(f.b, std::uint64_t{f.k} * f.n * operand);
        if (f.seeded)
            read(f.seed, cells);
        write(f.c, cells);
    }
    void add(const iface::vector_operands& v) {
        const auto read_side = [&](const iface::vector_side& side, iface::element_type type) {
            const hw::byte_range range = hw::range_of(v, side, type);
            read(range.first, range.size.value());
        };
        read_side(v.source, v.from);
        if (iface::takes_operand(v.function))
            read_side(v.operand, v.from);
        if (hw::reads_destination(v))
            read_side(v.destination, v.to);
        for (std::uint32_t i = 0; i < v.count[0]; ++i)
            for (std::uint32_t j = 0; j < v.count[1]; ++j)
                for (std::uint32_t k = 0; k < v.count[2]; ++k)
                    write(v.destination.base + bytes(std::uint64_t{i} * v.destination.stride[0] +
                                                     std::uint64_t{j} * v.destination.stride[1] +
                                                     std::uint64_t{k} * v.destination.stride[2]),
                          size_of(v.to));
    }
    void add(const iface::fill_operands& f) {
        for_each_run(as_copy(f), [&](address, address to) { write(to, f.run); });
    }

    /// Any row may be read.
    void add(const iface::gather_operands& g) {
        read(g.indices, std::uint64_t{g.count} * sizeof(std::int32_t));
        read(g.source, (g.rows - 1) * g.pitch + g.run);
        write(g.destination, std::uint64_t{g.count} * g.run);
    }

    std::vector<byte_access> m_all, m_writes;
};

} // namespace kpu::test
