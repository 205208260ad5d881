#include "platforms/show.h"

#include "platforms/schema.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::platform {

namespace {

std::string size_of(bytes b) {
    return format_quantity(b.value(), measure::bytes);
}
std::string rate_of(std::uint64_t bytes_per_cycle) {
    return format_quantity(bytes_per_cycle, measure::bytes_per_cycle);
}

std::string units(std::uint64_t count, const std::string& one, const std::string& several) {
    return std::to_string(count) + " " + (count == 1 ? one : several);
}

std::string range_line(const address_range& range, const std::string& what) {
    const std::uint64_t first = range.base.value();
    return fmt::format("0x{:012x}  0x{:012x}  {:>8}  {}\n", first, first + range.size.value() - 1, size_of(range.size),
                       what);
}

/// Unit i of a range that consists of equal units.
address_range part(const address_range& whole, bytes unit, std::uint32_t i) {
    return {whole.base + unit * i, unit};
}

/// Lines in a frame, as wide as the widest of the whole picture.
class picture {
  public:
    void box(std::vector<std::string> lines) { m_items.push_back({true, std::move(lines)}); }
    void link(std::string label) { m_items.push_back({false, {std::move(label)}}); }

    [[nodiscard]] std::string text() const {
        std::size_t width = 0;
        for (const item& i : m_items)
            for (const std::string& line : i.lines)
                width = std::max(width, line.size());
        std::string out;
        const std::string rule = "+" + std::string(width + 2, '-') + "+\n";
        for (const item& i : m_items) {
            if (!i.framed) {
                out += "      |  " + i.lines.front() + "\n";
                continue;
            }
            out += rule;
            for (const std::string& line : i.lines)
                out += fmt::format("| {:<{}} |\n", line, width);
            out += rule;
        }
        return out;
    }

  private:
    struct item {
        bool framed;
        std::vector<std::string> lines;
    };
    std::vector<item> m_items;
};

std::string ports(const memory_params& m) {
    return fmt::format("{} read + {} write of {}", m.read_ports, m.write_ports, rate_of(m.port_width.value()));
}

std::vector<std::string> mover_lines(const std::string& title, const mover_params& m, std::uint64_t engines) {
    return {title, fmt::format("{} each, {} together; buffer {}, queue {}", rate_of(m.width.value()),
                               rate_of(m.width.value() * engines), size_of(m.in_flight), m.queue_depth)};
}

std::string crossbar_line(const std::string& name, const crossbar_params& x) {
    return fmt::format("{}: {} per port, {}", name, rate_of(x.port_width.value()),
                       format_quantity(x.hop_latency.value(), measure::cycles));
}

std::vector<std::string> dram_lines(const platform& p) {
    const double total = static_cast<double>(p.dram.bandwidth.value()) * p.dram.channels;
    return {fmt::format("DRAM {}: {}, {}", p.dram.kind, units(p.dram.channels, "channel", "channels"),
                        size_of(p.dram.capacity)),
            fmt::format("{} each, {:.1f} B/cycle together; {}, interleave {}",
                        format_quantity(p.dram.bandwidth.value(), measure::bytes_per_second),
                        total / static_cast<double>(p.clock.frequency.value()),
                        p.dram.timing == dram_timing::banked
                            ? "banked, " + p.dram.preset
                            : "latency " + format_quantity(p.dram.latency.value(), measure::picoseconds),
                        size_of(p.dram.interleave))};
}

std::vector<std::string> compute_lines(const platform& p) {
    constexpr std::size_t f32 = 1;
    std::vector<std::string> lines =
        mover_lines(units(p.array.count, "compute tile", "compute tiles") + ", each with " +
                        units(p.streamer.per_array, "streamer", "streamers"),
                    p.streamer.mover, p.streamer.per_array);
    const auto l1 = [&](const char* name, const memory_params& m) {
        lines.push_back(fmt::format("L1 {:<6}  {:>8}, ports {}", name, size_of(m.capacity), ports(m)));
    };
    l1("row", p.l1.row);
    l1("column", p.l1.column);
    l1("result", p.l1.result);
    lines.push_back(fmt::format("array {}x{}{}, vector unit of {}", p.array.rows, p.array.columns,
                                p.array.pipelined ? ", pipelined" : "", units(p.vector.lanes, "lane", "lanes")));
    const std::uint64_t peak = peak_macs(p, f32);
    lines.push_back(fmt::format("f32: {} MACs per cycle together, {:.1f} GFLOP/s", peak,
                                2e-9 * static_cast<double>(peak) * static_cast<double>(p.clock.frequency.value())));
    return lines;
}

} // namespace

