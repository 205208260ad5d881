// The checkers as they are attached to a chip: each of them reports what a broken program does there.

#include "fw/firmware/runtime.h"
#include "tests/e2e/on_chip.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

/// A chip with all checkers, and programs for its first engines.
struct checked {
    hw::chip chip{"chip", test::shipped("minimal"), monitored()};
    fw::run_checks checks{chip};
    platform::engine_ids ids = platform::number_engines(chip.params());
    address dram = chip.addresses().dram.base, l3 = chip.addresses().l3.base, l2 = chip.addresses().l2.base;

    static hw::chip_options monitored() {
        hw::chip_options options;
        options.monitors = true;
        return options;
    }
    static fw::bound_command copy(engine_id engine, std::uint32_t number, address from, address to,
                                  iface::wait_for wait = {}) {
        iface::command_header header;
        header.op = iface::opcode::copy;
        header.waits[0] = wait;
        iface::copy_operands copy;
        copy.run = 64;
        copy.source.base = from;
        copy.destination.base = to;
        return {engine, number, encode(header, copy)};
    }
    void run(const std::vector<fw::bound_command>& commands) {
        chip.load_firmware([&](mmio& bus) {
            const fw::machine machine = fw::discover(bus);
            fw::prepare_engines(bus, machine);
            auto next = commands.begin();
            fw::run_commands(bus, machine, [&] {
                return next == commands.end() ? std::nullopt : std::optional<fw::bound_command>(*next++);
            });
        });
        chip.run();
    }
    /// One finding, with this in it.
    void expect(const std::string& text) {
        const std::vector<std::string> findings = checks.findings();
        BOOST_TEST_REQUIRE(findings.size() == 1U);
        BOOST_TEST(findings[0].find(text) != std::string::npos, findings[0]);
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_sound_program_is_clean, checked) {
    checks.hazards().note_initialised({dram, bytes(64)});
    checks.hazards().allow({dram, bytes(64)});
    run({copy(ids.dma_engine(0), 1, dram, l3), copy(ids.block_mover(0), 1, l3, l2, {ids.dma_engine(0), 1})});
    BOOST_TEST(checks.findings().empty());
}

BOOST_FIXTURE_TEST_CASE(a_missing_wait_is_found, checked) {
    checks.hazards().note_initialised({dram, bytes(64)});
    checks.hazards().note_initialised({l3, bytes(64)});
    run({copy(ids.dma_engine(0), 1, dram, l3), copy(ids.block_mover(0), 1, l3, l2)});
    expect("dma0 command 1");
}

BOOST_FIXTURE_TEST_CASE(data_that_nobody_wrote_is_found, checked) {
    run({copy(ids.dma_engine(0), 1, dram, l3)});
    expect("read of never-written bytes: chip.dma0 command 1");
}

BOOST_FIXTURE_TEST_CASE(an_access_outside_every_tensor_is_found, checked) {
    checks.hazards().note_initialised({dram, bytes(4096)});
    checks.hazards().allow({dram, bytes(64)});
    run({copy(ids.dma_engine(0), 1, dram + bytes(32), l3)});
    expect("access outside every allocation: chip.dma0 command 1");
}

BOOST_FIXTURE_TEST_CASE(commands_left_behind_are_found, checked) {
    checks.hazards().note_initialised({dram, bytes(64)});
    const fw::bound_command left = copy(ids.dma_engine(0), 1, dram, l3, {ids.array(0), 1});
    chip.load_firmware([&](mmio& bus) {
        fw::prepare_engines(bus, fw::discover(bus));
        std::array<std::uint32_t, iface::k_descriptor_words + 1> burst{};
        std::copy(left.words.begin(), left.words.end(), burst.begin());
        burst.back() = 1;
        bus.write_block(address(iface::engine_base(0) + iface::engine_reg::descriptor), burst.data(), burst.size());
    });
    chip.run();
    const std::vector<std::string> findings = checks.findings();
    BOOST_TEST_REQUIRE(findings.size() == 2U); // by conservation and by what the chip says itself
    BOOST_TEST(findings[0].find("dma0 command 1 (tag 0) and those after it did not complete") != std::string::npos,
               findings[0]);
    BOOST_TEST(findings[1] == "dma0: 0 of 1 commands completed, 1 still queued");
}
