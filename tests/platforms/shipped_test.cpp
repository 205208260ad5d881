// The platforms that we ship: they load, and a large f32 matmul is compute-bound on them at every level.

#include "platforms/reader.h"

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

using namespace kpu;
using platform::memory_params;

namespace {

const std::vector<std::string> k_shipped = {"minimal", "edge_ai", "workstation", "datacenter"};
const std::string k_folder = std::string(KPU_SOURCE_DIR) + "/platforms/";

struct matmul {
    double m, n, k;
};
const matmul k_large[] = {{1024, 1024, 1024}, {2048, 2048, 512}, {256, 256, 256}, {128, 3072, 768}, {128, 768, 3072}};
constexpr double k_element = 4;      // bytes of an f32
constexpr double k_block = 128;      // rows and columns of a block in L2
constexpr double k_panel = 256;      // depth of a panel in L1
constexpr double k_depth = 128;      // shortest depth of a fold in a large matmul
constexpr double k_share = 0.6;      // of the compute time that anything else may take
constexpr double k_commands = 5;     // per fold: the fold, up to three streams, a share of the block moves
constexpr double k_descriptor = 132; // bytes in a burst: 32 words and the doorbell

double count(std::uint64_t n) {
    return static_cast<double>(n);
}
double read_rate(const memory_params& m) {
    return count(m.read_ports * m.port_width.value());
}
double write_rate(const memory_params& m) {
    return count(m.write_ports * m.port_width.value());
}

/// Collects what a platform lacks: the name of every inequality that does not hold.
class balance {
  public:
    explicit balance(const platform::platform& p) : m_p(p) {
        arrays = p.array.count;
        rows = p.array.rows;
        columns = p.array.columns;
        check_dram();
        check_l3();
        check_l2();
        check_l1();
        check_management();
    }
    [[nodiscard]] const std::set<std::string>& lacks() const { return m_lacks; }

  private:
    void need(const std::string& what, double available, double needed) {
        if (available < needed)
            m_lacks.insert(what);
    }

    /// Bytes between DRAM and L3: A is read once per column of blocks, B once per row of blocks, square blocks of C as
    /// large as half of L3.
    [[nodiscard]] double dram_bytes(const matmul& x) const {
        const double l3 = count(m_p.l3.tile.capacity.value() * m_p.l3.tiles);
        const double block = std::floor(std::sqrt(l3 / 2 / k_element));
        return k_element * (x.m * x.k * std::ceil(x.n / block) + x.k * x.n * std::ceil(x.m / block) + x.m * x.n);
    }

    void check_dram() {
        const double dram = count(m_p.dram.bandwidth.value()) * m_p.dram.channels / count(m_p.clock.frequency.value());
        for (const matmul& x : k_large)
            need("dram", dram * k_share * x.m * x.n * x.k / (arrays * rows * columns), dram_bytes(x));
        const double engines = m_p.dma.engines;
        const double width = count(m_p.dma.mover.width.value());
        need("dma", engines * width, dram);
        need("dram_crossbar",
             std::min(engines, double(m_p.dram.channels)) * count(m_p.dram_crossbar.port_width.value()), dram);
        need("l3 from dma",
             std::min(engines * count(m_p.l3_crossbar.port_width.value()), m_p.l3.tiles * write_rate(m_p.l3.tile)),
             dram);
        // a DMA engine's buffer covers the latency at its share of the bandwidth
        const double latency = count(m_p.dram.latency.value()) / count(m_p.clock.period().value());
        need("dma in_flight", engines * count(m_p.dma.mover.in_flight.value()), dram * latency);
    }

    void check_l3() {
        // A block step of depth d moves 2 * block * d elements in block^2 * d / (R * C) cycles.
        const double traffic = arrays * rows * columns * 2 * k_element / k_block;
        need("l3 capacity", count(m_p.l3.tile.capacity.value() * m_p.l3.tiles), 3 * 256 * 256 * k_element);
        need("l3", m_p.l3.tiles * read_rate(m_p.l3.tile) * k_share, traffic);
        need("block_mover", m_p.block_mover.engines * count(m_p.block_mover.mover.width.value()) * k_share, traffic);
        need("l3_crossbar", m_p.block_mover.engines * count(m_p.l3_crossbar.port_width.value()) * k_share, traffic);
        need("l2 from l3", m_p.l2.banks * write_rate(m_p.l2.bank) * k_share, traffic);
    }

