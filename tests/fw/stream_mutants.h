#pragma once
// Emitted command streams with one wait taken away or weakened: does that matter, and does the hazard checker see it?
//
// Whether it matters is decided here without hw/observe: by sets of commands that have certainly completed, spread over
// the graph of starts and completions. No vector clocks, no access map, no shared code.

#include "fw/loader/command_stream.h"
#include "hw/observe/hazard_checker.h"
#include "tests/fw/command_accesses.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace kpu::test {

struct stream_command {
    hw::command_ref ref;
    iface::command_header header;
    iface::descriptor_words words{};
    std::vector<byte_access> accesses;
};

/// What the loader emits for a program, in its order.
struct emitted_stream {
    std::uint32_t engines = 0;
    std::vector<stream_command> commands;
    std::vector<platform::address_range> initialised; ///< before the run
};

/// The descriptor with other waits.
inline iface::descriptor_words with_header(const iface::descriptor_words& words, const iface::command_header& header) {
    constexpr std::ptrdiff_t k_header_words = 10;
    iface::descriptor_words changed = iface::encode(header);
    std::copy(words.begin() + k_header_words, words.end(), changed.begin() + k_header_words);
    return changed;
}

inline emitted_stream emit(const fw::machine& machine, const dfx::program& program,
                           const std::vector<fw::planned_work>& plan) {
    fw::tensor_table tensors(program, machine.dram);
    emitted_stream s;
    s.engines = static_cast<std::uint32_t>(machine.engines.size());
    for (const dfx::tensor_descriptor& t : program.tensors)
        if (t.name != "C" && t.role != dfx::tensor_role::output)
            s.initialised.push_back({tensors.at(t.name).base, tensors.at(t.name).size});
    fw::command_stream stream(machine, plan, tensors);
    while (const std::optional<fw::bound_command> c = stream.next()) {
        const iface::command_header header = iface::decode_header(c->words);
        s.commands.push_back({{c->engine, c->number, header.tag}, header, c->words, access_list(c->words).all()});
    }
    return s;
}

/// Which pairs of commands must not overlap in time. Within one engine, only a read of what an earlier command writes
/// needs a wait: the rest is the engine's duty.
class conflict_list {
  public:
    explicit conflict_list(const emitted_stream& s) {
        std::vector<footprint> of;
        for (const stream_command& c : s.commands)
            of.emplace_back(c.accesses);
        for (std::size_t b = 0; b < of.size(); ++b)
            for (std::size_t a = 0; a < b; ++a)
                if (of[a].writes.overlaps(of[b].reads) ||
                    (s.commands[a].ref.engine != s.commands[b].ref.engine &&
                     (of[a].writes.overlaps(of[b].writes) || of[a].reads.overlaps(of[b].writes))))
                    m_pairs.emplace_back(a, b);
    }
    /// Earlier and later command by their place in the stream.
    [[nodiscard]] const std::vector<std::pair<std::size_t, std::size_t>>& pairs() const { return m_pairs; }

  private:
    /// Disjoint spans, ascending.
    struct spans {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> all; ///< first, one past the last

        void normalise() {
            std::sort(all.begin(), all.end());
            std::size_t kept = 0;
            for (const auto& next : all) {
                if (kept > 0 && next.first <= all[kept - 1].second)
                    all[kept - 1].second = std::max(all[kept - 1].second, next.second);
                else
                    all[kept++] = next;
            }
            all.resize(kept);
        }
        [[nodiscard]] bool overlaps(const spans& other) const {
            auto a = all.begin();
            auto b = other.all.begin();
            while (a != all.end() && b != other.all.end()) {
                if (a->first < b->second && b->first < a->second)
                    return true;
                ++(a->second < b->second ? a : b);
            }
            return false;
        }
    };
    struct footprint {
        spans reads, writes;
        explicit footprint(const std::vector<byte_access>& accesses) {
            for (const byte_access& a : accesses)
                (a.is_write ? writes : reads).all.emplace_back(a.where.value(), a.where.value() + a.length);
            reads.normalise();
            writes.normalise();
        }
    };
    std::vector<std::pair<std::size_t, std::size_t>> m_pairs;
};

/// Sets of commands, one bit each.
class command_set {
  public:
    explicit command_set(std::size_t commands) : m_words(commands / 64 + 1, 0) {}
    void add(std::size_t c) { m_words[c / 64] |= std::uint64_t{1} << c % 64; }
    void add(const command_set& other) {
        for (std::size_t w = 0; w < m_words.size(); ++w)
            m_words[w] |= other.m_words[w];
    }
    [[nodiscard]] bool has(std::size_t c) const { return (m_words[c / 64] >> c % 64 & 1) != 0; }

