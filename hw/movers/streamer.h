#pragma once
// Copies between the L2 banks and the L1 buffers of one compute tile; far_i leads to the L2 crossbar, near_i to the L1
// buffers.

#include "hw/movers/mover.h"

namespace kpu::hw {

class streamer final : public mover {
  public:
    /// The n-th streamer of a compute tile.
    streamer(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
             std::uint32_t array, std::uint32_t n);
};

} // namespace kpu::hw
