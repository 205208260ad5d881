#include "compiler/passes/tiling.h"

#include "compiler/dfx/bounds.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace kpu::passes {

namespace {

using extents = std::array<std::uint64_t, 3>;

constexpr double k_cycles_per_tile = 16;

extents whole(const dfx::contraction& c) {
    return {c.m, c.n, c.k};
}

/// Bytes of a block with double-buffered operands.
double footprint(const dfx::contraction& c, const extents& t) {
    const auto operand = static_cast<double>(size_of(c.operand));
    const auto sum = static_cast<double>(size_of(c.accumulator));
    const auto ti = static_cast<double>(t[0]);
    const auto tj = static_cast<double>(t[1]);
    const auto tk = static_cast<double>(t[2]);
    return 2 * operand * (ti + tj) * tk + sum * ti * tj;
}

/// A tile halved along its largest extent until there is room for it.
extents split_for(const dfx::contraction& c, extents t, const chip_model& on) {
    const auto room = static_cast<double>(on.tile_room);
    while (footprint(c, t) > room && (t[0] > 1 || t[1] > 1 || t[2] > 1)) {
        std::uint64_t& largest = *std::max_element(t.begin(), t.end());
        largest = ceil_div(largest, 2);
    }
    return t;
}

/// Tiles grouped into the block that the chip's memory would hold.
extents grouped_for(const dfx::contraction& c, extents t, const chip_model& on) {
    for (;;) {
        const bool grow_rows = t[1] >= c.n || (t[0] < c.m && t[0] <= t[1]);
        extents next = t;
        std::uint64_t& extent = grow_rows ? next[0] : next[1];
        extent = std::min(2 * extent, grow_rows ? c.m : c.n);
        if (next == t || footprint(c, next) > static_cast<double>(on.capacity))
            return t;
        t = next;
    }
}

/// Rows (or columns) that the array works through for an extent cut into tiles: each tile is padded to the array's
/// side.
double padded(std::uint64_t extent, std::uint64_t tile, std::uint64_t side) {
    const std::uint64_t whole_tiles = extent / tile;
    return static_cast<double>(whole_tiles * round_up(tile, side) + round_up(extent % tile, side));
}

/// Of all arrays together while they take turns with `tiles` tiles, over that of one.
double turns(double tiles, std::uint64_t arrays) {
    return std::ceil(tiles / static_cast<double>(arrays)) / tiles;
}

double array_cycles(const dfx::contraction& c, const extents& t, const chip_model& on) {
    const auto steps = [&](std::uint64_t depth) { return std::max(ceil_div(depth, on.macs(c.operand)), on.side()); };
    const std::uint64_t rest = c.k % t[2];
    const std::uint64_t depth = c.k / t[2] * steps(t[2]) + (rest == 0 ? 0 : steps(rest));
    const double folds = padded(c.m, t[0], on.rows) / static_cast<double>(on.rows) *
                         (padded(c.n, t[1], on.columns) / static_cast<double>(on.columns));
    const auto batch = static_cast<double>(c.batch);
    const double tiles = batch * static_cast<double>(ceil_div(c.m, t[0]) * ceil_div(c.n, t[1]));
    const auto largest = static_cast<double>(ceil_div(t[0], on.rows) * ceil_div(t[1], on.columns));
    return static_cast<double>(depth) * std::max(largest, batch * folds * turns(tiles, on.arrays));
}

/// Bytes of the arrays' first tiles of A and B, and of their last ones of C.
double bytes_at_the_ends(const dfx::contraction& c, const extents& t, const chip_model& on) {
    const extents s = split_for(c, t, on);
    const std::uint64_t tiles = c.batch * ceil_div(c.m, s[0]) * ceil_div(c.n, s[1]);
    const std::uint64_t each = (s[0] + s[1]) * s[2] * size_of(c.operand) + s[0] * s[1] * size_of(c.result);
    return static_cast<double>(std::min(on.arrays, tiles) * each);
}

double dram_bytes(const dfx::contraction& c, const extents& t, const chip_model& on) {
    const extents b = grouped_for(c, split_for(c, t, on), on);
    return static_cast<double>(c.a_bytes()) * static_cast<double>(ceil_div(c.n, b[1])) +
           static_cast<double>(c.b_bytes()) * static_cast<double>(ceil_div(c.m, b[0])) +
           static_cast<double>(c.c_bytes() + c.seed_bytes());
}

double tile_count(const dfx::contraction& c, const extents& t) {
    double n = static_cast<double>(c.batch);
    for (std::size_t d = 0; d < 3; ++d)
        n *= static_cast<double>(ceil_div(whole(c)[d], t[d]));
    return n;
}

bool keeps(const dfx::contraction& c, const extents& t, const tiling_constraints& by) {
    const bool large_enough = t[0] * t[1] >= std::min(by.min_tile_elements, c.m * c.n);
    const auto ratio = [](std::uint64_t a, std::uint64_t b) {
        return static_cast<double>(a) * static_cast<double>(b) / static_cast<double>(a + b);
    };
    const bool reused = ratio(t[0], t[1]) >= std::min(by.target_reuse_ratio, ratio(c.m, c.n));
    for (std::size_t d = 0; d < 3; ++d)
        if (ceil_div(whole(c)[d], t[d]) > by.max_tiles_per_dim)
            return false;
    return large_enough && reused;
}

/// Doubles the smaller of Ti and Tj that can grow (and Tk for the number of tiles) until the constraints hold; the
/// whole matmul as one tile keeps every constraint.
extents raised(const dfx::contraction& c, extents t, const tiling_constraints& by) {
    const extents limits = whole(c);
    while (!keeps(c, t, by)) {
        const bool rows = t[1] >= c.n || (t[0] < c.m && t[0] <= t[1]);
        const std::size_t d = t[2] < c.k && ceil_div(c.k, t[2]) > by.max_tiles_per_dim ? 2 : rows ? 0 : 1;
        t[d] = std::min(2 * t[d], limits[d]);
    }
    return t;
}

std::uint64_t deepest(const dfx::contraction& c, const chip_model& on) {
    return std::max<std::uint64_t>(1, on.line_room / size_of(c.operand));
}

extents analytical(const dfx::contraction& c, const chip_model& on) {
    const std::uint64_t per_element = 4 * size_of(c.operand) + size_of(c.accumulator);
    std::uint64_t side = 1;
    while (per_element * (2 * side) * (2 * side) <= on.tile_room)
        side *= 2;
    const extents multiples = {on.rows, on.columns, on.side()};
    extents t{};
    for (std::size_t d = 0; d < 3; ++d) {
        const std::uint64_t extent = whole(c)[d];
        const std::uint64_t tiles = ceil_div(extent, side);
        t[d] = std::min(extent, round_up(ceil_div(extent, tiles), multiples[d]));
    }
    t[2] = std::min(t[2], deepest(c, on));
    return t;
}

bool has_room(const dfx::contraction& c, const extents& t, const chip_model& on) {
    return footprint(c, t) <= static_cast<double>(on.tile_room) && t[2] <= deepest(c, on);
}

std::vector<std::uint64_t> candidate_extents(std::uint64_t extent) {
    constexpr std::uint64_t k_largest = 4096;
    std::set<std::uint64_t> out = {extent};
    for (std::uint64_t v = 4; v < extent && v <= k_largest; v *= 2) {
        out.insert(v);
        if (v * 3 / 2 < extent)
            out.insert(v * 3 / 2);
    }
    return {out.begin(), out.end()};
}

/// Visits every tile of the search's space with its cost.
template <class Visit>
void for_each_candidate(const dfx::contraction& c, const tiling_constraints& by, const target& on, Visit visit) {
    const std::vector<std::uint64_t> columns = candidate_extents(c.n);
    const std::vector<std::uint64_t> depths = candidate_extents(c.k);
    for (const std::uint64_t ti : candidate_extents(c.m)) {
        for (const std::uint64_t tj : columns) {
            for (const std::uint64_t tk : depths) {
                const extents t = {ti, tj, tk};
                const auto fits = [&](const chip_model& chip) { return has_room(c, t, chip); };
                if (keeps(c, t, by) && std::any_of(on.chips.begin(), on.chips.end(), fits))
                    visit(t, tile_cost(c, t, by, on.chips));
            }
        }
    }
}

tile_choice search(const dfx::contraction& c, const tiling_constraints& by, const target& on) {
    tile_choice best;
    best.tile = raised(c, analytical(c, on.typical), by);
    best.cost = tile_cost(c, best.tile, by, on.chips);
    for_each_candidate(c, by, on, [&](const extents& t, double cost) {
        ++best.candidates;
        if (cost < best.cost) {
            best.cost = cost;
            best.tile = t;
        }
    });
    return best;
}

weighed_tile weighed(const dfx::contraction& c, const extents& t, double cost, const target& on) {
    weighed_tile w{t, cost, {}};
    for (const chip_model& chip : on.chips)
        w.terms.push_back(tile_cycles(c, t, chip));
    return w;
}

[[noreturn]] void refuse_strategy(const std::string& text) {
    diagnostic problem;
    problem.message = "not a tile strategy";
    problem.text = text;
    problem.expected = "analytical, search or fixed:Ti,Tj,Tk with extents from 1";
    throw input_error(std::move(problem));
}

} // namespace

