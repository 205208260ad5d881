#include "compiler/dfx/bounds.h"

#include "platforms/common/units.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace kpu::dfx {

namespace {

/// Every value that ceil(extent / block) takes, ascending; about 2 sqrt(extent) of them.
std::vector<std::uint64_t> distinct_counts(std::uint64_t extent) {
    std::vector<std::uint64_t> counts;
    // The largest block that gives a count n is ceil(extent / (n - 1)) - 1; going down from it lands on the next count.
    std::uint64_t block = extent;
    while (block > 0) {
        const std::uint64_t n = ceil_div(extent, block);
        counts.push_back(n);
        const std::uint64_t smallest = ceil_div(extent, n);
        block = smallest - 1;
    }
    return counts;
}

/// Element sizes and operand sizes of one batch element, in bytes.
struct sizes {
    explicit sizes(const contraction& c)
        : operand(size_of(c.operand)), sum(size_of(c.accumulator)), result(size_of(c.result)), a(c.a_bytes() / c.batch),
          b(c.k * c.n * operand), c_result(c.m * c.n * result), c_sum(c.m * c.n * sum),
          seed((c.seed_bytes() + c.step_bytes()) / c.batch) {}
    std::uint64_t operand, sum, result;
    std::uint64_t a, b, c_result, c_sum, seed; ///< seed: and operands of steps
};

/// Block counts.
struct counts {
    std::uint64_t m, n, k;
};

/// How often an operand is moved in a loop order: the product of the counts of those loops that do not index it and
/// that enclose a loop of more than one iteration that does (a loop without such a loop inside leaves the block where
/// it is).
std::uint64_t repeats(const std::array<std::uint64_t, 3>& trips, const std::array<bool, 3>& indexes) {
    std::uint64_t product = 1;
    bool changes_inside = false;
    for (std::size_t d = 3; d-- > 0;) {
        if (indexes[d])
            changes_inside = changes_inside || trips[d] > 1;
        else if (changes_inside)
            product *= trips[d];
    }
    return product;
}

enum axis { rows, columns, depth };

std::uint64_t traffic(const sizes& s, const counts& n, const std::array<axis, 3>& order) {
    std::array<std::uint64_t, 3> trips{};
    std::array<bool, 3> in_a{};
    std::array<bool, 3> in_b{};
    std::array<bool, 3> in_c{};
    for (std::size_t d = 0; d < 3; ++d) {
        trips[d] = order[d] == rows ? n.m : order[d] == columns ? n.n : n.k;
        in_a[d] = order[d] != columns;
        in_b[d] = order[d] != rows;
        in_c[d] = order[d] != depth;
    }
    const std::uint64_t spills = repeats(trips, in_c) - 1;
    return s.a * repeats(trips, in_a) + s.b * repeats(trips, in_b) + s.seed + s.c_result + 2 * spills * s.c_sum;
}

struct choice {
    std::uint64_t bytes;
    blocking::resident stays;
};

choice best_order(const sizes& s, const counts& n) {
    using order = std::array<axis, 3>;
    const std::uint64_t c =
        std::min(traffic(s, n, order{rows, columns, depth}), traffic(s, n, order{columns, rows, depth}));
    const std::uint64_t a =
        std::min(traffic(s, n, order{rows, depth, columns}), traffic(s, n, order{depth, rows, columns}));
    const std::uint64_t b =
        std::min(traffic(s, n, order{columns, depth, rows}), traffic(s, n, order{depth, columns, rows}));
    choice best = {c, blocking::resident::c};
    if (a < best.bytes)
        best = {a, blocking::resident::a};
    if (b < best.bytes)
        best = {b, blocking::resident::b};
    return best;
}

/// The largest kb that fits beside blocks of mb rows and nb columns; 0 where none does.
std::uint64_t largest_depth(const contraction& c, const sizes& s, std::uint64_t mb, std::uint64_t nb,
                            std::uint64_t l3_bytes) {
    const std::uint64_t per_k = std::max<std::uint64_t>((mb + nb) * s.operand, 1);
    const std::uint64_t whole = mb * nb * s.result;
    if (whole <= l3_bytes && c.k <= (l3_bytes - whole) / per_k)
        return c.k;
    const std::uint64_t split = mb * nb * s.sum;
    return split <= l3_bytes && c.k > 1 ? std::min((l3_bytes - split) / per_k, c.k - 1) : 0;
}

} // namespace

std::uint64_t compulsory_bytes(const contraction& c) {
    return c.a_bytes() + c.b_bytes() + c.c_bytes() + c.seed_bytes() + c.step_bytes();
}

std::uint64_t lower_bound_bytes(const contraction& c, std::uint64_t on_chip_bytes) {
    const std::uint64_t element = std::min(size_of(c.operand), size_of(c.result));
    const std::uint64_t capacity = on_chip_bytes / element;
    const auto s = static_cast<double>(capacity);
    const std::uint64_t compulsory = compulsory_bytes(c);
    if (s < 1)
        return compulsory;
    const double products = static_cast<double>(c.m) * static_cast<double>(c.n) * static_cast<double>(c.k);
    const double moved = 2 * products / std::sqrt(s) - 2 * s;
    if (moved <= 0)
        return compulsory;
    return std::max(compulsory, c.batch * static_cast<std::uint64_t>(moved * static_cast<double>(element)));
}

std::optional<blocking> best_blocking(const contraction& c, std::uint64_t l3_bytes) {
    const sizes s(c);
    std::optional<blocking> best;
    const std::vector<std::uint64_t> column_counts = distinct_counts(c.n);
    for (const std::uint64_t nm : distinct_counts(c.m)) {
        const std::uint64_t mb = ceil_div(c.m, nm);
        for (const std::uint64_t nn : column_counts) {
            const std::uint64_t nb = ceil_div(c.n, nn);
            const std::uint64_t kb = largest_depth(c, s, mb, nb, l3_bytes);
            if (kb == 0)
                continue;
            const choice found = best_order(s, {nm, nn, ceil_div(c.k, kb)});
            if (!best || found.bytes * c.batch < best->bytes)
                best = blocking{mb, nb, kb, found.stays, found.bytes * c.batch};
        }
    }
    return best;
}

traffic_bounds bounds_of(const contraction& c, std::uint64_t l3_bytes, std::uint64_t l2_bytes) {
    const auto best = best_blocking(c, l3_bytes);
    return {compulsory_bytes(c), lower_bound_bytes(c, l3_bytes + l2_bytes), best ? best->bytes : 0};
}

traffic_bounds bounds_of(const program& p, const kernel& k, std::uint64_t l3_bytes, std::uint64_t l2_bytes) {
    traffic_bounds sum;
    for (const contraction& c : joined(contractions_of(p, k))) {
        const traffic_bounds one = bounds_of(c, l3_bytes, l2_bytes);
        sum.compulsory_bytes += one.compulsory_bytes;
        sum.lower_bound_bytes += one.lower_bound_bytes;
        sum.best_blocking_bytes += one.best_blocking_bytes;
    }
    return sum;
}

} // namespace kpu::dfx
