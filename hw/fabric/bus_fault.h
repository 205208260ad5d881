#pragma once
// TLM responses as modelled faults. Internal to hw/fabric.

#include "hw/interface/engine.h"

#include <tlm>

namespace kpu::hw {

[[nodiscard]] inline iface::fault fault_of(tlm::tlm_response_status status) {
    if (status == tlm::TLM_OK_RESPONSE)
        return iface::fault::none;
    return status == tlm::TLM_ADDRESS_ERROR_RESPONSE ? iface::fault::address_error : iface::fault::bus_error;
}

} // namespace kpu::hw
