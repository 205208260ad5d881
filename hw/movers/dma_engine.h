#pragma once
// Copies between DRAM and the L3 tiles; far_i leads to the DRAM crossbar, near_i to the L3 crossbar.

#include "hw/movers/mover.h"

namespace kpu::hw {

class dma_engine final : public mover {
  public:
    dma_engine(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
               std::uint32_t unit);
};

} // namespace kpu::hw
