#pragma once
// Turns operations and what they depend on into numbered descriptors: waits reduced to those that matter, joins where
// they exceed what one descriptor holds.

#include "fw/driver/machine.h"
#include "fw/loader/ordering.h"
#include "hw/interface/descriptor.h"
#include "platforms/common/ring.h"

#include <initializer_list>
#include <vector>

namespace kpu::fw {

/// A descriptor bound to an engine, ready for its queue.
struct bound_command {
    engine_id engine;
    std::uint32_t number = 0; ///< the engine's semaphore reaches it when the command completes
    iface::descriptor_words words{};
};

/// Commands come out in the order in which they were emitted, and each waits only for earlier ones: feeding every
/// engine in that order cannot deadlock.
class emitter {
  public:
    explicit emitter(const machine& chip);

    point copy(engine_id engine, std::uint32_t tag, const iface::copy_operands& operands, const dependences& after);
    point fold(engine_id engine, std::uint32_t tag, const iface::fold_operands& operands, const dependences& after);
    point vector(engine_id engine, std::uint32_t tag, const iface::vector_operands& operands, const dependences& after);
    point fill(engine_id engine, std::uint32_t tag, const iface::fill_operands& operands, const dependences& after);
    point gather(engine_id engine, std::uint32_t tag, const iface::gather_operands& operands, const dependences& after);

    /// The engine's latest command; number 0 if it has none yet.
    [[nodiscard]] point last(engine_id engine) const { return {engine, m_last.at(engine.value())}; }
    /// The last command of every engine of the given kinds.
    [[nodiscard]] point_set latest(const machine& chip, std::initializer_list<iface::engine_kind> kinds) const;
    [[nodiscard]] bool empty() const { return m_ready.empty(); }
    [[nodiscard]] bound_command take();

  private:
    iface::command_header header_for(engine_id engine, std::uint32_t tag, iface::opcode op, const dependences& after);
    void require(engine_id engine, point wanted);
    point push(engine_id engine, const iface::descriptor_words& words);

    ring<bound_command> m_ready;
    std::vector<std::uint32_t> m_last; ///< by engine: commands emitted
    std::vector<std::vector<std::uint32_t>>
        m_observed;               ///< [engine][other]: the count of `other` that it has waited for
    std::vector<point> m_pending; ///< waits of the command being emitted
};

} // namespace kpu::fw