std::string_view name_of(tile_strategy strategy) {
    switch (strategy) {
    case tile_strategy::analytical:
        return "analytical";
    case tile_strategy::search:
        return "search";
    case tile_strategy::fixed:
        break;
    }
    return "fixed";
}

tile_request parse_tile_request(const std::string& text) {
    tile_request request;
    if (text == "analytical")
        return request;
    if (text == "search") {
        request.strategy = tile_strategy::search;
        return request;
    }
    request.strategy = tile_strategy::fixed;
    unsigned long long t[3] = {0, 0, 0};
    int used = 0;
    const bool read = std::sscanf(text.c_str(), "fixed:%10llu,%10llu,%10llu%n", &t[0], &t[1], &t[2], &used) == 3;
    const bool plain = text.find_first_not_of("fixed:,0123456789") == std::string::npos;
    if (!read || !plain || static_cast<std::size_t>(used) != text.size() || t[0] == 0 || t[1] == 0 || t[2] == 0)
        refuse_strategy(text);
    request.fixed = {t[0], t[1], t[2]};
    return request;
}

tile_terms tile_cycles(const dfx::contraction& c, const extents& t, const chip_model& on) {
    return {bytes_at_the_ends(c, t, on) / on.dram_bytes_per_cycle, array_cycles(c, t, on),
            dram_bytes(c, t, on) / on.dram_bytes_per_cycle, k_cycles_per_tile * tile_count(c, t)};
}

