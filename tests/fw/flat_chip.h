#pragma once
// A chip without time: executes bound commands in the order in which they were emitted, on flat memories, and shows
// every access to the hazard checker as if all engines ran at once. What it computes is what the stream means.

#include "fw/driver/machine.h"
#include "fw/loader/emitter.h"
#include "hw/fabric/fold_kernel.h"
#include "hw/fabric/number_format.h"
#include "hw/observe/hazard_checker.h"
#include "tests/fw/command_accesses.h"

#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

namespace kpu::test {

/// A machine description, as discovery would have found it.
struct machine_shape {
    std::uint32_t arrays = 1, rows = 4, columns = 4, dma = 1, movers = 1, streamers = 4;
    std::uint64_t l1_row = 4096, l1_column = 4096, l1_result = 4096, l2_bank = 16384, l3_tile = 65536, dram = 1 << 22;
    std::uint32_t l2_banks = 2, l3_tiles = 1;
    std::uint32_t dram_bytes_per_256_cycles = 32 * 256;
};

inline fw::machine make_machine(const machine_shape& shape) {
    fw::machine m;
    m.clock_khz = 1'000'000;
    m.descriptor_cost = 4;
    const auto add = [&](iface::engine_kind kind, std::uint32_t unit) {
        fw::engine_info e;
        e.id = engine_id(static_cast<std::uint16_t>(m.engines.size()));
        e.kind = kind;
        e.unit = unit;
        e.queue_depth = 32;
        e.capabilities[iface::mover_cap::bytes_cycle] = 64;
        e.capabilities[iface::mover_cap::start_cost] = 4;
        e.capabilities[iface::mover_cap::in_flight] = 16 * 1024;
        m.engines.push_back(e);
        return e.id;
    };
    for (std::uint32_t i = 0; i < shape.dma; ++i)
        m.dma.push_back(add(iface::engine_kind::dma, i));
    for (std::uint32_t i = 0; i < shape.movers; ++i)
        m.block_movers.push_back(add(iface::engine_kind::block_mover, i));
    std::uint64_t next = 0x1000000;
    const auto take = [&](std::uint64_t size) {
        const address base(next);
        next += round_up(size, 0x10000);
        return base;
    };
    for (std::uint32_t a = 0; a < shape.arrays; ++a) {
        fw::compute_tile tile;
        for (std::uint32_t s = 0; s < shape.streamers; ++s)
            tile.streamers.push_back(add(iface::engine_kind::streamer, a * shape.streamers + s));
        tile.array = add(iface::engine_kind::array, a);
        tile.vector_unit = add(iface::engine_kind::vector, a);
        tile.rows = shape.rows;
        tile.columns = shape.columns;
        tile.macs_per_pe.fill(1);
        tile.stream_bytes_per_cycle = 64;
        tile.row = {take(shape.l1_row), bytes(shape.l1_row)};
        tile.column = {take(shape.l1_column), bytes(shape.l1_column)};
        tile.result = {take(shape.l1_result), bytes(shape.l1_result)};
        m.tiles.push_back(tile);
    }
    m.l2 = {take(shape.l2_bank * shape.l2_banks),
            bytes(shape.l2_bank * shape.l2_banks),
            shape.l2_banks,
            bytes(shape.l2_bank),
            64 * 256,
            8};
    m.l3 = {take(shape.l3_tile * shape.l3_tiles),
            bytes(shape.l3_tile * shape.l3_tiles),
            shape.l3_tiles,
            bytes(4096),
            64 * 256,
            16};
    m.dram = {address(1ULL << 32), bytes(shape.dram), 1, bytes(256), shape.dram_bytes_per_256_cycles, 80};
    return m;
}

class flat_chip {
  public:
    explicit flat_chip(const fw::machine& m)
        : m_machine(m), m_kernel(m.tiles[0].rows, m.tiles[0].columns), m_low(m.l3.base.value() + m.l3.size.value()),
          m_dram(m.dram.size.value()), m_checker(options(m)) {}

    unsigned char* at(address where, std::uint64_t length) {
        if (where >= m_machine.dram.base) {
            const std::uint64_t offset = where.value() - m_machine.dram.base.value();
            if (!fits(offset, length, m_dram.size()))
                throw std::runtime_error("access beyond DRAM");
            return m_dram.data() + offset;
        }
        if (!fits(where.value(), length, m_low.size()))
            throw std::runtime_error("access beyond on-chip memory");
        return m_low.data() + where.value();
    }

    void initialise(address where, const void* data, std::uint64_t length) {
        std::memcpy(at(where, length), data, length);
        m_checker.note_initialised({where, bytes(length)});
    }

