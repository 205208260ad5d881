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
constexpr std::uint64_t k_nominal_tile_bytes = 128ULL * 1024;

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

/// Splits or groups a tile into the block that a memory of `capacity` bytes would hold.
extents block_for(const dfx::contraction& c, extents t, std::uint64_t capacity) {
    const auto limit = static_cast<double>(capacity);
    while (footprint(c, t) > limit && (t[0] > 1 || t[1] > 1 || t[2] > 1)) {
        std::uint64_t& largest = *std::max_element(t.begin(), t.end());
        largest = ceil_div(largest, 2);
    }
    for (;;) {
        const bool grow_rows = t[1] >= c.n || (t[0] < c.m && t[0] <= t[1]);
        extents next = t;
        std::uint64_t& extent = grow_rows ? next[0] : next[1];
        extent = std::min(2 * extent, grow_rows ? c.m : c.n);
        if (next == t || footprint(c, next) > limit)
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

double array_cycles(const dfx::contraction& c, const extents& t, std::uint64_t side) {
    const auto s = static_cast<double>(side);
    const std::uint64_t rest = c.k % t[2];
    const std::uint64_t whole_steps = c.k / t[2];
    const std::uint64_t depth = whole_steps * std::max(t[2], side) + (rest == 0 ? 0 : std::max(rest, side));
    const double folds = padded(c.m, t[0], side) / s * (padded(c.n, t[1], side) / s);
    return static_cast<double>(c.batch) * folds * static_cast<double>(depth);
}

double dram_bytes(const dfx::contraction& c, const extents& t, std::uint64_t capacity) {
    const extents b = block_for(c, t, capacity);
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

extents analytical(const dfx::contraction& c) {
    const std::uint64_t per_element = 4 * size_of(c.operand) + size_of(c.accumulator);
    std::uint64_t side = 1;
    while (per_element * (2 * side) * (2 * side) <= k_nominal_tile_bytes)
        side *= 2;
    extents t{};
    for (std::size_t d = 0; d < 3; ++d) {
        const std::uint64_t extent = whole(c)[d];
        const std::uint64_t tiles = ceil_div(extent, side);
        t[d] = std::min(extent, round_up(ceil_div(extent, tiles), 16));
    }
    return t;
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

tile_choice search(const dfx::contraction& c, const tiling_constraints& by) {
    tile_choice best;
    best.tile = raised(c, analytical(c), by);
    best.cost = tile_cost(c, best.tile, by);
    const std::vector<std::uint64_t> columns = candidate_extents(c.n);
    const std::vector<std::uint64_t> depths = candidate_extents(c.k);
    for (const std::uint64_t ti : candidate_extents(c.m)) {
        for (const std::uint64_t tj : columns) {
            for (const std::uint64_t tk : depths) {
                const extents t = {ti, tj, tk};
                if (!keeps(c, t, by))
                    continue;
                ++best.candidates;
                if (const double cost = tile_cost(c, t, by); cost < best.cost) {
                    best.cost = cost;
                    best.tile = t;
                }
            }
        }
    }
    return best;
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

const std::vector<nominal_machine>& nominal_machines() {
    static const std::vector<nominal_machine> machines = {
        {8, 1ULL << 16U, 8}, {16, 1ULL << 18U, 16}, {32, 1ULL << 20U, 64}, {64, 1ULL << 22U, 256}};
    return machines;
}

double tile_cycles(const dfx::contraction& c, const extents& t, const nominal_machine& on) {
    const double dram = dram_bytes(c, t, on.capacity) / static_cast<double>(on.bytes_per_cycle);
    return std::max(array_cycles(c, t, on.side), dram) + k_cycles_per_tile * tile_count(c, t);
}

double tile_cost(const dfx::contraction& c, const extents& t, const tiling_constraints& by) {
    double logs = 0;
    for (const nominal_machine& machine : nominal_machines()) {
        const double compute = static_cast<double>(c.macs()) / static_cast<double>(machine.side * machine.side);
        const double dram =
            static_cast<double>(dfx::compulsory_bytes(c)) / static_cast<double>(machine.bytes_per_cycle);
        logs += std::log(tile_cycles(c, t, machine) / std::max(compute, dram));
    }
    const double mean = std::exp(logs / static_cast<double>(nominal_machines().size()));
    const double skew = std::fabs(std::log2(static_cast<double>(t[0]) / static_cast<double>(t[1])));
    return by.prefer_square_tiles ? mean * (1 + 0.01 * skew) : mean;
}

tile_choice choose_tiles(const dfx::contraction& c, const tile_request& request) {
    tile_choice choice;
    switch (request.strategy) {
    case tile_strategy::analytical:
        choice.tile = raised(c, analytical(c), request.constraints);
        break;
    case tile_strategy::search:
        choice = search(c, request.constraints);
        break;
    case tile_strategy::fixed:
        choice.policy = dfx::tile_policy::required;
        for (std::size_t d = 0; d < 3; ++d)
            choice.tile[d] = std::min(request.fixed[d], whole(c)[d]);
        break;
    }
    choice.strategy = request.strategy;
    choice.cost = tile_cost(c, choice.tile, request.constraints);
    return choice;
}

} // namespace kpu::passes
