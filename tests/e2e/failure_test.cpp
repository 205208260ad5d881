// Runs that cannot end well: a fault that the firmware reports, a wait that nothing satisfies.

#include "fw/firmware/runtime.h"
#include "tests/dfg/one_op.h"
#include "tests/e2e/on_chip.h"
#include "tests/fw/random_contraction.h"
#include "tests/fw/stream_mutants.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace bdata = boost::unit_test::data;
using namespace kpu;
using iface::engine_kind;

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

/// A matmul that needs every kind of engine, as it is emitted for the platform: f16 sums are converted at the end.
struct emitted_matmul {
    fw::machine machine;
    test::emitted_stream stream;

    explicit emitted_matmul(const platform::platform& p) {
        const test::fresh_context context;
        hw::chip chip("chip", p);
        chip.load_firmware([&](mmio& bus) { machine = fw::discover(bus); });
        chip.run();
        test::problem work;
        work.m = work.n = work.k = 200;
        work.operand = work.result = dtype::f16;
        const dfx::contraction contraction = test::contraction_of(work);
        stream = test::emit(machine, test::program_of(work),
                            {{"k", fw::planned_contraction{contraction, fw::choose_blocking(machine, contraction)}}});
        for (std::size_t c = 0; c < stream.commands.size(); ++c) // so that a tag tells which command it is
            stream.commands[c].header.tag = static_cast<std::uint32_t>(10'000 + c);
    }
    [[nodiscard]] std::uint32_t commands_of(engine_id e) const {
        std::uint32_t number = 0;
        for (const test::stream_command& c : stream.commands)
            number += c.ref.engine == e ? 1 : 0;
        return number;
    }
    /// A wait in the middle of the stream, of a command of such an engine.
    [[nodiscard]] test::wait_place wait_of(engine_kind kind) const {
        std::vector<test::wait_place> found;
        for (const test::wait_place& at : test::waits_of(stream))
            if (machine.engine(stream.commands[at.command].ref.engine).kind == kind)
                found.push_back(at);
        return found.back();
    }
    /// The first command that waits for the engine's last one.
    [[nodiscard]] std::optional<test::stream_command> waiter_for_last_of(engine_id e) const {
        for (const test::wait_place& at : test::waits_of(stream)) {
            const iface::wait_for& on = stream.commands[at.command].header.waits[at.wait];
            if (on.engine == e && on.count == commands_of(e))
                return stream.commands[at.command];
        }
        return std::nullopt;
    }
    void remove_last_of(engine_id e) {
        const std::uint32_t last = commands_of(e);
        stream.commands.erase(
            std::find_if(stream.commands.begin(), stream.commands.end(),
                         [&](const test::stream_command& c) { return c.ref.engine == e && c.ref.number == last; }));
    }
    [[nodiscard]] std::vector<fw::bound_command> bound() const {
        std::vector<fw::bound_command> all;
        for (const test::stream_command& c : stream.commands)
            all.push_back({c.ref.engine, c.ref.number, test::with_header(c.words, c.header)});
        return all;
    }
};

/// Runs the stream; the report's lines after the headline, and the tag of the command that it names first.
struct deadlock_report {
    std::vector<std::string> lines;
    std::uint32_t first_tag = 0;
};

deadlock_report report_of(const platform::platform& p, const emitted_matmul& work) {
    const test::fresh_context context;
    hw::chip chip("chip", p);
    deadlock_report report;
    try {
        feed(chip, work.bound());
        BOOST_FAIL("the deadlock was not noticed");
    } catch (const hw::deadlock& found) {
        std::istringstream text(found.what());
        std::string line;
        std::getline(text, line);
        while (std::getline(text, line))
            report.lines.push_back(line.substr(2));
        BOOST_TEST_REQUIRE(!found.waiting().empty());
        report.first_tag = found.waiting().front().tag;
    }
    return report;
}

/// The first line of an engine that waits, up to how far the other one has come.
std::string says(const emitted_matmul& work, const test::stream_command& waiter, const iface::wait_for& on) {
    return fmt::format("{}'s command {} (tag {}) waits for {} to complete {} (has completed ",
                       work.machine.engine(waiter.ref.engine).name, waiter.ref.number, waiter.header.tag,
                       work.machine.engine(on.engine).name, on.count);
}

const std::vector<engine_kind> k_kinds = {engine_kind::dma, engine_kind::block_mover, engine_kind::streamer,
                                          engine_kind::array, engine_kind::vector};

} // namespace

