// The whole chip, programmed by hand: one fold from DRAM to DRAM, reports,
// reset, faults.

#include "hw/interface/capabilities.h"
#include "hw/kpu/chip.h"
#include "hw/observe/conservation.h"
#include "hw/observe/hazard_checker.h"
#include "platforms/common/diagnostic.h"
#include "tests/component/kpu/chip_driver.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <random>

using namespace kpu;
using namespace kpu::test;
using hw::chip;
using hw::chip_options;
using iface::perf_counter;
namespace reg = kpu::iface::engine_reg;

namespace {

constexpr std::uint32_t k_m = 5, k_n = 7, k_k = 33;

platform::platform small_platform() {
    platform::platform p;
    p.name = "test";
    p.dram.channels = 2;
    p.l3.tiles = 2;
    p.l1.row.capacity = p.l1.column.capacity = p.l1.result.capacity = bytes(64 * 1024);
    return p;
}

/// Tensors of one fold in DRAM, and the addresses that its tiles pass on the
/// way.
struct one_fold {
    platform::address_map map;
    platform::engine_ids ids;
    std::vector<float> a = std::vector<float>(k_m * k_k), b = std::vector<float>(k_k * k_n),
                       c = std::vector<float>(k_m * k_n);
    address a_dram, b_dram, c_dram;
    std::vector<float> expected = std::vector<float>(k_m * k_n);

    explicit one_fold(const platform::platform& p)
        : map(platform::map_addresses(p)), ids(platform::number_engines(p)), a_dram(map.dram.base),
          b_dram(map.dram.base + bytes(0x10000)), c_dram(map.dram.base + bytes(0x20000)) {
        std::mt19937 random(7);
        std::uniform_real_distribution<float> uniform(-1, 1);
        for (float& x : a)
            x = uniform(random);
        for (float& x : b)
            x = uniform(random);
        for (std::uint32_t i = 0; i < k_m; ++i)
            for (std::uint32_t j = 0; j < k_n; ++j)
                for (std::uint32_t l = 0; l < k_k; ++l) {
                    const float product = a[i * k_k + l] * b[l * k_n + j];
                    expected[i * k_n + j] = expected[i * k_n + j] + product;
                }
    }

    void upload(chip& on) const {
        on.poke(a_dram, a.data(), bytes(4 * a.size()));
        on.poke(b_dram, b.data(), bytes(4 * b.size()));
    }
    void program(mmio& io) const {
        chip_driver drive(io);
        const auto size = [](const std::vector<float>& v) { return static_cast<std::uint32_t>(4 * v.size()); };
        const address a3 = map.l3.base, b3 = a3 + bytes(0x2000), c3 = b3 + bytes(0x2000);
        const address a2 = map.l2.base, b2 = a2 + bytes(0x2000), c2 = b2 + bytes(0x2000);
        const engine_id dma = ids.dma_engine(0), mover = ids.block_mover(0);
        const ticket a_in = drive.copy(dma, a_dram, a3, size(a));
        const ticket b_in = drive.copy(dma, b_dram, b3, size(b));
        const ticket a_moved = drive.copy(mover, a3, a2, size(a), {a_in});
        const ticket b_moved = drive.copy(mover, b3, b2, size(b), {b_in});
        iface::fold_operands fold;
        fold.a = map.l1[0].row.base;
        fold.b = map.l1[0].column.base;
        fold.c = map.l1[0].result.base;
        fold.m = k_m;
        fold.n = k_n;
        fold.k = k_k;
        const ticket rows = drive.copy(ids.streamer(0, 0), a2, fold.a, size(a), {a_moved});
        const ticket columns = drive.copy(ids.streamer(0, 1), b2, fold.b, size(b), {b_moved});
        const ticket folded = drive.fold(ids.array(0), fold, {rows, columns});
        const ticket drained = drive.copy(ids.streamer(0, 2), fold.c, c2, size(c), {folded});
        const ticket c_moved = drive.copy(mover, c2, c3, size(c), {drained});
        drive.await(drive.copy(dma, c3, c_dram, size(c), {c_moved}));
    }
    void check(chip& on) {
        on.peek(c_dram, c.data(), bytes(4 * c.size()));
        BOOST_TEST(c == expected, boost::test_tools::per_element());
    }
};

void check_counters(const chip& on, std::uint64_t since_reset) {
    for (const hw::command_engine* e : on.engines()) {
        std::uint64_t sum = 0;
        for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c)
            if (hw::measures_time(static_cast<perf_counter>(c)))
                sum += e->counter(static_cast<perf_counter>(c));
        BOOST_TEST(sum == since_reset, on.local_name(*e) << ": " << sum << " of " << since_reset << " cycles");
    }
}

