#include "fw/loader/vector_plan.h"

#include "fw/loader/blocking.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_slot_alignment = 64;
/// Cycles of a vector command beside its elements: start, pipeline, hand-over.
constexpr double k_command_overhead = 12;
/// Loads and stores of a tile beside its vector commands.
constexpr double k_copies_per_operand = 3;
constexpr std::size_t k_homes = 3;
constexpr std::size_t k_shown = 5; ///< by --verbose
/// The share of DRAM's hidden cycles that counts.
constexpr double k_weight_of_dram = 0.3;

/// Slots where memory allows, else one of each: then nothing overlaps.
struct slot_counts {
    std::size_t l1, l2, l3;
};
constexpr slot_counts k_ample{2, 2, 3};
constexpr slot_counts k_least{1, 1, 1};

/// Row buffer: the first input. Column buffer: the others and scratch. Result buffer: the result.
std::size_t home_of(const tile_buffers& buffers, std::size_t buffer) {
    if (buffer == 0)
        return 0;
    return buffer == buffers.result ? 2 : 1;
}

/// Lays slots one after the other; false where they exceed `capacity`.
class slot_stack {
  public:
    explicit slot_stack(bytes capacity) : m_capacity(capacity) {}
    [[nodiscard]] bool add(bytes size, std::size_t count, std::vector<slot_range>& ranges) {
        const bytes pitch(round_up(size.value(), k_slot_alignment));
        ranges.push_back({m_next, pitch, count});
        m_next = m_next + pitch * count;
        return m_next <= m_capacity;
    }

  private:
    bytes m_capacity, m_next;
};

bool place(const machine& chip, const slot_counts& counts, vector_plan& plan) {
    const compute_tile& tile = chip.tiles.front();
    slot_stack l1[k_homes] = {slot_stack(tile.row.size), slot_stack(tile.column.size), slot_stack(tile.result.size)};
    slot_stack l2(share_of_l2(chip.l2, plan.lanes, 0).size);
    if (plan.ring.size > chip.l3.size)
        return false;
    slot_stack l3(share_of_l3(chip, plan));
    plan.l1.clear();
    plan.l2.clear();
    plan.l3.clear();
    plan.l1_home.clear();
    bool fits = true;
    for (std::size_t b = 0; b < plan.buffers.size.size(); ++b) {
        const bool scratch = b > plan.buffers.result;
        const std::size_t home = home_of(plan.buffers, b);
        fits = l1[home].add(plan.buffers.size[b], scratch ? 1 : counts.l1, plan.l1) && fits;
        plan.l1_home.push_back(home);
        if (scratch)
            continue;
        fits = l2.add(plan.buffers.size[b], counts.l2, plan.l2) && fits;
        const bool from_ring = b == 0 && plan.ring.slabs > 0;
        fits = l3.add(plan.buffers.size[b], from_ring ? 0 : counts.l3, plan.l3) && fits;
    }
    return fits;
}

/// What DRAM moves while it serves a run that is shorter: a burst, or as much as comes while a DMA engine of those that
/// load moves one beat.
bytes least_run(const machine& chip) {
    const auto loaders = static_cast<double>(loaders_among(chip.dma.size()));
    return std::max(chip.dram.burst, bytes(static_cast<std::uint64_t>(chip.dram.bytes_per_cycle() / loaders)));
}

/// Bytes of DRAM time for a box: a row takes that much at least.
double traffic(bytes burst, const operand_box& box, const quad& dims, std::uint64_t element) {
    std::uint64_t run = box.count[3];
    std::uint64_t rows = box.count[0] * box.count[1] * box.count[2];
    for (std::size_t d = 3; d > 0 && box.count[d] == dims[d]; --d) {
        run *= box.count[d - 1];
        rows /= box.count[d - 1];
    }
    return static_cast<double>(rows * std::max(run * element, burst.value()));
}

/// Bytes of DRAM time for all of a tensor, so many channels at a time.
double in_bursts(bytes burst, const vector_operand& operand, std::uint64_t channels) {
    return traffic(burst, {{}, {operand.dims[0], operand.dims[1], operand.dims[2], channels}}, operand.dims,
                   size_of(operand.type)) *
           static_cast<double>(ceil_div(operand.dims[3], channels));
}

