#include "fw/loader/blocking.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_share_alignment = 64;

} // namespace

element_sizes sizes_of(const dfx::contraction& work) {
    element_sizes e{size_of(work.operand), size_of(work.accumulator), size_of(work.result),
                    work.seed ? size_of(work.seed_type) : 0, work.bias};
    for (const dfx::step_operand& o : work.step_operands)
        e.steps.push_back({size_of(o.type), o.rows, o.columns});
    return e;
}

l2_share share_of_l2(const memory_info& l2, std::size_t lanes, std::size_t lane) {
    const std::uint64_t bank = l2.size.value() / l2.units;
    if (l2.units >= lanes) {
        const std::uint64_t banks = l2.units / lanes;
        return {bytes(lane * banks * bank), bytes(banks * bank)};
    }
    const std::uint64_t size = l2.size.value() / lanes / k_share_alignment * k_share_alignment;
    return {bytes(lane * size), bytes(size)};
}

namespace {

const char* describe(block_order order) {
    return order == block_order::rows_outer ? "rows outer" : "columns outer";
}

std::string describe(const ring_plan& ring) {
    if (ring.slabs == 0)
        return "";
    return ring.whole ? " + all of the input" : fmt::format(" + {} slabs of the input", ring.slabs);
}

} // namespace

std::string to_string(const blocking& plan) {
    return fmt::format(
        "{}, blocks {}x{}x{} ({}x{} of C, {} slices of k) in strips of {} on {} array(s); superblock {}x{}x{}, {}{}; "
        "slots L1 {}/{}/{}, L2 {}/{}/{}, L3 {} tiles + {} C{}; estimated {:.0f} cycles, {} DRAM bytes, {:.0f} L2 bytes",
        name_of(plan.flow), plan.mb, plan.nb, plan.kb, plan.row_blocks, plan.column_blocks, plan.k_slices, plan.strip,
        plan.lanes, plan.row_group, plan.column_group, plan.k_group, describe(plan.order),
        plan.partial_sums_in_l3() ? ", partial sums in L3" : "", plan.row_slots, plan.column_slots, plan.result_slots,
        plan.l2_a, plan.l2_b, plan.l2_c, plan.l3_tiles, plan.l3_c, describe(plan.ring), plan.estimated_cycles(),
        plan.estimated_dram_bytes, plan.estimated_l2_bytes);
}

candidate candidate_of(const blocking& plan) {
    candidate c;
    c.shape = fmt::format("{} {}x{}x{} strip {} superblock {}x{}x{} {}{}", name_of(plan.flow), plan.mb, plan.nb,
                          plan.kb, plan.strip, plan.row_group, plan.column_group, plan.k_group, describe(plan.order),
                          describe(plan.ring));
    c.terms = plan.terms;
    c.hidden = plan.hidden;
    c.traffic_weight = plan.traffic_weight;
    c.rehearsed = plan.rehearsed;
    c.dram_bytes = plan.estimated_dram_bytes;
    return c;
}

} // namespace kpu::fw
