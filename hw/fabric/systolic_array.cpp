#include "hw/fabric/systolic_array.h"

#include "hw/fabric/bus_fault.h"
#include "hw/tlm/time.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

using iface::element_type;
using iface::fault;
using iface::perf_counter;

namespace {

/// Longest operand that the array reads in one go; an L1 buffer is far smaller.
constexpr std::uint64_t k_longest_operand = 1ULL << 24;

fold_extents extents_of(const iface::fold_operands& fold) {
    return {fold.m, fold.n, fold.k};
}

bytes packed_size(element_type type, std::uint64_t rows, std::uint64_t columns) {
    return bytes(rows * columns * iface::size_of(type));
}

bytes result_size(const iface::fold_operands& fold) {
    return packed_size(iface::accumulator_of(fold.type), fold.m, fold.n);
}

} // namespace

systolic_array::systolic_array(sc_core::sc_module_name name, const engine_config& config,
                               const platform::array_params& params)
    : command_engine(name, config), row_i("row_i"), column_i("column_i"), result_i("result_i"), m_params(params),
      m_kernel(params.rows, params.columns), m_timing(geometry_of(params, config.period)), m_rows(row_i),
      m_columns(column_i), m_seeds(result_i), m_results(result_i) {
    for (fold_in_flight& fold : m_folds)
        fold.sums.resize(std::size_t{params.rows} * params.columns * sizeof(double));
    SC_HAS_PROCESS(systolic_array);
    SC_THREAD(drain_loop);
    SC_METHOD(complete_due);
    sensitive << m_completion_due;
    dont_initialize();
}

void systolic_array::on_reset() {
    m_timing.reset();
    m_entered = m_written = 0;
    m_completions.clear();
    m_last_completion = picoseconds(0);
    m_may_enter.notify(sc_core::SC_ZERO_TIME);
}

// ---- issue: read the operands, compute, occupy the array
// ------------------------------------------------------------------------

fault systolic_array::refusal(const iface::fold_operands& fold) const {
    const auto type = static_cast<std::uint32_t>(fold.type);
    if (type >= iface::k_element_types || m_params.macs_per_pe[type] == 0)
        return fault::bad_operand;
    if (fold.flow != iface::array_dataflow::output_stationary)
        return fault::bad_operand;
    if (fold.m == 0 || fold.n == 0 || fold.k == 0)
        return fault::bad_operand;
    if (fold.m > m_params.rows || fold.n > m_params.columns)
        return fault::capacity;
    const std::uint64_t widest = std::max(fold.m, fold.n);
    if (packed_size(fold.type, widest, fold.k).value() > k_longest_operand)
        return fault::bad_operand;
    const std::uint64_t operand = iface::size_of(fold.type);
    const std::uint64_t sum = iface::size_of(iface::accumulator_of(fold.type));
    const bool aligned = fold.a.value() % operand == 0 && fold.b.value() % operand == 0 && fold.c.value() % sum == 0 &&
                         (!fold.seeded || fold.seed.value() % sum == 0);
    return aligned ? fault::none : fault::bad_operand;
}

fault systolic_array::execute(const command& c) {
    const iface::fold_operands operands = iface::decode_fold(c.words);
    const fault refused = refusal(operands);
    if (refused != fault::none)
        return refused;
    if (!wait_to_enter())
        return fault::none;
    fold_in_flight& fold = m_folds[m_entered % m_folds.size()];
    fold.ref = c.ref;
    fold.operands = operands;
    stream slowest;
    const fault failed = read_operands(c, fold, slowest);
    if (failed != fault::none)
        return failed;
    fold.entry =
        m_timing.enter(now_ps() + to_ps(slowest.first), to_ps(slowest.flowing), operands.type, extents_of(operands));
    ++m_entered;
    m_may_drain.notify(sc_core::SC_ZERO_TIME);
    count(perf_counter::macs, std::uint64_t{operands.m} * operands.n * operands.k);
    pass_through(fold, slowest);
    return fault::none;
}

/// Until the start cost is paid and an accumulator is known to become free. False if the engine was reset or stopped
/// meanwhile.
bool systolic_array::wait_to_enter() {
    const std::uint32_t begun_in = epoch();
    if (m_params.start_cost.value() > 0)
        wait(in_cycles(m_params.start_cost.value()));
    account(perf_counter::busy, in_cycles(m_params.start_cost.value()));
    const sc_core::sc_time since = sc_core::sc_time_stamp();
    while (begun_in == epoch() && !halted() && !m_timing.may_enter())
        wait(m_may_enter);
    account(perf_counter::stall_write, sc_core::sc_time_stamp() - since);
    return begun_in == epoch() && !halted();
}

