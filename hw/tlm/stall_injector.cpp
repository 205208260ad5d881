#include "hw/tlm/stall_injector.h"

#include "hw/tlm/extensions.h"

namespace kpu::hw {

stall_injector::stall_injector(sc_core::sc_module_name name, const stall_params& params)
    : sc_module(name), up_t("up_t"), down_i("down_i"), m_params(params), m_random(params.seed) {
    up_t.register_b_transport(this, &stall_injector::b_transport);
    up_t.register_transport_dbg(this, &stall_injector::transport_dbg);
}

void stall_injector::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    down_i->b_transport(payload, delay);
    // Plain remainders rather than std:: distributions, whose results depend on the library.
    if (m_random() % 1000 >= m_params.per_thousand || m_params.longest == sc_core::SC_ZERO_TIME)
        return;
    const sc_core::sc_time stall = sc_core::sc_time::from_value(1 + m_random() % m_params.longest.value());
    delay += stall;
    flow* timing = nullptr;
    payload.get_extension(timing);
    if (timing != nullptr && timing->first != sc_core::SC_ZERO_TIME)
        timing->first += stall;
    ++m_stalls;
    m_stalled += stall;
}

unsigned int stall_injector::transport_dbg(tlm::tlm_generic_payload& payload) {
    return down_i->transport_dbg(payload);
}

} // namespace kpu::hw
