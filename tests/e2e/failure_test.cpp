// Runs that cannot end well: a fault that the firmware reports, a wait that nothing satisfies.

#include "fw/firmware/runtime.h"
#include "tests/e2e/on_chip.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

/// Boots and feeds the given commands.
void feed(hw::chip& chip, std::vector<fw::bound_command> commands) {
    chip.load_firmware([commands](mmio& bus) {
        const fw::machine machine = fw::discover(bus);
        fw::prepare_engines(bus, machine);
        std::size_t next = 0;
        fw::run_commands(bus, machine, [&]() -> std::optional<fw::bound_command> {
            return next < commands.size() ? std::optional(commands[next++]) : std::nullopt;
        });
    });
    chip.run();
}

iface::copy_operands copy_of(address from, address to) {
    iface::copy_operands copy;
    copy.run = 64;
    copy.source.base = from;
    copy.destination.base = to;
    return copy;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_fault_names_engine_command_cause_and_operation) {
    hw::chip chip("chip", test::shipped("minimal"));
    iface::command_header header;
    header.op = iface::opcode::copy;
    header.tag = 7;
    const address l3 = chip.addresses().l3.base;
    const engine_id dma = platform::number_engines(chip.params()).dma_engine(0);
    try {
        feed(chip, {{dma, 1, encode(header, copy_of(address(1ULL << 60), l3))}});
        BOOST_ERROR("the fault was not reported");
    } catch (const fw::engine_fault& fault) {
        BOOST_TEST(fault.tag() == 7U);
        BOOST_TEST(fault.command() == 1U);
        BOOST_TEST((fault.cause() == iface::fault::address_error));
        BOOST_TEST(std::string(fault.what()).find("dma0") != std::string::npos, fault.what());
    }
}

BOOST_AUTO_TEST_CASE(a_wait_for_nobody_ends_in_a_deadlock_report) {
    hw::chip chip("chip", test::shipped("minimal"));
    const platform::engine_ids ids = platform::number_engines(chip.params());
    iface::command_header header;
    header.op = iface::opcode::join;
    header.waits[0] = {ids.array(0), 5};
    try {
        feed(chip, {{ids.dma_engine(0), 1, encode(header)}});
        BOOST_ERROR("the deadlock was not noticed");
    } catch (const run_error& deadlock) {
        const std::string report = deadlock.what();
        BOOST_TEST(report.find("dma0") != std::string::npos, report);
        BOOST_TEST(report.find("array0.array") != std::string::npos, report);
    }
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_program_names_its_operation) {
    const test::compiled_graph g = test::compile(dfg::matmul_graph({}));
    const std::string text = fw::describe_operation(g.program, 1);
    BOOST_TEST(text.find("operation 1 (LOAD of A") != std::string::npos, text);
    BOOST_TEST(fw::describe_operation(g.program, 4711) == "operation 4711");
}
