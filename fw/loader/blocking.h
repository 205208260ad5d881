#pragma once
// How a contraction is cut for the chip at hand: folds for the array, blocks for L2 and L3, the order of blocks, and
// how many slots each memory gives to each operand.

#include "compiler/dfx/contraction.h"
#include "fw/driver/machine.h"
#include "fw/loader/padded_input.h"
#include "fw/loader/weighing.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::fw {

/// An operand of a step behind the sums.
struct operand_size {
    std::uint64_t element = 4;        ///< bytes
    bool rows = true, columns = true; ///< as many as C, else one for all

    /// Bytes of what it has for that much of C.
    [[nodiscard]] std::uint64_t part(std::uint64_t of_rows, std::uint64_t of_columns) const {
        return (rows ? of_rows : 1) * (columns ? of_columns : 1) * element;
    }
};

/// Element sizes in bytes.
struct element_sizes {
    std::uint64_t operand = 4, accumulator = 4, result = 4, seed = 0; ///< seed 0: none
    bool bias = false;                                                ///< seeds are one row for all rows of C
    std::vector<operand_size> steps = {};                             ///< of the operands of steps

    /// Of L1 beside a sum: a narrower seed is widened from there; others come as the sum's first value.
    [[nodiscard]] std::uint64_t staged_seed() const { return seed == accumulator ? 0 : seed; }
};

/// Which operand's tiles stay in L3 while the other's stream past.
enum class block_order {
    rows_outer,    ///< for each row of blocks all columns: the columns' B tiles stay
    columns_outer, ///< for each column of blocks all rows: the rows' A tiles stay
};

struct blocking {
    dfx::dataflow flow = dfx::dataflow::output_stationary;
    /// One fold is at most that much of C: the array's size, but for the operand that streams past a stationary one.
    std::uint64_t fold_rows = 0, fold_columns = 0;
    /// One block of C is mb × nb, summed kb at a time (weight and input stationary: what the array holds of k at once).
    std::uint64_t mb = 0, nb = 0, kb = 0;
    std::uint64_t row_blocks = 0, column_blocks = 0, k_slices = 0;
    /// Rows of folds that are worked on together, column by column: a panel of B serves them all, and their sums move
    /// between L2 and L1 in one command.
    std::uint64_t strip = 1;
    std::size_t lanes = 1; ///< compute tiles used

    // superblock: row_group × column_group blocks are worked on together, k_group slices at a time; where k_group <
    // k_slices their partial sums stay in L3 between groups
    std::uint64_t row_group = 1, column_group = 1, k_group = 1;
    block_order order = block_order::rows_outer;

    // slots
    std::size_t row_slots = 0, column_slots = 0, result_slots = 0; ///< L1, per lane; results: a strip's column of cells
    std::size_t l2_a = 0, l2_b = 0, l2_c = 0, l2_seed = 0;         ///< L2, per lane
    std::size_t l3_tiles = 0, l3_c = 0, l3_seed = 0;               ///< A and B tiles share slots; c: blocks, or strips
    std::size_t l2_steps = 0, l3_steps = 0;                        ///< of a block's operands of steps together
    bytes row_slot, column_slot, result_slot;                      ///< sizes
    bytes l2_a_slot, l2_b_slot, l2_c_slot, l2_seed_slot;
    bytes l3_tile_slot, l3_c_slot, l3_seed_slot;
    bytes steps_slot;        ///< in L2 and in L3
    std::size_t storers = 0; ///< DMA engines that keep to stores, the chip's last ones; 0: the only one does both
    ring_plan ring;          ///< L3. No slabs: tiles of A are gathered from DRAM; else tiles in L3 are those of B alone

    // what the choice was made by
    cost_terms terms;
    double hidden = 0;         ///< cycles that other resources are busy meanwhile, weighted
    double traffic_weight = 1; ///< more than 1 where it moves more DRAM bytes than the best blocking
    std::optional<rehearsal_result> rehearsed;
    std::uint64_t estimated_dram_bytes = 0;
    double estimated_l2_bytes = 0; ///< between L3 and L2

    /// By the closed form, or rehearsed.
    [[nodiscard]] double estimated_cycles() const { return rehearsed ? rehearsed->cycles : terms.cycles(); }
    /// What counts between dataflows: hidden work does not.
    [[nodiscard]] double time() const { return estimated_cycles() * traffic_weight; }
    /// What is minimised.
    [[nodiscard]] double cost() const {
        return (estimated_cycles() + (rehearsed ? k_hidden_when_rehearsed : 1) * hidden) * traffic_weight;
    }
    [[nodiscard]] bool partial_sums_in_l3() const { return k_group < k_slices; }
};

/// Bytes of L2 that one of `lanes` compute tiles may use: whole banks where there are enough of them.
struct l2_share {
    bytes offset;
    bytes size;
};
[[nodiscard]] l2_share share_of_l2(const memory_info& l2, std::size_t lanes, std::size_t lane);

/// The best blocking by estimated cycles among all that fit, of all dataflows unless one is asked for. `required` tiles
/// are used as they are where they fit.
/// Throws input_error with the sizes where not even one fold of depth 1 fits.
[[nodiscard]] blocking choose_blocking(const machine& chip, const dfx::contraction& work);

/// The same with what it was chosen among.
struct blocking_choice {
    blocking plan;
    weighing weighed;
};
[[nodiscard]] blocking_choice weigh_blockings(const machine& chip, const dfx::contraction& work);

[[nodiscard]] element_sizes sizes_of(const dfx::contraction& work);

/// "blocks 128×128×256, …" for --verbose and --dry-run.
[[nodiscard]] std::string to_string(const blocking& plan);
[[nodiscard]] candidate candidate_of(const blocking& plan);

} // namespace kpu::fw
