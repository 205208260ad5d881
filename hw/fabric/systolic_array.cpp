#include "hw/fabric/systolic_array.h"

#include "hw/fabric/bus_fault.h"
#include "hw/tlm/time.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

using iface::array_dataflow;
using iface::element_type;
using iface::fault;
using iface::perf_counter;

namespace {

/// Longest operand that the array reads, and longest result that it writes, in one go; an L1 buffer is far smaller.
constexpr std::uint64_t k_longest_operand = 1ULL << 24;

array_fold shape_of(const iface::fold_operands& fold) {
    return {fold.type, fold.flow, {fold.m, fold.n, fold.k}, fold.seeded};
}

bytes packed_size(element_type type, std::uint64_t rows, std::uint64_t columns) {
    return bytes(rows * columns * iface::size_of(type));
}

bytes result_size(const iface::fold_operands& fold) {
    return packed_size(iface::accumulator_of(fold.type), fold.m, fold.n);
}

void make_room(std::vector<unsigned char>& buffer, bytes length) {
    if (buffer.size() < length.value())
        buffer.resize(length.value());
}

/// Nothing but the array reads the row and the column buffer while it works, so what streams from there can be asked
/// for ahead of its time. The result buffer is shared with streamers.
bool streams_from_its_own_ports(const array_fold& fold) {
    return fold.flow == array_dataflow::output_stationary;
}

/// `ahead` before `when`.
picoseconds ahead_of(picoseconds when, picoseconds ahead) {
    return when > ahead ? when - ahead : picoseconds(0);
}

} // namespace

systolic_array::systolic_array(sc_core::sc_module_name name, const engine_config& config,
                               const platform::array_params& params, const array_buffers& buffers)
    : command_engine(name, config), row_i("row_i"), column_i("column_i"), result_i("result_i"), m_params(params),
      m_buffers(buffers), m_kernel(params.rows, params.columns), m_timing(geometry_of(params, config.period)),
      m_rows(row_i), m_columns(column_i), m_seeds(result_i), m_results(result_i),
      m_load_time(config.period * params.rows) {
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
    m_may_enter.tell();
}

// ---- issue: read the operands, compute, occupy the array
// ------------------------------------------------------------------------

bool systolic_array::exceeds_array(const iface::fold_operands& fold) const {
    const std::uint64_t depth =
        std::uint64_t{m_params.rows} * m_params.macs_per_pe[static_cast<std::size_t>(fold.type)];
    switch (fold.flow) {
    case array_dataflow::weight_stationary:
        return fold.k > depth || fold.n > m_params.columns;
    case array_dataflow::input_stationary:
        return fold.k > depth || fold.m > m_params.columns;
    case array_dataflow::output_stationary:
        break;
    }
    return fold.m > m_params.rows || fold.n > m_params.columns;
}

fault systolic_array::refusal(const iface::fold_operands& fold) const {
    const auto type = static_cast<std::uint32_t>(fold.type);
    if (type >= iface::k_element_types || m_params.macs_per_pe[type] == 0)
        return fault::bad_operand;
    if (fold.flow > array_dataflow::input_stationary)
        return fault::bad_operand;
    if (fold.m == 0 || fold.n == 0 || fold.k == 0)
        return fault::bad_operand;
    if (exceeds_array(fold) || result_size(fold).value() > k_longest_operand)
        return fault::capacity;
    const std::uint64_t widest = std::max(fold.m, fold.n);
    if (packed_size(fold.type, widest, fold.k).value() > k_longest_operand)
        return fault::bad_operand;
    const std::uint64_t operand = iface::size_of(fold.type);
    const std::uint64_t sum = iface::size_of(iface::accumulator_of(fold.type));
    const bool aligned = fold.a.value() % operand == 0 && fold.b.value() % operand == 0 && fold.c.value() % sum == 0 &&
                         (!fold.seeded || fold.seed.value() % sum == 0);
    const bool apart = fold.count == 1 || (fold.a_stride % operand == 0 && fold.c_stride % sum == 0 &&
                                           bytes(fold.c_stride) >= result_size(fold));
    return aligned && apart && fold.count > 0 ? fault::none : fault::bad_operand;
}

fault systolic_array::execute(const command& c) {
    iface::fold_operands fold = iface::decode_fold(c.words);
    fault failed = refusal(fold);
    if (failed != fault::none || !pay_start_cost())
        return failed;
    const std::uint32_t begun_in = epoch();
    for (std::uint32_t left = fold.count; left > 0 && failed == fault::none && begun_in == epoch() && !halted();) {
        failed = run(c.ref, fold, --left == 0);
        fold.a = fold.a + bytes(fold.a_stride);
        fold.c = fold.c + bytes(fold.c_stride);
        fold.seed = fold.seed + bytes(fold.c_stride);
    }
    return failed;
}

