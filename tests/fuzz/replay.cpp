// A target without libFuzzer: the files of its corpus, and the same number of mutations of them in every run.

#include "platforms/common/files.h"
#include "tests/fuzz/fuzz_target.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace kpu;
namespace fs = std::filesystem;

namespace {

/// The program is called fuzz_<target>.
std::string target() {
    return boost::unit_test::framework::master_test_suite().p_name.get().substr(std::string("fuzz_").size());
}

const fs::path k_folder = fs::path(KPU_SOURCE_DIR) / "tests/fuzz";

std::vector<fs::path> corpus() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(k_folder / "corpus" / target()))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

/// What a line of a dictionary has between its quotes; empty for a line without.
std::string word_of(const std::string& line) {
    std::string word;
    if (line.empty() || line.front() != '"')
        return word;
    for (std::size_t i = 1; i + 1 < line.size(); ++i) {
        if (line[i] == '\\' && line[i + 1] == 'x') {
            word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
            i += 3;
        } else {
            i += line[i] == '\\' ? 1 : 0;
            word += line[i];
        }
    }
    return word;
}

std::vector<std::string> dictionary() {
    std::vector<std::string> words = {std::string(1, '\0'), "\xff", "0", "1", "4294967296", "-1"};
    const fs::path path = k_folder / "dictionaries" / (target() + ".dict");
    if (!fs::exists(path))
        return words;
    std::istringstream lines(read_file(path));
    for (std::string line; std::getline(lines, line);)
        if (std::string word = word_of(line); !word.empty())
            words.push_back(std::move(word));
    return words;
}

constexpr std::size_t k_longest = 8192;

class mutator {
  public:
    mutator(std::vector<std::string> seeds, unsigned seed)
        : m_seeds(std::move(seeds)), m_words(dictionary()), m_random(seed) {}

    std::string next() {
        std::string text = pick(m_seeds);
        for (std::size_t n = 1 + below(4); n > 0; --n)
            change(text);
        text.resize(std::min(text.size(), k_longest));
        return text;
    }

  private:
    std::size_t below(std::size_t size) { return size == 0 ? 0 : m_random() % size; }
    const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

    void change(std::string& text) {
        const std::size_t at = below(text.size());
        switch (below(6)) {
        case 0:
            text.insert(at, pick(m_words));
            break;
        case 1:
            text.replace(at, below(12), pick(m_words));
            break;
        case 2:
            text.erase(at, below(20));
            break;
        case 3:
            if (!text.empty())
                text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << below(8)));
            break;
        case 4:
            text.resize(at);
            break;
        default: {
            const std::string& other = pick(m_seeds);
            text.insert(at, other.substr(below(other.size()), below(80)));
        }
        }
    }

    std::vector<std::string> m_seeds;
    std::vector<std::string> m_words;
    std::mt19937 m_random;
};

/// A finding, or an exception that no reader may throw; what it was about is then left in a file.
void run(const std::string& input, const std::string& name) {
    try {
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    } catch (const std::exception& problem) {
        const std::string left = target() + ".finding";
        write_file(left, input);
        BOOST_ERROR(name << ": " << problem.what() << " (input left in " << fs::absolute(left) << ")");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(corpus_files) {
    for (const fs::path& file : corpus())
        run(read_file(file), file);
    run({}, "nothing");
    BOOST_TEST(corpus().size() > 0u);
}

BOOST_AUTO_TEST_CASE(mutations) {
    constexpr unsigned k_seed = 4711;
    constexpr unsigned k_mutations = 20000;
    std::vector<std::string> seeds;
    for (const fs::path& file : corpus())
        seeds.push_back(read_file(file));
    mutator next(std::move(seeds), k_seed);
    for (unsigned i = 0; i < k_mutations; ++i)
        run(next.next(), "seed " + std::to_string(k_seed) + ", mutation " + std::to_string(i));
}
