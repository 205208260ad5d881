#include "hw/observe/wave_writer.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "tests/observe/event_feed.h"
#include "tests/support/process.h"
#include "tests/traces/vcd_parser.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::header;
using kpu::hw::test::ref;

namespace {

struct bench {
    bench()
        : path(dir.file("w.vcd")),
          waves(
              path, {{"chip.dma0", "chip.tile0.array"}, {"chip.l2"}}, [this] { return picoseconds(now); }, "test") {}
    trace::test::vcd_dump finish() {
        waves.finish();
        return trace::test::parse_vcd(read_file(path));
    }
    void access(bool write, std::uint64_t length, std::uint64_t start, std::uint64_t end) {
        waves.on_access("chip.l2", {ref(0, 1), write, address(0), bytes(length), picoseconds(start), picoseconds(end)});
    }
    std::uint64_t now = 0;
    kpu::test::temp_directory dir;
    std::string path;
    wave_writer waves;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(wave, bench)

BOOST_AUTO_TEST_CASE(states_of_an_engine) {
    now = 10;
    waves.on_push(ref(1, 1), header({}), 1);
    waves.on_push(ref(1, 2), header({}), 2);
    now = 20;
    waves.on_wait(ref(1, 1), {engine_id(0), 3});
    now = 30;
    waves.on_start(ref(1, 1), header({}));
    now = 40;
    waves.on_wait(ref(1, 2), {engine_id(0), 4}); // still works on the first
    now = 50;
    waves.on_start(ref(1, 2), header({}));
    now = 60;
    waves.on_complete(ref(1, 1));
    now = 70;
    waves.on_complete(ref(1, 2));
    now = 100;
    const auto dump = finish();
    BOOST_TEST(dump.timescale == "1ps");
    BOOST_TEST(dump.comment == "test");
    BOOST_TEST(dump.end == 100u);
    const std::string scope = "chip.tile0.array.";
    const auto state = [&](std::uint64_t at) { return dump.text_at(scope + "state", at); };
    BOOST_TEST(state(0) == "idle");
    BOOST_TEST(state(19) == "idle");
    BOOST_TEST(state(20) == "wait");
    BOOST_TEST(state(30) == "execute");
    BOOST_TEST(state(69) == "execute");
    BOOST_TEST(state(70) == "idle");
    BOOST_TEST(dump.value_at(scope + "queued", 10) == 2u);
    BOOST_TEST(dump.value_at(scope + "queued", 30) == 1u);
    BOOST_TEST(dump.value_at(scope + "in_flight", 50) == 2u);
    BOOST_TEST(dump.value_at(scope + "in_flight", 60) == 1u);
    BOOST_TEST(dump.value_at(scope + "command", 50) == 2u);
    BOOST_TEST(dump.value_at(scope + "tag", 50) == 1002u);
    BOOST_TEST(dump.value_at(scope + "semaphore", 59) == 0u);
    BOOST_TEST(dump.value_at(scope + "semaphore", 60) == 1u);
    BOOST_TEST(dump.value_at(scope + "semaphore", 70) == 2u);
    BOOST_TEST(dump.no_value_at(scope + "waits_for", 10));
    BOOST_TEST(dump.value_at(scope + "waits_for", 20) == 0u);
    BOOST_TEST(dump.no_value_at(scope + "waits_for", 30));
    BOOST_TEST(dump.value_at(scope + "waits_for", 40) == 0u);
    BOOST_TEST(dump.changes.at("chip.dma0.state").size() == 1u);
}

BOOST_AUTO_TEST_CASE(faults_and_resets) {
    now = 10;
    waves.on_push(ref(0, 1), header({}), 1);
    waves.on_start(ref(0, 1), header({}));
    now = 20;
    waves.on_fault(ref(0, 1), iface::fault::bus_error);
    now = 30;
    waves.on_reset(engine_id(0));
    now = 40;
    const auto dump = finish();
    BOOST_TEST(dump.text_at("chip.dma0.state", 10) == "execute");
    BOOST_TEST(dump.text_at("chip.dma0.state", 20) == "halted");
    BOOST_TEST(dump.text_at("chip.dma0.state", 30) == "idle");
    BOOST_TEST(dump.value_at("chip.dma0.in_flight", 30) == 0u);
}

BOOST_AUTO_TEST_CASE(port_occupancy) {
    access(false, 64, 100, 200); // reported before its time
    access(false, 32, 150, 250); // a second port
    access(true, 16, 50, 60);
    access(false, 64, 250, 300);
    now = 400;
    waves.on_push(ref(0, 1), header({}), 1);
    access(false, 8, 500, 600);
    const auto dump = finish();
    const auto busy = [&](std::uint64_t at) { return dump.value_at("chip.l2.read_busy", at); };
    const auto bytes_now = [&](std::uint64_t at) { return dump.value_at("chip.l2.read_bytes", at); };
    BOOST_TEST(busy(99) == 0u);
    BOOST_TEST(busy(100) == 1u);
    BOOST_TEST(busy(150) == 2u);
    BOOST_TEST(bytes_now(150) == 96u);
    BOOST_TEST(busy(200) == 1u);
    BOOST_TEST(bytes_now(200) == 32u);
    BOOST_TEST(busy(250) == 1u);
    BOOST_TEST(bytes_now(250) == 64u);
    BOOST_TEST(busy(300) == 0u);
    BOOST_TEST(busy(599) == 1u);
    BOOST_TEST(dump.end == 600u); // a transfer that outlasts the run is shown to its end
    BOOST_TEST(dump.value_at("chip.l2.write_busy", 55) == 1u);
    BOOST_TEST(dump.value_at("chip.l2.write_bytes", 60) == 0u);
}

BOOST_AUTO_TEST_CASE(a_memory_without_signals) {
    BOOST_CHECK_THROW(waves.on_access("chip.l3", {ref(0, 1), true, address(0), bytes(1), {}, {}}), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(save_file_names_every_signal) {
    const auto dump = finish();
    const std::string save = read_file(dir.file("w.gtkw"));
    BOOST_TEST(save.find("[dumpfile] \"" + path + "\"") != std::string::npos);
    for (const auto& [name, width] : dump.widths) {
        const std::string line = "\n" + name + "[" + std::to_string(width - 1) + ":0]\n";
        BOOST_TEST(save.find(line) != std::string::npos, line);
    }
    BOOST_TEST(dump.widths.size() == 2u * 7 + 4);
}

BOOST_AUTO_TEST_CASE(names_of_save_files) {
    BOOST_TEST(wave_writer::save_file_of("a/w.vcd") == "a/w.gtkw");
    BOOST_TEST(wave_writer::save_file_of("w") == "w.gtkw");
    BOOST_TEST(wave_writer::save_file_of("a.vcd/w") == "a.vcd/w.gtkw");
    BOOST_TEST(wave_writer::save_file_of(".vcd") == ".vcd.gtkw");
}

BOOST_AUTO_TEST_CASE(unwritable) {
    BOOST_CHECK_THROW(wave_writer(
                          "/nonexistent/w.vcd", {}, [] { return picoseconds(0); }, ""),
                      input_error);
}

BOOST_AUTO_TEST_SUITE_END()
