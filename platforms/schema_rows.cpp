// The rows of the table of keys.

#include "platforms/dram_presets.h"
#include "platforms/schema.h"

#include <algorithm>
#include <type_traits>

namespace kpu::platform {

namespace {

constexpr std::uint64_t k_kib = 1024, k_mib = k_kib * 1024, k_gib = k_mib * 1024, k_tib = k_gib * 1024;
constexpr std::uint64_t k_max_cycles = 1'000'000;
/// The address map has room for 4 GiB on the chip.
constexpr std::uint64_t k_max_memory = 2 * k_gib;

struct bounds {
    std::uint64_t min, max;
};
enum class shape { any, power_of_two };
constexpr const char* k_types[k_array_types] = {"f64", "f32", "f16", "bf16", "f8", "i8", "i32"};

/// A member's type seen as the value of a key and back.
template <class Member>
field_value to_value(const Member& m) {
    if constexpr (std::is_same_v<Member, bool> || std::is_same_v<Member, std::string>)
        return m;
    else if constexpr (std::is_same_v<Member, dram_timing>)
        return std::string(name_of(m));
    else if constexpr (std::is_integral_v<Member>)
        return std::uint64_t{m};
    else
        return m.value();
}

template <class Member>
void from_value(Member& m, const field_value& value) {
    if constexpr (std::is_same_v<Member, bool>)
        m = std::get<bool>(value);
    else if constexpr (std::is_same_v<Member, std::string>)
        m = std::get<std::string>(value);
    else if constexpr (std::is_same_v<Member, dram_timing>)
        m = std::get<std::string>(value) == name_of(dram_timing::banked) ? dram_timing::banked : dram_timing::fixed;
    else
        m = static_cast<Member>(std::get<std::uint64_t>(value));
}

/// Collects the table. `access` maps a platform, constant or not, to the member.
class table {
  public:
    table(std::vector<field>& fields, std::vector<section>& sections) : m_fields(fields), m_sections(sections) {}

    void open(const std::string& path, const std::string& doc) {
        m_sections.push_back({path, doc});
        m_prefix = path + ".";
    }

    template <class Access>
    field& value(const std::string& key, Access access, const std::string& doc) {
        field f;
        f.path = m_prefix + key;
        f.doc = doc;
        f.get = [access](const platform& p) { return to_value(access(p)); };
        f.set = [access](platform& p, const field_value& v) { from_value(access(p), v); };
        m_fields.push_back(std::move(f));
        return m_fields.back();
    }

    template <class Access>
    field& number(const std::string& key, Access access, measure what, bounds range, const std::string& doc,
                  shape s = shape::any) {
        field& f = value(key, access, doc);
        f.what = what;
        f.min = range.min;
        f.max = range.max;
        f.power_of_two = s == shape::power_of_two;
        return f;
    }

    /// A key of the energy section, which a platform has as a whole or not at all. `access` maps energy_params.
    template <class Access>
    void energy(const std::string& key, Access access, measure what, std::uint64_t max, const std::string& doc) {
        field f;
        f.path = m_prefix + key;
        f.what = what;
        f.max = max;
        f.required = true;
        f.doc = doc;
        f.derivation = "none";
        f.get = [access](const platform& p) { return p.energy ? to_value(access(*p.energy)) : field_value(); };
        f.set = [access](platform& p, const field_value& v) {
            from_value(access(p.energy ? *p.energy : p.energy.emplace()), v);
        };
        m_fields.push_back(std::move(f));
    }