/// Cycles that a buffer's port takes for an operand: it is read from its first to its last byte.
double read_cycles(const machine& chip, const tile_command& c, const buffer_side& side) {
    std::uint64_t range = iface::size_of(c.vector.from);
    for (std::size_t d = 0; d < iface::k_vector_dims; ++d)
        range += (c.vector.count[d] - 1) * std::uint64_t{side.stride[d]};
    return static_cast<double>(range) / chip.tiles.front().stream_bytes_per_cycle;
}

double vector_cycles(const machine& chip, const std::vector<tile_command>& commands) {
    const double lanes = chip.engine(chip.tiles.front().vector_unit).capabilities[iface::vector_cap::lanes];
    double cycles = 0;
    for (const tile_command& c : commands) {
        double independent = 1;
        double dependent = 1;
        for (std::size_t d = 0; d < iface::k_vector_dims; ++d)
            (c.destination.stride[d] == 0 ? dependent : independent) *= c.vector.count[d];
        if (!c.fills)
            cycles += std::max({dependent, independent / lanes * dependent, read_cycles(chip, c, c.source)});
        cycles += k_command_overhead;
    }
    return cycles;
}

/// Bytes of whole lines that come to L3 before all lanes can begin with their first tiles, beyond those tiles' boxes.
double lines_in_front(const vector_plan& plan) {
    if (plan.ring.slabs == 0)
        return 0;
    const padded_input input = padded_input_of(plan);
    const std::uint64_t lanes = std::min<std::uint64_t>(plan.lanes, plan.tiles());
    const extent lines = input.slabs_of(rows_of(plan, plan.tile(lanes - 1, 0)));
    const std::uint64_t all = (lines.first + lines.count) * input.slab_bytes();
    return static_cast<double>(all - std::min(all, lanes * plan.buffers.size[0].value()));
}

void estimate(const machine& chip, vector_plan& plan) {
    const vector_work& work = plan.work;
    const bytes burst = least_run(chip);
    const vector_tile full = plan.tile(0, 0);
    const std::vector<tile_command> commands = commands_of(work, full);
    double dram = traffic(burst, {{}, full.count}, work.output.dims, size_of(work.output.type)) /
                  static_cast<double>(plan.chunks());
    double moved = 0;
    double fixed = 0; // operands that all tiles share stay in L1
    for (std::size_t i = 0; i < work.inputs.size(); ++i) {
        const operand_box box = box_of(work, i, full);
        const double bytes_of_box = traffic(burst, box, work.inputs[i].dims, size_of(work.inputs[i].type));
        if (i == 0 && plan.ring.slabs > 0)
            dram += in_bursts(burst, work.inputs[0], box.count[3]) / static_cast<double>(plan.tiles());
        else
            (i == 0 || box.elements() * 8 > full.count[1] * full.count[2] * full.count[3] ? dram : fixed) +=
                bytes_of_box;
        moved += static_cast<double>(plan.buffers.size[i].value());
    }
    const double n = static_cast<double>(plan.tiles() * plan.chunks());
    const double rounds = static_cast<double>(ceil_div(plan.tiles(), plan.lanes) * plan.chunks());
    const double rate = chip.dram.bytes_per_cycle();
    const double on_dram = (n * dram + fixed) / rate;
    const double streamed = moved / chip.tiles.front().stream_bytes_per_cycle;
    const double on_lanes = rounds * std::max(vector_cycles(chip, commands), streamed);
    const double pushes =
        static_cast<double>(commands.size()) + k_copies_per_operand * static_cast<double>(1 + work.inputs.size());
    const double on_core = n * pushes * static_cast<double>(chip.descriptor_cost);
    const double first =
        (dram + moved) / rate + static_cast<double>(chip.dram.latency + chip.l3.latency + chip.l2.latency);
    plan.terms = {on_lanes, 0, on_dram, on_core, 2 * first + lines_in_front(plan) / rate};
    plan.estimated_cycles = plan.terms.cycles();
    plan.estimated_dram_bytes = static_cast<std::uint64_t>(n * dram + fixed);
    plan.hidden = k_weight_of_dram * on_dram;
}

bool has_overlaps(const window_2d& w) {
    const auto overlaps = [&](std::size_t d) { return (w.kernel[d] - 1) * w.dilation[d] + 1 > w.stride[d]; };
    return overlaps(0) || overlaps(1);
}

