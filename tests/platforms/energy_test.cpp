// The energy section: whole or absent, exact, within reason.

#include "platforms/reader.h"
#include "platforms/schema.h"
#include "platforms/show.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace kpu;
using platform::parse_platform;

namespace {

const std::string k_whole = "energy:\n"
                            "  vector: 0.44pJ\n"
                            "  dma: 1.5pJ/B\n"
                            "  block_mover: 0.8pJ/B\n"
                            "  streamer: 0.3pJ/B\n"
                            "  interconnect: 0pJ/B\n"
                            "  chip_static: 106mW\n"
                            "  dram_standby: 1.688W\n"
                            "  mac: {f64: 8pJ, f32: 2.25pJ, f16: 1pJ, bf16: 1pJ, f8: 538fJ, i8: 0.147pJ, i32: 1.5pJ}\n"
                            "  dram: {read: 8.78pJ/bit, write: 62.32pJ/B, activation: 8.08nJ}\n"
                            "  l3: {read: 2pJ/B, write: 2.5pJ/B}\n"
                            "  l2: {read: 0.8pJ/B, write: 1pJ/B}\n"
                            "  l1: {read: 0.3pJ/B, write: 0.4pJ/B}\n";

std::string replaced(const std::string& part, const std::string& by) {
    std::string text = k_whole;
    const std::size_t at = text.find(part);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), by);
}

std::string problems_of(const std::string& text) {
    try {
        static_cast<void>(parse_platform(text, "p"));
    } catch (const input_error& e) {
        return e.what();
    }
    return "";
}

} // namespace

BOOST_AUTO_TEST_CASE(energies_are_read_exactly) {
    const platform::platform p = parse_platform(k_whole, "p");
    BOOST_REQUIRE(p.energy.has_value());
    BOOST_TEST(p.energy->mac[1].value() == 2250u);
    BOOST_TEST(p.energy->mac[4].value() == 538u);
    BOOST_TEST(p.energy->mac[5].value() == 147u);
    BOOST_TEST(p.energy->vector.value() == 440u);
    BOOST_TEST(p.energy->dram.read.value() == 70'240u); // 8.78 pJ/bit
    BOOST_TEST(p.energy->dram.write.value() == 62'320u);
    BOOST_TEST(p.energy->dram_activation.value() == 8'080'000u);
    BOOST_TEST(p.energy->l3.write.value() == 2500u);
    BOOST_TEST(p.energy->interconnect.value() == 0u);
    BOOST_TEST(p.energy->chip_static.value() == 106'000u);
    BOOST_TEST(p.energy->dram_standby.value() == 1'688'000u);
}

BOOST_AUTO_TEST_CASE(without_the_section_nothing_is_known) {
    const platform::platform p = parse_platform("{}", "p");
    BOOST_TEST(!p.energy.has_value());
    BOOST_TEST(platform::to_yaml(p, platform::defaults::marked).find("energy") == std::string::npos);
    BOOST_TEST((parse_platform(platform::to_yaml(p), "q") == p));
}

BOOST_AUTO_TEST_CASE(the_section_survives_the_round_trip) {
    const platform::platform p = parse_platform(k_whole, "p");
    const std::string text = platform::to_yaml(p, platform::defaults::marked);
    BOOST_TEST((parse_platform(text, "q") == p));
    BOOST_TEST(text.find("energy:\n  vector: 440fJ\n") != std::string::npos, text);
    BOOST_TEST(text.find("  dram:\n    read: 70.24pJ/B\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_difference_names_the_key_or_its_absence) {
    const platform::platform p = parse_platform(k_whole, "p");
    const auto one = platform::compare(p, parse_platform(replaced("2.25pJ", "4.5pJ"), "p"));
    BOOST_REQUIRE(one.size() == 1u);
    BOOST_TEST(one[0].path == "energy.mac.f32");
    BOOST_TEST(one[0].left == "2.25pJ");
    const auto all = platform::compare(parse_platform("{}", "p"), p);
    BOOST_TEST(all.size() == 23u);
    BOOST_TEST(all[0].path == "energy.vector");
    BOOST_TEST(all[0].left == "absent");
    BOOST_TEST(all[0].right == "440fJ");
}

BOOST_AUTO_TEST_CASE(a_forgotten_key_is_no_zero) {
    BOOST_TEST(problems_of(replaced(", write: 1pJ/B", "")) ==
               "p:12:7: energy.l2.write: error: missing key (expected an energy per byte such as 0.8pJ/B or 8pJ/bit, "
               "from 0fJ/B to 10nJ/B)\n");
    const std::string empty = problems_of("energy: {}");
    BOOST_TEST(empty.find("energy.vector: error: missing key") != std::string::npos, empty);
    BOOST_TEST(empty.find("energy.mac.bf16: error: missing key") != std::string::npos, empty);
    BOOST_TEST(empty.find("energy.dram.activation: error: missing key") != std::string::npos, empty);
}

BOOST_AUTO_TEST_CASE(absurd_energies_are_refused) {
    const auto refuses = [](const std::string& part, const std::string& by, const std::string& message) {
        const std::string found = problems_of(replaced(part, by));
        BOOST_TEST(found.find(message) != std::string::npos, found);
    };
    refuses("0.44pJ", "-0.44pJ", "p:2:11: energy.vector: error: negative: '-0.44pJ'");
    refuses("0.44pJ", ".nan", "energy.vector: error: not a finite number");
    refuses("0.44pJ", "0.44", "energy.vector: error: missing unit: '0.44' (expected an energy such as 2.25pJ");
    refuses("0.44pJ", "0.44mJ", "energy.vector: error: unknown unit 'mJ'");
    refuses("0.44pJ", "0.4404pJ", "energy.vector: error: not a whole number of femtojoules");
    refuses("f32: 2.25pJ", "f32: 2.25uJ", "energy.mac.f32: error: too large: '2.25uJ'");
    refuses("8.78pJ/bit", "8.78nJ/bit", "energy.dram.read: error: unknown unit 'nJ/bit'");
    refuses("62.32pJ/B", "62.32nJ/B", "energy.dram.write: error: too large: '62.32nJ/B'");
    refuses("62.32pJ/B", "62.32pJ", "energy.dram.write: error: unknown unit 'pJ'");
    refuses("8.08nJ", "8.08uJ", "energy.dram.activation: error: too large: '8.08uJ'");
    refuses("106mW", "106pJ", "energy.chip_static: error: unknown unit 'pJ'");
    refuses("106mW", "1001W", "energy.chip_static: error: too large: '1001W'");
    refuses("streamer:", "streamers:", "unknown key: 'streamers'");
}

BOOST_AUTO_TEST_CASE(the_largest_energies_are_accepted) {
    BOOST_TEST(problems_of(replaced("f32: 2.25pJ", "f32: 1nJ")) == "");
    BOOST_TEST(problems_of(replaced("62.32pJ/B", "10nJ/B")) == "");
    BOOST_TEST(problems_of(replaced("8.08nJ", "1uJ")) == "");
    BOOST_TEST(problems_of(replaced("106mW", "1000W")) == "");
}

BOOST_AUTO_TEST_CASE(energies_set_in_a_program_are_checked) {
    platform::platform p = parse_platform(k_whole, "p");
    BOOST_TEST(platform::check(p).empty());
    p.energy->l1.read = femtojoules_per_byte(10'000'001);
    const std::string text = to_string(platform::check(p));
    BOOST_TEST(text.find("energy.l1.read: error: out of range: '10.000001nJ/B'") != std::string::npos, text);
}