std::vector<std::string> names_of(const chip& c) {
    std::vector<std::string> names;
    for (const hw::command_engine* e : c.engines())
        names.push_back(c.local_name(*e));
    return names;
}

} // namespace

BOOST_AUTO_TEST_SUITE(whole_chip)

BOOST_AUTO_TEST_CASE(one_fold_from_dram_to_dram) {
    const platform::platform p = small_platform();
    one_fold work(p);
    chip_options options;
    options.monitors = true;
    chip c("chip", p, options);
    hw::conservation_checker conservation(names_of(c));
    hw::hazard_options hazards;
    hazards.engines = static_cast<std::uint32_t>(c.engines().size());
    hazards.engine_names = names_of(c);
    hw::hazard_checker hazard(hazards);
    hazard.note_initialised({work.a_dram, bytes(4 * work.a.size())});
    hazard.note_initialised({work.b_dram, bytes(4 * work.b.size())});
    c.attach(conservation);
    c.attach(hazard);
    work.upload(c);
    c.load_firmware([&](mmio& io) { work.program(io); });
    BOOST_TEST(!c.finished());
    c.run();
    BOOST_TEST(c.finished());
    work.check(c);

    conservation.finish();
    BOOST_TEST(conservation.violations() == std::vector<std::string>(), boost::test_tools::per_element());
    BOOST_TEST(hazard.clean(), hazard.report());
    BOOST_TEST(c.protocol_violations().empty());
    BOOST_TEST(c.leftovers() == std::vector<std::string>(), boost::test_tools::per_element());
    BOOST_TEST(c.dram().stats().read_bytes.value() == 4 * (k_m * k_k + k_k * k_n));
    BOOST_TEST(c.dram().stats().write_bytes.value() == 4 * k_m * k_n);
    BOOST_TEST(c.engine(work.ids.array(0)).counter(perf_counter::macs) == k_m * k_n * k_k);
    BOOST_TEST(c.engine(work.ids.dma_engine(0)).counter(perf_counter::commands) == 3u);
    BOOST_TEST(c.elapsed_cycles().value() > k_k);
    check_counters(c, c.elapsed_cycles().value());
    std::uint64_t out_of_order = 0;
    for (const hw::crossbar* x : c.crossbars())
        out_of_order += x->out_of_order();
    BOOST_TEST(out_of_order == 0u);
}

BOOST_AUTO_TEST_CASE(random_stalls_reach_every_port) {
    const platform::platform p = small_platform();
    one_fold work(p);
    chip_options options;
    options.monitors = true;
    options.stalls = hw::stall_params();
    options.stalls->per_thousand = 1000;
    chip c("chip", p, options);
    work.upload(c);
    c.load_firmware([&](mmio& io) { work.program(io); });
    c.run();
    work.check(c);
    std::size_t ports = 0;
    std::size_t used = 0;
    const std::function<void(const sc_core::sc_object&)> visit = [&](const sc_core::sc_object& at) {
        for (const sc_core::sc_object* child : at.get_child_objects())
            visit(*child);
        const auto* monitor = dynamic_cast<const hw::protocol_monitor*>(&at);
        if (monitor == nullptr)
            return;
        ++ports;
        std::string name = monitor->name();
        name.replace(name.find("monitor_"), 7, "stalls");
        const auto* stalls = dynamic_cast<const hw::stall_injector*>(sc_core::sc_find_object(name.c_str()));
        BOOST_TEST_REQUIRE(stalls != nullptr, name);
        const hw::protocol_monitor::traffic& passed = monitor->passed();
        BOOST_TEST(stalls->stalls() == passed.reads + passed.writes, name);
        used += stalls->stalls() > 0 ? 1 : 0;
    };
    visit(c);
    // memories, engines' ports, register windows; the back door's see no transactions
    BOOST_TEST(ports == 9U + 18U + 10U + 6U);
    BOOST_TEST(used > 20U);
}

BOOST_AUTO_TEST_CASE(random_stalls_change_time_but_no_bit) {
    const platform::platform p = small_platform();
    one_fold work(p);
    chip_options options;
    options.monitors = true;
    options.stalls = hw::stall_params();
    options.stalls->seed = 99;
    chip stalled("stalled", p, options);
    chip plain("plain", p);
    for (chip* c : {&stalled, &plain}) { // two chips in one simulation, one after the other
        work.upload(*c);
        c->load_firmware([&](mmio& io) { work.program(io); });
        c->run();
        work.check(*c);
        BOOST_TEST(c->protocol_violations().empty());
        BOOST_TEST(c->leftovers().empty());
    }
    BOOST_TEST(stalled.elapsed().value() > plain.elapsed().value());
}