/// Lines for the tiles that the lanes work on, and for their next ones.
ring_plan ring_of(const vector_plan& plan) {
    const padded_input input = padded_input_of(plan);
    const quad& out = plan.work.output.dims;
    const std::uint64_t rounds = ceil_div(plan.lanes, ceil_div(out[2], plan.extents.count[2]));
    const std::uint64_t lines = (2 * rounds + 1) * plan.extents.count[1];
    return input.has_elements() ? ring_for(input, input.most_slabs_of(lines * out[2])) : ring_plan();
}

/// n, n/2, n/4, … 1.
std::vector<std::uint64_t> halvings(std::uint64_t n) {
    std::vector<std::uint64_t> all{n};
    while (n > 1) {
        n = ceil_div(n, 2);
        all.push_back(n);
    }
    return all;
}

std::vector<std::uint64_t> extents_to_try(const vector_work& work, std::size_t d) {
    if (d == 3 && work.multiplier > 1) { // all results of a channel
        std::vector<std::uint64_t> all = halvings(work.output.dims[d] / work.multiplier);
        for (std::uint64_t& extent : all)
            extent *= work.multiplier;
        return all;
    }
    const bool whole = needs_rows(work) && d == work.axis;
    return whole ? std::vector<std::uint64_t>{work.output.dims[d]} : halvings(work.output.dims[d]);
}

template <class Visit>
void for_each_extents(const vector_work& work, Visit visit) {
    const bool reduces = work.type == dfx::compute_type::reduction;
    for (const std::uint64_t h : extents_to_try(work, 1))
        for (const std::uint64_t w : extents_to_try(work, 2))
            for (const std::uint64_t c : extents_to_try(work, 3))
                for (const std::uint64_t chunk : reduces ? halvings(work.axis_extent) : std::vector<std::uint64_t>{1})
                    visit(tile_extents{{1, h, w, c}, chunk});
}

std::string shape_of(const vector_plan& plan) {
    const quad& t = plan.extents.count;
    return fmt::format("{} tiles of {}x{}x{}x{}{}{}", plan.tiles(), t[0], t[1], t[2], t[3],
                       plan.chunks() > 1 ? fmt::format(" in {} chunks of the axis", plan.chunks()) : "",
                       plan.ring.slabs > 0 ? fmt::format(" with {} lines of the input in L3", plan.ring.slabs) : "");
}

/// Puts the plan where it belongs among the cheapest that were seen.
void note(std::vector<candidate>& cheapest, const vector_plan& plan) {
    const auto dearer = [](double cost, const candidate& c) { return cost < c.cost(); };
    const auto place = std::upper_bound(cheapest.begin(), cheapest.end(), plan.cost(), dearer);
    if (cheapest.size() == k_shown && place == cheapest.end())
        return;
    cheapest.insert(place, {shape_of(plan), plan.terms, plan.hidden, 1, {}, plan.estimated_dram_bytes});
    cheapest.resize(std::min(cheapest.size(), k_shown));
}

[[noreturn]] void refuse(const machine& chip, const vector_plan& smallest) {
    const compute_tile& tile = chip.tiles.front();
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = fmt::format("the platform is too small for the smallest tile of operation {} ({})",
                                  smallest.work.op_id, name_of(smallest.work.type));
    problem.text = fmt::format("L1 row {} B, column {} B, result {} B; L2 per array {} B; L3 {} B",
                               tile.row.size.value(), tile.column.size.value(), tile.result.size.value(),
                               share_of_l2(chip.l2, smallest.lanes, 0).size.value(), chip.l3.size.value());
    std::uint64_t home[k_homes] = {};
    for (std::size_t b = 0; b < smallest.buffers.size.size(); ++b)
        home[home_of(smallest.buffers, b)] += round_up(smallest.buffers.size[b].value(), k_slot_alignment);
    std::uint64_t moved = 0; // scratch lies in L1 alone
    for (std::size_t b = 0; b <= smallest.buffers.result; ++b)
        moved += round_up(smallest.buffers.size[b].value(), k_slot_alignment);
    problem.expected = fmt::format("at least row {} B, column {} B, result {} B, L2 per array {} B, L3 {} B", home[0],
                                   home[1], home[2], moved, moved * smallest.lanes);
    throw input_error(std::move(problem));
}

} // namespace

