// Platform files with everything that can be wrong in them, by exact message.

#include "platforms/common/files.h"
#include "platforms/reader.h"
#include "platforms/schema.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace kpu;
using platform::parse_platform;
using platform::read_platform;

namespace {

std::string problems_of(const std::string& text) {
    try {
        static_cast<void>(parse_platform(text, "p.yaml"));
    } catch (const input_error& e) {
        return e.what();
    }
    return "";
}

/// The first problem of a text begins with `expected`.
void refuses(const std::string& text, const std::string& expected) {
    const std::string found = problems_of(text);
    BOOST_TEST(found.substr(0, expected.size()) == expected,
               "in: " << text << "\nexpected: " << expected << "\nfound: " << found);
}

} // namespace

BOOST_AUTO_TEST_CASE(keys_that_are_not_given_have_defaults) {
    const platform::platform p = parse_platform("{}", "some/where/tiny.yaml");
    BOOST_TEST(p.name == "tiny");
    BOOST_TEST(p.dma.mover.queue_depth == 32u);
    BOOST_TEST(p.array.rows == 16u);
    // 16 rows of 8 bytes
    BOOST_TEST(p.l1.row.port_width.value() == 128u);
}

BOOST_AUTO_TEST_CASE(every_kind_of_value_is_read) {
    const platform::platform p = parse_platform(
        "name: x\nclock: {frequency: 500MHz}\ndram: {kind: 'HBM2', bandwidth: 25.6GB/s, latency: 27.5ns}\n"
        "dma: {width: 128B/cycle, in_flight: 64KiB}\narray: {pipelined: false, columns: 24, macs_per_pe: {i8: 4}}\n"
        "l2: {bank: {latency: 7cy}}\n",
        "p.yaml");
    BOOST_TEST(p.name == "x");
    BOOST_TEST(p.clock.period().value() == 2000u);
    BOOST_TEST(p.dram.kind == "HBM2");
    BOOST_TEST(p.dram.bandwidth.value() == 25'600'000'000u);
    BOOST_TEST(p.dram.latency.value() == 27'500u);
    BOOST_TEST(p.dma.mover.width.value() == 128u);
    BOOST_TEST(p.dma.mover.in_flight.value() == 65536u);
    BOOST_TEST(!p.array.pipelined);
    BOOST_TEST(p.array.macs_per_pe[5] == 4u);
    BOOST_TEST(p.l2.bank.latency.value() == 7u);
    // 24 columns of 8 bytes, rounded up
    BOOST_TEST(p.l1.column.port_width.value() == 256u);
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_refused_with_a_hint) {
    refuses(
        "dram: {chanels: 4}",
        "p.yaml:1:8: dram.chanels: error: unknown key: 'chanels' (expected in 'dram': kind, timing, preset, channels, "
        "sub_channels, capacity, bandwidth, latency, burst, interleave, controller_latency, device) [hint: did you "
        "mean 'channels'?]");
    refuses(
        "l3: {banks: 4}",
        "p.yaml:1:6: l3.banks: error: unknown key: 'banks' (expected in 'l3': tiles, interleave, tile) [hint: there is "
        "dram.device.banks, l2.banks]");
    refuses("streamers:\n  width: 64B/cycle\n",
            "p.yaml:1:1: streamers: error: unknown key: 'streamers' (expected in a platform: ");
    refuses("dram: {xyzzyplugh: 4}", "p.yaml:1:8: dram.xyzzyplugh: error: unknown key: 'xyzzyplugh'");
    BOOST_TEST(problems_of("dram: {xyzzyplugh: 4}").find("hint") == std::string::npos);
    refuses("dram.channels: 4", "p.yaml:1:1: dram.channels: error: unknown key: 'dram.channels'");
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit_are_refused) {
    refuses("dma: 7",
            "p.yaml:1:6: dma: error: a single value where keys are expected: '7' (expected a mapping of engines, ");
    refuses("dma:\n", "p.yaml:1:1: dma: error: nothing where keys are expected");
    refuses("dma: {engines: [1]}",
            "p.yaml:1:16: dma.engines: error: a list where a value is expected (expected a whole number");
    refuses("dma: {engines: }", "p.yaml:1:7: dma.engines: error: nothing where a value is expected");
    refuses("name: {a: b}", "p.yaml:1:7: name: error: a mapping where a value is expected (expected text)");
    refuses("name: ''", "p.yaml:1:7: name: error: empty text");
    refuses("name: \"a\\nb\"", "p.yaml:1:7: name: error: control characters in a text of one line");
    BOOST_TEST(problems_of("description: \"a\\nb\"") == "");
    refuses("[1, 2]", "p.yaml:1:1: error: a list where keys are expected");
    refuses("just text", "p.yaml:1:1: error: a single value where keys are expected: 'just text'");
    refuses("array: {pipelined: yes}",
            "p.yaml:1:20: array.pipelined: error: not a flag: 'yes' (expected true or false)");
}

BOOST_AUTO_TEST_CASE(bad_quantities_are_refused_where_they_stand) {
    refuses("dram:\n  latency: 60\n",
            "p.yaml:2:12: dram.latency: error: missing unit: '60' (expected a time such as 60ns, from 0ps to 1ms)");
    refuses("dram:\n  latency: .nan\n", "p.yaml:2:12: dram.latency: error: not a finite number: '.nan'");
    refuses("dram: {bandwidth: inf}", "p.yaml:1:19: dram.bandwidth: error: not a finite number: 'inf'");
    refuses("array: {rows: 016}", "p.yaml:1:15: array.rows: error: leading zero: '016'");
    refuses("array: {rows: 0}",
            "p.yaml:1:15: array.rows: error: too small: '0' (expected a whole number without unit, from 1 to 1024)");
    refuses("array: {rows: 4096}", "p.yaml:1:15: array.rows: error: too large: '4096'");
    refuses("array: {rows: 99999999999999999999}", "p.yaml:1:15: array.rows: error: too large: '99999999999999999999'");
    refuses("l3: {interleave: 3KiB}", "p.yaml:1:18: l3.interleave: error: not a power of two: '3KiB' (expected a size "
                                      "such as 64KiB, from 16B to 16MiB, a "
                                      "power of two)");
}

BOOST_AUTO_TEST_CASE(all_problems_of_a_file_come_at_once_in_its_order) {
    const std::string found = problems_of("nmae: x\ndma: {engines: 1, engines: 2, chunk: 1}\narray: {rows: -1}\n");
    BOOST_TEST(
        found ==
        "p.yaml:1:1: nmae: error: unknown key: 'nmae' (expected in a platform: name, description, clock, dram, "
        "dram_crossbar, dma, l3_crossbar, l3, block_mover, l2_crossbar, l2, streamer, l1, array, vector, management, "
        "energy) "
        "[hint: "
        "did you mean 'name'?]\n"
        "p.yaml:2:19: dma.engines: error: duplicate key: 'engines' [hint: first given in line 2, column 7]\n"
        "p.yaml:2:38: dma.chunk: error: missing unit: '1' (expected a size such as 64KiB, from 64B to 8MiB)\n"
        "p.yaml:3:15: array.rows: error: negative: '-1' (expected a whole number without unit, from 1 to 1024)\n");
}

BOOST_AUTO_TEST_CASE(problems_behind_an_alias_are_named_by_where_it_is_used) {
    const std::string found = problems_of("dma: &m {chunk: 1KB}\nstreamer: *m\n");
    BOOST_TEST(found.find("p.yaml:1:17: dma.chunk: error: unknown unit 'KB'") != std::string::npos, found);
    BOOST_TEST(found.find("p.yaml:1:17: streamer.chunk: error: unknown unit 'KB'") != std::string::npos, found);
    const platform::platform p = parse_platform("l1: {row: &m {capacity: 64KiB}, column: *m, result: *m}", "p.yaml");
    BOOST_TEST(p.l1.result.capacity.value() == 65536u);
}

BOOST_AUTO_TEST_CASE(json_says_the_same_as_yaml) {
    const platform::platform yaml =
        parse_platform("name: j\ndma:\n  engines: 2\n  width: 128B/cycle\narray: {pipelined: false}\n", "a.yaml");
    const platform::platform json = parse_platform("{\n\t\"name\": \"j\",\n\t\"dma\": {\"engines\": 2, \"width\": "
                                                   "\"128B/cycle\"},\n\t\"array\": {\"pipelined\": false}\n}\n",
                                                   "a.json");
    BOOST_TEST((yaml == json));
    refuses("{\"dma\": {\"engines\": 2,\n \"engnes\": 3}}", "p.yaml:2:2: dma.engnes: error: unknown key: 'engnes'");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_why) {
    const auto message = [](const std::string& path) {
        try {
            static_cast<void>(read_platform(path));
        } catch (const input_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    BOOST_TEST(message("/no/such/file.yaml") == "/no/such/file.yaml: error: cannot read: No such file or directory");
    BOOST_TEST(message("/tmp") == "/tmp: error: cannot read: Is a directory");
}

BOOST_AUTO_TEST_CASE(a_file_on_disk_is_read) {
    const test::temp_directory room;
    write_file(room.file("one.yaml"), "array: {rows: 4}\n");
    const platform::platform p = read_platform(room.file("one.yaml"));
    BOOST_TEST(p.name == "one");
    BOOST_TEST(p.array.rows == 4u);
}
