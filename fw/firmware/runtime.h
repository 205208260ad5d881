#pragma once
// The firmware's loop: feeds command streams into the engines' queues, serves interrupts, reports faults.

#include "fw/driver/machine.h"
#include "fw/loader/emitter.h"
#include "hw/interface/mmio.h"
#include "platforms/common/diagnostic.h"

#include <array>
#include <functional>
#include <optional>

namespace kpu::fw {

/// The chip stopped at a command.
class engine_fault : public run_error {
  public:
    engine_fault(const std::string& engine, std::uint32_t command, std::uint32_t tag, iface::fault cause);
    [[nodiscard]] std::uint32_t command() const { return m_command; }
    /// The DFX operation that the command came from.
    [[nodiscard]] std::uint32_t tag() const { return m_tag; }
    [[nodiscard]] iface::fault cause() const { return m_cause; }

  private:
    std::uint32_t m_command;
    std::uint32_t m_tag;
    iface::fault m_cause;
};

/// What firmware writes to push a command: the descriptor window and the doorbell behind it, in one burst.
struct command_push {
    address where;
    std::array<std::uint32_t, iface::k_descriptor_words + 1> words{};
};
[[nodiscard]] command_push push_of(const bound_command& command);

/// Where commands come from: the next one, or nothing at the end.
using command_source = std::function<std::optional<bound_command>()>;

/// Part of boot: resets every engine (its queue, counters and semaphore), sets watermarks, and enables the interrupts
/// that run_commands serves.
void prepare_engines(mmio& bus, const machine& chip);

/// Feeds all commands and returns when the last one has completed. Holds at most `window` commands that do not fit into
/// a queue yet. Throws engine_fault when an engine stops.
void run_commands(mmio& bus, const machine& chip, const command_source& next, std::size_t window = 4096);

} // namespace kpu::fw
