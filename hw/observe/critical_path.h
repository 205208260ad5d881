#pragma once
// Why a run took as long as it did: the chain of commands, each started by the one before it, that ended last.

#include "hw/interface/engine.h"
#include "hw/observe/names.h"
#include "hw/observe/observer.h"

#include <array>
#include <deque>
#include <optional>
#include <vector>

namespace kpu::hw {

/// What the chain is made of: an engine's kind, and how many commands its queue holds.
struct path_engine {
    iface::engine_kind kind;
    std::uint32_t queue_depth = 0;
};

/// A command starts when the last of these has happened: its doorbell rang, what it was held up by completed, the
/// command before it on its engine let it go. A doorbell rings when the firmware has rung the one before it, or when a
/// full queue has got room. Followed back from the last completion this gives one chain of stretches without a gap.
/// Each stretch belongs to the engine that executed then, or to the firmware. For a run that is bound by a resource the
/// chain is that resource; for a small one it shows what its latency is made of.
class critical_path final : public observer {
  public:
    /// `engines` by id.
    critical_path(std::vector<path_engine> engines, time_source now);

    void on_push(const command_ref& command, const iface::command_header& header, std::uint32_t queued) override;
    void on_wait(const command_ref& command, const iface::wait_for& on) override;
    void on_start(const command_ref& command, const iface::command_header& header) override;
    void on_complete(const command_ref& command) override;
    void on_reset(engine_id engine) override;

    /// Time in engines of each kind (kinds count from 1) along the chain; what is not in it until the end of the run is
    /// the firmware's.
    using chain = std::array<picoseconds, iface::k_engine_kinds>;
    [[nodiscard]] const chain& longest() const { return m_last.parts; }
    [[nodiscard]] static std::size_t index_of(iface::engine_kind kind) { return static_cast<std::size_t>(kind) - 1; }

  private:
    /// An event and the chain that led to it.
    struct moment {
        picoseconds at;
        chain parts{};
    };
    struct engine_state {
        std::deque<moment> pushed;                ///< doorbells of commands in the queue
        bool full = false;                        ///< at its last doorbell, and the firmware has not come back since
        std::optional<engine_id> held_up_by;      ///< the head of the queue, last
        std::deque<moment> in_flight;             ///< starts, in order
        std::optional<moment> started, completed; ///< the last ones
    };

    [[nodiscard]] moment cause_of_start(engine_state& engine, iface::engine_kind kind, picoseconds now) const;
    [[nodiscard]] static moment later(const moment& from, iface::engine_kind kind, picoseconds now);

    [[nodiscard]] iface::engine_kind kind_of(engine_id engine) const { return m_known.at(engine.value()).kind; }

    std::vector<path_engine> m_known;
    time_source m_now;
    std::vector<engine_state> m_engines;
    moment m_doorbell; ///< the last one
    moment m_room;     ///< the last start that made room in a queue that was full
    moment m_last;     ///< completion
};

} // namespace kpu::hw
