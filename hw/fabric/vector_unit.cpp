#include "hw/fabric/vector_unit.h"

#include "hw/fabric/bus_fault.h"
#include "hw/tlm/time.h"

#include <algorithm>

namespace kpu::hw {

using iface::fault;
using iface::perf_counter;
using iface::vector_function;

namespace {

bool overlap(const byte_range& a, const byte_range& b) {
    return a.first < b.first + b.size && b.first < a.first + a.size;
}

bool same_place(const iface::vector_side& a, const iface::vector_side& b) {
    return a.base == b.base && a.stride == b.stride;
}

/// A result may replace an operand element by element, never run ahead of it: the unit streams.
bool may_write(const iface::vector_operands& x, const iface::vector_side& operand) {
    const byte_range to = range_of(x, x.destination, x.to);
    const byte_range from = range_of(x, operand, x.from);
    const bool in_place = x.destination.base == operand.base && to.size <= from.size;
    return same_place(x.destination, operand) || in_place || !overlap(to, from);
}

bool aligned(const iface::vector_side& side, iface::element_type type) {
    const std::uint64_t size = iface::size_of(type);
    return side.base.value() % size == 0 && std::all_of(side.stride.begin(), side.stride.end(),
                                                        [&](std::uint32_t stride) { return stride % size == 0; });
}

bool computes(const iface::vector_operands& x) {
    const auto integer = [](iface::element_type t) {
        return t == iface::element_type::i8 || t == iface::element_type::i32;
    };
    switch (x.function) {
    case vector_function::sigmoid:
    case vector_function::arctangent:
    case vector_function::exponential:
    case vector_function::reciprocal:
    case vector_function::reciprocal_root:
        return !integer(x.from);
    case vector_function::multiply_shifted:
        return x.from == iface::element_type::i32 && x.shift >= 1 && x.shift <= 62;
    case vector_function::multiply_add:
        return x.to == iface::accumulator_of(x.from) || x.to == x.from;
    default:
        return static_cast<std::uint32_t>(x.function) < iface::k_vector_functions;
    }
}

bool well_formed(const iface::vector_operands& x) {
    const auto known = [](iface::element_type t) { return static_cast<std::uint32_t>(t) < iface::k_element_types; };
    if (!known(x.from) || !known(x.to) || !computes(x))
        return false;
    std::uint64_t elements = 1;
    for (const std::uint32_t count : x.count) {
        if (count == 0 || count > vector_unit::k_longest_vector)
            return false;
        elements *= count;
        if (elements > vector_unit::k_longest_vector)
            return false;
    }
    return true;
}

fault refusal(const iface::vector_operands& x) {
    if (!well_formed(x))
        return fault::bad_operand;
    const bool two = iface::takes_operand(x.function);
    if (!aligned(x.source, x.from) || !aligned(x.destination, x.to) || (two && !aligned(x.operand, x.from)))
        return fault::bad_operand;
    if (!may_write(x, x.source) || (two && !may_write(x, x.operand)))
        return fault::bad_operand;
    for (const byte_range& range : {range_of(x, x.source, x.from), range_of(x, x.destination, x.to),
                                    two ? range_of(x, x.operand, x.from) : range_of(x, x.source, x.from)})
        if (range.size.value() > vector_unit::k_longest_range)
            return fault::bad_operand;
    return fault::none;
}

} // namespace

vector_unit::vector_unit(sc_core::sc_module_name name, const engine_config& config,
                         const platform::vector_params& params)
    : command_engine(name, config), l1_i("l1_i"), m_params(params), m_l1(l1_i) {}

fault vector_unit::execute(const command& c) {
    const iface::vector_operands x = iface::decode_vector(c.words);
    const fault refused = refusal(x);
    if (refused != fault::none)
        return refused;
    const std::uint32_t begun_in = epoch();
    if (m_params.start_cost.value() > 0)
        wait(in_cycles(m_params.start_cost.value()));
    if (begun_in != epoch())
        return fault::none;
    m_l1.act_for(c.ref);
    arrival when;
    vector_data data;
    const fault failed = read_operands(x, data, when);
    if (failed != fault::none)
        return failed;
    if (m_computes)
        compute(x, data);
    // The first group of results leaves the pipeline a cycle and its latency after its operands arrived.
    wait(when.first + in_cycles(1 + m_params.latency.value()));
    return begun_in == epoch() ? write_back(c, x, when) : fault::none;
}

fault vector_unit::read(const byte_range& range, std::vector<unsigned char>& buffer, const unsigned char*& data,
                        arrival& when) {
    if (buffer.size() < range.size.value())
        buffer.resize(range.size.value());
    sc_core::sc_time last;
    const fault failed = fault_of(m_l1.read_loan(range.first, range.size, buffer.data(), data, last));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, range.size.value());
    when.first = std::max(when.first, m_l1.first());
    when.last = std::max(when.last, last);
    return fault::none;
}

