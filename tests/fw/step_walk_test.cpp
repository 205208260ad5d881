// The walk visits every block and slice once, slices ascending, and deals visits to lanes in turn.

#include "fw/loader/step_walk.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <tuple>

using namespace kpu::fw;

namespace {

using block_of_c = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

void check_walk(const blocking& plan, std::uint64_t batches) {
    step_walk walk(plan, batches);
    std::map<block_of_c, std::uint64_t> next_slice;
    std::map<std::size_t, block_of_c> visiting;
    std::uint64_t number = 0;
    while (const auto s = walk.next()) {
        BOOST_REQUIRE(s->number == number++);
        BOOST_REQUIRE(s->lane < plan.lanes);
        const block_of_c block{s->batch, s->row, s->column};
        BOOST_REQUIRE(s->slice == next_slice[block]);
        ++next_slice[block];
        if (s->first_slice_of_visit) {
            BOOST_REQUIRE(visiting.count(s->lane) == 0);
            visiting[s->lane] = block;
        }
        BOOST_REQUIRE(visiting.at(s->lane) == block);
        if (s->last_slice_of_visit)
            visiting.erase(s->lane);
    }
    BOOST_TEST(visiting.empty());
    BOOST_TEST(next_slice.size() == batches * plan.row_blocks * plan.column_blocks);
    for (const auto& [block, slices] : next_slice)
        BOOST_REQUIRE(slices == plan.k_slices);
}

} // namespace

BOOST_AUTO_TEST_CASE(random_plans_are_covered_once_in_ascending_slices) {
    std::mt19937 random(11);
    for (int i = 0; i < 500; ++i) {
        blocking plan;
        plan.row_blocks = 1 + random() % 7;
        plan.column_blocks = 1 + random() % 7;
        plan.k_slices = 1 + random() % 5;
        plan.row_group = 1 + random() % plan.row_blocks;
        plan.column_group = 1 + random() % plan.column_blocks;
        plan.k_group = 1 + random() % plan.k_slices;
        plan.lanes = 1 + random() % 4;
        plan.order = random() % 2 == 0 ? block_order::rows_outer : block_order::columns_outer;
        check_walk(plan, 1 + random() % 3);
    }
}

BOOST_AUTO_TEST_CASE(lanes_share_a_row_of_blocks_slice_by_slice) {
    blocking plan;
    plan.row_blocks = 1;
    plan.column_blocks = 2;
    plan.k_slices = 2;
    plan.row_group = 1;
    plan.column_group = 2;
    plan.k_group = 2;
    plan.lanes = 2;
    step_walk walk(plan, 1);
    for (const auto& [lane, column, slice] : std::vector<std::tuple<std::size_t, std::uint64_t, std::uint64_t>>{
             {0, 0, 0}, {1, 1, 0}, {0, 0, 1}, {1, 1, 1}}) {
        const auto s = walk.next();
        BOOST_REQUIRE(s.has_value());
        BOOST_TEST(s->lane == lane);
        BOOST_TEST(s->column == column);
        BOOST_TEST(s->slice == slice);
    }
    BOOST_TEST(!walk.next().has_value());
}

BOOST_AUTO_TEST_CASE(a_block_is_never_twice_in_one_round) {
    blocking plan; // one block whose slices come in two groups: the second lane must not run ahead of the first
    plan.row_blocks = plan.column_blocks = 1;
    plan.k_slices = 2;
    plan.lanes = 2;
    step_walk walk(plan, 1);
    BOOST_TEST(walk.next()->lane == 0U);
    BOOST_TEST(walk.next()->lane == 0U);
    BOOST_TEST(!walk.next().has_value());
}