    void check_l2() {
        const double streams = (rows + columns) * k_element; // per array and cycle
        const double width = count(m_p.streamer.mover.width.value());
        // per array: blocks of A, B and C, and one more on its way; three quarters of a MiB for 256 elements
        need("l2 capacity", count(m_p.l2.bank.capacity.value() * m_p.l2.banks) / arrays,
             3072 * rows * columns / std::max(1.0, rows / 16));
        need("l2", m_p.l2.banks * read_rate(m_p.l2.bank) * k_share, arrays * streams);
        need("l2 ports", count(m_p.l2.bank.port_width.value()), width);
        need("l2_crossbar", count(m_p.l2_crossbar.port_width.value()), width);
        need("streamer", width, 2 * std::max(rows, columns) * k_element);
        need("streamers", m_p.streamer.per_array, 3);
        // a streamer's buffer covers the way from L2 and the start of its next command
        const double way = count(m_p.l2.bank.latency.value() + 2 * m_p.l2_crossbar.hop_latency.value() +
                                 m_p.streamer.mover.start_cost.value());
        need("streamer in_flight", count(m_p.streamer.mover.in_flight.value()), 2 * width * way);
    }

    void check_l1() {
        need("l1 row", count(m_p.l1.row.capacity.value()), 4 * rows * k_panel * k_element);
        need("l1 column", count(m_p.l1.column.capacity.value()), 4 * columns * k_panel * k_element);
        need("l1 result", count(m_p.l1.result.capacity.value()), 8 * rows * columns * 8);
        need("l1 row ports", std::min(read_rate(m_p.l1.row), write_rate(m_p.l1.row)), rows * 8);
        need("l1 column ports", std::min(read_rate(m_p.l1.column), write_rate(m_p.l1.column)), columns * 8);
        need("l1 result ports", std::min(read_rate(m_p.l1.result), write_rate(m_p.l1.result)), 2 * columns * k_element);
    }

    void check_management() {
        const double command = count(m_p.management.access_cost.value()) +
                               std::ceil(k_descriptor / count(m_p.management.burst_width.value()));
        need("management", k_depth * k_share, arrays * k_commands * command);
    }

    const platform::platform& m_p;
    double arrays = 0, rows = 0, columns = 0;
    std::set<std::string> m_lacks;
};

platform::platform shipped(const std::string& name) {
    return platform::read_platform(k_folder + name + ".yaml");
}

} // namespace

