#pragma once
// Firmware by hand: what a test needs to put single commands into the chip's
// queues over mmio.

#include "hw/interface/descriptor.h"
#include "hw/interface/mmio.h"
#include "platforms/platform.h"

#include <cstdint>
#include <vector>

namespace kpu::test {

/// A number of a command that others can wait for.
using ticket = iface::wait_for;

class chip_driver {
  public:
    explicit chip_driver(mmio& io) : m_io(io), m_pushed(iface::k_max_engines, 0) {}

    ticket copy(engine_id on, address from, address to, std::uint32_t length, const std::vector<ticket>& after = {});
    ticket copy(engine_id on, const iface::copy_operands& what, const std::vector<ticket>& after = {});
    ticket fold(engine_id on, const iface::fold_operands& what, const std::vector<ticket>& after = {});
    ticket vector(engine_id on, const iface::vector_operands& what, const std::vector<ticket>& after = {});
    /// Sleeps until the command has completed; throws std::runtime_error if its
    /// engine halts at a fault.
    void await(const ticket& done);

  private:
    [[nodiscard]] iface::command_header header(iface::opcode op, const std::vector<ticket>& after);
    ticket push(engine_id on, const iface::descriptor_words& words);

    mmio& m_io;
    std::vector<std::uint32_t> m_pushed;
    std::uint32_t m_tag = 100; ///< tags count up from here, so that they differ
                               ///< from command numbers
};

} // namespace kpu::test