  private:
    std::vector<field>& m_fields;
    std::vector<section>& m_sections;
    std::string m_prefix;
};

template <class Access>
void add_crossbar(table& t, const std::string& path, Access at, const std::string& joins) {
    t.open(path, "crossbar: " + joins);
    t.number(
        "port_width", [at](auto& p) -> auto& { return at(p).port_width; }, measure::bytes_per_cycle, {1, 4096},
        "of every initiator port and every target port", shape::power_of_two);
    t.number(
        "hop_latency", [at](auto& p) -> auto& { return at(p).hop_latency; }, measure::cycles, {0, k_max_cycles},
        "through the crossbar");
}

template <class Access>
void add_mover(table& t, Access at) {
    t.number(
        "queue_depth", [at](auto& p) -> auto& { return at(p).queue_depth; }, measure::count, {1, 4096},
        "commands that an engine's queue holds");
    t.number(
        "width", [at](auto& p) -> auto& { return at(p).width; }, measure::bytes_per_cycle, {1, 4096},
        "through one engine", shape::power_of_two);
    t.number(
        "start_cost", [at](auto& p) -> auto& { return at(p).start_cost; }, measure::cycles, {0, k_max_cycles},
        "from the head of the queue to the first request");
    t.number(
        "in_flight", [at](auto& p) -> auto& { return at(p).in_flight; }, measure::bytes, {128, 16 * k_mib},
        "an engine's buffer: read requested and not yet written");
    t.number(
        "chunk", [at](auto& p) -> auto& { return at(p).chunk; }, measure::bytes, {64, 8 * k_mib},
        "per simulated request, at most half of in_flight; a knob for simulation speed");
}

template <class Access>
void add_memory(table& t, Access at) {
    t.number(
        "capacity", [at](auto& p) -> auto& { return at(p).capacity; }, measure::bytes, {64, k_max_memory},
        "of one unit");
    t.number(
        "read_ports", [at](auto& p) -> auto& { return at(p).read_ports; }, measure::count, {1, 64}, "");
    t.number(
        "write_ports", [at](auto& p) -> auto& { return at(p).write_ports; }, measure::count, {1, 64}, "");
    t.number(
        "port_width", [at](auto& p) -> auto& { return at(p).port_width; }, measure::bytes_per_cycle, {1, 4096},
        "of every port", shape::power_of_two);
    t.number(
        "latency", [at](auto& p) -> auto& { return at(p).latency; }, measure::cycles, {0, k_max_cycles},
        "from a request to its first data");
}

std::uint64_t power_of_two_from(std::uint64_t value) {
    std::uint64_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

/// As wide as an edge of the array with 8-byte elements: enough for f64, and for f32 with a second stream beside it.
void derive_port_width(field& f, std::uint32_t array_params::*edge, const std::string& name) {
    f.derive = [edge](const platform& p) { return power_of_two_from(std::uint64_t{p.array.*edge} * 8); };
    f.derivation = "8B for each of the array's " + name + ", rounded up to a power of two";
}

void add_chip(table& t) {
    t.value(
         "name", [](auto& p) -> auto& { return p.name; }, "for reports and traces")
        .derivation = "the file's name";
    t.value(
        "description", [](auto& p) -> auto& { return p.description; }, "for reports");
    t.open("clock", "the core clock");
    t.number(
        "frequency", [](auto& p) -> auto& { return p.clock.frequency; }, measure::hertz, {1'000'000, 10'000'000'000},
        "its period must be a whole number of picoseconds");
}

/// A value of the device: as in the preset unless given.
template <class Member>
void add_device(table& t, const std::string& key, Member dram_device::*member, measure what, bounds range,
                const std::string& doc, shape s = shape::any) {
    field& f = t.number(
        key, [member](auto& p) -> auto& { return p.dram.device.*member; }, what, range, doc, s);
    f.derive = [member](const platform& p) -> std::uint64_t {
        const dram_preset* preset = find_dram_preset(p.dram.preset);
        const dram_device device = preset != nullptr ? preset->device : p.dram.device;
        if constexpr (std::is_integral_v<Member>)
            return device.*member;
        else
            return (device.*member).value();
    };
    f.derivation = "the preset's";
}

void add_dram_device(table& t) {
    t.open("dram.device", "the device of a (sub-)channel, for timing: banked; times are minima between commands");
    add_device(t, "bank_groups", &dram_device::bank_groups, measure::count, {1, 16},
               "consecutive bursts go to them in turn", shape::power_of_two);
    add_device(t, "banks", &dram_device::banks, measure::count, {1, 64}, "of a group", shape::power_of_two);
    add_device(t, "row", &dram_device::row, measure::bytes, {1, k_mib}, "of one bank", shape::power_of_two);
    const auto time = [&t](const char* key, picoseconds dram_device::*member, const char* doc) {
        add_device(t, key, member, measure::picoseconds, {0, 1'000'000'000}, doc);
    };
    time("t_cl", &dram_device::t_cl, "read to its first data");
    time("t_cwl", &dram_device::t_cwl, "write to its first data");
    time("t_rcd", &dram_device::t_rcd, "activate to read or write");
    time("t_rp", &dram_device::t_rp, "precharge to activate");
    time("t_ras", &dram_device::t_ras, "activate to precharge");
    time("t_rc", &dram_device::t_rc, "activate to activate of the same bank");
    time("t_rtp", &dram_device::t_rtp, "read to precharge");
    time("t_wr", &dram_device::t_wr, "last data of a write to precharge");
    time("t_ccd_s", &dram_device::t_ccd_s, "read to read, write to write, of different groups");
    time("t_ccd_l", &dram_device::t_ccd_l, "the same within a group");
    time("t_rrd_s", &dram_device::t_rrd_s, "activate to activate of different groups");
    time("t_rrd_l", &dram_device::t_rrd_l, "the same within a group");
    time("t_faw", &dram_device::t_faw, "activate to the fourth activate after it");
    time("t_wtr_s", &dram_device::t_wtr_s, "last data of a write to a read of another group");
    time("t_wtr_l", &dram_device::t_wtr_l, "the same within a group");
    time("t_rtw", &dram_device::t_rtw, "read to write");
    time("t_rfc", &dram_device::t_rfc, "a refresh of all banks, which leaves all rows closed");
    time("t_refi", &dram_device::t_refi, "refresh to refresh; 0ps: there is none");
}

void add_dram(table& t) {
    t.open("dram", "external memory: equal channels, interleaved");
    t.value(
        "kind", [](auto& p) -> auto& { return p.dram.kind; }, "for reports");
    t.value(
         "timing", [](auto& p) -> auto& { return p.dram.timing; },
         "fixed: latency and bandwidth; banked: rows, banks and refresh of `device`")
        .choices = {name_of(dram_timing::fixed), name_of(dram_timing::banked)};
    field& preset = t.value(
        "preset", [](auto& p) -> auto& { return p.dram.preset; }, "where values of `device` come from; table below");
    for (const dram_preset& known : dram_presets())
        preset.choices.push_back(known.name);
    t.number(
        "channels", [](auto& p) -> auto& { return p.dram.channels; }, measure::count, {1, 256}, "");
    t.number(
        "sub_channels", [](auto& p) -> auto& { return p.dram.sub_channels; }, measure::count, {1, 256},
        "banked: independent parts of a channel, such as the channels of an HBM stack, with an equal share of its "
        "bandwidth and capacity",
        shape::power_of_two);
    t.number(
        "capacity", [](auto& p) -> auto& { return p.dram.capacity; }, measure::bytes, {64 * k_kib, 64 * k_tib},
        "of all channels together, a multiple of channels * interleave");
    t.number(
        "bandwidth", [](auto& p) -> auto& { return p.dram.bandwidth; }, measure::bytes_per_second,
        {1'000'000, 100'000'000'000'000}, "of one channel; does not depend on the core clock");
    t.number(
        "latency", [](auto& p) -> auto& { return p.dram.latency; }, measure::picoseconds, {0, 1'000'000'000},
        "fixed: from a request to its first data");
    t.number(
        "burst", [](auto& p) -> auto& { return p.dram.burst; }, measure::bytes, {1, 4096},
        "smallest transfer; shorter or misaligned accesses cost whole bursts", shape::power_of_two);
    t.number(
        "interleave", [](auto& p) -> auto& { return p.dram.interleave; }, measure::bytes, {16, 16 * k_mib},
        "consecutive bytes on one channel (and sub-channel), at least a burst", shape::power_of_two);
    field& controller = t.number(
        "controller_latency", [](auto& p) -> auto& { return p.dram.controller_latency; }, measure::picoseconds,
        {0, 1'000'000'000}, "banked: from a request to the device and back, on top of the device's time");
    controller.derive = [](const platform& p) -> std::uint64_t {
        const picoseconds closed = p.dram.device.t_rcd + p.dram.device.t_cl;
        return p.dram.latency > closed ? (p.dram.latency - closed).value() : 0;
    };
    controller.derivation = "latency less the device's t_rcd and t_cl";
    add_dram_device(t);
}

void add_l3_and_l2(table& t) {
    add_crossbar(
        t, "dram_crossbar", [](auto& p) -> auto& { return p.dram_crossbar; }, "DMA engines, DRAM channels");
    t.open("dma", "DMA engines: DRAM to and from L3");
    t.number(
        "engines", [](auto& p) -> auto& { return p.dma.engines; }, measure::count, {1, 64}, "");
    add_mover(
        t, [](auto& p) -> auto& { return p.dma.mover; });
    add_crossbar(
        t, "l3_crossbar", [](auto& p) -> auto& { return p.l3_crossbar; }, "DMA engines, block movers, L3 tiles");
    t.open("l3", "the shared memory on the chip");
    t.number(
        "tiles", [](auto& p) -> auto& { return p.l3.tiles; }, measure::count, {1, 256}, "");
    t.number(
        "interleave", [](auto& p) -> auto& { return p.l3.interleave; }, measure::bytes, {16, 16 * k_mib},
        "consecutive bytes in one tile; divides a tile's capacity", shape::power_of_two);
    t.open("l3.tile", "one L3 tile");
    add_memory(
        t, [](auto& p) -> auto& { return p.l3.tile; });
    t.open("block_mover", "block movers: L3 to and from L2");
    t.number(
        "engines", [](auto& p) -> auto& { return p.block_mover.engines; }, measure::count, {1, 64}, "");
    add_mover(
        t, [](auto& p) -> auto& { return p.block_mover.mover; });
    add_crossbar(
        t, "l2_crossbar", [](auto& p) -> auto& { return p.l2_crossbar; }, "block movers, streamers, L2 banks");
    t.open("l2", "the memory beside the arrays: banks at consecutive ranges of the address map");
    t.number(
        "banks", [](auto& p) -> auto& { return p.l2.banks; }, measure::count, {1, 256}, "");
    t.open("l2.bank", "one L2 bank");
    add_memory(
        t, [](auto& p) -> auto& { return p.l2.bank; });
}

/// The last row of a mapping's memory keys that has the given name.
field& row_named(std::vector<field>& fields, const std::string& path) {
    return *std::find_if(fields.begin(), fields.end(), [&](const field& f) { return f.path == path; });
}

void add_compute_tile(table& t, std::vector<field>& fields) {
    t.open("streamer", "streamers of every compute tile: L2 to and from L1");
    t.number(
        "per_array", [](auto& p) -> auto& { return p.streamer.per_array; }, measure::count, {1, 4},
        "row stream, column stream, seeds, results: one each, the last one takes what is left");
    add_mover(
        t, [](auto& p) -> auto& { return p.streamer.mover; });
    t.open("l1", "buffers of every compute tile");
    t.open("l1.row", "panels of A");
    add_memory(
        t, [](auto& p) -> auto& { return p.l1.row; });
    t.open("l1.column", "panels of B");
    add_memory(
        t, [](auto& p) -> auto& { return p.l1.column; });
    t.open("l1.result", "seeds and results, cells of C");
    add_memory(
        t, [](auto& p) -> auto& { return p.l1.result; });
    derive_port_width(row_named(fields, "l1.row.port_width"), &array_params::rows, "rows");
    derive_port_width(row_named(fields, "l1.column.port_width"), &array_params::columns, "columns");
    derive_port_width(row_named(fields, "l1.result.port_width"), &array_params::columns, "columns");
}

void add_compute(table& t) {
    t.open("array", "systolic arrays, one per compute tile");
    t.number(
        "count", [](auto& p) -> auto& { return p.array.count; }, measure::count, {1, 64}, "compute tiles");
    t.number(
        "rows", [](auto& p) -> auto& { return p.array.rows; }, measure::count, {1, 1024}, "");
    t.number(
        "columns", [](auto& p) -> auto& { return p.array.columns; }, measure::count, {1, 1024}, "");
    t.value(
        "pipelined", [](auto& p) -> auto& { return p.array.pipelined; },
        "double accumulators: the next fold's wavefront follows directly");
    t.number(
        "queue_depth", [](auto& p) -> auto& { return p.array.queue_depth; }, measure::count, {1, 4096},
        "commands that an array's queue holds");
    t.number(
        "start_cost", [](auto& p) -> auto& { return p.array.start_cost; }, measure::cycles, {0, k_max_cycles},
        "from the head of the queue to the first operand");
    t.open("array.macs_per_pe", "multiply-accumulates per processing element and cycle; 0: the type is not supported");
    for (std::size_t i = 0; i < k_array_types; ++i)
        t.number(
            k_types[i], [i](auto& p) -> auto& { return p.array.macs_per_pe[i]; }, measure::count, {0, 64}, "");
    t.open("vector", "vector units, one per compute tile");
    t.number(
        "lanes", [](auto& p) -> auto& { return p.vector.lanes; }, measure::count, {1, 4096}, "elements per cycle");
    t.number(
        "queue_depth", [](auto& p) -> auto& { return p.vector.queue_depth; }, measure::count, {1, 4096},
        "commands that a vector unit's queue holds");
    t.number(
        "start_cost", [](auto& p) -> auto& { return p.vector.start_cost; }, measure::cycles, {0, k_max_cycles},
        "from the head of the queue to the first request");
    t.number(
        "latency", [](auto& p) -> auto& { return p.vector.latency; }, measure::cycles, {0, k_max_cycles},
        "from an element's arrival to its result");
}

void add_management(table& t) {
    t.open("management", "the processor that runs the firmware");
    t.number(
        "access_cost", [](auto& p) -> auto& { return p.management.access_cost; }, measure::cycles, {0, k_max_cycles},
        "per register access or burst");
    t.number(
        "burst_width", [](auto& p) -> auto& { return p.management.burst_width; }, measure::bytes_per_cycle, {4, 1024},
        "further cost of a burst: a cycle per that many bytes", shape::power_of_two);
    t.number(
        "interrupt_cost", [](auto& p) -> auto& { return p.management.interrupt_cost; }, measure::cycles,
        {0, k_max_cycles}, "from line high to firmware running");
}

/// Ten times the highest published figure and more: beyond it a value is a slip of the unit.
constexpr std::uint64_t k_max_event = 1'000'000;     ///< 1 nJ for an operation
constexpr std::uint64_t k_max_byte = 10'000'000;     ///< 10 nJ per byte
constexpr std::uint64_t k_max_row = 1'000'000'000;   ///< 1 uJ for a row
constexpr std::uint64_t k_max_power = 1'000'000'000; ///< 1 kW

template <class Access>
void add_access_energy(table& t, const std::string& level, Access at) {
    t.open("energy." + level, "per byte");
    t.energy(
        "read", [at](auto& e) -> auto& { return at(e).read; }, measure::femtojoules_per_byte, k_max_byte, "");
    t.energy(
        "write", [at](auto& e) -> auto& { return at(e).write; }, measure::femtojoules_per_byte, k_max_byte, "");
}

void add_energy(table& t) {
    t.open("energy", "what events cost: all keys or no section, and then nothing is reported about energy");
    t.energy(
        "vector", [](auto& e) -> auto& { return e.vector; }, measure::femtojoules, k_max_event,
        "per element of a vector operation");
    t.energy(
        "dma", [](auto& e) -> auto& { return e.dma; }, measure::femtojoules_per_byte, k_max_byte,
        "through a DMA engine, without the memories at its ends");
    t.energy(
        "block_mover", [](auto& e) -> auto& { return e.block_mover; }, measure::femtojoules_per_byte, k_max_byte,
        "through a block mover");
    t.energy(
        "streamer", [](auto& e) -> auto& { return e.streamer; }, measure::femtojoules_per_byte, k_max_byte,
        "through a streamer");
    t.energy(
        "interconnect", [](auto& e) -> auto& { return e.interconnect; }, measure::femtojoules_per_byte, k_max_byte,
        "through a crossbar");
    t.energy(
        "chip_static", [](auto& e) -> auto& { return e.chip_static; }, measure::microwatts, k_max_power,
        "leakage and clock of the whole chip");
    t.energy(
        "dram_standby", [](auto& e) -> auto& { return e.dram_standby; }, measure::microwatts, k_max_power,
        "of all channels together");
    t.open("energy.mac", "per multiply-accumulate of an array, by type");
    for (std::size_t i = 0; i < k_array_types; ++i)
        t.energy(
            k_types[i], [i](auto& e) -> auto& { return e.mac[i]; }, measure::femtojoules, k_max_event, "");
    add_access_energy(
        t, "dram", [](auto& e) -> auto& { return e.dram; });
    t.energy(
        "activation", [](auto& e) -> auto& { return e.dram_activation; }, measure::femtojoules, k_max_row,
        "per row opened; 0 where read and write contain it");
    add_access_energy(
        t, "l3", [](auto& e) -> auto& { return e.l3; });
    add_access_energy(
        t, "l2", [](auto& e) -> auto& { return e.l2; });
    add_access_energy(
        t, "l1", [](auto& e) -> auto& { return e.l1; });
}

} // namespace

const schema& schema::get() {
    static const schema one;
    return one;
}

schema::schema() {
    table t(m_fields, m_sections);
    add_chip(t);
    add_dram(t);
    add_l3_and_l2(t);
    add_compute_tile(t, m_fields);
    add_compute(t);
    add_management(t);
    add_energy(t);
}

} // namespace kpu::platform
