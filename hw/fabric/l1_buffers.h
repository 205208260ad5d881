#pragma once
// Where the L1 buffers of a compute tile begin, for engines with a port of their own to each: what their sockets carry
// are offsets.

#include "platforms/common/units.h"

namespace kpu::hw {

struct array_buffers {
    address row, column, result;
};

/// An address as an offset in a buffer; before the buffer it becomes one that no buffer has.
[[nodiscard]] inline address within(address buffer, address where) {
    return address(where.value() - buffer.value());
}

} // namespace kpu::hw
