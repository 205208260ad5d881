#pragma once
// Simulated time as whole picoseconds: SystemC's default resolution, so that conversion is free and exact.

#include "platforms/common/units.h"

#include <systemc>

namespace kpu::hw {

[[nodiscard]] inline sc_core::sc_time to_time(picoseconds t) {
    return sc_core::sc_time::from_value(t.value());
}
[[nodiscard]] inline picoseconds to_ps(const sc_core::sc_time& t) {
    return picoseconds(t.value());
}
[[nodiscard]] inline picoseconds now_ps() {
    return to_ps(sc_core::sc_time_stamp());
}

} // namespace kpu::hw
