#pragma once
// How firmware sees the chip: reads and writes of control registers, and one interrupt line. Nothing else crosses this
// border.

#include "platforms/common/units.h"

#include <cstdint>
#include <stdexcept>

namespace kpu {

/// A register access was refused by the bus (no such register, wrong size). Firmware's own mistake, not a guest fault.
class bus_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Register accesses are 32 bits wide, addresses are those of the control bus. Blocks are one burst each.
class mmio {
  public:
    virtual ~mmio() = default;
    [[nodiscard]] virtual std::uint32_t read32(address where) = 0;
    virtual void write32(address where, std::uint32_t value) = 0;
    virtual void read_block(address where, std::uint32_t* words, std::size_t count) = 0;
    virtual void write_block(address where, const std::uint32_t* words, std::size_t count) = 0;
    /// Returns when the interrupt line is high (at once if it is high already).
    virtual void wait_irq() = 0;
};

} // namespace kpu
