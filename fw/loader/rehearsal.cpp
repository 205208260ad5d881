#include "fw/loader/rehearsal.h"

#include "fw/loader/contraction_stream.h"
#include "fw/loader/fold_time.h"
#include "hw/interface/capabilities.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace kpu::fw {

namespace {

constexpr double k_l1_latency = 2;
constexpr double k_interrupt = 40; ///< until the firmware refills a queue that was full

double of(std::uint64_t n) {
    return static_cast<double>(n);
}

/// A side of a copy as runs at equal distances. Which comes first does not matter: runs that touch are joined.
struct runs {
    std::uint64_t length = 0;
    std::array<std::uint64_t, iface::k_copy_dims> count{}, stride{};
};
runs runs_of(const iface::copy_operands& copy, const iface::copy_side& side) {
    runs r;
    r.length = copy.run;
    for (std::size_t d = 0; d < iface::k_copy_dims; ++d) {
        r.count[d] = copy.count[d];
        r.stride[d] = side.stride[d];
    }
    for (bool joined = true; joined;) {
        joined = false;
        for (std::size_t d = 0; d < iface::k_copy_dims; ++d) {
            if (r.count[d] == 1 || r.stride[d] != r.length)
                continue;
            r.length *= r.count[d];
            r.count[d] = 1;
            joined = true;
        }
    }
    return r;
}

/// How long the runs are in order, as an engine takes them.
std::uint64_t run_in_order(const iface::copy_operands& copy, const iface::copy_side& side) {
    std::uint64_t length = copy.run;
    for (std::size_t d = iface::k_copy_dims; d-- > 0; length *= copy.count[d])
        if (copy.count[d] != 1 && side.stride[d] != length)
            break;
    return length;
}

std::uint64_t bytes_of(const iface::copy_operands& copy) {
    std::uint64_t all = copy.run;
    for (const std::uint32_t count : copy.count)
        all *= count;
    return all;
}

/// Calls visit(address) for every run.
template <class Visit>
void for_each_run(const runs& r, std::uint64_t base, Visit visit) {
    for (std::uint64_t i = 0; i < r.count[0]; ++i)
        for (std::uint64_t j = 0; j < r.count[1]; ++j)
            for (std::uint64_t k = 0; k < r.count[2]; ++k)
                for (std::uint64_t l = 0; l < r.count[3]; ++l)
                    visit(base + i * r.stride[0] + j * r.stride[1] + k * r.stride[2] + l * r.stride[3]);
}

} // namespace

rehearsal::divisor::divisor(std::uint64_t by) : m_by(by), m_power((by & (by - 1)) == 0) {
    while (m_power && std::uint64_t{1} << m_shift < by)
        ++m_shift;
}

/// As iface::skew_of.
std::uint64_t rehearsal::rotation_of(std::uint64_t row, const divisor& units) {
    std::uint64_t sum = 0;
    for (; row > 0 && units.value() > 1; row = units.quotient(row))
        sum += units.rest(row);
    return units.rest(sum);
}

rehearsal::level rehearsal::level_of(const memory_info& memory, bool in_bursts) {
    level l;
    l.rate = memory.bytes_per_cycle() / of(memory.units);
    l.latency = of(memory.latency);
    l.base = memory.base.value();
    l.interleave = divisor(std::max<std::uint64_t>(1, memory.interleave.value()));
    l.units = divisor(memory.units);
    l.burst = divisor(in_bursts ? memory.burst.value() : 1);
    l.beat = std::max(of(l.burst.value()), l.rate);
    l.read_until.resize(memory.units, 0);
    l.written_until.resize(memory.units, 0);
    return l;
}