/// Reads A, B and the seed and computes the fold. All three ports work at the same time; the slowest one counts.
fault systolic_array::read_operands(const command& c, fold_in_flight& fold, stream& slowest) {
    const iface::fold_operands& x = fold.operands;
    for (initiator* port : {&m_rows, &m_columns, &m_seeds})
        port->act_for(c.ref);
    const unsigned char* a = nullptr;
    const unsigned char* b = nullptr;
    const unsigned char* seed = nullptr;
    const bytes a_size = packed_size(x.type, x.m, x.k);
    const bytes b_size = packed_size(x.type, x.k, x.n);
    const bytes c_size = result_size(x);
    fault failed = read(m_rows, x.a, a_size, m_a, a, slowest);
    if (failed == fault::none)
        failed = read(m_columns, x.b, b_size, m_b, b, slowest);
    if (failed == fault::none && x.seeded)
        failed = read(m_seeds, x.seed, c_size, fold.sums, seed, slowest);
    if (failed != fault::none || !m_computes)
        return failed;
    if (!x.seeded)
        std::memset(fold.sums.data(), 0, c_size.value());
    else if (seed != fold.sums.data())
        std::memcpy(fold.sums.data(), seed, c_size.value());
    m_kernel.fold(x.type, extents_of(x), a, b, fold.sums.data());
    return fault::none;
}

fault systolic_array::read(initiator& from, address where, bytes length, std::vector<unsigned char>& buffer,
                           const unsigned char*& data, stream& slowest) {
    if (buffer.size() < length.value())
        buffer.resize(length.value());
    sc_core::sc_time last;
    const fault failed = fault_of(from.read_loan(where, length, buffer.data(), data, last));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, length.value());
    slowest.first = std::max(slowest.first, from.first());
    // The first beat itself takes a cycle.
    slowest.flowing = std::max(slowest.flowing, last - from.first() + in_cycles(1));
    return fault::none;
}

/// The array's time until the next fold may be issued: early enough that its operands' first beats meet the array when
/// it is free for them, and not before this fold has entered.
void systolic_array::pass_through(const fold_in_flight& fold, const stream& slowest) {
    const picoseconds begin = now_ps();
    const fold_entry& entry = fold.entry;
    const picoseconds own = fold_period(m_timing.array(), fold.operands.type, extents_of(fold.operands));
    const picoseconds lead = to_ps(slowest.first);
    const picoseconds end = std::max(entry.enter, std::max(entry.next_enter, lead) - lead);
    const picoseconds held = entry.held;
    if (end > begin)
        wait(to_time(end - begin));
    const picoseconds elapsed = end - begin;
    const picoseconds busy = std::min(own, elapsed);
    const picoseconds write = std::min(held, elapsed - busy);
    account(perf_counter::busy, to_time(busy));
    account(perf_counter::stall_write, to_time(write));
    account(perf_counter::stall_read, to_time(elapsed - busy - write));
}

// ---- drain: write the results, complete the commands
// ----------------------------------------------------------------------------

void systolic_array::drain_loop() {
    for (;;) {
        if (m_written == m_entered)
            wait(m_may_drain);
        else
            drain_front();
    }
}

/// Writes the oldest fold's results from the time on at which column 0 begins to shift. After a fault nothing more is
/// written.
void systolic_array::drain_front() {
    const std::uint32_t begun_in = epoch();
    fold_in_flight& fold = m_folds[m_written % m_folds.size()];
    const fold_drain drain = m_timing.drain(fold.entry, extents_of(fold.operands));
    m_may_enter.notify(sc_core::SC_ZERO_TIME);
    if (drain.start > now_ps())
        wait(to_time(drain.start - now_ps()));
    if (begun_in != epoch())
        return;
    sc_core::sc_time delay;
    if (!halted()) {
        m_results.act_for(fold.ref);
        const bytes length = result_size(fold.operands);
        const fault failed = fault_of(m_results.write(fold.operands.c, length, fold.sums.data(), delay));
        if (failed != fault::none)
            raise_fault(fold.ref, failed);
        else
            count(perf_counter::write_bytes, length.value());
    }
    const picoseconds written = now_ps() + to_ps(delay);
    m_timing.written(written);
    ++m_written;
    m_last_completion = std::max({m_last_completion, drain.end, written});
    m_completions.push({fold.ref, m_last_completion});
    if (m_completions.size() == 1)
        m_completion_due.notify(to_time(m_last_completion - now_ps()));
}

void systolic_array::complete_due() {
    while (!m_completions.empty() && m_completions.front().at <= now_ps()) {
        const command_ref done = m_completions.front().ref;
        m_completions.pop();
        finish(done);
    }
    if (!m_completions.empty())
        m_completion_due.notify(to_time(m_completions.front().at - now_ps()));
}

} // namespace kpu::hw
