#include "platforms/common/diagnostic.h"
#include "tests/traces/run_example.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace kpu;
using namespace kpu::trace;
using kpu::trace::test::example;
using nlohmann::json;

namespace {

/// The example with 3 pJ per MAC, 64 pJ per byte of DRAM and 50 mW.
run_statistics with_energy() {
    run_statistics run = example();
    platform::energy_params table;
    table.mac[1] = femtojoules(3000);
    table.dram = {femtojoules_per_byte(64'000), femtojoules_per_byte(64'000)};
    table.chip_static = microwatts(50'000);
    activity done;
    done.macs[1] = run.macs;
    done.dram = {bytes(run.dram.read_bytes), bytes(run.dram.write_bytes)};
    done.time = picoseconds(run.time_ps);
    run.energy = energy_of(done, table);
    return run;
}

/// check() finds exactly one problem, with this text in it.
void expect_problem(const run_statistics& run, const std::string& text) {
    const std::vector<std::string> problems = check(run);
    BOOST_TEST(problems.size() == 1u);
    BOOST_REQUIRE(!problems.empty());
    BOOST_TEST(problems[0].find(text) != std::string::npos, problems[0]);
}

} // namespace

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_AUTO_TEST_CASE(derived_numbers) {
    const run_statistics run = example();
    BOOST_TEST(run.dram.lower_bound_bytes == 5000u);
    BOOST_TEST(run.dram.best_blocking_bytes == 7000u);
    BOOST_TEST(run.bounds.compute_cycles == 100'000 / 64.0);
    BOOST_TEST(run.bounds.dram_cycles == 5000 / 12.8);
    BOOST_TEST(run.bounds.cycles == run.bounds.compute_cycles);
    BOOST_TEST(run.efficiency == 100'000 / 64.0 / 2000);
    BOOST_TEST(check(run).empty());
}

BOOST_AUTO_TEST_CASE(derive_without_work_or_peaks) {
    run_statistics run;
    derive(run, 0, 0);
    BOOST_TEST(run.efficiency == 0);
    BOOST_TEST(run.bounds.cycles == 0);
    BOOST_TEST(check(run).empty());
}

BOOST_AUTO_TEST_CASE(engines_must_add_up) {
    run_statistics run = example();
    run.engines[1].idle += 1;
    expect_problem(run, "mover0: busy 500 + stalled 1300 + idle 201 = 2001 cycles, not its total of 2000");
}

BOOST_AUTO_TEST_CASE(each_stall_cause_counts) {
    for (auto cause : {&stall_cycles::dma, &stall_cycles::block_mover, &stall_cycles::streamer, &stall_cycles::array,
                       &stall_cycles::vector, &stall_cycles::read, &stall_cycles::write}) {
        run_statistics run = example();
        run.engines[0].stalled.*cause += 7;
        expect_problem(run, "dma0: busy");
    }
}

BOOST_AUTO_TEST_CASE(engines_must_cover_the_run) {
    run_statistics run = example();
    run.engines[2].total -= 10;
    run.engines[2].idle -= 10;
    expect_problem(run, "streamer0: 1990 cycles in all, the run has 2000");
}

BOOST_AUTO_TEST_CASE(macs_must_be_done) {
    run_statistics run = example();
    run.engines[3].macs -= 1;
    expect_problem(run, "the arrays did 99999 MACs, the program has 100000");
}

BOOST_AUTO_TEST_CASE(faster_than_the_bound) {
    run_statistics run = example();
    derive(run, 40, 12.8); // bound 2500 cycles
    expect_problem(run, "fewer than its bound of 2500.0");
}

BOOST_AUTO_TEST_CASE(bounds_and_efficiency_must_follow) {
    run_statistics run = example();
    run.efficiency = 0.5;
    expect_problem(run, "efficiency");
    run = example();
    run.bounds.cycles = run.bounds.dram_cycles;
    run.efficiency = run.bounds.cycles / 2000;
    expect_problem(run, "bounds.cycles");
}

BOOST_AUTO_TEST_CASE(more_used_than_there_was) {
    run_statistics run = example();
    run.resources[1].used = 30'000;
    expect_problem(run, "dram: 30000 B used");
}

BOOST_AUTO_TEST_CASE(the_longest_chain_of_commands) {
    run_statistics run = example();
    BOOST_TEST(to_profile(run).find("longest chain") == std::string::npos);
    run.critical_path = {{"firmware", 500}, {"dma", 1000}, {"vector", 0}, {"array", 500}};
    BOOST_TEST(check(run).empty());
    BOOST_TEST(to_profile(run).find("longest chain of commands: firmware 25.0%, dma 50.0%, array 25.0%\n") !=
               std::string::npos);
    const run_statistics again = from_json(to_json(run), "stats.json");
    BOOST_REQUIRE(again.critical_path.size() == 4u);
    BOOST_TEST(again.critical_path[1].of == "dma");
    BOOST_TEST(again.critical_path[1].cycles == 1000u);
    run.critical_path[1].cycles -= 1;
    expect_problem(run, "the longest chain of commands has 1999 cycles, the run 2000");
}

BOOST_AUTO_TEST_CASE(json_has_the_stable_keys) {
    const json all = json::parse(to_json(example()));
    for (const char* pointer : {"/cycles",
                                "/time_ps",
                                "/macs",
                                "/bounds/compute_cycles",
                                "/bounds/dram_cycles",
                                "/bounds/cycles",
                                "/efficiency",
                                "/fusion/kernels_not_launched",
                                "/fusion/bytes_not_written",
                                "/fusion/bytes_not_read",
                                "/dram/read_bytes",
                                "/dram/write_bytes",
                                "/dram/lower_bound_bytes",
                                "/dram/best_blocking_bytes",
                                "/dram/row_hits",
                                "/dram/row_misses",
                                "/dram/row_conflicts",
                                "/dram/activations",
                                "/dram/refreshes",
                                "/dram/channel_busy_ps/1",
                                "/engines/0/name",
                                "/engines/0/kind",
                                "/engines/0/commands",
                                "/engines/0/busy",
                                "/engines/0/stalled/dma",
                                "/engines/0/stalled/block_mover",
                                "/engines/0/stalled/streamer",
                                "/engines/0/stalled/array",
                                "/engines/0/stalled/vector",
                                "/engines/0/stalled/read",
                                "/engines/0/stalled/write",
                                "/engines/0/idle",
                                "/engines/0/total",
                                "/engines/0/read_bytes",
                                "/engines/0/write_bytes",
                                "/kernels/0/name",
                                "/kernels/0/macs",
                                "/kernels/0/bound_cycles",
                                "/kernels/0/estimated_cycles",
                                "/kernels/0/estimated_dram_bytes",
                                "/resources/0/peak_per_cycle",
                                "/wall/elaborate_s",
                                "/wall/simulate_s",
                                "/peak_rss_bytes",
                                "/platform",
                                "/program"})
        BOOST_TEST(all.contains(json::json_pointer(pointer)), pointer);
    BOOST_TEST(all["cycles"] == 2000);
    BOOST_TEST(all["engines"][0]["stalled"]["read"] == 1200);
    BOOST_TEST(to_json(example()).find("\n  \"bounds\"") < to_json(example()).find("\n  \"cycles\"")); // sorted
}

BOOST_AUTO_TEST_CASE(json_round_trip) {
    run_statistics run = example();
    run.macs = UINT64_MAX;
    run.engines[3].macs = UINT64_MAX;
    const std::string text = to_json(run);
    BOOST_TEST(to_json(from_json(text, "s.json")) == text);
}

BOOST_AUTO_TEST_CASE(energy_survives_the_round_trip) {
    const run_statistics run = with_energy();
    BOOST_TEST(check(run).empty());
    const json all = json::parse(to_json(run));
    double sum = 0;
    for (const auto& [name, joules] : all["energy"]["components"].items())
        sum += joules.get<double>();
    BOOST_TEST(all["energy"]["components"].size() == k_components);
    BOOST_TEST(all["energy"]["total_j"].get<double>() == sum, boost::test_tools::tolerance(1e-12));
    for (const char* key : {"static_j", "edp_js", "pj_per_mac", "average_w"})
        BOOST_TEST(all["energy"].contains(key), key);
    const run_statistics again = from_json(to_json(run), "s.json");
    BOOST_REQUIRE(again.energy.has_value());
    BOOST_TEST((again.energy->joules == run.energy->joules));
    BOOST_TEST(to_json(again) == to_json(run));
    BOOST_TEST(check(again).empty());
}

BOOST_AUTO_TEST_CASE(a_run_without_energies_does_not_show_zeros) {
    BOOST_TEST(!json::parse(to_json(example())).contains("energy"));
    BOOST_TEST(!from_json(to_json(example()), "s.json").energy.has_value());
    for (const std::string& text : {to_table(example()), to_profile(example())})
        BOOST_TEST(text.find("energy       no energy table\n") != std::string::npos, text);
    BOOST_TEST(to_comparison(example(), example()).find("energy") == std::string::npos);
    const std::string one = to_comparison(example(), with_energy());
    BOOST_TEST(one.find("no energy table              given") != std::string::npos, one);
}

BOOST_AUTO_TEST_CASE(energy_that_does_not_add_up) {
    run_statistics run = with_energy();
    run.energy->total_j *= 2;
    expect_problem(run, "energy.total_j is ");
    run = with_energy();
    run.energy->static_j += 1e-9;
    expect_problem(run, "energy.static_j is ");
    json all = json::parse(to_json(with_energy()));
    all["energy"]["components"].erase("l2");
    all["energy"]["edp_js"] = "much";
    try {
        (void)from_json(all.dump(), "s.json");
        BOOST_ERROR("accepted");
    } catch (const input_error& problem) {
        const std::string text = to_string(problem.problems());
        BOOST_TEST(problem.problems().items().size() == 2u);
        for (const char* part : {"/energy/components/l2", "/energy/edp_js"})
            BOOST_TEST(text.find(part) != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(energy_is_shown) {
    const run_statistics run = with_energy();
    BOOST_TEST(to_table(run).find("energy       " + to_line(*run.energy)) != std::string::npos, to_table(run));
    BOOST_TEST(to_profile(run).find(to_table(*run.energy, run.macs, picoseconds(run.time_ps))) != std::string::npos);
    run_statistics dearer = run;
    dearer.energy->joules[static_cast<std::size_t>(component::dram)] *= 2;
    const std::string text = to_comparison(run, dearer);
    for (const char* part : {"energy per MAC", "energy-delay product", "average power", "energy of dram", "+100.0%"})
        BOOST_TEST(text.find(part) != std::string::npos, part << " in\n" << text);
}

BOOST_AUTO_TEST_CASE(bad_files_list_every_problem) {
    json all = json::parse(to_json(example()));
    all.erase("macs");
    all["cycles"] = -1;
    all["engines"][1]["busy"] = "many";
    all["engines"][2]["stalled"].erase("dma");
    all["kernels"] = 5;
    try {
        (void)from_json(all.dump(), "s.json");
        BOOST_ERROR("accepted");
    } catch (const input_error& problem) {
        const std::string text = to_string(problem.problems());
        BOOST_TEST(problem.problems().items().size() == 5u);
        for (const char* part :
             {"s.json", "/macs", "/cycles", "-1", "/engines/1/busy", "/engines/2/stalled/dma", "/kernels"})
            BOOST_TEST(text.find(part) != std::string::npos, part << " in " << text);
    }
    for (const char* text : {"", "{", "[]", "3", "{\"engines\":[3]}"})
        BOOST_CHECK_THROW((void)from_json(text, "s.json"), input_error);
}

BOOST_AUTO_TEST_CASE(tables_show_what_matters) {
    const std::string table = to_table(example());
    for (const char* part :
         {"2'000", "2.000 us", "78.1%", "lower bound 4.88 KiB (1.60x)", "best blocking 6.84 KiB (1.14x)", "arrays",
          "50.00 MAC", "64.00 MAC", "dram", "4.00 B", "12.80 B", "60.0%", "limited by"})
        BOOST_TEST(table.find(part) != std::string::npos, part << " in\n" << table);
    const std::string profile = to_profile(example());
    for (const char* part : {"dma0", "mover0", "streamer0", "array0", "k1", "40'000"})
        BOOST_TEST(profile.find(part) != std::string::npos, part << " in\n" << profile);
    BOOST_TEST_MESSAGE(table << profile);
}

BOOST_AUTO_TEST_CASE(comparison_shows_the_change) {
    run_statistics faster = example();
    faster.cycles = 1800;
    const std::string text = to_comparison(example(), faster);
    for (const char* part : {"2'000", "1'800", "-10.0%", "="})
        BOOST_TEST(text.find(part) != std::string::npos, part << " in\n" << text);
}

BOOST_AUTO_TEST_CASE(an_empty_run_has_a_table) {
    BOOST_TEST(!to_table({}).empty());
    BOOST_TEST(!to_profile({}).empty());
    BOOST_TEST(!to_comparison({}, {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
