#pragma once
// The vector unit of a compute tile as an engine: element-wise functions and reductions over its L1 buffers, `lanes`
// elements per cycle, one command at a time. Timing: README.md.

#include "hw/control/command_engine.h"
#include "hw/fabric/l1_buffers.h"
#include "hw/fabric/vector_kernel.h"
#include "hw/tlm/initiator.h"
#include "platforms/platform.h"

#include <array>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

class vector_unit final : public command_engine {
  public:
    // Operands and results, each through the port of the buffer that it lies in.
    tlm_utils::simple_initiator_socket<vector_unit> row_i, column_i, result_i;

    vector_unit(sc_core::sc_module_name name, const engine_config& config, const platform::vector_params& params,
                const array_buffers& buffers = {});

    /// Commands take their time and their accesses but compute nothing, for runs that ask for times only.
    void skip_arithmetic() { m_computes = false; }

  private:
    /// The way to a buffer, and what the running command reads there.
    struct buffer_port {
        initiator link;
        address base;
        sc_core::sc_time first;  ///< beat of the latest read, from the requests on
        std::uint32_t reads = 0; ///< of the running command
    };
    /// When the operands come in, from the first request on.
    struct arrival {
        sc_core::sc_time first, last;
    };

    iface::fault execute(const command& c) override;
    [[nodiscard]] bool supports(iface::opcode op) const override { return op == iface::opcode::vector; }

    /// To the last buffer that begins at the address or in front of it; to any where none does.
    [[nodiscard]] buffer_port& port_to(address where);
    [[nodiscard]] iface::fault read(const byte_range& range, std::vector<unsigned char>& buffer,
                                    const unsigned char*& data, arrival& when);
    [[nodiscard]] iface::fault read_operands(const iface::vector_operands& x, vector_data& data, arrival& when);
    [[nodiscard]] iface::fault write(const iface::vector_operands& x, sc_core::sc_time& written);
    [[nodiscard]] iface::fault write_back(const command& c, const iface::vector_operands& x, const arrival& when);

    platform::vector_params m_params;
    bool m_computes = true;
    std::array<buffer_port, 3> m_ports;
    std::vector<unsigned char> m_source, m_operand, m_old; ///< where the target does not lend its storage
    std::vector<unsigned char> m_result;                   ///< the destination's range
};

} // namespace kpu::hw
