#pragma once
// What the loader keeps of one compute tile while a contraction runs on it: residency of its L2 share and of its L1
// buffers.

#include "fw/loader/blocking.h"
#include "fw/loader/l3_store.h"
#include "fw/loader/layout.h"
#include "fw/loader/step_walk.h"
#include "fw/loader/tile_cache.h"
#include "platforms/common/ring.h"

#include <optional>
#include <vector>

namespace kpu::fw {

/// A block of C in L2. Use is kept per column of a strip, which comes and goes as one.
struct c_block {
    address base;
    std::vector<usage> columns; ///< strip by strip
    std::vector<usage> results; ///< of the last strip of all, row by row: nothing but their leaving waits for them
};

/// Room in L1 for the results of a strip's column of folds, for their seeds, where these have another type for their
/// unconverted form, and for the operands of the steps behind them.
struct result_slot {
    address cells;
    address staging;
    usage use;               ///< of cells and staging
    address operands;        ///< of the whole strip's slot
    std::uint64_t place = 0; ///< among its cells, where it has been split
    usage operand_use;
};

/// A step for which operands are on their way into L2.
struct prepared_step {
    step at;
    tile_slot* a = nullptr;
    tile_slot* b = nullptr;
    c_block* sums = nullptr;
    tile_slot* seed = nullptr;  ///< null where the sums start from zero or from earlier slices
    tile_slot* steps = nullptr; ///< operands of steps; null where more slices follow
};

/// Results that lie in L1 and have not been told to leave yet. Told late, the streamer is free to fetch the next folds'
/// seeds.
struct pending_drain {
    std::size_t slot = 0;
    c_block* to = nullptr;
    std::size_t column = 0; ///< among the block's
    std::uint64_t row = 0;  ///< the first, in the strip
    cell_strip cells;
    cell_place from, into;
    bool last_strip = false; ///< of all
    point after;             ///< what completes them
    std::uint32_t tag = 0;
};

/// Neighbouring cells of a finished block (or of sums that must wait in L3) that leave L2 together once they have been
/// drained: a whole strip; of the last strip of all a row, and of its last row as few as make efficient bursts.
struct pending_cells {
    step at;
    c_block* from = nullptr;
    l3_block* to = nullptr;
    std::uint64_t strip = 0;
    std::uint64_t first_row = 0, first_column = 0; ///< in cells of the strip
    std::uint64_t rows = 0, columns = 0;           ///< elements of all the cells together
    bool last = false;                             ///< of the lane's last visit
    bool last_strip = false;                       ///< of that
    std::uint64_t after_fold = 0;                  ///< of its step
};

enum class stream_role : std::uint8_t { row, column, seed, drain };

struct lane {
    lane(const machine& chip, const blocking& plan, const element_sizes& e, std::size_t number,
         const point_set& l1_earlier, const point_set& l2_earlier);

    /// From here on a slot for every cell: there are no drains left, and folds come row by row.
    void split_results(std::uint64_t strip, bytes cell, bytes staged_cell);

    /// The streamer for a role: one each as far as there are enough.
    [[nodiscard]] engine_id streamer(stream_role role) const;

    const compute_tile* tile;
    tile_cache rows, columns; ///< L1 panels
    std::vector<result_slot> results;
    std::size_t next_result = 0;
    tile_cache l2_a, l2_b, l2_seed, l2_steps;
    std::vector<c_block> blocks;
    std::size_t next_block = 0;
    ring<pending_drain> drains;
    ring<pending_cells> leaving;
    l3_block* destination = nullptr;    ///< of the current visit's rows
    std::optional<prepared_step> ahead; ///< the lane's next step, if it has been prepared
    c_block* last_sums = nullptr;       ///< of the latest prepared visit
};

} // namespace kpu::fw
