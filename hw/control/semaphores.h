#pragma once
// Timeline semaphores: one counter of completed commands per engine. Wires between engines, so an interface and not a socket.

#include "platforms/common/units.h"

#include <systemc>
#include <vector>

namespace kpu::hw {

/// What an engine may do with the semaphores.
class semaphore_if : public virtual sc_core::sc_interface {
  public:
    [[nodiscard]] virtual std::uint32_t engines() const = 0;
    [[nodiscard]] virtual std::uint32_t value(engine_id engine) const = 0;
    /// Adds one to the engine's counter and wakes whoever waits for the new value.
    virtual void signal(engine_id engine) = 0;
    /// Notifies `wake` (next delta cycle) once when value(engine) reaches count. Call only while it is below.
    virtual void wake_at(engine_id engine, std::uint32_t count, sc_core::sc_event& wake) = 0;
    /// Engine reset: its counter returns to zero.
    virtual void clear(engine_id engine) = 0;
};

} // namespace kpu::hw
