#pragma once
// Race detector: proves that the waits of a run's commands order all their memory accesses, whatever the timing
// happened to be.

#include "hw/observe/access_map.h"
#include "hw/observe/happens_before.h"
#include "platforms/platform.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kpu::hw {

enum class hazard_rule : std::uint8_t {
    uninitialised,     ///< read of bytes that nobody has written
    read_after_write,  ///< read whose last writer is not ordered before it
    write_after_read,  ///< overwrite of bytes whose reader is not ordered before it
    write_after_write, ///< overwrite of bytes whose writer is not ordered before it
    allocation,        ///< access outside all declared allocations
    data_window,       ///< ordered, but it begins before the other access ended: completion was signalled too early
    early_start,       ///< a command started before a wait of it was satisfied
    outside_command,   ///< access by a command that has not started or has completed; start or completion out of order
};
inline constexpr std::size_t k_hazard_rules = 8;
[[nodiscard]] std::string_view name_of(hazard_rule rule);

struct hazard {
    struct party {
        command_ref command;
        picoseconds start, end;
    };
    hazard_rule rule = hazard_rule::uninitialised;
    party found;                ///< the access at which it was found
    std::optional<party> other; ///< the access that it conflicts with
    std::string memory;
    address where;
    bytes length; ///< 0 where no memory is involved
    std::string text;
};

struct hazard_options {
    std::uint32_t engines = 0;             ///< on the chip
    std::vector<std::string> engine_names; ///< for texts, by engine; may be shorter or empty
    std::size_t stored = 100;              ///< hazards kept with text; all are counted
    std::uint32_t window = 8192;           ///< commands per engine whose clock is kept
    /// Allocations are checked in this range: DRAM by default.
    platform::address_range allocatable{address(1ULL << 32), bytes(UINT64_MAX - (1ULL << 32))};
};

/// Order within one engine: read-then-write and write-then-write of earlier and later commands are kept by the engine,
/// write-then-read needs a wait. Accesses of one command are not checked against each other. Accesses without a command
/// (number 0) are the back door's: a write initialises, a read is ignored.
class hazard_checker final : public observer {
  public:
    explicit hazard_checker(hazard_options options);

    /// Bytes written through the back door before the run.
    void note_initialised(const platform::address_range& range);
    /// Declares an allocation. With none declared allocations are not checked.
    void allow(const platform::address_range& range);

    /// A program has ended, all its commands have completed, and the firmware knows: what comes is ordered after what
    /// was.
    void note_quiescent() {
        m_map.compact([](const access_stamp&) { return true; });
    }

    void on_start(const command_ref& command, const iface::command_header& header) override;
    void on_complete(const command_ref& command) override;
    void on_reset(engine_id engine) override;
    void on_access(const std::string& memory, const memory_access& access) override;

    [[nodiscard]] bool clean() const { return m_count == 0; }
    [[nodiscard]] std::uint64_t count() const { return m_count; }
    [[nodiscard]] std::uint64_t count(hazard_rule rule) const { return m_counts[static_cast<std::size_t>(rule)]; }
    /// The first `stored` ones, in the order found.
    [[nodiscard]] const std::vector<hazard>& hazards() const { return m_hazards; }
    /// One line per stored hazard and one with the total; empty where clean.
    [[nodiscard]] std::string report() const;

    [[nodiscard]] std::size_t segments() const { return m_map.segments(); }
    [[nodiscard]] const happens_before& order() const { return m_order; }

  private:
    struct current_access;
    void check_read(current_access& now, const byte_span& part, const access_state& state);
    void check_write(current_access& now, const byte_span& part, const access_state& state);
    void check_allocation(current_access& now);
    void found(current_access& now, hazard_rule rule, const byte_span& part, const access_stamp* other);
    void flush(current_access& now);
    void record(hazard h);
    void out_of_order(const command_ref& command, const char* what);
    [[nodiscard]] hazard::party party_of(const access_stamp& stamp) const;
    [[nodiscard]] std::string engine_name(engine_id engine) const;
    [[nodiscard]] std::string describe(const hazard& h) const;

    hazard_options m_options;
    happens_before m_order;
    access_map m_map;
    std::map<std::uint64_t, std::uint64_t> m_allowed; ///< first → last byte; disjoint, not adjacent
    std::size_t m_compact_at = 4096;
    std::uint64_t m_count = 0;
    std::array<std::uint64_t, k_hazard_rules> m_counts{};
    std::vector<hazard> m_hazards;
};

} // namespace kpu::hw
