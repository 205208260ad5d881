#include "hw/fabric/vector_unit.h"

#include "hw/fabric/bus_fault.h"
#include "hw/fabric/number_format.h"
#include "hw/tlm/time.h"

#include <algorithm>

namespace kpu::hw {

using iface::fault;
using iface::opcode;
using iface::perf_counter;

namespace {

bytes vector_size(iface::element_type type, std::uint32_t count) {
    return bytes(std::uint64_t{count} * iface::size_of(type));
}

iface::element_type result_type(opcode op, const iface::vector_operands& x) {
    return op == opcode::convert ? x.to : x.from;
}

bool overlap(address a, bytes a_size, address b, bytes b_size) {
    return a < b + b_size && b < a + a_size;
}

/// A result may replace an operand element by element, never run ahead of it: the unit streams.
bool may_write(const iface::vector_operands& x, iface::element_type result, address operand) {
    const bytes from = vector_size(x.from, x.count);
    const bytes to = vector_size(result, x.count);
    return (x.destination == operand && to <= from) || !overlap(x.destination, to, operand, from);
}

fault refusal(opcode op, const iface::vector_operands& x) {
    const auto known = [](iface::element_type t) { return static_cast<std::uint32_t>(t) < iface::k_element_types; };
    if (!known(x.from) || (op == opcode::convert && !known(x.to)))
        return fault::bad_operand;
    if (x.count == 0 || x.count > vector_unit::k_longest_vector)
        return fault::bad_operand;
    const iface::element_type result = result_type(op, x);
    const bool two = op == opcode::accumulate;
    if (x.source.value() % iface::size_of(x.from) != 0 || x.destination.value() % iface::size_of(result) != 0 ||
        (two && x.operand.value() % iface::size_of(x.from) != 0))
        return fault::bad_operand;
    if (!may_write(x, result, x.source) || (two && !may_write(x, result, x.operand)))
        return fault::bad_operand;
    return fault::none;
}

} // namespace

vector_unit::vector_unit(sc_core::sc_module_name name, const engine_config& config,
                         const platform::vector_params& params)
    : command_engine(name, config), l1_i("l1_i"), m_params(params), m_l1(l1_i) {}

fault vector_unit::execute(const command& c) {
    const iface::vector_operands x = iface::decode_vector(c.words);
    const fault refused = refusal(c.header.op, x);
    if (refused != fault::none)
        return refused;
    const std::uint32_t begun_in = epoch();
    if (m_params.start_cost.value() > 0)
        wait(in_cycles(m_params.start_cost.value()));
    if (begun_in != epoch())
        return fault::none;
    m_l1.act_for(c.ref);
    arrival when;
    const fault failed = compute(c, x, when);
    if (failed != fault::none)
        return failed;
    // The first group of results leaves the pipeline a cycle and its latency after its operands arrived.
    wait(when.first + in_cycles(1 + m_params.latency.value()));
    return begun_in == epoch() ? write_back(c, x, when) : fault::none;
}

fault vector_unit::read(address where, bytes length, std::vector<unsigned char>& buffer, const unsigned char*& data,
                        arrival& when) {
    if (buffer.size() < length.value())
        buffer.resize(length.value());
    sc_core::sc_time last;
    const fault failed = fault_of(m_l1.read_loan(where, length, buffer.data(), data, last));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, length.value());
    when.first = std::max(when.first, m_l1.first());
    when.last = std::max(when.last, last);
    return fault::none;
}

/// Reads the operands and leaves the results in m_result.
fault vector_unit::compute(const command& c, const iface::vector_operands& x, arrival& when) {
    const bytes operand_size = vector_size(x.from, x.count);
    const unsigned char* source = nullptr;
    const fault failed = read(x.source, operand_size, m_source, source, when);
    if (failed != fault::none)
        return failed;
    const bytes size = vector_size(result_type(c.header.op, x), x.count);
    if (m_result.size() < size.value())
        m_result.resize(size.value());
    if (c.header.op == opcode::convert) {
        if (m_computes)
            convert(x.from, source, x.to, m_result.data(), x.count);
        return fault::none;
    }
    const unsigned char* operand = nullptr;
    const fault second = read(x.operand, operand_size, m_operand, operand, when);
    if (second == fault::none && m_computes)
        add(x.from, source, operand, m_result.data(), x.count);
    return second;
}

/// Called when the first results are there; returns when all are written.
fault vector_unit::write_back(const command& c, const iface::vector_operands& x, const arrival& when) {
    const bytes size = vector_size(result_type(c.header.op, x), x.count);
    sc_core::sc_time written;
    const fault failed = fault_of(m_l1.write(x.destination, size, m_result.data(), written));
    if (failed != fault::none)
        return failed;
    count(perf_counter::write_bytes, size.value());
    count(perf_counter::elements, x.count);
    // The last group starts when the lanes get to it and its operands are there.
    const sc_core::sc_time groups = in_cycles(ceil_div(x.count, m_params.lanes));
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