/// False if the engine was reset or stopped meanwhile.
bool systolic_array::pay_start_cost() {
    const sc_core::sc_time cost = in_cycles(m_params.start_cost.value());
    const std::uint32_t begun_in = epoch();
    if (cost > sc_core::SC_ZERO_TIME)
        wait(cost);
    account(perf_counter::busy, cost);
    return begun_in == epoch() && !halted();
}

fault systolic_array::run(const command_ref& ref, const iface::fold_operands& operands, bool is_last) {
    const array_fold shape = shape_of(operands);
    const picoseconds begin = now_ps();
    if (!wait_to_begin(shape))
        return fault::none;
    fold_in_flight& fold = place_for(ref, operands);
    fold.completes = is_last;
    operand_data data;
    picoseconds late;
    fault failed = is_loaded(shape) ? load(fold, data, late) : fault::none;
    if (failed != fault::none)
        return failed;
    const picoseconds due = std::max(now_ps(), ahead_of(m_timing.enters_after(shape), m_lead));
    if (!streams_from_its_own_ports(shape) && !wait_until(due))
        return fault::none;
    stream slowest;
    failed = read_streamed(fold, data, due, slowest);
    if (failed != fault::none)
        return failed;
    compute(fold, data);
    if (!wait_to_enter(shape))
        return fault::none;
    m_lead = slowest.first;
    fold.entry = m_timing.enter(due + slowest.first, slowest.flowing, shape);
    ++m_entered;
    m_may_drain.tell();
    count(perf_counter::macs, std::uint64_t{operands.m} * operands.n * operands.k);
    pass_through(fold);
    account_for(fold, now_ps() - begin, late, slowest.flowing);
    return fault::none;
}

systolic_array::fold_in_flight& systolic_array::place_for(const command_ref& ref,
                                                          const iface::fold_operands& operands) {
    fold_in_flight& fold = m_folds[m_entered % m_folds.size()];
    fold.ref = ref;
    fold.operands = operands;
    fold.shape = shape_of(operands);
    for (initiator* port : {&m_rows, &m_columns, &m_seeds})
        port->act_for(ref);
    return fold;
}

/// Until, where the fold has to wait for the array to empty, its first operand is due. False if the engine was reset or
/// stopped meanwhile.
bool systolic_array::wait_to_begin(const array_fold& shape) {
    const std::uint32_t begun_in = epoch();
    while (begun_in == epoch() && !halted() && !m_timing.may_begin(shape.flow))
        m_may_enter.await();
    return begun_in == epoch() && !halted() && wait_until(ahead_of(m_timing.free_for(shape), m_lead));
}

/// Until it is known how earlier results hold the fold.
bool systolic_array::wait_to_enter(const array_fold& shape) {
    const std::uint32_t begun_in = epoch();
    while (begun_in == epoch() && !halted() && !m_timing.may_enter(shape))
        m_may_enter.await();
    return begun_in == epoch() && !halted();
}

/// False if the engine was reset or stopped meanwhile.
bool systolic_array::wait_until(picoseconds when) {
    const std::uint32_t begun_in = epoch();
    if (when > now_ps())
        wait(to_time(when - now_ps()));
    return begun_in == epoch() && !halted();
}

/// Reads what shifts in before the fold enters; it comes `late` by as much as it comes slower than the array takes it.
fault systolic_array::load(fold_in_flight& fold, operand_data& data, picoseconds& late) {
    stream loaded;
    const fault failed = read_loaded(fold, data, loaded);
    if (failed != fault::none)
        return failed;
    const fold_load shifted = m_timing.load(now_ps() + loaded.first, loaded.flowing, fold.shape);
    m_load_time = shifted.end - shifted.begin;
    m_lead = loaded.first;
    late = shifted.late;
    return fault::none;
}

fault systolic_array::read_loaded(fold_in_flight& fold, operand_data& data, stream& slowest) {
    switch (fold.operands.flow) {
    case array_dataflow::weight_stationary:
        return read_b(fold.operands, data, now_ps(), slowest);
    case array_dataflow::input_stationary:
        return read_a(fold.operands, data, now_ps(), slowest);
    case array_dataflow::output_stationary:
        break;
    }
    return read_seed(fold, data, now_ps(), slowest);
}

/// What read_loaded() leaves. All ports work at the same time; the slowest one counts.
fault systolic_array::read_streamed(fold_in_flight& fold, operand_data& data, picoseconds due, stream& slowest) {
    const iface::fold_operands& x = fold.operands;
    fault failed = fault::none;
    if (data.a == nullptr)
        failed = read_a(x, data, due, slowest);
    if (failed == fault::none && data.b == nullptr)
        failed = read_b(x, data, due, slowest);
    if (failed == fault::none && x.seeded && data.seed == nullptr)
        failed = read_seed(fold, data, due, slowest);
    return failed;
}

fault systolic_array::read_a(const iface::fold_operands& x, operand_data& data, picoseconds due, stream& slowest) {
    return read(m_rows, within(m_buffers.row, x.a), packed_size(x.type, x.m, x.k), m_a, data.a, due, slowest);
}

