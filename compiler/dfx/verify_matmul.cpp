// MATMUL_TILE: shapes, indices, types and the accumulate rule.

#include "compiler/dfx/verify.h"
#include "compiler/dfx/verify_parts.h"
#include "compiler/dfx/walk.h"

#include <algorithm>

namespace kpu::dfx::parts {

namespace {

/// One dimension that two operands share.
struct shared_dimension {
    const tensor_region& x;
    std::size_t dx;
    const tensor_region& y;
    std::size_t dy;
    const char* name;
};

void check_shared(const context& c, const std::string& at, const shared_dimension& s) {
    const std::uint64_t ex = c.whole.find(s.x.tensor_name)->dims[s.dx];
    const std::uint64_t ey = c.whole.find(s.y.tensor_name)->dims[s.dy];
    const std::string who = std::string(" of ") + s.x.tensor_name + " and " + s.y.tensor_name + " in " + s.name;
    if (ex != ey)
        c.error(at, "extents" + who + " disagree", std::to_string(ex) + " and " + std::to_string(ey));
    if (s.x.tile_shape[s.dx] != s.y.tile_shape[s.dy])
        c.error(at, "tile extents" + who + " disagree",
                std::to_string(s.x.tile_shape[s.dx]) + " and " + std::to_string(s.y.tile_shape[s.dy]));
    if (!(s.x.tile_indices[s.dx] == s.y.tile_indices[s.dy]))
        c.error(at, "tile indices" + who + " disagree");
}

void check_types(const context& c, const std::string& at, const compute_op& op) {
    const dtype a = c.whole.find(op.inputs[0].tensor_name)->type;
    const dtype b = c.whole.find(op.inputs[1].tensor_name)->type;
    const dtype out = c.whole.find(op.output.tensor_name)->type;
    if (a != b)
        c.error(at + ".inputs", "A and B have different types",
                std::string(name_of(a)) + " and " + std::string(name_of(b)));
    const dtype sum = accumulator_of(a);
    if (is_integer(sum) ? out != sum : is_integer(out))
        c.error(at + ".output", "sums in " + std::string(name_of(sum)) + " cannot be stored as this type",
                std::string(name_of(out)), is_integer(sum) ? "i32" : "a float type");
    if (op.inputs.size() < 3)
        return;
    const dtype seed = c.whole.find(op.inputs[2].tensor_name)->type;
    if (!widens(seed, sum))
        c.error(at + ".inputs[2]", "the seed's type does not widen to the accumulator's", std::string(name_of(seed)),
                "one that widens to " + std::string(name_of(sum)));
}

/// M * N * K * batch of the whole tensors.
void check_size(const context& c, const std::string& at, const compute_op& op) {
    std::uint64_t macs = c.whole.find(op.inputs[0].tensor_name)->dims.back();
    for (const std::uint64_t extent : c.whole.find(op.output.tensor_name)->dims)
        if (__builtin_mul_overflow(macs, extent, &macs) || macs > k_max_macs)
            return c.error(at, "more than 2^56 multiply-accumulates");
}

void check_shapes(const context& c, const std::string& at, const compute_op& op) {
    const tensor_region& a = op.inputs[0];
    const tensor_region& b = op.inputs[1];
    const std::size_t rank = op.output.tile_shape.size();
    if (rank < 2 || rank > 3 || a.tile_shape.size() != rank || b.tile_shape.size() != rank ||
        (op.inputs.size() == 3 && op.inputs[2].tile_shape.size() != rank))
        return c.error(at, "operands of MATMUL_TILE have one rank, 2 or 3");
    const std::size_t i = rank - 2;
    const std::size_t j = rank - 1;
    check_shared(c, at, {a, i, op.output, i, "rows"});
    check_shared(c, at, {b, j, op.output, j, "columns"});
    check_shared(c, at, {a, j, b, i, "k"});
    if (op.inputs.size() == 3) {
        check_shared(c, at, {op.inputs[2], i, op.output, i, "rows"});
        check_shared(c, at, {op.inputs[2], j, op.output, j, "columns"});
    }
    if (rank == 2)
        return;
    check_shared(c, at, {a, 0, op.output, 0, "batch"});
    check_shared(c, at, {b, 0, op.output, 0, "batch"});
    if (op.inputs.size() == 3)
        check_shared(c, at, {op.inputs[2], 0, op.output, 0, "batch"});
    if (op.output.tile_shape[0] != 1)
        c.error(at, "the batch dimension is tiled by 1", std::to_string(op.output.tile_shape[0]));
}

/// True where the value of the loop shows in one of the region's indices.
bool depends_on(const tensor_region& r, std::size_t loop) {
    for (const affine& form : r.tile_indices)
        if (coefficient(form, loop) != 0)
            return true;
    return false;
}

bool is_one_step_back(const std::vector<std::int64_t>& distance, std::size_t loop) {
    for (std::size_t d = 0; d < distance.size(); ++d)
        if (distance[d] != (d == loop ? 1 : 0))
            return false;
    return loop < distance.size();
}

/// A step of the named loop adds to what the step before has left, and so must come after it.
void check_carried(const context& c, const leaf& l, const compute_op& op, std::size_t loop) {
    const bool waits = std::any_of(op.depends_on.begin(), op.depends_on.end(), [&](const dependence& d) {
        return d.op == op.op_id && is_one_step_back(d.distance, loop);
    });
    if (trip_count(*l.loops[loop]) > 1 && !waits)
        c.error(l.path + ".depends_on",
                "accumulates over " + l.loops[loop]->induction_var + " without depending on its own step before");
}

/// In a loop nest: the tiles of k are summed all, each once, in ascending order.
void check_depth(const context& c, const leaf& l, const compute_op& op) {
    const tensor_region& a = op.inputs[0];
    const affine& k = a.tile_indices.back();
    for (std::size_t d = 0; d < l.loops.size(); ++d) {
        const tile_loop& loop = *l.loops[d];
        const std::int64_t v = coefficient(k, d);
        if (trip_count(loop) > 1 && v != 0 && (v != 1 || loop.step != 1))
            c.error(l.path + ".inputs", "k does not run through consecutive tiles in loop " + loop.induction_var);
    }
    const auto range = range_of(k, l.loops);
    if (!range || a.tile_shape.back() == 0)
        return; // reported with the region
    const std::uint64_t tiles = (c.whole.find(a.tensor_name)->dims.back() - 1) / a.tile_shape.back() + 1;
    if (range->first != 0 || static_cast<std::uint64_t>(range->second) != tiles - 1)
        c.error(l.path + ".inputs", "the sum is not over all tiles of k",
                std::to_string(range->first) + ".." + std::to_string(range->second), "0.." + std::to_string(tiles - 1));
}

void check_accumulation(const context& c, const leaf& l, const compute_op& op) {
    const bool after_first = op.accumulate.when == accumulate_rule::kind::after_first;
    bool found = false;
    for (std::size_t d = 0; d < l.loops.size(); ++d) {
        const tile_loop& loop = *l.loops[d];
        const bool named = after_first && loop.induction_var == op.accumulate.loop;
        const bool in_output = depends_on(op.output, d);
        found = found || named;
        if (named && (loop.kind != loop_kind::reduction || in_output))
            c.error(l.path + ".accumulate", "not a reduction loop of this output", loop.induction_var);
        if (named)
            check_carried(c, l, op, d);
        if (named && coefficient(op.inputs[0].tile_indices.back(), d) <= 0)
            c.error(l.path + ".accumulate", "k does not ascend with the reduction loop", loop.induction_var);
        if (!named && !in_output && trip_count(loop) > 1)
            c.error(l.path + ".accumulate", "the output tile is computed again in each iteration of " +
                                                loop.induction_var + " without being accumulated over it");
        if (!named && loop.kind == loop_kind::reduction && in_output)
            c.error(l.path + ".output", "the output tile depends on a reduction loop", loop.induction_var);
    }
    if (after_first && !found)
        c.error(l.path + ".accumulate", "no loop of this name encloses the operation", op.accumulate.loop);
    if (!after_first && !op.accumulate.loop.empty())
        c.error(l.path + ".accumulate", "only after_first names a loop", op.accumulate.loop);
    if (op.accumulate.when == accumulate_rule::kind::always && !c.flat)
        c.error(l.path + ".accumulate", "in a loop nest the first reduction step cannot accumulate", "always",
                "after_first");
    if (op.accumulate.when == accumulate_rule::kind::always && op.inputs.size() == 3)
        c.error(l.path + ".inputs", "an operation that accumulates has no use for a seed");
}

} // namespace

void check_matmul(const context& c, const leaf& at) {
    const compute_op& op = *at.compute();
    check_types(c, at.path, op);
    check_size(c, at.path, op);
    check_shapes(c, at.path, op);
    check_accumulation(c, at, op);
    if (!c.flat)
        check_depth(c, at, op);
}

} // namespace kpu::dfx::parts