// A wait for more commands than will ever come: the report's first line names who waits for whom. It is the last one of
// its kind, so that all commands are in the queues: a queue that is full closes a circle in which nobody is the first.
BOOST_DATA_TEST_CASE(a_wait_that_is_never_met_is_named, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    emitted_matmul work(p);
    for (const engine_kind kind : k_kinds) {
        const test::wait_place at = work.wait_of(kind);
        test::stream_command& waiter = work.stream.commands[at.command];
        iface::wait_for& wait = waiter.header.waits[at.wait];
        const std::uint32_t right = wait.count;
        wait.count = work.commands_of(wait.engine) + 1;
        const deadlock_report report = report_of(p, work);
        const std::string expected = says(work, waiter, wait);
        BOOST_TEST(report.lines.front().compare(0, expected.size(), expected) == 0, expected << "\nis not said by\n"
                                                                                             << report.lines.front());
        BOOST_TEST(report.first_tag == waiter.header.tag);
        wait.count = right;
    }
}

// The last command of an engine for which another waits never comes, and so neither does its signal.
BOOST_DATA_TEST_CASE(a_missing_signal_is_named, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    const emitted_matmul whole(p);
    std::set<engine_kind> missed;
    for (const fw::engine_info& engine : whole.machine.engines) {
        const std::optional<test::stream_command> waiter = whole.waiter_for_last_of(engine.id);
        if (!waiter || !missed.insert(engine.kind).second)
            continue; // nobody waits for it, or another of its kind was tried
        const std::uint32_t last = whole.commands_of(engine.id);
        emitted_matmul work = whole;
        work.remove_last_of(engine.id);
        const deadlock_report report = report_of(p, work);
        const std::string blame = fmt::format("{}), which was given only {} commands", last - 1, last - 1);
        const std::string expected = says(work, *waiter, {engine.id, last}) + blame;
        BOOST_TEST(std::count(report.lines.begin(), report.lines.end(), expected) == 1, expected << " is not said");
        const std::string& first = report.lines.front(); // perhaps of another one that waits for the same
        BOOST_TEST(first.find("waits for " + engine.name + " to complete ") == first.find("waits for "), first);
        BOOST_TEST(first.find(blame) != std::string::npos, first);
    }
    BOOST_TEST(missed.size() >= 4U); // nobody waits for the last store of a DMA engine that also loads
}

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
    header.tag = 1;
    header.waits[0] = {ids.array(0), 5};
    try {
        feed(chip, {{ids.dma_engine(0), 1, encode(header)}});
        BOOST_ERROR("the deadlock was not noticed");
    } catch (const hw::deadlock& found) {
        const std::string report = fw::explain(chip, test::compile(dfg::matmul_graph({})).program, found);
        for (const char* part :
             {"dma0's command 1 (tag 1) waits for array0.array to complete 5 (has completed 0), which "
              "was given only 0 commands",
              "dma0's command 1 is part of operation 1 (LOAD of A"})
            BOOST_TEST(report.find(part) != std::string::npos, report);
    }
}

BOOST_AUTO_TEST_CASE(an_index_out_of_range_ends_the_run_with_its_operation) {
    const test::compiled_graph g = test::compile(test::graph_of({"GATHER", {"1x3x2xf32", "1x4xi32"}, "", "1x4x2xf32"}));
    tensor_map inputs = test::random_inputs(g, 1);
    inputs.at("a1") = test::tensor_of(dtype::i32, {1, 4}, {0, 2, 3, 1});
    hw::chip chip("chip", test::shipped("edge_ai"));
    fw::device host(chip, g.program);
    try {
        (void)host.run(inputs);
        BOOST_ERROR("the index was not noticed");
    } catch (const run_error& found) {
        const std::string text = found.what();
        BOOST_TEST(text.find("index out of range") != std::string::npos, text);
        BOOST_TEST(text.find("GATHER_TILE") != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_program_names_its_operation) {
    const test::compiled_graph g = test::compile(dfg::matmul_graph({}));
    const std::string text = fw::describe_operation(g.program, 1);
    BOOST_TEST(text.find("operation 1 (LOAD of A") != std::string::npos, text);
    BOOST_TEST(fw::describe_operation(g.program, 4711) == "operation 4711");
}
