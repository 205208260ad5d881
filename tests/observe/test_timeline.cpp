#include "hw/observe/timeline.h"
#include "platforms/common/files.h"
#include "tests/observe/event_feed.h"
#include "tests/support/process.h"
#include "traces/analysis.h"
#include "traces/chrome_writer.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::header;
using kpu::hw::test::ref;

namespace {

/// Keeps what a timeline emits.
class recorder final : public trace::event_sink {
  public:
    struct kept {
        std::string track, name, category;
        std::uint64_t start, end;
        std::map<std::string, std::uint64_t> args;
    };
    trace::track_id add_track(std::string_view group, std::string_view name, std::uint32_t) override {
        tracks.emplace_back(std::string(group) + "/" + std::string(name));
        return trace::track_id(static_cast<std::uint32_t>(tracks.size() - 1));
    }
    void add(const trace::span& s) override {
        kept k{tracks.at(s.track.value()),
               std::string(s.name),
               std::string(s.category),
               s.start.value(),
               s.end.value(),
               {}};
        for (const trace::argument& a : s.args)
            k.args[std::string(a.name)] = a.number;
        spans.push_back(std::move(k));
    }
    void add(const trace::sample& s) override { samples.emplace_back(s.at.value(), s.value); }

    std::vector<std::string> tracks;
    std::vector<kept> spans;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> samples;
};

struct bench {
    bench()
        : line(
              make_names(), [this] { return picoseconds(now); }, to) {}
    static observed_names make_names() { return {{"dma0", "array0"}, {}}; }
    void expect(std::size_t i, const std::string& track, const std::string& name, const std::string& category,
                std::uint64_t start, std::uint64_t end) const {
        BOOST_REQUIRE(i < to.spans.size());
        const recorder::kept& s = to.spans[i];
        BOOST_TEST(s.track == track);
        BOOST_TEST(s.name == name);
        BOOST_TEST(s.category == category);
        BOOST_TEST(s.start == start);
        BOOST_TEST(s.end == end);
    }
    void access(std::uint16_t engine, std::uint32_t number, bool write, std::uint64_t start, std::uint64_t end) {
        line.on_access("l2", {ref(engine, number), write, address(0), bytes(64), picoseconds(start), picoseconds(end)});
    }
    std::uint64_t now = 0;
    recorder to;
    timeline line;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(timelines, bench)

BOOST_AUTO_TEST_CASE(commands_and_waits) {
    now = 5;
    line.on_push(ref(1, 1), header({}), 1);
    line.on_wait(ref(1, 1), {engine_id(0), 3});
    now = 20;
    line.on_start(ref(1, 1), header({}, iface::opcode::fold));
    now = 50;
    line.on_complete(ref(1, 1));
    BOOST_REQUIRE(to.spans.size() == 2u);
    expect(0, "engines/array0", "wait for dma0", "wait", 5, 20);
    BOOST_TEST(to.spans[0].args.at("count") == 3u);
    expect(1, "engines/array0", "fold", "execute", 20, 50);
    BOOST_TEST(to.spans[1].args.at("command") == 1u);
    BOOST_TEST(to.spans[1].args.at("tag") == 1001u);
    BOOST_REQUIRE(to.samples.size() == 2u);
    BOOST_TEST((to.samples[0] == std::pair<std::uint64_t, std::uint64_t>(5, 1)));
    BOOST_TEST((to.samples[1] == std::pair<std::uint64_t, std::uint64_t>(20, 0)));
}

BOOST_AUTO_TEST_CASE(one_wait_follows_another) {
    line.on_wait(ref(1, 1), {engine_id(0), 1});
    now = 10;
    line.on_wait(ref(1, 1), {engine_id(1), 2});
    now = 30;
    line.on_start(ref(1, 1), header({}));
    BOOST_REQUIRE(to.spans.size() == 2u);
    expect(0, "engines/array0", "wait for dma0", "wait", 0, 10);
    expect(1, "engines/array0", "wait for array0", "wait", 10, 30);
}

BOOST_AUTO_TEST_CASE(overlapping_commands_take_another_lane) {
    line.on_start(ref(0, 1), header({}));
    now = 10;
    line.on_wait(ref(0, 2), {engine_id(1), 1});
    now = 20;
    line.on_start(ref(0, 2), header({}));
    now = 30;
    line.on_complete(ref(0, 1));
    line.on_start(ref(0, 3), header({}));
    now = 40;
    line.on_complete(ref(0, 2));
    line.on_complete(ref(0, 3));
    BOOST_REQUIRE(to.spans.size() == 4u);
    expect(0, "engines/dma0 +1", "wait for array0", "wait", 10, 20);
    expect(1, "engines/dma0", "copy", "execute", 0, 30);
    expect(2, "engines/dma0 +1", "copy", "execute", 20, 40);
    expect(3, "engines/dma0", "copy", "execute", 30, 40);
}

BOOST_AUTO_TEST_CASE(ports_join_what_follows_directly) {
    access(0, 1, false, 100, 110);
    access(0, 1, false, 110, 120);
    access(0, 1, true, 110, 120); // another port
    access(0, 2, false, 120, 130);
    access(1, 1, false, 125, 140); // a second read port
    access(0, 2, false, 130, 140);
    BOOST_TEST(to.spans.size() == 1u);
    now = 200;
    line.finish();
    BOOST_REQUIRE(to.spans.size() == 4u);
    expect(0, "memory ports/l2 read", "dma0", "transfer", 100, 120);
    BOOST_TEST(to.spans[0].args.at("bytes") == 128u);
    BOOST_TEST(to.spans[0].args.at("transactions") == 2u);
    expect(1, "memory ports/l2 read", "dma0", "transfer", 120, 140);
    expect(2, "memory ports/l2 read +1", "array0", "transfer", 125, 140);
    expect(3, "memory ports/l2 write", "dma0", "transfer", 110, 120);
    line.finish();
    BOOST_TEST(to.spans.size() == 4u); // nothing twice
}

BOOST_AUTO_TEST_CASE(faults_resets_and_the_end) {
    line.on_start(ref(0, 1), header({}));
    now = 10;
    line.on_fault(ref(0, 1), iface::fault::bus_error);
    now = 20;
    line.on_fault(ref(1, 1), iface::fault::bad_wait); // refused before it started
    line.on_push(ref(0, 2), header({}), 1);
    line.on_start(ref(0, 2), header({}));
    now = 30;
    line.on_reset(engine_id(0));
    line.on_start(ref(0, 1), header({}));
    line.on_wait(ref(1, 1), {engine_id(0), 1});
    now = 40;
    line.finish();
    BOOST_REQUIRE(to.spans.size() == 5u);
    expect(0, "engines/dma0", "fault: bus error", "fault", 0, 10);
    expect(1, "engines/array0", "fault: bad wait", "fault", 20, 20);
    expect(2, "engines/dma0", "copy", "dropped", 20, 30);
    expect(3, "engines/dma0", "copy", "unfinished", 30, 40);
    expect(4, "engines/array0", "wait for dma0", "wait", 30, 40);
}

BOOST_AUTO_TEST_CASE(options_turn_parts_off) {
    recorder quiet;
    timeline small(make_names(), [] { return picoseconds(0); }, quiet, {false, false});
    small.on_push(ref(0, 1), header({}), 1);
    small.on_access("l2", {ref(0, 1), true, address(0), bytes(64), picoseconds(0), picoseconds(10)});
    small.finish();
    BOOST_TEST(quiet.spans.empty());
    BOOST_TEST(quiet.samples.empty());
    BOOST_TEST(quiet.tracks.size() == 2u);
}

/// Random overlapping activity on a few engines and memories.
void random_run(timeline& line, std::uint64_t& now, unsigned seed) {
    std::mt19937 random(seed);
    std::uint32_t started[2] = {}, completed[2] = {};
    for (int i = 0; i < 3000; ++i) {
        now += random() % 5;
        const auto e = static_cast<std::uint16_t>(random() % 2);
        switch (random() % 4) {
        case 0:
            line.on_wait(ref(e, started[e] + 1), {engine_id(0), 1});
            break;
        case 1:
            if (started[e] - completed[e] < 4)
                line.on_start(ref(e, ++started[e]), header({}));
            break;
        case 2:
            if (started[e] != completed[e])
                line.on_complete(ref(e, ++completed[e]));
            break;
        default:
            const std::uint64_t start = now + random() % 30;
            const std::string memory = random() % 2 == 0 ? "l2" : "l3";
            line.on_access(memory, {ref(e, started[e] + 1), random() % 2 == 0, address(0), bytes(64),
                                    picoseconds(start), picoseconds(start + random() % 20)});
        }
    }
    line.finish();
}

BOOST_AUTO_TEST_CASE(random_runs_have_no_overlaps_and_equal_bytes) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_MESSAGE("seed " << seed);
        const kpu::test::temp_directory dir;
        for (const char* name : {"a.json", "b.json"}) {
            std::uint64_t time = 0;
            trace::chrome_writer out(dir.file(name), {"test", "name: p", "g", "0"});
            timeline both(
                make_names(), [&] { return picoseconds(time); }, out);
            random_run(both, time, seed);
            out.finish();
        }
        const std::string text = read_file(dir.file("a.json"));
        BOOST_TEST((text == read_file(dir.file("b.json"))));
        const trace::trace_summary all = trace::analyse(text, "a.json"); // throws on an overlap
        BOOST_TEST(all.tracks.size() > 6u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
