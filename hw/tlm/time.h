#pragma once
// Simulated time as whole picoseconds: SystemC's default resolution, so that conversion is free and exact.

#include "platforms/common/units.h"

#include <cstring>
#include <systemc>

namespace kpu::hw {

/// Equal to sc_time::from_value, which is a call into the library and was a twentieth of a run's instructions.
[[nodiscard]] inline sc_core::sc_time to_time(picoseconds t) {
    const sc_core::sc_time::value_type value = t.value();
    sc_core::sc_time time;
    static_assert(sizeof time == sizeof value, "an sc_time is its value");
    std::memcpy(static_cast<void*>(&time), &value, sizeof value);
    return time;
}
[[nodiscard]] inline picoseconds to_ps(const sc_core::sc_time& t) {
    return picoseconds(t.value());
}
[[nodiscard]] inline picoseconds now_ps() {
    return to_ps(sc_core::sc_get_curr_simcontext()->time_stamp());
}

} // namespace kpu::hw
