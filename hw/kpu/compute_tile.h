#pragma once
// One compute tile: a systolic array with its three L1 buffers, its streamers and its vector unit.

#include "hw/fabric/systolic_array.h"
#include "hw/fabric/vector_unit.h"
#include "hw/interconnect/crossbar.h"
#include "hw/kpu/links.h"
#include "hw/memory/memory_bank.h"
#include "hw/movers/streamer.h"
#include "platforms/platform.h"

#include <memory>
#include <systemc>
#include <vector>

namespace kpu::hw {

/// Children: streamer0 …, array, vector, row, column, result (L1 buffers), l1 (the router of streamers to
/// these: it adds no time of its own, the buffers' ports set the pace; array and vector unit are wired to the buffers).
/// The streamers' far_i is left to the chip.
class compute_tile final : public sc_core::sc_module {
  public:
    compute_tile(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                 std::uint32_t index, links& wires);

    [[nodiscard]] const std::vector<std::unique_ptr<streamer>>& streamers() const { return m_streamers; }
    [[nodiscard]] systolic_array& array() { return m_array; }
    [[nodiscard]] vector_unit& vector() { return m_vector; }
    [[nodiscard]] std::vector<memory_module*> buffers() { return {&m_row, &m_column, &m_result}; }
    [[nodiscard]] crossbar& router() { return m_router; }
    /// The router's socket for the back door to buffer b: row, column, result.
    [[nodiscard]] links::to_socket& host_t(std::uint32_t b) { return m_router.from_t[m_router.from_t.size() - 3 + b]; }

  private:
    std::vector<std::unique_ptr<streamer>> m_streamers;
    systolic_array m_array;
    vector_unit m_vector;
    memory_bank m_row, m_column, m_result;
    crossbar m_router;
};

} // namespace kpu::hw
