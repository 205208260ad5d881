#pragma once
// Timeline semaphores: one counter of completed commands per engine. Wires between engines, so an interface and not a
// socket.

#include "hw/interface/engine.h"
#include "platforms/common/units.h"

#include <cstdint>
#include <systemc>
#include <vector>

namespace kpu::hw {

/// What an engine may do with the semaphores.
class semaphore_if : public virtual sc_core::sc_interface {
  public:
    [[nodiscard]] virtual std::uint32_t engines() const = 0;
    /// What the engine at the other end of the wire is: stalls are accounted by it.
    [[nodiscard]] virtual iface::engine_kind kind_of(engine_id engine) const = 0;
    [[nodiscard]] virtual std::uint32_t value(engine_id engine) const = 0;
    /// Adds one to the engine's counter and wakes whoever waits for the new value.
    virtual void signal(engine_id engine) = 0;
    /// Notifies `wake` (next delta cycle) once when value(engine) reaches count. Call only while it is below.
    virtual void wake_at(engine_id engine, std::uint32_t count, sc_core::sc_event& wake) = 0;
    /// Engine reset: its counter returns to zero.
    virtual void clear(engine_id engine) = 0;
};

/// The counters of all engines of a chip, in the order of their ids.
class semaphore_unit : public sc_core::sc_module, public semaphore_if {
  public:
    sc_core::sc_export<semaphore_if> port;

    semaphore_unit(sc_core::sc_module_name name, const std::vector<iface::engine_kind>& engines);

    [[nodiscard]] std::uint32_t engines() const override { return static_cast<std::uint32_t>(m_counters.size()); }
    [[nodiscard]] iface::engine_kind kind_of(engine_id engine) const override { return at(engine).kind; }
    [[nodiscard]] std::uint32_t value(engine_id engine) const override { return at(engine).value; }
    void signal(engine_id engine) override;
    void wake_at(engine_id engine, std::uint32_t count, sc_core::sc_event& wake) override;
    void clear(engine_id engine) override { m_counters.at(engine.value()).value = 0; }

  private:
    struct waiter {
        std::uint32_t count;
        sc_core::sc_event* wake;
    };
    struct counter {
        iface::engine_kind kind;
        std::uint32_t value = 0;
        std::vector<waiter> waiters; ///< as long as there are engines that wait: grows to its high-water mark and stays
    };
    [[nodiscard]] const counter& at(engine_id engine) const { return m_counters.at(engine.value()); }

    std::vector<counter> m_counters;
};

} // namespace kpu::hw
