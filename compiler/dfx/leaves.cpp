#include "compiler/dfx/leaves.h"

#include "compiler/dfx/walk.h"

#include <algorithm>

namespace kpu::dfx {

namespace {

void collect(const std::vector<statement>& body, const std::string& path, std::vector<const tile_loop*>& loops,
             std::vector<leaf>& out) {
    for (std::size_t i = 0; i < body.size(); ++i) {
        const std::string here = path + ".body[" + std::to_string(i) + "]";
        if (const auto* nest = std::get_if<loop_nest>(&body[i])) {
            loops.push_back(&nest->loop);
            collect(nest->body, here, loops, out);
            loops.pop_back();
        } else {
            out.push_back({&body[i], loops, here});
        }
    }
}

} // namespace

std::uint64_t leaf::id() const {
    if (const data_move_op* m = move())
        return m->op_id;
    if (const compute_op* c = compute())
        return c->op_id;
    return barrier()->op_id;
}

std::vector<leaf> leaves_of(const kernel& k, const std::string& path) {
    std::vector<leaf> out;
    std::vector<const tile_loop*> loops;
    collect(k.body, path, loops, out);
    return out;
}

std::size_t common_loops(const leaf& a, const leaf& b) {
    const auto end = std::mismatch(a.loops.begin(), a.loops.end(), b.loops.begin(), b.loops.end());
    return static_cast<std::size_t>(end.first - a.loops.begin());
}

std::optional<std::pair<std::int64_t, std::int64_t>> range_of(const affine& form,
                                                              const std::vector<const tile_loop*>& loops) {
    std::int64_t low = form.offset;
    std::int64_t high = form.offset;
    for (std::size_t d = 0; d < loops.size(); ++d) {
        const tile_loop& loop = *loops[d];
        const std::int64_t c = coefficient(form, d);
        std::int64_t first = 0;
        std::int64_t last = 0;
        const std::uint64_t end = loop.start + (trip_count(loop) - 1) * loop.step;
        if (__builtin_mul_overflow(c, static_cast<std::int64_t>(loop.start), &first) ||
            __builtin_mul_overflow(c, static_cast<std::int64_t>(end), &last) ||
            __builtin_add_overflow(low, std::min(first, last), &low) ||
            __builtin_add_overflow(high, std::max(first, last), &high))
            return std::nullopt;
    }
    return std::make_pair(low, high);
}

std::string tile_key(const tensor_region& r, bool with_level) {
    std::string key = r.tensor_name;
    key += '\0';
    if (with_level)
        key += std::to_string(static_cast<int>(r.level));
    for (std::size_t d = 0; d < r.tile_indices.size(); ++d) {
        const affine& form = r.tile_indices[d];
        std::size_t used = form.coefficients.size();
        while (used > 0 && form.coefficients[used - 1] == 0)
            --used;
        key += "|" + std::to_string(r.tile_shape[d]) + ":" + std::to_string(form.offset);
        for (std::size_t i = 0; i < used; ++i)
            key += "," + std::to_string(form.coefficients[i]);
    }
    return key;
}

} // namespace kpu::dfx
