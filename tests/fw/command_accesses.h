#pragma once
// The bytes that a command reads and writes, from its descriptor alone.

#include "hw/fabric/number_format.h"
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
        return address(s.base.value() + i * s.stride[0] + j * s.stride[1] + k * s.stride[2] + l * s.stride[3]);
    };
    for (std::uint64_t i = 0; i < c.count[0]; ++i)
        for (std::uint64_t j = 0; j < c.count[1]; ++j)
            for (std::uint64_t k = 0; k < c.count[2]; ++k)
                for (std::uint64_t l = 0; l < c.count[3]; ++l)
                    body(at(c.source, i, j, k, l), at(c.destination, i, j, k, l));
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
        case iface::opcode::convert:
            add(iface::decode_vector(words));
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
    void add(const iface::fold_operands& f) {
        const std::uint64_t operand = size_of(f.type);
        const std::uint64_t cells = std::uint64_t{f.m} * f.n * size_of(accumulator_of(f.type));
        read(f.a, std::uint64_t{f.m} * f.k * operand);
        read(f.b, std::uint64_t{f.k} * f.n * operand);
        if (f.seeded)
            read(f.seed, cells);
        write(f.c, cells);
    }
    void add(const iface::vector_operands& v) {
        read(v.source, std::uint64_t{v.count} * size_of(v.from));
        write(v.destination, std::uint64_t{v.count} * size_of(v.to));
    }

    std::vector<byte_access> m_all, m_writes;
};

} // namespace kpu::test
