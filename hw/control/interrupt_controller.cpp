#include "hw/control/interrupt_controller.h"

#include <algorithm>

namespace kpu::hw {

interrupt_controller::interrupt_controller(sc_core::sc_module_name name, std::uint32_t engines)
    : sc_core::sc_module(name), lines("line", engines), core("core"), port("port") {
    port.bind(*this);
    SC_HAS_PROCESS(interrupt_controller);
    SC_METHOD(update);
    for (sc_core::sc_in<bool>& line : lines)
        sensitive << line;
}

std::uint32_t interrupt_controller::pending(std::uint32_t word) const {
    std::uint32_t bits = 0;
    for (std::size_t e = std::size_t{32} * word; e < lines.size() && e < std::size_t{32} * (word + 1); ++e)
        bits |= lines[e].read() ? 1u << (e % 32) : 0u;
    return bits;
}

void interrupt_controller::update() {
    core.write(std::any_of(lines.begin(), lines.end(), [](const sc_core::sc_in<bool>& line) { return line.read(); }));
}

} // namespace kpu::hw
