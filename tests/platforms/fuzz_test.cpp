// Damaged platform files are read or refused with input_error, nothing else.

#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "platforms/reader.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

using namespace kpu;

namespace {

std::string mutate(std::string text, std::mt19937& random) {
    static const std::string pieces[] = {"{",     "}",         "[",
                                         "]",     ":",         "- ",
                                         "&a ",   "*a",        "<<: ",
                                         "\n",    "\t",        "\"",
                                         "'",     "#",         "~",
                                         "---\n", "!!binary ", "|",
                                         ">",     "%",         "999999999999999999999",
                                         ".nan",  "\xff",      std::string(1, '\0'),
                                         "? "};
    const auto at = [&](std::size_t size) { return size == 0 ? 0 : random() % size; };
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
        switch (random() % 5) {
        case 0:
            text.insert(at(text.size()), pieces[random() % std::size(pieces)]);
            break;
        case 1:
            text.erase(at(text.size()), random() % 20);
            break;
        case 2:
            if (!text.empty())
                text[at(text.size())] = static_cast<char>(random() % 256);
            break;
        case 3:
            text.resize(at(text.size()));
            break;
        default: {
            const std::size_t from = at(text.size());
            text.insert(at(text.size()), text.substr(from, random() % 80));
        }
        }
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(mutated_platforms) {
    constexpr unsigned seed = 4711;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const std::string folder = std::string(KPU_SOURCE_DIR) + "/platforms/";
    const std::string sources[] = {read_file(folder + "minimal.yaml"), read_file(folder + "datacenter.yaml"),
                                   platform::to_yaml(platform::read_platform(folder + "edge_ai.yaml"))};
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 6000; ++i) {
        const std::string text = mutate(sources[random() % std::size(sources)], random);
        try {
            const platform::platform p = platform::parse_platform(text, "m");
            BOOST_REQUIRE(!platform::check(p).has_errors());
            ++accepted;
        } catch (const input_error& e) {
            BOOST_REQUIRE(e.problems().has_errors());
            ++refused;
        } catch (const std::exception& e) {
            BOOST_ERROR("mutation " << i << ": " << e.what() << "\n" << text);
        }
    }
    BOOST_TEST_MESSAGE(accepted << " accepted, " << refused << " refused");
    BOOST_TEST(accepted > 100);
    BOOST_TEST(refused > 100);
}
