#pragma once
// Copies between the L3 tiles and the L2 banks; far_i leads to the L3 crossbar, near_i to the L2 crossbar.

#include "hw/movers/mover.h"

namespace kpu::hw {

class block_mover final : public mover {
  public:
    block_mover(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                std::uint32_t unit);
};

} // namespace kpu::hw