BOOST_AUTO_TEST_CASE(the_list_of_shipped_platforms_is_complete) {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(k_folder))
        if (entry.path().extension() == ".yaml")
            found.insert(entry.path().stem().string());
    BOOST_TEST(found == std::set<std::string>(k_shipped.begin(), k_shipped.end()), boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(a_shipped_platform_is_balanced, boost::unit_test::data::make(k_shipped), name) {
    const platform::platform p = shipped(name);
    BOOST_TEST(p.name == name);
    BOOST_TEST(!p.description.empty());
    const balance b(p);
    for (const std::string& what : b.lacks())
        BOOST_ERROR(name << " lacks " << what);
}

BOOST_AUTO_TEST_CASE(the_chips_are_the_ones_that_are_promised) {
    const auto shape = [](const std::string& name) {
        const platform::platform p = shipped(name);
        return std::vector<std::uint32_t>{p.array.count, p.array.rows, p.array.columns};
    };
    BOOST_TEST(shape("minimal") == (std::vector<std::uint32_t>{1, 8, 8}), boost::test_tools::per_element());
    BOOST_TEST(shape("edge_ai") == (std::vector<std::uint32_t>{1, 16, 16}), boost::test_tools::per_element());
    BOOST_TEST(shape("workstation") == (std::vector<std::uint32_t>{2, 16, 16}), boost::test_tools::per_element());
    BOOST_TEST(shape("datacenter") == (std::vector<std::uint32_t>{4, 32, 32}), boost::test_tools::per_element());
    BOOST_TEST(shipped("minimal").dma.engines == 1u);
}

BOOST_AUTO_TEST_CASE(banked_timing_is_one_word_away) {
    for (const std::string& name : k_shipped) {
        platform::platform p = shipped(name);
        BOOST_TEST((p.dram.timing == platform::dram_timing::fixed), name);
        p.dram.timing = platform::dram_timing::banked;
        BOOST_TEST(platform::check(p).empty(), name << ": " << to_string(platform::check(p)));
        // a closed row costs what every access costs with fixed timing, and a row's bursts fill the bus
        const platform::dram_device& device = p.dram.device;
        BOOST_TEST((p.dram.controller_latency + device.t_rcd + device.t_cl == p.dram.latency), name);
        BOOST_TEST((p.dram.burst_time() == device.t_ccd_s), name);
    }
}

BOOST_AUTO_TEST_CASE(every_type_is_supported_everywhere) {
    for (const std::string& name : k_shipped)
        for (const std::uint32_t macs : shipped(name).array.macs_per_pe)
            BOOST_TEST(macs >= 1u, name);
}

BOOST_AUTO_TEST_CASE(energies_are_given_everywhere) {
    for (const std::string& name : k_shipped) {
        const platform::platform p = shipped(name);
        BOOST_REQUIRE(p.energy.has_value());
        for (const femtojoules each : p.energy->mac)
            BOOST_TEST(each.value() > 0u, name);
        // further away costs more, and writing is never free
        const platform::energy_params& e = *p.energy;
        BOOST_TEST((e.l1.read < e.l2.read && e.l2.read < e.l3.read && e.l3.read < e.dram.read), name);
        BOOST_TEST((e.l1.write < e.l2.write && e.l2.write < e.l3.write && e.l3.write < e.dram.write), name);
    }
}

BOOST_AUTO_TEST_CASE(a_starved_resource_is_named) {
    using change = void (*)(platform::platform&);
    const std::pair<const char*, change> cases[] = {
        {"dram", [](platform::platform& p) { p.dram.bandwidth = p.dram.bandwidth / 8; }},
        {"dma", [](platform::platform& p) { p.dma.mover.width = bytes(4); }},
        {"dma in_flight", [](platform::platform& p) { p.dram.latency = picoseconds(10'000'000); }},
        {"dram_crossbar", [](platform::platform& p) { p.dram_crossbar.port_width = bytes(4); }},
        {"l3 from dma", [](platform::platform& p) { p.l3.tile.port_width = bytes(1); }},
        {"l3 capacity", [](platform::platform& p) { p.l3.tile.capacity = bytes(4096); }},
        {"l3", [](platform::platform& p) { p.l3.tile.port_width = bytes(1); }},
        {"block_mover", [](platform::platform& p) { p.block_mover.mover.width = bytes(4); }},
        {"l3_crossbar", [](platform::platform& p) { p.l3_crossbar.port_width = bytes(4); }},
        {"l2 from l3", [](platform::platform& p) { p.l2.bank.port_width = bytes(1); }},
        {"l2 capacity", [](platform::platform& p) { p.l2.banks = 1; }},
        {"l2", [](platform::platform& p) { p.l2.bank.port_width = bytes(16); }},
        {"l2 ports", [](platform::platform& p) { p.l2.bank.port_width = p.streamer.mover.width / 2; }},
        {"l2_crossbar", [](platform::platform& p) { p.l2_crossbar.port_width = bytes(16); }},
        {"streamer", [](platform::platform& p) { p.streamer.mover.width = bytes(32); }},
        {"streamers", [](platform::platform& p) { p.streamer.per_array = 1; }},
        {"streamer in_flight", [](platform::platform& p) { p.streamer.mover.in_flight = p.streamer.mover.width; }},
        {"l1 row", [](platform::platform& p) { p.l1.row.capacity = bytes(8192); }},
        {"l1 column", [](platform::platform& p) { p.l1.column.capacity = bytes(8192); }},
        {"l1 result", [](platform::platform& p) { p.l1.result.capacity = bytes(2048); }},
        {"l1 row ports", [](platform::platform& p) { p.l1.row.port_width = bytes(32); }},
        {"l1 column ports", [](platform::platform& p) { p.l1.column.port_width = bytes(32); }},
        {"l1 result ports", [](platform::platform& p) { p.l1.result.port_width = bytes(16); }},
        {"management", [](platform::platform& p) { p.management.access_cost = cycles(100); }},
    };
    for (const std::string& name : k_shipped)
        for (const auto& [what, starve] : cases) {
            platform::platform p = shipped(name);
            starve(p);
            BOOST_TEST(balance(p).lacks().count(what) == 1u, name << ": " << what);
        }
}
