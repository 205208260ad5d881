#pragma once
// The order in which blocks of a contraction are worked on: a lazy walk, so that its memory does not depend on their
// number.

#include "fw/loader/blocking.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace kpu::fw {

/// Steps at least that are known ahead.
inline constexpr std::size_t k_least_window = 64;

/// One lane's work on one block of C for one slice of k. Indices count blocks and slices.
struct step {
    std::uint64_t number = 0; ///< position in the walk
    std::size_t lane = 0;
    std::uint64_t batch = 0, row = 0, column = 0, slice = 0;
    bool first_slice_of_visit = false,
         last_slice_of_visit = false; ///< a visit is a run of slices of one block on one lane
};

/// Enumerates, batch by batch, superblock by superblock, group of slices by group of slices, the visits of blocks;
/// deals the visits to the lanes in turn, and interleaves the lanes slice by slice so that they share A and B tiles
/// while those are in L3. For every block of C the slices come in ascending order.
class step_walk {
  public:
    step_walk(const blocking& plan, std::uint64_t batches);
    /// The next step, or nothing at the end.
    [[nodiscard]] std::optional<step> next();

  private:
    struct visit {
        std::uint64_t batch = 0, row = 0, column = 0, first_slice = 0, slices = 0;
    };
    [[nodiscard]] visit visit_at_cursor() const;
    void advance_cursor();
    void start_round();

    blocking m_plan;
    std::uint64_t m_batches;
    // cursor over visits, outermost first
    std::uint64_t m_batch = 0, m_row_group = 0, m_column_group = 0, m_k_group = 0, m_outer = 0, m_inner = 0;
    bool m_done = false;
    // the visits that the lanes are working on
    std::vector<visit> m_round;
    std::uint64_t m_slice = 0;
    std::size_t m_lane = 0;
    std::uint64_t m_number = 0;
};

} // namespace kpu::fw
