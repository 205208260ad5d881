#pragma once
// The cost model by which blockings are compared: closed forms over what the chip's capability registers say.

#include "fw/loader/blocking.h"
#include "fw/loader/fold_time.h"

#include <array>

namespace kpu::fw {

/// What bounds the traffic between memories, in bytes per cycle.
struct chip_rates {
    explicit chip_rates(const machine& chip);
    double movers = 0, dram = 0, dma = 0;
};

/// Commands that the plan will take, about.
[[nodiscard]] double commands_of(const dfx::contraction& work, const blocking& plan);

/// How A comes to L2: as tiles by way of L3, or where its rows are windows, gathered by the DMA engines or from a ring.
struct way_of_a {
    std::uint64_t dram_bytes = 0; ///< to read all of it once
    double dram_waste = 0;        ///< bytes that bursts move in vain, per byte
    // cycles that these engines take for its bytes, times their rate: short runs fill no beats
    double dma_stretch = 1, mover_stretch = 1;
};

/// What to prefer among blockings that take equally long.
enum class preference {
    little_traffic, ///< little hidden DRAM, mover and firmware time
    few_events,     ///< and few commands and pieces of copies: for long runs, which are many times the same
};

/// What all candidates for a contraction's blocking share.
struct task {
    task(const machine& on, const dfx::contraction& what, preference why);
    const machine& chip;
    const dfx::contraction& work;
    element_sizes e;
    chip_rates rates;
    preference wanted;
    double best_dram_bytes; ///< of the best blocking that L3 has room for
};

/// Estimates for one contraction cut into blocks in one way; superblocks differ.
class cost_model {
  public:
    /// `base`: folds, blocks, strips and the slots of L1 and L2 are set. Both arguments must outlive the model.
    cost_model(const task& t, const blocking& base);

    /// No superblock costs less that works on k in that many groups of slices.
    [[nodiscard]] double at_least(std::uint64_t k_groups = 1) const;
    /// Of DRAM, where A comes as tiles: each operand once.
    [[nodiscard]] std::uint64_t least_dram_bytes_of_tiles() const { return traffic(m_tiles, 1, 1).all(); }
    /// Folds follow each other as fast as the array can.
    [[nodiscard]] bool keeps_arrays_busy() const { return m_period <= fold(m_plan.kb).period; }
    /// Fills terms and what the choice is made by for the plan with its groups and its slots of L3:
    /// cycles = max(compute, block movers, DRAM, firmware) + time to the first fold + time after the last, where
    /// results go to DRAM when all operands have come and a block is done; weight of traffic: 1 up to 1.098 times the
    /// best blocking's DRAM bytes, from 2 to 4 times the excess beyond.
    void estimate(blocking& plan);

  private:
    [[nodiscard]] double cost_of_hidden(double movers, std::uint64_t dram_bytes, std::uint64_t k_groups) const;
    [[nodiscard]] double events(std::uint64_t k_groups) const;
    /// Between slices of k, of which there are more than one.
    [[nodiscard]] bool sums_stay(std::uint64_t k_groups) const { return k_groups == 1 && m_plan.k_slices > 1; }
    /// Blocks that a tile of each operand serves while it is in L2.
    struct tile_uses {
        double a = 1, b = 1;
    };
    [[nodiscard]] tile_uses uses_in_l2(const blocking& plan) const;
    [[nodiscard]] double moved_to_l2(std::uint64_t k_groups, const tile_uses& uses) const;
    [[nodiscard]] double streamed_to_l1() const;
    [[nodiscard]] double busiest_lane(const blocking& plan, bool sums_stay);
    [[nodiscard]] double compute_in_turns(const blocking& plan, std::uint64_t k_groups);
    [[nodiscard]] double even_share(const way_of_a& a, bool sums_stay) const;
    [[nodiscard]] double makespan(const way_of_a& a, std::uint64_t together, bool sums_stay) const;
    /// Bytes of DRAM.
    struct dram_traffic {
        std::uint64_t a = 0, b = 0, others = 0; ///< others: at the places of C
        [[nodiscard]] std::uint64_t all() const { return a + b + others; }
    };
    [[nodiscard]] dram_traffic traffic(const way_of_a& a, std::uint64_t a_reads, std::uint64_t b_reads) const;
    [[nodiscard]] dram_traffic traffic_of(const blocking& plan) const;
    [[nodiscard]] double dram_cycles(const way_of_a& a, const dram_traffic& moved) const;
    /// Cycles of all DMA engines together: they move whole beats.
    struct dma_work {
        double loads = 0, stores = 0;
    };
    [[nodiscard]] dma_work dma_work_of(const way_of_a& a, const dram_traffic& moved) const;
    [[nodiscard]] double dma_cycles(const dma_work& all, std::size_t storers) const;
    [[nodiscard]] double idle_dram(const blocking& plan, std::uint64_t k_groups, double dram) const;
    [[nodiscard]] double mover_cycles(const way_of_a& a, std::uint64_t k_groups, const tile_uses& uses) const;
    [[nodiscard]] std::uint64_t step_bytes() const;
    [[nodiscard]] way_of_a tiles_of_a() const;
    [[nodiscard]] way_of_a ring_of_a() const;
    [[nodiscard]] const way_of_a& way(const blocking& plan) const { return plan.ring.slabs > 0 ? m_ring : m_tiles; }
    [[nodiscard]] double start() const;
    [[nodiscard]] double finish() const;
    [[nodiscard]] std::uint64_t blocks() const { return m_plan.row_blocks * m_plan.column_blocks * m_work.batch; }
    [[nodiscard]] std::uint64_t folds_down(std::uint64_t mb) const { return ceil_div(mb, m_plan.fold_rows); }
    [[nodiscard]] fold_time fold(std::uint64_t depth) const;
    [[nodiscard]] double busy_lanes() const;
    [[nodiscard]] bool stays(const blocking& plan, std::uint64_t across, std::uint64_t others) const;
    [[nodiscard]] double fold_period(std::uint64_t depth) const;
    [[nodiscard]] double step_moves(const way_of_a& a, std::uint64_t depth) const;
    [[nodiscard]] bool steps_overlap_in_l1() const;
    [[nodiscard]] double sums_between_l2_and_l1() const;
    [[nodiscard]] double block_cycles(const way_of_a& a, std::uint64_t mb, std::uint64_t nb, bool sums_stay) const;

    const machine& m_chip;
    const compute_tile& m_tile;
    const chip_rates& m_rates;
    const dfx::contraction& m_work;
    const element_sizes& m_e;
    preference m_wanted;
    double m_tolerable_bytes;
    const blocking& m_plan;
    double m_commands, m_firmware, m_period, m_rest_period,
        m_around; ///< cycles; around: before the first fold and after the last
    way_of_a m_tiles, m_ring;
    std::array<double, 2> m_compute{}; ///< the busiest lane's cycles with tiles of A once they are needed, by whether
                                       ///< sums stay in L2
};

} // namespace kpu::fw
