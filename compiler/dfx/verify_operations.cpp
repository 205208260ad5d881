// Regions, moves and computes, each by itself.

#include "compiler/dfx/verify.h"
#include "compiler/dfx/verify_parts.h"
#include "compiler/dfx/walk.h"

#include <algorithm>

namespace kpu::dfx::parts {

namespace {

std::string text_of(const std::pair<std::int64_t, std::int64_t>& range) {
    return range.first == range.second ? std::to_string(range.first)
                                       : std::to_string(range.first) + ".." + std::to_string(range.second);
}

void check_index(const context& c, const leaf& l, const tensor_region& r, std::size_t d, std::uint64_t extent,
                 const std::string& at) {
    const std::string here = at + ".tile_indices[" + std::to_string(d) + "]";
    const affine& form = r.tile_indices[d];
    for (std::size_t loop = l.loops.size(); loop < form.coefficients.size(); ++loop)
        if (form.coefficients[loop] != 0)
            return c.error(here, "tile index refers to a loop that does not enclose it",
                           "loop " + std::to_string(loop));
    const std::uint64_t tile = r.tile_shape[d];
    if (tile == 0 || tile > k_max_extent)
        return c.error(at + ".tile_shape", "tile extent out of range", std::to_string(tile), "1 to 2^40");
    const auto range = range_of(form, l.loops);
    const auto last = static_cast<std::int64_t>((extent - 1) / tile);
    if (!range)
        c.error(here, "tile index overflows 64 bits");
    else if (range->first < 0 || range->second > last)
        c.error(here, "tile lies outside tensor " + r.tensor_name, text_of(*range), "0.." + std::to_string(last));
}

/// True where the region is sound enough for further checks of the operation.
bool check_region(const context& c, const leaf& l, const tensor_region& r, const std::string& at) {
    const tensor_descriptor* t = c.whole.find(r.tensor_name);
    if (t == nullptr) {
        c.error(at + ".tensor", "no such tensor", r.tensor_name);
        return false;
    }
    if (r.tile_indices.size() != t->dims.size() || r.tile_shape.size() != t->dims.size()) {
        c.error(at, "region of tensor " + t->name + " has a wrong rank",
                std::to_string(r.tile_indices.size()) + " indices, " + std::to_string(r.tile_shape.size()) + " extents",
                std::to_string(t->dims.size()) + " of each");
        return false;
    }
    if (r.element_size != size_of(t->type))
        c.error(at + ".element_size", "element size differs from that of " + std::string(name_of(t->type)),
                std::to_string(r.element_size), std::to_string(size_of(t->type)));
    for (std::size_t d = 0; d < t->dims.size(); ++d)
        check_index(c, l, r, d, t->dims[d], at);
    return true;
}

void check_levels(const context& c, const leaf& l, const data_move_op& op) {
    const bool inwards = op.type == data_move_type::load || op.type == data_move_type::prefetch;
    const int step = static_cast<int>(op.destination.level) - static_cast<int>(op.source.level);
    const std::string levels =
        std::string(name_of(op.source.level)) + " to " + std::string(name_of(op.destination.level));
    if (inwards ? step <= 0 : step >= 0)
        c.error(l.path, std::string(name_of(op.type)) + " goes the wrong way", levels,
                inwards ? "towards the array" : "away from the array");
    else if (!c.flat && step != 1 && step != -1)
        c.error(l.path, "a move in a loop nest goes one level at a time", levels);
    else if (inwards && op.destination.level == memory_level::reg)
        c.error(l.path, "nothing is loaded into REGISTER: computes read L1", levels);
}

/// A loop that does not show in the tile would take the sum out of REGISTER in each of its iterations.
void check_leaves_once(const context& c, const leaf& l, const tensor_region& r) {
    for (std::size_t d = 0; d < l.loops.size(); ++d) {
        const bool shows = std::any_of(r.tile_indices.begin(), r.tile_indices.end(),
                                       [&](const affine& form) { return coefficient(form, d) != 0; });
        if (!shows && trip_count(*l.loops[d]) > 1)
            c.error(l.path + ".source", "the sum leaves REGISTER in each iteration of " + l.loops[d]->induction_var);
    }
}

void check_move(const context& c, const leaf& l, const data_move_op& op) {
    const bool source_good = check_region(c, l, op.source, l.path + ".source");
    const bool destination_good = check_region(c, l, op.destination, l.path + ".dest");
    check_levels(c, l, op);
    if (op.transpose)
        c.error(l.path + ".transpose", "transposing moves are not defined for MATMUL kernels");
    if (!source_good || !destination_good)
        return;
    if (op.source.level == memory_level::reg)
        check_leaves_once(c, l, op.source);
    if (op.source.tensor_name != op.destination.tensor_name ||
        !(op.source.tile_indices == op.destination.tile_indices) || op.source.tile_shape != op.destination.tile_shape)
        c.error(l.path, "source and destination are different tiles",
                op.source.tensor_name + " and " + op.destination.tensor_name, "the same tile at two levels");
}

void check_compute(const context& c, const leaf& l, const compute_op& op) {
    if (op.type != compute_type::matmul_tile)
        return c.error(l.path, "operation is not supported", std::string(name_of(op.type)), "MATMUL_TILE");
    if (op.inputs.size() < 2 || op.inputs.size() > 3)
        return c.error(l.path + ".inputs", "MATMUL_TILE has " + std::to_string(op.inputs.size()) + " inputs", "",
                       "A, B and optionally a seed");
    if (has_attributes(op))
        c.error(l.path, "a compute on tiles has attributes of a whole-tensor operator");
    bool good = true;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        const std::string at = l.path + ".inputs[" + std::to_string(i) + "]";
        good = check_region(c, l, op.inputs[i], at) && good;
        if (op.inputs[i].level != memory_level::l1)
            c.error(at + ".level", "a compute reads L1", std::string(name_of(op.inputs[i].level)), "L1");
    }
    good = check_region(c, l, op.output, l.path + ".output") && good;
    if (op.output.level != memory_level::reg)
        c.error(l.path + ".output.level", "a compute writes REGISTER", std::string(name_of(op.output.level)),
                "REGISTER");
    if (good)
        check_matmul(c, l);
}

} // namespace

void check_operations(const context& c) {
    for (const leaf& l : c.leaves) {
        if (const data_move_op* move = l.move())
            check_move(c, l, *move);
        else if (const compute_op* compute = l.compute())
            check_compute(c, l, *compute);
    }
}

} // namespace kpu::dfx::parts
