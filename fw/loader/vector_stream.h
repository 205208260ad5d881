#pragma once
// An operator for the vector unit as a stream of commands, pulled tile by tile.

#include "fw/loader/emitter.h"
#include "fw/loader/input_ring.h"
#include "fw/loader/tensor_table.h"
#include "fw/loader/vector_plan.h"

#include <deque>
#include <optional>
#include <vector>

namespace kpu::fw {

class vector_stream {
  public:
    /// Memory used by earlier work is taken over in order behind it. All arguments must outlive the stream.
    vector_stream(const machine& chip, const vector_plan& plan, const tensor_table& tensors, emitter& out);

    /// Emits the next few commands: one tile's. False when everything had been emitted already.
    bool advance();

  private:
    struct slot {
        address base;
        usage use;
    };
    /// Slots of one buffer, taken in turn.
    class ring_of_slots {
      public:
        ring_of_slots() = default;
        ring_of_slots(address share, const slot_range& range, const point_set& earlier) {
            for (std::size_t i = 0; i < range.count; ++i)
                m_slots.push_back({share + range.offset + range.pitch * i, usage(earlier)});
        }
        slot& take() {
            m_last = m_next;
            m_next = (m_next + 1) % m_slots.size();
            return m_slots[m_last];
        }
        /// The one that was taken last.
        slot& current() { return m_slots[m_last]; }

      private:
        std::vector<slot> m_slots;
        std::size_t m_next = 0, m_last = 0;
    };
    /// What one compute tile has of every memory; one entry per buffer of the plan.
    struct lane_state {
        const compute_tile* tile = nullptr;
        std::vector<ring_of_slots> l1, l2, l3;
        std::vector<std::optional<operand_box>> resident; ///< of each input in its current L1 slot
    };
    /// A result on its way out.
    struct departure {
        std::size_t lane = 0;
        vector_tile tile;
        slot* at = nullptr; ///< where it lies
    };

    void begin_tile(std::size_t lane_number, const vector_tile& tile);
    void bring(std::size_t lane_number, std::size_t input, const vector_tile& tile);
    void load(std::size_t input, const operand_box& box, slot& to);
    void copy_from_ring(std::size_t lane_number, const vector_tile& tile, const operand_box& box, slot& to);
    void compute(std::size_t lane_number, const vector_tile& tile);
    void emit(lane_state& lane, const tile_command& command);
    [[nodiscard]] slot& buffer(lane_state& lane, std::size_t number) { return lane.l1[number].current(); }
    void drain(const departure& d);
    void move_out(const departure& d);
    void store(const departure& d);
    /// Takes results one stage further: what has waited for `lag` later tiles, or all.
    void send_out(std::size_t lag);

    [[nodiscard]] engine_id loader() { return m_chip.dma[m_loads++ % m_loaders]; }
    [[nodiscard]] engine_id storer();
    [[nodiscard]] engine_id mover(std::size_t lane_number, std::size_t role) const;
    [[nodiscard]] engine_id streamer(const lane_state& lane, std::size_t role) const;

    const machine& m_chip;
    const vector_plan& m_plan;
    const tensor_table& m_tensors;
    emitter& m_out;
    std::uint32_t m_tag;
    point_set m_before; ///< what used the result's memory earlier
    std::vector<lane_state> m_lanes;
    std::optional<input_ring> m_ring; ///< of the first input
    std::uint64_t m_tile = 0, m_chunk = 0;
    std::uint64_t m_first_of_round = 0;
    std::deque<departure> m_computed, m_drained, m_moved; ///< results in L1, L2, L3
    std::size_t m_lag; ///< results leave a stage that many tiles later: 0 where a buffer has one slot
    std::size_t m_loaders;
    std::size_t m_loads = 0, m_stores = 0;
    bool m_done = false;
};

} // namespace kpu::fw
