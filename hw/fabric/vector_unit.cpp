#include "hw/fabric/vector_unit.h"

#include "hw/fabric/bus_fault.h"
#include "hw/fabric/vector_check.h"
#include "hw/tlm/time.h"

#include <algorithm>

namespace kpu::hw {

using iface::fault;
using iface::perf_counter;

vector_unit::vector_unit(sc_core::sc_module_name name, const engine_config& config,
                         const platform::vector_params& params, const array_buffers& buffers)
    : command_engine(name, config), row_i("row_i"), column_i("column_i"), result_i("result_i"),
      m_params(params), m_ports{{{initiator(row_i), buffers.row, {}},
                                 {initiator(column_i), buffers.column, {}},
                                 {initiator(result_i), buffers.result, {}}}} {}

fault vector_unit::execute(const command& c) {
    const iface::vector_operands x = iface::decode_vector(c.words);
    const fault refused = refusal_of(x);
    if (refused != fault::none)
        return refused;
    const std::uint32_t begun_in = epoch();
    if (m_params.start_cost.value() > 0)
        wait(in_cycles(m_params.start_cost.value()));
    if (begun_in != epoch())
        return fault::none;
    for (buffer_port& port : m_ports) {
        port.link.act_for(c.ref);
        port.reads = 0;
    }
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

vector_unit::buffer_port& vector_unit::port_to(address where) {
    buffer_port* last = &m_ports.front();
    for (buffer_port& port : m_ports)
        if (port.base <= where && (last->base > where || port.base > last->base))
            last = &port;
    return *last;
}

/// Operands that lie in one buffer come in turn, a beat of each: a port that has all of one to deliver before the next
/// has the next one's first beat a cycle later all the same, and the last beat of all where it would have been.
fault vector_unit::read(const byte_range& range, std::vector<unsigned char>& buffer, const unsigned char*& data,
                        arrival& when) {
    if (buffer.size() < range.size.value())
        buffer.resize(range.size.value());
    buffer_port& from = port_to(range.first);
    sc_core::sc_time last;
    const fault failed =
        fault_of(from.link.read_loan(within(from.base, range.first), range.size, buffer.data(), data, last));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, range.size.value());
    from.first = from.reads == 0 ? from.link.first() : std::min(from.link.first(), from.first + in_cycles(1));
    ++from.reads;
    when.first = std::max(when.first, from.first);
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
    const unsigned char* old = data.source; // of the destination's type where it is the same place
    if (iface::takes_operand(x.function) && is_destination(x, x.operand))
        old = data.operand;
    else if (!is_destination(x, x.source))
        failed = read(to, m_old, old, when);
    if (failed == fault::none && m_computes)
        std::copy_n(old, to.size.value(), m_result.data());
    return failed;
}

/// The whole destination where it is packed, else run by run.
fault vector_unit::write(const iface::vector_operands& x, sc_core::sc_time& written) {
    const byte_range to = range_of(x, x.destination, x.to);
    buffer_port& into = port_to(to.first);
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
                const address where = within(into.base, to.first + bytes(at));
                const fault failed = fault_of(into.link.write(where, bytes(run), m_result.data() + at, done));
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