    void execute(const fw::bound_command& c) {
        const iface::command_header header = iface::decode_header(c.words);
        m_now = {c.engine, c.number, header.tag};
        if (c.number != ++m_numbers[c.engine.value()])
            throw std::runtime_error("commands of an engine are not numbered in order");
        for (const iface::wait_for& wait : header.waits)
            if (wait.count > m_numbers[wait.engine.value()] || (wait.engine == c.engine && wait.count >= c.number))
                throw std::runtime_error("a command waits for a later one");
        m_checker.on_start(m_now, header);
        const access_list accesses(c.words);
        for (const byte_access& a : accesses.all())
            show(a);
        switch (header.op) {
        case iface::opcode::copy:
            copy(iface::decode_copy(c.words));
            break;
        case iface::opcode::fold:
            fold(iface::decode_fold(c.words));
            break;
        case iface::opcode::vector:
            vector(iface::decode_vector(c.words));
            break;
        case iface::opcode::fill:
            fill(iface::decode_fill(c.words));
            break;
        case iface::opcode::gather:
            gather(iface::decode_gather(c.words));
            break;
        default:
            break;
        }
        m_checker.on_complete(m_now);
        ++m_executed;
    }

    hw::hazard_checker& checker() { return m_checker; }
    [[nodiscard]] std::uint64_t executed() const { return m_executed; }
    [[nodiscard]] std::uint64_t dram_bytes() const { return m_dram_bytes; }

  private:
    static hw::hazard_options options(const fw::machine& m) {
        hw::hazard_options o;
        o.engines = static_cast<std::uint32_t>(m.engines.size());
        return o;
    }
    void show(const byte_access& a) {
        if (a.where >= m_machine.dram.base)
            m_dram_bytes += a.length;
        m_checker.on_access(
            "flat", {m_now, a.is_write, a.where, bytes(a.length), picoseconds(m_executed), picoseconds(m_executed)});
    }
    void copy(const iface::copy_operands& c) {
        std::vector<unsigned char> data;
        for_each_run(c, [&](address from, address) {
            const unsigned char* p = at(from, c.run);
            data.insert(data.end(), p, p + c.run);
        });
        const unsigned char* next = data.data();
        for_each_run(c, [&](address, address to) {
            std::memcpy(at(to, c.run), next, c.run);
            next += c.run;
        });
    }
    void fold(const iface::fold_operands& all) {
        for (std::uint32_t i = 0; i < all.count; ++i)
            one_fold(fold_of(all, i));
    }
    void one_fold(const iface::fold_operands& f) {
        const std::uint64_t e = size_of(f.type);
        const std::uint64_t acc = size_of(accumulator_of(f.type));
        const std::uint64_t cells = std::uint64_t{f.m} * f.n * acc;
        const std::uint64_t a_bytes = std::uint64_t{f.m} * f.k * e;
        const std::uint64_t b_bytes = std::uint64_t{f.k} * f.n * e;
        std::vector<unsigned char> c(cells, 0);
        if (f.seeded)
            std::memcpy(c.data(), at(f.seed, cells), cells);
        m_kernel.fold(f.type, {f.m, f.n, f.k}, at(f.a, a_bytes), at(f.b, b_bytes), c.data());
        std::memcpy(at(f.c, cells), c.data(), cells);
    }
    /// Operands are read before anything is written, but for what the command itself has to see.
    void vector(const iface::vector_operands& v) {
        const auto bytes_at = [&](const iface::vector_side& side, iface::element_type type) {
            const hw::byte_range range = hw::range_of(v, side, type);
            const unsigned char* p = at(range.first, range.size.value());
            return std::vector<unsigned char>(p, p + range.size.value());
        };
        const std::vector<unsigned char> source = bytes_at(v.source, v.from);
        const std::vector<unsigned char> operand =
            iface::takes_operand(v.function) ? bytes_at(v.operand, v.from) : std::vector<unsigned char>();
        std::vector<unsigned char> result = bytes_at(v.destination, v.to);
        hw::compute(v, {source.data(), operand.data(), result.data()});
        std::memcpy(at(v.destination.base, result.size()), result.data(), result.size());
    }
    void fill(const iface::fill_operands& f) {
        for_each_run(as_copy(f), [&](address, address to) {
            unsigned char* p = at(to, f.run);
            for (std::uint32_t i = 0; i < f.run; ++i)
                p[i] = static_cast<unsigned char>(f.pattern >> 8 * (i % 8));
        });
    }

    void gather(const iface::gather_operands& g) {
        for (std::uint32_t i = 0; i < g.count; ++i) {
            std::uint32_t index = 0;
            std::memcpy(&index, at(g.indices + bytes(i * sizeof index), sizeof index), sizeof index);
            if (index >= g.rows)
                throw std::runtime_error("an index names no row");
            std::memmove(at(g.destination + bytes(std::uint64_t{i} * g.run), g.run),
                         at(g.source + bytes(index * g.pitch), g.run), g.run);
        }
    }

    const fw::machine& m_machine;
    hw::fold_kernel m_kernel;
    std::vector<unsigned char> m_low, m_dram;
    hw::hazard_checker m_checker;
    hw::command_ref m_now;
    std::map<std::uint16_t, std::uint32_t> m_numbers;
    std::uint64_t m_executed = 0;
    std::uint64_t m_dram_bytes = 0;
};

} // namespace kpu::test