double tile_cost(const dfx::contraction& c, const extents& t, const tiling_constraints& by,
                 const std::vector<chip_model>& chips) {
    double logs = 0;
    for (const chip_model& chip : chips) {
        const double compute = static_cast<double>(c.macs()) / static_cast<double>(chip.peak_macs(c.operand));
        const double dram = static_cast<double>(dfx::compulsory_bytes(c)) / chip.dram_bytes_per_cycle;
        logs += std::log(tile_cycles(c, t, chip).cycles() / std::max(compute, dram));
    }
    const double mean = std::exp(logs / static_cast<double>(chips.size()));
    const double skew = std::fabs(std::log2(static_cast<double>(t[0]) / static_cast<double>(t[1])));
    return by.prefer_square_tiles ? mean * (1 + 0.01 * skew) : mean;
}

tile_choice choose_tiles(const dfx::contraction& c, const tile_request& request, const target& on) {
    tile_choice choice;
    switch (request.strategy) {
    case tile_strategy::analytical:
        choice.tile = raised(c, analytical(c, on.typical), request.constraints);
        break;
    case tile_strategy::search:
        choice = search(c, request.constraints, on);
        break;
    case tile_strategy::fixed:
        choice.policy = dfx::tile_policy::required;
        for (std::size_t d = 0; d < 3; ++d)
            choice.tile[d] = std::min(request.fixed[d], whole(c)[d]);
        break;
    }
    choice.strategy = request.strategy;
    choice.cost = tile_cost(c, choice.tile, request.constraints, on.chips);
    return choice;
}

std::vector<weighed_tile> weigh_alternatives(const dfx::contraction& c, const tile_choice& choice,
                                             const tiling_constraints& by, const target& on, std::size_t others) {
    std::vector<std::pair<double, extents>> best;
    for_each_candidate(c, by, on, [&](const extents& t, double cost) {
        if (t == choice.tile)
            return;
        best.insert(std::upper_bound(best.begin(), best.end(), std::make_pair(cost, t)), {cost, t});
        best.resize(std::min(best.size(), others));
    });
    std::vector<weighed_tile> all{weighed(c, choice.tile, choice.cost, on)};
    for (const auto& [cost, t] : best)
        all.push_back(weighed(c, t, cost, on));
    return all;
}

} // namespace kpu::passes