padded_input padded_input_of(const vector_plan& plan) {
    const vector_work& work = plan.work;
    const auto list = [](const std::array<std::uint64_t, 2>& pair) {
        return std::vector<std::uint64_t>(pair.begin(), pair.end());
    };
    dfx::window_rows windows;
    windows.input.assign(work.inputs[0].dims.begin(), work.inputs[0].dims.end());
    windows.places.assign(work.output.dims.begin(), work.output.dims.end() - 1);
    windows.window = {
        list(work.window.kernel), list(work.window.stride), list(work.window.dilation), list(work.window.before), {}};
    const std::uint64_t channels = box_of(work, 0, plan.tile(0, 0)).count[3];
    return {windows, size_of(work.inputs[0].type), channels, border_pattern(work)};
}

extent rows_of(const vector_plan& plan, const vector_tile& tile) {
    const quad& out = plan.work.output.dims;
    const std::uint64_t slice = tile.first[3] / plan.extents.count[3];
    const std::uint64_t lines = (slice * out[0] + tile.first[0]) * out[1] + tile.first[1];
    return {lines * out[2], tile.count[1] * out[2]};
}

bytes share_of_l3(const machine& chip, const vector_plan& plan) {
    const bytes left = chip.l3.size - plan.ring.size;
    return bytes(left.value() / plan.lanes / k_slot_alignment * k_slot_alignment);
}

std::uint64_t vector_plan::tiles() const {
    std::uint64_t all = 1;
    for (std::size_t d = 0; d < 4; ++d)
        all *= ceil_div(work.output.dims[d], extents.count[d]);
    return all;
}

std::uint64_t vector_plan::chunks() const {
    return work.type == dfx::compute_type::reduction ? ceil_div(work.axis_extent, extents.chunk) : 1;
}

vector_tile vector_plan::tile(std::uint64_t index, std::uint64_t chunk) const {
    vector_tile t;
    for (const std::size_t d : {std::size_t{2}, std::size_t{1}, std::size_t{0}, std::size_t{3}}) { // innermost first
        const std::uint64_t pieces = ceil_div(work.output.dims[d], extents.count[d]);
        t.first[d] = index % pieces * extents.count[d];
        t.count[d] = std::min(extents.count[d], work.output.dims[d] - t.first[d]);
        index /= pieces;
    }
    if (work.type == dfx::compute_type::reduction) {
        t.chunk_first = chunk * extents.chunk;
        t.chunk = std::min(extents.chunk, work.axis_extent - t.chunk_first);
        t.opens = chunk == 0;
        t.closes = chunk + 1 == chunks();
    }
    return t;
}

std::size_t loaders_among(std::size_t engines) {
    return engines == 1 ? 1 : engines - std::max<std::size_t>(1, engines / 3);
}

vector_plan choose_tiles(const machine& chip, vector_work work) {
    return weigh_tiles(chip, std::move(work)).plan;
}

tile_choice weigh_tiles(const machine& chip, vector_work work) {
    tile_choice choice;
    vector_plan plan;
    plan.work = std::move(work);
    plan.lanes = chip.tiles.size();
    std::optional<vector_plan> best;
    for (const slot_counts& counts : {k_ample, k_least}) {
        const auto consider = [&](const ring_plan& ring) {
            plan.ring = ring;
            if (!place(chip, counts, plan))
                return;
            estimate(chip, plan);
            ++choice.weighed.evaluated;
            note(choice.weighed.cheapest, plan);
            if (!best || plan.cost() < best->cost())
                best = plan;
        };
        for_each_extents(plan.work, [&](const tile_extents& extents) {
            plan.extents = extents;
            plan.buffers = buffers_of(plan.work, extents);
            if (has_overlaps(plan.work.window))
                consider(ring_of(plan));
            consider({});
        });
        if (best) {
            choice.plan = std::move(*best);
            return choice;
        }
    }
    refuse(chip, plan);
}

std::string to_string(const vector_plan& plan) {
    return fmt::format("{} in {} on {} vector unit(s); estimated {:.0f} cycles, {} DRAM bytes", name_of(plan.work.type),
                       shape_of(plan), plan.lanes, plan.estimated_cycles, plan.estimated_dram_bytes);
}

} // namespace kpu::fw
