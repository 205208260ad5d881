#pragma once
// The vector unit of a compute tile as an engine: element-wise functions and reductions over its L1 buffers, `lanes`
// elements per cycle, one command at a time. Timing: README.md.

#include "hw/control/command_engine.h"
#include "hw/fabric/vector_kernel.h"
#include "hw/tlm/initiator.h"
#include "platforms/platform.h"

#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

class vector_unit final : public command_engine {
  public:
    tlm_utils::simple_initiator_socket<vector_unit> l1_i; ///< all three L1 buffers of the tile, by address

    vector_unit(sc_core::sc_module_name name, const engine_config& config, const platform::vector_params& params);

    /// Commands take their time and their accesses but compute nothing, for runs that ask for times only.
    void skip_arithmetic() { m_computes = false; }

  private:
    /// When the operands come in, from the first request on.
    struct arrival {
        sc_core::sc_time first, last;
    };

    iface::fault execute(const command& c) override;
    [[nodiscard]] bool supports(iface::opcode op) const override { return op == iface::opcode::vector; }

    [[nodiscard]] iface::fault read(const byte_range& range, std::vector<unsigned char>& buffer,
                                    const unsigned char*& data, arrival& when);
    [[nodiscard]] iface::fault read_operands(const iface::vector_operands& x, vector_data& data, arrival& when);
    [[nodiscard]] iface::fault write(const iface::vector_operands& x, sc_core::sc_time& written);
    [[nodiscard]] iface::fault write_back(const command& c, const iface::vector_operands& x, const arrival& when);

    platform::vector_params m_params;
    bool m_computes = true;
    initiator m_l1;
    std::vector<unsigned char> m_source, m_operand, m_old; ///< where the target does not lend its storage
    std::vector<unsigned char> m_result;                   ///< the destination's range
};

} // namespace kpu::hw