BOOST_AUTO_TEST_CASE(second_program_finds_the_chip_as_the_first_left_it) {
    const platform::platform p = small_platform();
    one_fold work(p);
    chip c("chip", p);
    work.upload(c);
    c.load_firmware([&](mmio& io) { work.program(io); });
    c.run();
    const picoseconds first = c.elapsed();
    c.load_firmware([&](mmio& io) { (void)io.read32(address(0)); });
    c.run();
    BOOST_TEST(c.elapsed().value() == 2000u);
    BOOST_TEST(first.value() > c.elapsed().value());
    work.check(c);
}

BOOST_AUTO_TEST_CASE(names_and_numbers) {
    platform::platform p = small_platform();
    p.array.count = 2;
    p.block_mover.engines = 2;
    chip c("top", p);
    const std::vector<std::string> expected = {"dma0",
                                               "block_mover0",
                                               "block_mover1",
                                               "array0.streamer0",
                                               "array0.streamer1",
                                               "array0.streamer2",
                                               "array0.streamer3",
                                               "array0.array",
                                               "array0.vector",
                                               "array1.streamer0",
                                               "array1.streamer1",
                                               "array1.streamer2",
                                               "array1.streamer3",
                                               "array1.array",
                                               "array1.vector"};
    BOOST_TEST(names_of(c) == expected, boost::test_tools::per_element());
    for (std::uint16_t e = 0; e < c.engines().size(); ++e)
        BOOST_TEST(c.engines()[e]->config().engine.value() == e);
    const std::vector<std::string> memories = {"dram.channel0", "dram.channel1", "l3.tile0",      "l3.tile1",
                                               "l2.bank0",      "l2.bank1",      "array0.row",    "array0.column",
                                               "array0.result", "array1.row",    "array1.column", "array1.result"};
    std::vector<std::string> names;
    for (const hw::memory_module* m : c.memories())
        names.push_back(c.local_name(*m));
    BOOST_TEST(names == memories, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(firmware_can_discover_the_chip) {
    platform::platform p = small_platform();
    p.array.count = 2;
    p.array.macs_per_pe = {0, 1, 2, 0, 4, 4, 1};
    chip c("chip", p);
    const platform::address_map& map = c.addresses();
    c.load_firmware([&](mmio& io) {
        namespace sys = iface::system_reg;
        BOOST_TEST(io.read32(address(sys::magic)) == iface::k_system_magic);
        BOOST_TEST(io.read32(address(sys::engines)) == c.engines().size());
        BOOST_TEST(io.read32(address(sys::arrays)) == 2u);
        std::uint32_t words[3 * sys::memory_words];
        io.read_block(address(sys::memory), words, std::size(words));
        BOOST_TEST((words[0] | std::uint64_t{words[1]} << 32) == map.dram.base.value());
        BOOST_TEST((words[2] | std::uint64_t{words[3]} << 32) == map.dram.size.value());
        BOOST_TEST(words[4] == 2u);
        BOOST_TEST(words[5] == p.dram.interleave.value());
        BOOST_TEST(words[6] == 6553u); // 2 · 12.8 B/cycle · 256
        BOOST_TEST(words[8] == p.dram.burst.value());
        const std::uint32_t* const l3 = words + sys::memory_words;
        BOOST_TEST(l3[0] == map.l3.base.value());
        BOOST_TEST(l3[4] == 2u);
        BOOST_TEST(l3[6] == 2u * 64 * 256);
        BOOST_TEST(l3[8] == 64u);
        const std::uint64_t array = iface::engine_base(platform::number_engines(p).array(1).value());
        std::uint32_t cap[iface::engine_reg::capabilities];
        io.read_block(address(array + reg::capability), cap, std::size(cap));
        BOOST_TEST(cap[iface::array_cap::unit] == 1u);
        BOOST_TEST(cap[iface::array_cap::rows] == 16u);
        BOOST_TEST(cap[iface::array_cap::dataflows] == 0b111u);
        BOOST_TEST(cap[iface::array_cap::macs_low] == 0x00'02'01'00u);
        BOOST_TEST(cap[iface::array_cap::macs_high] == 0x01'04'04u);
        BOOST_TEST(cap[iface::array_cap::row_base] == map.l1[1].row.base.value());
        BOOST_TEST(cap[iface::array_cap::result_size] == 64u * 1024);
        const std::uint64_t streamer = iface::engine_base(platform::number_engines(p).streamer(1, 2).value());
        BOOST_TEST(io.read32(address(streamer + reg::id)) >> 8 == (6u | 10u << 8)); // unit 6, engine 10
        BOOST_TEST(io.read32(address(streamer + reg::capability)) == 1u);
    });
    c.run();
}

BOOST_AUTO_TEST_CASE(deadlock_is_reported_with_its_circle) {
    const platform::platform p = small_platform();
    chip c("chip", p);
    const platform::engine_ids ids = platform::number_engines(p);
    const address l3 = c.addresses().l3.base, l2 = c.addresses().l2.base, dram = c.addresses().dram.base;
    c.load_firmware([&](mmio& io) {
        chip_driver drive(io);
        drive.copy(ids.dma_engine(0), dram, l3, 64, {{ids.block_mover(0), 1}});
        drive.copy(ids.block_mover(0), l3, l2, 64, {{ids.streamer(0, 1), 1}});
        drive.copy(ids.streamer(0, 1), l2, c.addresses().l1[0].row.base, 64, {{ids.dma_engine(0), 1}});
        const ticket last = drive.copy(ids.streamer(0, 0), l2, c.addresses().l1[0].row.base, 64, {{ids.array(0), 3}});
        drive.await(last);
    });
    std::string report;
    try {
        c.run();
    } catch (const run_error& e) {
        report = e.what();
    }
    BOOST_TEST_MESSAGE(report);
    BOOST_TEST(c.finished()); // abandoned
    const auto says = [&](const std::string& what) {
        BOOST_TEST(report.find(what) != std::string::npos, "missing: " << what << "\nin: " << report);
    };
    says("dma0's command 1 (tag 100) waits for block_mover0 to complete 1 (has "
         "completed 0)");
    says("a circle: dma0 -> block_mover0 -> array0.streamer1 -> dma0");
    says("array0.streamer0's command 1 (tag 103) waits for array0.array to "
         "complete 3 (has completed 0), which was given "
         "only 0 commands");
    says("the firmware has not ended: it waits for an interrupt");
    says("dma0: 0 of 1 commands completed, 1 still queued");
    BOOST_TEST(c.leftovers().size() == 4u);
}

BOOST_AUTO_TEST_CASE(fault_is_seen_by_firmware_and_left_over) {
    const platform::platform p = small_platform();
    chip c("chip", p);
    const platform::engine_ids ids = platform::number_engines(p);
    c.load_firmware([&](mmio& io) {
        chip_driver drive(io);
        const address hole(0x10);
        drive.await(drive.copy(ids.dma_engine(0), hole, c.addresses().l3.base, 64));
    });
    BOOST_CHECK_THROW(c.run(), std::runtime_error);
    BOOST_TEST(c.finished());
    const std::vector<std::string> left = {"dma0: 0 of 1 commands completed, 0 still queued",
                                           "dma0: halted at command 1 (tag 100): address error"};
    BOOST_TEST(c.leftovers() == left, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(back_door_reaches_every_memory) {
    const platform::platform p = small_platform();
    chip c("chip", p);
    const platform::address_map& map = c.addresses();
    std::vector<unsigned char> out(5000), in(5000);
    std::mt19937 random(3);
    for (const platform::address_range& r :
         {map.dram, map.l3, map.l2, map.l1[0].row, map.l1[0].column, map.l1[0].result}) {
        for (unsigned char& byte : out)
            byte = static_cast<unsigned char>(random());
        const address where = r.base + bytes(r.size.value() - out.size());
        c.poke(where, out.data(), bytes(out.size()));
        c.peek(where, in.data(), bytes(in.size()));
        BOOST_TEST((in == out));
        BOOST_CHECK_THROW(c.poke(where + bytes(1), out.data(), bytes(out.size())), std::out_of_range);
    }
    BOOST_CHECK_THROW(c.peek(address(0), in.data(), bytes(4)), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(too_many_engines_are_refused) {
    platform::platform p = small_platform();
    p.array.count = 51; // five engines each, and two
    BOOST_CHECK_THROW(chip("chip", p), input_error);
}

BOOST_AUTO_TEST_CASE(big_chip_elaborates_quickly) {
    platform::platform p = small_platform();
    p.array.count = 8;
    p.array.rows = p.array.columns = 64;
    p.dma.engines = p.block_mover.engines = 8;
    p.dram.channels = 16;
    p.l3.tiles = 16;
    p.l2.banks = 16;
    p.l3.interleave = bytes(1024);
    const auto start = std::chrono::steady_clock::now();
    chip c("chip", p);
    c.elaborate();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE("elaboration: " << took.count() << " s");
    BOOST_TEST(c.engines().size() == 8u + 8 + 8 * 6);
}

BOOST_AUTO_TEST_SUITE_END()