rehearsal::rehearsal(const machine& chip)
    : m_chip(chip), m_engines(chip.engines.size()), m_begin(m_engines.size()), m_missing(m_engines.size()),
      m_dram(level_of(chip.dram, true)), m_l3(level_of(chip.l3, false)), m_l2(level_of(chip.l2, false)) {
    for (std::size_t e = 0; e < m_engines.size(); ++e)
        m_engines[e].id = engine_id(static_cast<std::uint16_t>(e));
    for (const compute_tile& tile : chip.tiles)
        m_engines[tile.array.value()].tile = &tile;
}

void rehearsal::clear() {
    for (engine_state& engine : m_engines) {
        engine.queue.clear();
        engine.done.clear();
        engine.passed.clear();
        engine.next = engine.folds_left = 0;
    }
    for (level* memory : {&m_dram, &m_l3, &m_l2}) {
        std::fill(memory->read_until.begin(), memory->read_until.end(), 0);
        std::fill(memory->written_until.begin(), memory->written_until.end(), 0);
    }
}

void rehearsal::add(const bound_command& command) {
    engine_state& engine = m_engines[command.engine.value()];
    engine.queue.push_back({command.words, iface::decode_header(command.words), 0});
    if (engine.queue.back().header.op == iface::opcode::fold) {
        const iface::fold_operands fold = iface::decode_fold(command.words);
        engine.folds_left += fold.count * time_of(*engine.tile, fold).period;
    }
}

/// The firmware gives one command to every engine in turn.
void rehearsal::issue() {
    double now = 0;
    bool pushed = true;
    for (std::size_t round = 0; pushed; ++round) {
        pushed = false;
        for (engine_state& engine : m_engines) {
            if (round >= engine.queue.size())
                continue;
            now += of(m_chip.descriptor_cost);
            engine.queue[round].issued = now;
            pushed = true;
        }
    }
}

void rehearsal::look_ahead(std::size_t number) {
    const engine_state& engine = m_engines[number];
    m_missing[number] = {};
    m_begin[number] = std::numeric_limits<double>::infinity();
    const std::size_t position = engine.done.size();
    if (position == engine.queue.size())
        return;
    const queued& next = engine.queue[position];
    double begin = std::max(next.issued, engine.next);
    const std::size_t depth = m_chip.engine(engine.id).queue_depth;
    if (position >= depth)
        begin = std::max(begin, engine.done[position - depth] + k_interrupt);
    for (const iface::wait_for& wait : next.header.waits) {
        if (wait.count == 0)
            continue;
        const std::vector<double>& done = m_engines[wait.engine.value()].done;
        if (done.size() < wait.count) {
            m_missing[number] = wait;
            return;
        }
        begin = std::max(begin, done[wait.count - 1]);
    }
    m_begin[number] = begin;
}

double rehearsal::cycles(double give_up) {
    issue();
    for (std::size_t e = 0; e < m_engines.size(); ++e)
        look_ahead(e);
    double end = 0;
    for (;;) {
        // in the order of time, so that who asks a memory first is served first
        const auto earliest = std::min_element(m_begin.begin(), m_begin.end());
        if (*earliest == std::numeric_limits<double>::infinity())
            return end;
        const auto number = static_cast<std::size_t>(earliest - m_begin.begin());
        engine_state& first = m_engines[number];
        const double done = execute(first, *earliest);
        first.done.push_back(std::max(done, first.done.empty() ? 0 : first.done.back()));
        end = std::max(end, first.done.back());
        if (first.tile != nullptr && first.next + first.folds_left > give_up)
            return std::numeric_limits<double>::infinity();
        look_ahead(number);
        for (std::size_t e = 0; e < m_engines.size(); ++e)
            if (m_missing[e].count != 0 && m_missing[e].engine == first.id && m_missing[e].count <= first.done.size())
                look_ahead(e);
    }
}