  private:
    std::vector<std::uint64_t> m_words;
};

/// True where a conflict's later command may start before the earlier one has completed. An engine starts its commands
/// in order and completes them in order, and a command starts when those that it waits for have completed: nothing else
/// is promised.
inline bool has_race(const emitted_stream& s, const conflict_list& conflicts) {
    const std::size_t n = s.commands.size();
    std::vector<command_set> at_start(n, command_set(n));
    std::vector<command_set> at_end(n, command_set(n));
    std::vector<std::vector<std::size_t>> by_engine(s.engines); // the place in the stream of command number - 1
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<std::size_t>& earlier = by_engine[s.commands[i].ref.engine.value()];
        if (!earlier.empty())
            at_start[i].add(at_start[earlier.back()]);
        for (const iface::wait_for& w : s.commands[i].header.waits)
            if (w.count > 0)
                at_start[i].add(at_end[by_engine[w.engine.value()].at(w.count - 1)]);
        at_end[i].add(at_start[i]);
        at_end[i].add(i);
        if (!earlier.empty())
            at_end[i].add(at_end[earlier.back()]);
        earlier.push_back(i);
    }
    return std::any_of(conflicts.pairs().begin(), conflicts.pairs().end(),
                       [&](const auto& pair) { return !at_start[pair.second].has(pair.first); });
}

/// The checker's verdict, empty where it finds nothing: every command is shown whole, in the order of the stream.
inline std::string verdict_of_checker(const emitted_stream& s) {
    hw::hazard_options options;
    options.engines = s.engines;
    options.stored = 1;
    hw::hazard_checker checker(options);
    for (const platform::address_range& range : s.initialised)
        checker.note_initialised(range);
    std::uint64_t now = 0;
    for (const stream_command& c : s.commands) {
        checker.on_start(c.ref, c.header);
        for (const byte_access& a : c.accesses)
            checker.on_access("flat",
                              {c.ref, a.is_write, a.where, bytes(a.length), picoseconds(now), picoseconds(now)});
        checker.on_complete(c.ref);
        ++now;
    }
    return checker.report();
}

/// A wait of the stream, by command and place in its header.
struct wait_place {
    std::size_t command = 0, wait = 0;
};

inline std::vector<wait_place> waits_of(const emitted_stream& s) {
    std::vector<wait_place> all;
    for (std::size_t c = 0; c < s.commands.size(); ++c)
        for (std::size_t w = 0; w < iface::k_waits; ++w)
            if (s.commands[c].header.waits[w].count > 0)
                all.push_back({c, w});
    return all;
}

struct mutation_score {
    std::uint64_t mutants = 0, matter = 0, killed = 0, false_alarms = 0;

    void count(bool matters, bool reported) {
        ++mutants;
        matter += matters ? 1 : 0;
        killed += matters && reported ? 1 : 0;
        false_alarms += !matters && reported ? 1 : 0;
    }
    void check() const {
        BOOST_TEST(killed == matter);
        BOOST_TEST(false_alarms == 0U);
    }
};

inline std::ostream& operator<<(std::ostream& out, const mutation_score& s) {
    return out << s.mutants << " mutants, " << s.matter << " with a race, " << s.killed << " of these reported, "
               << s.false_alarms << " false alarms";
}

struct mutation_scores {
    std::uint64_t streams = 0;
    mutation_score removed;  ///< the wait is gone
    mutation_score weakened; ///< it waits for one command less
    void check() const {
        removed.check();
        weakened.check();
    }
};

inline std::ostream& operator<<(std::ostream& out, const mutation_scores& s) {
    return out << s.streams << " streams; waits removed: " << s.removed << "; lowered by one: " << s.weakened;
}

/// Changes every `stride`-th wait of the stream, each time from the whole stream, and compares the checker's verdict
/// with the graph's.
inline void judge_mutants(emitted_stream& s, std::size_t stride, mutation_scores& scores) {
    const conflict_list conflicts(s);
    const std::string unchanged = verdict_of_checker(s);
    BOOST_TEST_REQUIRE(unchanged.empty(), unchanged);
    BOOST_TEST_REQUIRE(!has_race(s, conflicts));
    ++scores.streams;
    const std::vector<wait_place> places = waits_of(s);
    for (std::size_t p = 0; p < places.size(); p += stride) {
        std::uint32_t& count = s.commands[places[p].command].header.waits[places[p].wait].count;
        const std::uint32_t right = count;
        count = 0;
        scores.removed.count(has_race(s, conflicts), !verdict_of_checker(s).empty());
        if (right > 1) {
            count = right - 1;
            scores.weakened.count(has_race(s, conflicts), !verdict_of_checker(s).empty());
        }
        count = right;
    }
}

} // namespace kpu::test
