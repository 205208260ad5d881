#pragma once
// The register map as constexpr data: one table per kind of block. The register-file engine in hw/registers interprets
// it, the drivers in fw/driver take their offsets and field positions from it, and the documentation is printed from
// it.

#include <array>
#include <cstdint>
#include <string_view>

namespace kpu::iface {

/// Software access: ro (hardware writes), rw, w1c (write 1 clears the bit), w1p (write 1 pulses, reads 0).
enum class access : std::uint8_t { ro, rw, w1c, w1p };

struct field_spec {
    std::string_view name;
    std::uint8_t lsb;
    std::uint8_t width;
    access policy;
    std::uint32_t reset;
    std::string_view doc;
};

inline constexpr std::size_t k_max_fields = 6;

/// `count` registers of 32 bits, `offset` bytes from the block's base on, four bytes apart. Bits outside the fields
/// read as zero and ignore writes.
struct register_spec {
    std::string_view name;
    std::uint32_t offset;
    std::uint32_t count;
    std::array<field_spec, k_max_fields> fields;
    std::size_t field_count;
    std::string_view doc;
};

template <class... Fields>
constexpr register_spec reg(std::string_view name, std::uint32_t offset, std::uint32_t count, std::string_view doc,
                            Fields... fields) {
    static_assert(sizeof...(Fields) >= 1 && sizeof...(Fields) <= k_max_fields);
    return {name, offset, count, {fields...}, sizeof...(Fields), doc};
}

constexpr field_spec whole(access policy, std::uint32_t reset = 0) {
    return {"value", 0, 32, policy, reset, ""};
}

// ---- one engine: a window of k_engine_window bytes
// --------------------------------------------------------------------------

inline constexpr std::uint32_t k_engine_window = 0x400;
inline constexpr std::uint32_t k_descriptor_words = 32;

namespace engine_reg {
inline constexpr std::uint32_t id = 0x000, queue_depth = 0x004, capability = 0x010, status = 0x040, error_cause = 0x044,
                               error_command = 0x048, error_tag = 0x04c, irq_status = 0x050, irq_enable = 0x054,
                               irq_watermark = 0x058, control = 0x05c, perf = 0x080, descriptor = 0x200,
                               doorbell = descriptor + 4 * k_descriptor_words;
inline constexpr std::uint32_t capabilities = 12;
inline constexpr std::uint32_t irq_queue_low = 1u << 0, irq_idle = 1u << 1, irq_error = 1u << 2, irq_command = 1u << 3;
} // namespace engine_reg

/// Performance counters: 64 bits each, low word first, from engine_reg::perf on.
enum class perf_counter : std::uint8_t {
    commands,       ///< completed
    busy,           ///< cycles of useful work
    stall_dma,      ///< cycles at the head of the queue waiting for a dma engine …
    stall_mover,    ///< … a block mover
    stall_streamer, ///< … a streamer
    stall_array,    ///< … an array
    stall_vector,   ///< … a vector unit
    stall_read,     ///< cycles lost to the memory read from, or the way to it
    stall_write,    ///< cycles lost to the memory written to, or the way to it
    idle,           ///< cycles with an empty queue
    read_bytes,
    write_bytes,
    macs,     ///< useful multiply-accumulates
    elements, ///< results of vector operations
    count_
};
inline constexpr std::uint32_t k_perf_counters = static_cast<std::uint32_t>(perf_counter::count_);

inline constexpr std::array k_engine_registers = {
    reg("id", engine_reg::id, 1, "what this engine is", field_spec{"kind", 0, 8, access::ro, 0, "engine_kind"},
        field_spec{"unit", 8, 8, access::ro, 0, "number among its kind"},
        field_spec{"engine", 16, 16, access::ro, 0, "engine id"}),
    reg("queue_depth", engine_reg::queue_depth, 1, "commands that the queue holds", whole(access::ro)),
    reg("capability", engine_reg::capability, engine_reg::capabilities, "by kind; see hw/interface/capabilities.h",
        whole(access::ro)),
    reg("status", engine_reg::status, 1, "state of the queue",
        field_spec{"free", 0, 16, access::ro, 0, "free queue entries"},
        field_spec{"busy", 16, 1, access::ro, 0, "a command is executing or waiting"},
        field_spec{"halted", 17, 1, access::ro, 0, "stopped at a fault"},
        field_spec{"rejected", 18, 1, access::ro, 0, "the last doorbell found the queue full"}),
    reg("error_cause", engine_reg::error_cause, 1, "why the queue stopped",
        field_spec{"cause", 0, 8, access::w1c, 0, "fault code; writing ones clears it"}),
    reg("error_command", engine_reg::error_command, 1, "number of the faulty command (1 is the first)",
        whole(access::ro)),
    reg("error_tag", engine_reg::error_tag, 1, "tag of the faulty command", whole(access::ro)),
    reg("irq_status", engine_reg::irq_status, 1, "pending causes; sticky until cleared",
        field_spec{"queue_low", 0, 1, access::w1c, 0, "the number of queued commands fell to the watermark"},
        field_spec{"idle", 1, 1, access::w1c, 0, "the last command completed"},
        field_spec{"error", 2, 1, access::w1c, 0, "the queue stopped at a fault"},
        field_spec{"command", 3, 1, access::w1c, 0, "a command with the interrupt flag completed"}),
    reg("irq_enable", engine_reg::irq_enable, 1, "which causes raise the line",
        field_spec{"enable", 0, 4, access::rw, 0, ""}),
    reg("irq_watermark", engine_reg::irq_watermark, 1, "queue_low fires when this many commands are left in the queue",
        field_spec{"level", 0, 16, access::rw, 0, ""}),
    reg("control", engine_reg::control, 1, "",
        field_spec{"reset", 0, 1, access::w1p, 0, "drop the queue, clear faults, counters and semaphore"}),
    reg("perf", engine_reg::perf, 2 * k_perf_counters, "counters, 64 bits each, low word first", whole(access::ro)),
    reg("descriptor", engine_reg::descriptor, k_descriptor_words, "the next command; see hw/interface/descriptor.h",
        whole(access::rw)),
    reg("doorbell", engine_reg::doorbell, 1, "pushes the descriptor window into the queue",
        field_spec{"push", 0, 1, access::w1p, 0, "lies behind the window, so that one burst writes both"}),
};

// ---- system controller: identity, engine table, memories, semaphores, interrupts
// ---------------------------------------------

inline constexpr std::uint32_t k_system_magic = 0x4b505531; // "KPU1"
inline constexpr std::uint32_t k_max_engines = 256;

namespace system_reg {
inline constexpr std::uint32_t magic = 0x000, engines = 0x004, arrays = 0x008, clock_khz = 0x00c,
                               descriptor_cost = 0x010, memory = 0x020, irq_pending = 0x100, semaphore = 0x400;
/// Memory k (memory_kind) is described by nine words: base low/high, size low/high, number of units, the consecutive
/// bytes that lie in one unit, the peak bytes that all units together deliver in 256 core cycles, the core cycles
/// from a request of a mover on its near side to the first data, with nothing else going on, and the bytes that a unit
/// moves whole: DRAM's burst, which is touched or not; others' port.
inline constexpr std::uint32_t memory_words = 9;
inline constexpr std::uint32_t window = 0x800;
} // namespace system_reg

/// The shared memories. Each is one contiguous range of the address map; `units` of equal size (L3 tiles, L2 banks,
/// DRAM channels).
enum class memory_kind : std::uint8_t { dram = 0, l3 = 1, l2 = 2 };
inline constexpr std::uint32_t k_memory_kinds = 3;

inline constexpr std::array k_system_registers = {
    reg("magic", system_reg::magic, 1, "identifies the register map", whole(access::ro, k_system_magic)),
    reg("engines", system_reg::engines, 1,
        "engines on the chip; engine e's window follows the system window at e * k_engine_window", whole(access::ro)),
    reg("arrays", system_reg::arrays, 1,
        "compute tiles: systolic arrays with their streamers, L1 buffers and vector unit", whole(access::ro)),
    reg("clock_khz", system_reg::clock_khz, 1, "core clock", whole(access::ro)),
    reg("descriptor_cost", system_reg::descriptor_cost, 1,
        "core cycles that the management core takes to write one descriptor", whole(access::ro)),
    reg("memory", system_reg::memory, k_memory_kinds* system_reg::memory_words,
        "base, size, units, interleave, bandwidth, latency and burst of DRAM, L3, L2", whole(access::ro)),
    reg("irq_pending", system_reg::irq_pending, k_max_engines / 32, "one bit per engine whose line is high",
        whole(access::ro)),
    reg("semaphore", system_reg::semaphore, k_max_engines, "commands completed, per engine", whole(access::ro)),
};

/// Control-bus address of engine e's window.
[[nodiscard]] constexpr std::uint64_t engine_base(std::uint32_t engine) {
    return system_reg::window + std::uint64_t{engine} * k_engine_window;
}

namespace detail {
template <std::size_t N>
constexpr bool well_formed(const std::array<register_spec, N>& map, std::uint32_t window) {
    std::uint32_t end = 0;
    for (const register_spec& r : map) {
        if (r.offset < end || r.offset % 4 != 0 || r.count == 0 || r.offset + 4 * r.count > window)
            return false;
        end = r.offset + 4 * r.count;
        std::uint32_t bit = 0;
        for (std::size_t f = 0; f < r.field_count; ++f) {
            if (r.fields[f].lsb < bit || r.fields[f].width == 0 || r.fields[f].lsb + r.fields[f].width > 32)
                return false;
            bit = static_cast<std::uint32_t>(r.fields[f].lsb) + r.fields[f].width;
        }
    }
    return true;
}
} // namespace detail
static_assert(detail::well_formed(k_engine_registers, k_engine_window), "registers ascend and do not overlap");
static_assert(detail::well_formed(k_system_registers, system_reg::window), "registers ascend and do not overlap");

} // namespace kpu::iface
