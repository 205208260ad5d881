#pragma once
// Gathers the engines' interrupt lines: pending bits for the system window, one line to the management core.

#include <cstdint>
#include <systemc>

namespace kpu::hw {

class interrupt_if : public virtual sc_core::sc_interface {
  public:
    /// Bit b: the line of engine 32·word + b is high. Words beyond the last engine are zero.
    [[nodiscard]] virtual std::uint32_t pending(std::uint32_t word) const = 0;
};

/// Level-sensitive, without state: a bit is pending as long as its engine holds the line high.
class interrupt_controller : public sc_core::sc_module, public interrupt_if {
  public:
    sc_core::sc_vector<sc_core::sc_in<bool>> lines; ///< by engine id
    sc_core::sc_out<bool> core;                     ///< high while any line is
    sc_core::sc_export<interrupt_if> port;

    interrupt_controller(sc_core::sc_module_name name, std::uint32_t engines);

    [[nodiscard]] std::uint32_t pending(std::uint32_t word) const override;

  private:
    void update();
};

} // namespace kpu::hw