std::string show_memory_map(const platform& p) {
    const address_map map = map_addresses(p);
    std::string out = fmt::format("{:<14}  {:<14}  {:>8}  {}\n", "first", "last", "size", "what");
    out += range_line(map.registers, "registers, on the control bus");
    for (std::size_t a = 0; a < map.l1.size(); ++a) {
        const std::string tile = "array " + std::to_string(a) + ": L1 ";
        out += range_line(map.l1[a].row, tile + "row buffer");
        out += range_line(map.l1[a].column, tile + "column buffer");
        out += range_line(map.l1[a].result, tile + "result buffer");
    }
    for (std::uint32_t b = 0; b < p.l2.banks; ++b)
        out += range_line(part(map.l2, p.l2.bank.capacity, b), "L2 bank " + std::to_string(b));
    out += range_line(map.l3, "L3, " + units(p.l3.tiles, "tile of ", "tiles of ") + size_of(p.l3.tile.capacity) +
                                  ", interleaved by " + size_of(p.l3.interleave));
    out += range_line(map.dram, "DRAM, " + units(p.dram.channels, "channel", "channels") + ", interleaved by " +
                                    size_of(p.dram.interleave));
    return out;
}

std::string show_diagram(const platform& p) {
    picture chip;
    chip.box(dram_lines(p));
    chip.link(crossbar_line("dram_crossbar", p.dram_crossbar));
    chip.box(mover_lines(units(p.dma.engines, "DMA engine", "DMA engines"), p.dma.mover, p.dma.engines));
    chip.link(crossbar_line("l3_crossbar", p.l3_crossbar));
    chip.box({fmt::format("L3: {} of {}, {}", units(p.l3.tiles, "tile", "tiles"), size_of(p.l3.tile.capacity),
                          size_of(p.l3.tile.capacity * p.l3.tiles)),
              "ports per tile " + ports(p.l3.tile) + "; interleave " + size_of(p.l3.interleave)});
    chip.link(crossbar_line("l3_crossbar", p.l3_crossbar));
    chip.box(mover_lines(units(p.block_mover.engines, "block mover", "block movers"), p.block_mover.mover,
                         p.block_mover.engines));
    chip.link(crossbar_line("l2_crossbar", p.l2_crossbar));
    chip.box({fmt::format("L2: {} of {}, {}", units(p.l2.banks, "bank", "banks"), size_of(p.l2.bank.capacity),
                          size_of(p.l2.bank.capacity * p.l2.banks)),
              "ports per bank " + ports(p.l2.bank)});
    chip.link(crossbar_line("l2_crossbar", p.l2_crossbar));
    chip.box(compute_lines(p));
    return fmt::format("{}, {}, {} engines\n", p.name, format_quantity(p.clock.frequency.value(), measure::hertz),
                       number_engines(p).count()) +
           chip.text() +
           fmt::format("management core on the control bus: {} per access, {}\n",
                       format_quantity(p.management.access_cost.value(), measure::cycles),
                       rate_of(p.management.burst_width.value()));
}

std::vector<difference> compare(const platform& a, const platform& b) {
    const schema& keys = schema::get();
    std::vector<difference> found;
    for (const field& f : keys.fields())
        if (f.get(a) != f.get(b))
            found.push_back({f.path, format_value(f, f.get(a)), format_value(f, f.get(b))});
    return found;
}

} // namespace kpu::platform