double rehearsal::execute(engine_state& engine, double begin) {
    const queued& next = engine.queue[engine.done.size()];
    switch (next.header.op) {
    case iface::opcode::copy:
        return execute_copy(engine, next, begin);
    case iface::opcode::fold:
        return execute_fold(engine, next, begin);
    case iface::opcode::vector:
        return execute_vector(engine, next, begin);
    case iface::opcode::fill:
        return execute_fill(engine, next, begin);
    case iface::opcode::gather: // no contraction has one
    case iface::opcode::join:
        break;
    }
    engine.next = begin;
    return begin;
}

/// Null for L1, whose ports belong to the engine alone.
rehearsal::level* rehearsal::level_at(address where) {
    const auto within = [&](const memory_info& m) {
        return where >= m.base && where.value() - m.base.value() < m.size.value();
    };
    if (within(m_chip.dram))
        return &m_dram;
    if (within(m_chip.l3))
        return &m_l3;
    return within(m_chip.l2) ? &m_l2 : nullptr;
}

/// DRAM's reads and writes share a bus.
std::vector<double>& rehearsal::writes_of(level& memory) {
    return &memory == &m_dram ? memory.read_until : memory.written_until;
}

double rehearsal::occupy(level& memory, std::vector<double>& until, const iface::copy_operands& copy,
                         const iface::copy_side& side, double now) {
    double last = now;
    const runs r = runs_of(copy, side);
    // short runs cost whole beats, also where they touch runs that come at another time
    const double run = of(run_in_order(copy, side));
    const double rate = memory.rate * run / (std::ceil(run / memory.beat) * memory.beat);
    const bool in_bursts = memory.burst.value() > 1 && run >= of(r.length);
    const auto cost = [&](std::uint64_t begin, std::uint64_t end) {
        if (!in_bursts)
            return of(end - begin) / rate;
        const std::uint64_t bursts = memory.burst.quotient(end - 1) - memory.burst.quotient(begin) + 1;
        return std::max(of(bursts * memory.burst.value()) / memory.rate, 1.0); // a cycle of a port on the way
    };
    for_each_run(r, side.base.value() - memory.base, [&](std::uint64_t offset) {
        std::uint64_t granule = memory.interleave.quotient(offset);
        std::uint64_t row = memory.units.quotient(granule);
        std::uint64_t place = memory.units.rest(granule);
        std::uint64_t rotation = rotation_of(row, memory.units);
        for (const std::uint64_t end = offset + r.length; offset < end; ++place) {
            if (place == memory.units.value()) {
                place = 0;
                rotation = rotation_of(++row, memory.units);
            }
            const std::uint64_t cut = std::min(end, ++granule * memory.interleave.value());
            double& busy = until[memory.units.rest(place + rotation)];
            busy = std::max(busy, now) + cost(offset, cut);
            last = std::max(last, busy);
            offset = cut;
        }
    });
    return last;
}

double rehearsal::execute_copy(engine_state& engine, const queued& command, double begin) {
    const iface::copy_operands copy = iface::decode_copy(command.words);
    const auto& capabilities = m_chip.engine(engine.id).capabilities;
    const double width = of(capabilities[iface::mover_cap::bytes_cycle]);
    const auto cycles_of = [&](const iface::copy_side& side) {
        const double run = of(run_in_order(copy, side));
        return of(bytes_of(copy)) / run * std::ceil(run / width);
    };
    const double request = begin + of(capabilities[iface::mover_cap::start_cost]);
    level* const from = level_at(copy.source.base);
    level* const to = level_at(copy.destination.base);
    const double to_read = cycles_of(copy.source);
    const double read = from != nullptr ? occupy(*from, from->read_until, copy, copy.source, request) : request;
    const double first = request + (from != nullptr ? from->latency : k_l1_latency);
    const double last = std::max(first + to_read, read + first - request);
    const double write = std::max(first, engine.passed.empty() ? 0 : engine.passed.back().until);
    const double passed = write + cycles_of(copy.destination);
    // from the first data on, though written later: a unit that is kept for later would have no time for others before
    const double written = to != nullptr ? occupy(*to, writes_of(*to), copy, copy.destination, first) : first;
    engine.passed.push_back({write, std::max({last, written, passed}), of(bytes_of(copy))});
    engine.next = std::max(request + to_read, written_but_for(engine, of(capabilities[iface::mover_cap::in_flight])));
    return engine.passed.back().until + (to != nullptr ? to->latency : k_l1_latency);
}

