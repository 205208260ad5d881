// kpu-config as a process.

#include "platforms/common/files.h"
#include "platforms/reader.h"
#include "platforms/schema.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace kpu;
using kpu::test::process_result;
using kpu::test::temp_directory;

namespace {

const std::string k_platforms = std::string(KPU_SOURCE_DIR) + "/platforms/";

process_result config(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(KPU_BIN_DIR) + "/kpu-config");
    return test::run_process(arguments);
}

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(check_accepts_what_is_shipped) {
    const process_result r = config({"check", k_platforms + "minimal.yaml", k_platforms + "datacenter.yaml"});
    BOOST_TEST(r.exit_code == 0);
    BOOST_TEST(r.out == k_platforms + "minimal.yaml: ok\n" + k_platforms + "datacenter.yaml: ok\n");
    BOOST_TEST(r.err.empty());
}

BOOST_AUTO_TEST_CASE(check_reports_the_problems_of_all_files) {
    const temp_directory room;
    write_file(room.file("a.yaml"), "dma: {engines: 0}\n");
    write_file(room.file("b.yaml"), "dram:\n  latency: .nan\n");
    const process_result r =
        config({"check", room.file("a.yaml"), k_platforms + "minimal.yaml", room.file("b.yaml"), room.file("c.yaml")});
    BOOST_TEST(r.exit_code == 2);
    BOOST_TEST(r.out == k_platforms + "minimal.yaml: ok\n");
    BOOST_TEST(says(r.err, room.file("a.yaml") + ":1:16: dma.engines: error: too small: '0'"), r.err);
    BOOST_TEST(says(r.err, room.file("b.yaml") + ":2:12: dram.latency: error: not a finite number: '.nan'"), r.err);
    BOOST_TEST(says(r.err, room.file("c.yaml") + ": error: cannot read: No such file or directory"), r.err);
}

BOOST_AUTO_TEST_CASE(show_prints_a_file_that_reads_as_the_same_platform) {
    const process_result r = config({"show", k_platforms + "workstation.yaml"});
    BOOST_TEST(r.exit_code == 0);
    BOOST_TEST((platform::parse_platform(r.out, "shown") == platform::read_platform(k_platforms + "workstation.yaml")));
    BOOST_TEST(says(r.out, "# default"));
}

BOOST_AUTO_TEST_CASE(diff_names_the_keys_that_differ) {
    const temp_directory room;
    write_file(room.file("a.yaml"), "name: n\narray: {rows: 8}\n");
    write_file(room.file("b.yaml"), "name: n\narray: {rows: 8, pipelined: false}\ndma: {width: 128B/cycle}\n");
    const process_result same = config({"diff", room.file("a.yaml"), room.file("a.yaml")});
    BOOST_TEST(same.exit_code == 0);
    BOOST_TEST(same.out.empty());
    const process_result other = config({"diff", room.file("a.yaml"), room.file("b.yaml")});
    BOOST_TEST(other.exit_code == 1);
    BOOST_TEST(other.out == "dma.width: 64B/cycle -> 128B/cycle\narray.pipelined: true -> false\n");
}

BOOST_AUTO_TEST_CASE(the_memory_map_lists_every_memory) {
    const process_result r = config({"memory-map", k_platforms + "minimal.yaml"});
    BOOST_TEST(r.exit_code == 0);
    BOOST_TEST(r.out == "first           last                size  what\n"
                        "0x000000000000  0x000000ffffff     16MiB  registers, on the control bus\n"
                        "0x000001000000  0x000001007fff     32KiB  array 0: L1 row buffer\n"
                        "0x000001010000  0x000001017fff     32KiB  array 0: L1 column buffer\n"
                        "0x000001020000  0x000001021fff      8KiB  array 0: L1 result buffer\n"
                        "0x000001030000  0x00000103ffff     64KiB  L2 bank 0\n"
                        "0x000001040000  0x00000104ffff     64KiB  L2 bank 1\n"
                        "0x000001050000  0x00000105ffff     64KiB  L2 bank 2\n"
                        "0x000001060000  0x00000106ffff     64KiB  L2 bank 3\n"
                        "0x000001070000  0x00000116ffff      1MiB  L3, 1 tile of 1MiB, interleaved by 4KiB\n"
                        "0x000100000000  0x00013fffffff      1GiB  DRAM, 1 channel, interleaved by 256B\n");
}

BOOST_AUTO_TEST_CASE(the_diagram_shows_every_block) {
    const process_result r = config({"diagram", k_platforms + "datacenter.yaml"});
    BOOST_TEST(r.exit_code == 0);
    for (const char* part : {"datacenter, 1GHz, 40 engines", "DRAM HBM2: 4 channels, 32GiB", "1024.0 B/cycle together",
                             "8 DMA engines", "L3: 16 tiles of 2MiB, 32MiB", "8 block movers",
                             "L2: 16 banks of 512KiB, 8MiB", "4 compute tiles, each with 4 streamers",
                             "array 32x32, pipelined", "4096 MACs per cycle together", "management core"})
        BOOST_TEST(says(r.out, part), part);
}

BOOST_AUTO_TEST_CASE(the_schema_is_documented) {
    const process_result r = config({"schema"});
    BOOST_TEST(r.exit_code == 0);
    BOOST_TEST(r.out == platform::document_schema());
}

BOOST_AUTO_TEST_CASE(usage_errors_have_exit_code_2) {
    BOOST_TEST(config({}).exit_code == 2);
    BOOST_TEST(config({"chekc", "x"}).exit_code == 2);
    BOOST_TEST(config({"check"}).exit_code == 2);
    BOOST_TEST(config({"diff", k_platforms + "minimal.yaml"}).exit_code == 2);
    BOOST_TEST(config({"show", k_platforms + "README.md"}).exit_code == 2);
    BOOST_TEST(config({"--help"}).exit_code == 0);
}