fault systolic_array::read_b(const iface::fold_operands& x, operand_data& data, picoseconds due, stream& slowest) {
    return read(m_columns, within(m_buffers.column, x.b), packed_size(x.type, x.k, x.n), m_b, data.b, due, slowest);
}

fault systolic_array::read_seed(fold_in_flight& fold, operand_data& data, picoseconds due, stream& slowest) {
    return read(m_seeds, within(m_buffers.result, fold.operands.seed), result_size(fold.operands), fold.sums, data.seed,
                due, slowest);
}

fault systolic_array::read(initiator& from, address where, bytes length, std::vector<unsigned char>& buffer,
                           const unsigned char*& data, picoseconds due, stream& slowest) {
    make_room(buffer, length);
    const picoseconds ahead = due - now_ps();
    sc_core::sc_time last = to_time(ahead);
    const fault failed = fault_of(from.read_loan(where, length, buffer.data(), data, last));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, length.value());
    slowest.first = std::max(slowest.first, to_ps(from.first()) - ahead);
    // The first beat itself takes a cycle.
    slowest.flowing = std::max(slowest.flowing, to_ps(last - from.first()) + m_timing.array().period);
    return fault::none;
}

void systolic_array::compute(fold_in_flight& fold, const operand_data& data) {
    const iface::fold_operands& x = fold.operands;
    const bytes size = result_size(x);
    make_room(fold.sums, size); // what is written is read there, computed or not
    if (!m_computes)
        return;
    if (data.seed == nullptr)
        std::memset(fold.sums.data(), 0, size.value());
    else if (data.seed != fold.sums.data())
        std::memcpy(fold.sums.data(), data.seed, size.value());
    m_kernel.fold(x.type, fold.shape.extents, data.a, data.b, fold.sums.data());
}

bool systolic_array::next_is_loaded(const fold_in_flight& fold) const {
    if (!fold.completes)
        return is_loaded(fold.shape);
    const command* next = upcoming();
    return next == nullptr || next->header.op != iface::opcode::fold ||
           is_loaded(shape_of(iface::decode_fold(next->words)));
}

/// The array's time until the next fold may be issued: early enough that its operands' first beats meet the array when
/// it is free for them, a load so early that it is hidden.
void systolic_array::pass_through(const fold_in_flight& fold) {
    const fold_entry& entry = fold.entry;
    if (m_params.pipelined) {
        const picoseconds load_due = std::max(entry.enter, ahead_of(entry.next_enter, m_load_time));
        if (!wait_until(ahead_of(load_due, m_lead)) || next_is_loaded(fold))
            return;
    }
    (void)wait_until(ahead_of(entry.next_enter, m_lead));
}

/// Of the time since the fold began: what operands and results cost beyond what the array needs is stalls, all else
/// busy.
void systolic_array::account_for(const fold_in_flight& fold, picoseconds elapsed, picoseconds late,
                                 picoseconds flowing) {
    const array_geometry& array = m_timing.array();
    const picoseconds own =
        array.pipelined ? fold_period(array, fold.shape) : array.period * fold_steps(array, fold.shape);
    const picoseconds stretched = ahead_of(flowing, own);
    const picoseconds read = std::min(elapsed, late + stretched);
    const picoseconds write = std::min(fold.entry.held, elapsed - read);
    account(perf_counter::busy, to_time(elapsed - read - write));
    account(perf_counter::stall_write, to_time(write));
    account(perf_counter::stall_read, to_time(read));
}

// ---- drain: write the results, complete the commands
// ----------------------------------------------------------------------------

void systolic_array::drain_loop() {
    for (;;) {
        if (m_written == m_entered)
            m_may_drain.await();
        else
            drain_front();
    }
}

/// Writes the oldest fold's results from the first one's time on. After a fault nothing more is written.
void systolic_array::drain_front() {
    const std::uint32_t begun_in = epoch();
    fold_in_flight& fold = m_folds[m_written % m_folds.size()];
    const fold_drain drain = m_timing.drain(fold.entry, fold.shape);
    m_may_enter.tell();
    if (drain.first > now_ps())
        wait(to_time(drain.first - now_ps()));
    if (begun_in != epoch())
        return;
    sc_core::sc_time delay;
    if (!halted()) {
        m_results.act_for(fold.ref);
        const bytes length = result_size(fold.operands);
        const fault failed =
            fault_of(m_results.write(within(m_buffers.result, fold.operands.c), length, fold.sums.data(), delay));
        if (failed != fault::none)
            raise_fault(fold.ref, failed);
        else
            count(perf_counter::write_bytes, length.value());
    }
    const picoseconds written = now_ps() + to_ps(delay);
    m_timing.written(written);
    ++m_written;
    m_may_enter.tell();
    m_last_completion = std::max({m_last_completion, drain.end, written});
    if (!fold.completes)
        return;
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
