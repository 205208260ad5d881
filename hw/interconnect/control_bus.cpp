#include "hw/interconnect/control_bus.h"

#include "platforms/common/units.h"

namespace kpu::hw {

control_bus::control_bus(sc_core::sc_module_name name, std::uint32_t engines)
    : sc_module(name), from_t("from_t"), system_i("system_i"), engine_i("engine_i", engines) {
    from_t.register_b_transport(this, &control_bus::b_transport);
    from_t.register_transport_dbg(this, &control_bus::transport_dbg);
}

control_bus::place control_bus::locate(const tlm::tlm_generic_payload& payload) {
    const std::uint64_t where = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    if (fits(where, length, iface::system_reg::window))
        return {&system_i, where};
    if (where < iface::system_reg::window)
        return {};
    const std::uint64_t engine = (where - iface::system_reg::window) / iface::k_engine_window;
    const std::uint64_t offset = (where - iface::system_reg::window) % iface::k_engine_window;
    if (engine >= engine_i.size() || !fits(offset, length, iface::k_engine_window))
        return {};
    return {&engine_i[engine], offset};
}

void control_bus::b_transport(int /*id*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const place to = locate(payload);
    if (to.window == nullptr) {
        ++m_refused;
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    ++m_accesses;
    const std::uint64_t where = payload.get_address();
    payload.set_address(to.offset);
    (*to.window)->b_transport(payload, delay);
    payload.set_address(where);
}

unsigned int control_bus::transport_dbg(int /*id*/, tlm::tlm_generic_payload& payload) {
    const place to = locate(payload);
    if (to.window == nullptr)
        return 0;
    const std::uint64_t where = payload.get_address();
    payload.set_address(to.offset);
    const unsigned int moved = (*to.window)->transport_dbg(payload);
    payload.set_address(where);
    return moved;
}

} // namespace kpu::hw