double rehearsal::written_but_for(const engine_state& mover, double bytes) {
    for (auto copy = mover.passed.rbegin(); copy != mover.passed.rend(); ++copy) {
        if (copy->bytes >= bytes)
            return copy->until - (copy->until - copy->from) * bytes / copy->bytes;
        bytes -= copy->bytes;
    }
    return 0;
}

double rehearsal::execute_fill(engine_state& engine, const queued& command, double begin) {
    const iface::fill_operands fill = iface::decode_fill(command.words);
    const iface::copy_operands copy{fill.count, fill.run, fill.destination, fill.destination};
    const auto& capabilities = m_chip.engine(engine.id).capabilities;
    const double request = begin + of(capabilities[iface::mover_cap::start_cost]);
    level* const to = level_at(fill.destination.base);
    engine.next = request + of(bytes_of(copy)) / of(capabilities[iface::mover_cap::bytes_cycle]);
    const double written = to != nullptr ? occupy(*to, writes_of(*to), copy, copy.destination, request) : request;
    return std::max(engine.next, written) + (to != nullptr ? to->latency : k_l1_latency);
}

double rehearsal::execute_fold(engine_state& engine, const queued& command, double begin) {
    const iface::fold_operands fold = iface::decode_fold(command.words);
    const fold_time time = time_of(*engine.tile, fold);
    engine.next = begin + fold.count * time.period;
    engine.folds_left -= fold.count * time.period;
    return engine.next - time.period + k_l1_latency + time.latency;
}

double rehearsal::execute_vector(engine_state& engine, const queued& command, double begin) {
    const iface::vector_operands x = iface::decode_vector(command.words);
    const double lanes = of(std::max(1U, m_chip.engine(engine.id).capabilities[iface::vector_cap::lanes]));
    const double elements = of(std::uint64_t{x.count[0]} * x.count[1] * x.count[2]);
    const double done = begin + elements / lanes + 4 * k_l1_latency;
    engine.next = done;
    return done;
}

double rehearsed_cycles(rehearsal& all, const dfx::contraction& work, const blocking& plan, double give_up) {
    const machine& chip = all.chip();
    const element_sizes e = sizes_of(work);
    usage untouched;
    address next = chip.dram.base;
    // row-major and one after the other, as the tensors will lie
    const auto place = [&](std::uint64_t rows, std::uint64_t columns, std::uint64_t element) {
        const placed_operand operand{next, columns * element, rows * columns * element, element};
        next = next + bytes(work.batch * rows * columns * element);
        return dram_operand{operand, &untouched, {}};
    };
    contraction_operands operands;
    operands.a = place(work.m, work.k, e.operand);
    operands.b = place(work.k, work.n, e.operand);
    operands.c = place(work.m, work.n, e.result);
    if (work.seed)
        operands.seed = place(work.m, work.n, e.seed);
    for (const operand_size& o : e.steps)
        operands.steps.push_back(place(o.rows ? work.m : 1, o.columns ? work.n : 1, o.element));
    // inputs and result are different tensors: reading one never waits for the other
    usage result;
    operands.c.use = &result;
    emitter out(chip);
    contraction_stream stream(chip, work, plan, operands, out);
    all.clear();
    while (stream.advance())
        while (!out.empty())
            all.add(out.take());
    // the last results have yet to go through all memories when the last fold ends
    const double way_out = of(2 * chip.l2.latency + 2 * chip.l3.latency + chip.dram.latency);
    return all.cycles(give_up - way_out);
}

} // namespace kpu::fw
