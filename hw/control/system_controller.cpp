#include "hw/control/system_controller.h"

namespace kpu::hw {

namespace reg = iface::system_reg;

system_controller::system_controller(sc_core::sc_module_name name, const system_config& config)
    : sc_core::sc_module(name), control_t("control_t"), semaphores("semaphores"), interrupts("interrupts"),
      m_registers(iface::k_system_registers, reg::window) {
    control_t.register_b_transport(this, &system_controller::transport);
    control_t.register_transport_dbg(this, &system_controller::debug);

    m_registers.set(reg::arrays, config.arrays);
    m_registers.set(reg::clock_khz, static_cast<std::uint32_t>(config.clock.value() / 1000));
    m_registers.set(reg::descriptor_cost, static_cast<std::uint32_t>(config.descriptor_cost.value()));
    std::uint32_t word = 0;
    for (const system_config::memory& m : config.memories)
        for (const std::uint64_t value :
             {m.base.value(), m.base.value() >> 32, m.size.value(), m.size.value() >> 32, std::uint64_t{m.units},
              m.interleave.value(), m.per_256_cycles.value(), m.latency.value(), m.burst.value()})
            m_registers.set(reg::memory, word++, static_cast<std::uint32_t>(value));

    m_registers.on_sample(reg::engines, [this](std::uint32_t) { return semaphores->engines(); });
    m_registers.on_sample(reg::irq_pending, [this](std::uint32_t i) { return interrupts->pending(i); });
    m_registers.on_sample(reg::semaphore, [this](std::uint32_t i) {
        return i < semaphores->engines() ? semaphores->value(engine_id(static_cast<std::uint16_t>(i))) : 0u;
    });
}

void system_controller::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    m_registers.b_transport(payload, delay);
}

unsigned system_controller::debug(tlm::tlm_generic_payload& payload) {
    return m_registers.transport_dbg(payload);
}

} // namespace kpu::hw
