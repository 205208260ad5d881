#pragma once
// An operator that only moves elements as a stream of commands, pulled box by box.

#include "fw/loader/emitter.h"
#include "fw/loader/rearrange_plan.h"
#include "fw/loader/tensor_table.h"

#include <deque>
#include <vector>

namespace kpu::fw {

class rearrange_stream {
  public:
    /// Memory used by earlier work is taken over in order behind it. All arguments must outlive the stream.
    rearrange_stream(const machine& chip, const rearrange_plan& plan, const tensor_table& tensors, emitter& out);

    /// Emits the next few commands: one box's. False when everything had been emitted already.
    bool advance();

  private:
    struct slot {
        address base;
        usage use;
    };
    struct departure {
        const rearranged_input* input = nullptr;
        operand_box box;
        slot* at = nullptr;
    };

    void fill_zeros();
    void load(const rearranged_input& input, const operand_box& box);
    [[nodiscard]] point gather(const rearranged_input& input, const operand_box& box, address to, dependences& after);
    void store(const departure& d);
    [[nodiscard]] engine_id next_engine() { return m_chip.dma[m_turn++ % m_chip.dma.size()]; }

    const machine& m_chip;
    const rearrange_plan& m_plan;
    const tensor_table& m_tensors;
    emitter& m_out;
    std::uint32_t m_tag;
    point_set m_before; ///< what used the result's memory earlier, and zeros that stores come behind
    std::vector<slot> m_slots;
    std::deque<departure> m_loaded; ///< boxes in L3 whose store is yet to be told
    std::size_t m_input = 0;
    std::uint64_t m_box = 0;
    std::size_t m_next_slot = 0, m_turn = 0;
    bool m_begun = false, m_done = false;
};

} // namespace kpu::fw
