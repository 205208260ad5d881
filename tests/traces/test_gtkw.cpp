#include "traces/gtkw.h"

#include <boost/test/unit_test.hpp>

using namespace kpu::trace;

BOOST_AUTO_TEST_CASE(gtkw_save_file) {
    const std::string text = to_gtkw("/tmp/a/w.vcd", "/tmp/a/w.gtkw",
                                     {{"chip.dma0",
                                       true,
                                       {{"chip.dma0", "state", 56, gtkw_format::ascii},
                                        {"chip.dma0", "count", 32, gtkw_format::decimal},
                                        {"chip.dma0", "busy", 1, gtkw_format::binary}}},
                                      {"l2", false, {{"chip.l2", "bytes", 8, gtkw_format::hexadecimal}}}});
    BOOST_TEST(text == "[*]\n"
                       "[dumpfile] \"/tmp/a/w.vcd\"\n"
                       "[savefile] \"/tmp/a/w.gtkw\"\n"
                       "[timestart] 0\n"
                       "[size] 1600 900\n"
                       "[treeopen] chip.\n"
                       "@800200\n-chip.dma0\n"
                       "@820\nchip.dma0.state[55:0]\n"
                       "@24\nchip.dma0.count[31:0]\n"
                       "@28\nchip.dma0.busy\n"
                       "@1000200\n-chip.dma0\n"
                       "@c00200\n-l2\n"
                       "@22\nchip.l2.bytes[7:0]\n"
                       "@1401200\n-l2\n");
}

BOOST_AUTO_TEST_CASE(gtkw_relative_paths_become_absolute) {
    const std::string text = to_gtkw("w.vcd", "w.gtkw", {});
    BOOST_TEST(text.find("[dumpfile] \"/") != std::string::npos);
    BOOST_TEST(text.find("[savefile] \"/") != std::string::npos);
}