/// Leaves the destination's old contents in m_result where the command works on them.
fault vector_unit::read_operands(const iface::vector_operands& x, vector_data& data, arrival& when) {
    fault failed = read(range_of(x, x.source, x.from), m_source, data.source, when);
    if (failed == fault::none && iface::takes_operand(x.function))
        failed = read(range_of(x, x.operand, x.from), m_operand, data.operand, when);
    const byte_range to = range_of(x, x.destination, x.to);
    if (m_result.size() < to.size.value())
        m_result.resize(to.size.value());
    data.destination = m_result.data();
    if (failed != fault::none || !reads_destination(x))
        return failed;
    const unsigned char* old = data.source;
    if (x.source.base != x.destination.base)
        failed = read(to, m_old, old, when);
    if (failed == fault::none && m_computes)
        std::copy_n(old, to.size.value(), m_result.data());
    return failed;
}

/// The whole destination where it is packed, else run by run.
fault vector_unit::write(const iface::vector_operands& x, sc_core::sc_time& written) {
    const byte_range to = range_of(x, x.destination, x.to);
    const bool packed = is_packed(x);
    const std::uint64_t size = iface::size_of(x.to);
    const bool rows = x.destination.stride[2] == size || x.count[2] == 1;
    const std::uint64_t run = packed ? to.size.value() : rows ? x.count[2] * size : size;
    const auto& stride = x.destination.stride;
    const auto distinct = [&](std::size_t d) { return packed || stride[d] == 0 ? 1u : x.count[d]; };
    for (std::uint32_t i = 0; i < distinct(0); ++i) {
        for (std::uint32_t j = 0; j < distinct(1); ++j) {
            for (std::uint32_t k = 0; k < (rows ? 1u : distinct(2)); ++k) {
                const std::uint64_t at =
                    std::uint64_t{i} * stride[0] + std::uint64_t{j} * stride[1] + std::uint64_t{k} * stride[2];
                sc_core::sc_time done;
                const fault failed = fault_of(m_l1.write(to.first + bytes(at), bytes(run), m_result.data() + at, done));
                if (failed != fault::none)
                    return failed;
                count(perf_counter::write_bytes, run);
                written = std::max(written, done);
            }
        }
    }
    return fault::none;
}

/// Called when the first results are there; returns when all are written.
fault vector_unit::write_back(const command& c, const iface::vector_operands& x, const arrival& when) {
    sc_core::sc_time written;
    const fault failed = write(x, written);
    if (failed != fault::none)
        return failed;
    count(perf_counter::elements, all_elements(x));
    // The last group starts when the lanes get to it and its operands are there.
    const std::uint64_t dependent = dependent_elements(x);
    const sc_core::sc_time groups = in_cycles(ceil_div(all_elements(x) / dependent, m_params.lanes) * dependent);
    const sc_core::sc_time late = when.last > when.first + groups - in_cycles(1)
                                      ? when.last - (when.first + groups - in_cycles(1))
                                      : sc_core::SC_ZERO_TIME;
    const sc_core::sc_time computed = groups - in_cycles(1) + late;
    const sc_core::sc_time rest = std::max(written, computed);
    const std::uint32_t begun_in = epoch();
    wait(rest);
    if (begun_in != epoch())
        return fault::none;
    account(perf_counter::busy, in_cycles(m_params.start_cost.value() + m_params.latency.value()) + groups);
    account(perf_counter::stall_read, when.first + late);
    account(perf_counter::stall_write, rest - computed);
    finish(c.ref);
    return fault::none;
}

} // namespace kpu::hw
