// The PE-level model against the formulas (cycles of the first and last result of every column) and the kernels (bits),
// and its refusal of schedules that the wires cannot do.

#include "hw/fabric/fold_timing.h"
#include "hw/fabric/pe_array.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using iface::array_dataflow;
using iface::element_type;

template <class T>
constexpr element_type k_type = std::is_same_v<T, double>  ? element_type::f64
                                : std::is_same_v<T, float> ? element_type::f32
                                                           : element_type::i32;

template <class T>
std::vector<T> random_values(std::size_t count, std::mt19937& random) {
    std::vector<T> values(count);
    for (T& v : values)
        if constexpr (std::is_integral_v<T>)
            v = static_cast<T>(random());
        else
            v = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(random));
    return values;
}

/// A run of folds through an array of random shape, scheduled by fold_timing.
template <class T>
class scenario {
  public:
    /// All folds of one dataflow, or of a random one each.
    scenario(std::mt19937& random, bool is_pipelined, std::optional<array_dataflow> flow) {
        array.rows = 1 + static_cast<std::uint32_t>(random() % 9);
        array.columns = 1 + static_cast<std::uint32_t>(random() % 9);
        array.pipelined = is_pipelined;
        array.period = picoseconds(1);
        array.macs_per_pe.fill(1 + static_cast<std::uint32_t>(random() % 3));
        const std::size_t count = 1 + random() % 5;
        for (std::size_t f = 0; f < count; ++f)
            add(flow ? *flow : static_cast<array_dataflow>(random() % 3), random);
        schedule(random);
    }

    [[nodiscard]] std::vector<typename pe_array<T>::result> run() const {
        return pe_array<T>(array.rows, array.columns, array.macs_per_pe[0], array.pipelined).run(folds);
    }
    [[nodiscard]] std::vector<T> by_kernel(std::size_t f) const {
        const fold_extents& x = folds[f].extents;
        std::vector<T> c(std::size_t{x.m} * x.n);
        if (folds[f].seed != nullptr)
            c.assign(folds[f].seed, folds[f].seed + c.size());
        fold_kernel(x.m, x.n).fold(k_type<T>, x, folds[f].a, folds[f].b, c.data());
        return c;
    }
    [[nodiscard]] array_fold shape(std::size_t f) const {
        return {k_type<T>, folds[f].flow, folds[f].extents, folds[f].seed != nullptr};
    }

    array_geometry array;
    std::vector<pe_fold<T>> folds;
    std::vector<fold_drain> drains;

  private:
    void add(array_dataflow flow, std::mt19937& random) {
        const auto up_to = [&](std::uint32_t most) { return 1 + static_cast<std::uint32_t>(random() % most); };
        const std::uint32_t depth = array.rows * array.macs_per_pe[0];
        pe_fold<T> f;
        f.flow = flow;
        if (flow == array_dataflow::output_stationary)
            f.extents = {up_to(array.rows), up_to(array.columns), up_to(25)};
        else if (flow == array_dataflow::weight_stationary)
            f.extents = {up_to(25), up_to(array.columns), up_to(depth)};
        else
            f.extents = {up_to(array.columns), up_to(25), up_to(depth)};
        const auto keep = [&](std::size_t size) {
            m_data.push_back(random_values<T>(size, random));
            return m_data.back().data();
        };
        f.a = keep(std::size_t{f.extents.m} * f.extents.k);
        f.b = keep(std::size_t{f.extents.k} * f.extents.n);
        f.seed = random() % 2 == 0 ? keep(std::size_t{f.extents.m} * f.extents.n) : nullptr;
        folds.push_back(f);
    }
    void schedule(std::mt19937& random) {
        fold_timing timing(array);
        std::vector<fold_entry> entries;
        const auto drain_next = [&] {
            const std::size_t f = drains.size();
            drains.push_back(timing.drain(entries[f], shape(f)));
            timing.written(drains.back().first + picoseconds(random() % 3 == 0 ? random() % 40 : 0));
            folds[f].drain = drains.back().start.value();
        };
        const auto sometimes = [&](std::uint32_t below) {
            return picoseconds(random() % 2 == 0 ? 0 : random() % below);
        };
        for (std::size_t f = 0; f < folds.size(); ++f) {
            while (!timing.may_begin(folds[f].flow))
                drain_next();
            if (folds[f].is_loaded())
                folds[f].load = timing.load(sometimes(60), sometimes(20), shape(f)).begin.value();
            while (!timing.may_enter(shape(f)))
                drain_next();
            // the wires stream at full rate: what is slower is a fold whose results come later
            const picoseconds streaming = folds[f].keeps_results() ? sometimes(20) : picoseconds(0);
            entries.push_back(timing.enter(sometimes(60), streaming, shape(f)));
            folds[f].enter = entries.back().enter.value();
        }
        while (timing.may_drain())
            drain_next();
    }
    std::vector<std::vector<T>> m_data;
};

template <class T>
void check_agreement(std::optional<array_dataflow> flow) {
    const std::uint32_t seed = 21;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    for (int trial = 0; trial < 400; ++trial) {
        const scenario<T> s(random, trial % 4 != 0, flow);
        const auto results = s.run();
        for (std::size_t f = 0; f < results.size(); ++f) {
            const std::vector<T> c = s.by_kernel(f);
            BOOST_REQUIRE_EQUAL(std::memcmp(results[f].c.data(), c.data(), c.size() * sizeof(T)), 0);
            for (std::uint32_t j = 0; j < s.folds[f].columns(); ++j) {
                BOOST_REQUIRE_EQUAL(results[f].first[j], s.drains[f].first_result(j).value());
                BOOST_REQUIRE_EQUAL(results[f].last[j], s.drains[f].last_result(j).value());
            }
        }
    }
}

template <class T>
void check_all_agreements() {
    for (const array_dataflow flow :
         {array_dataflow::output_stationary, array_dataflow::weight_stationary, array_dataflow::input_stationary})
        check_agreement<T>(flow);
    check_agreement<T>(std::nullopt);
}

} // namespace

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_f32) {
    check_all_agreements<float>();
}

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_f64) {
    check_all_agreements<double>();
}

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_i32) {
    check_all_agreements<std::uint32_t>();
}

BOOST_AUTO_TEST_CASE(a_full_fold_leaves_after_2r_c_k_minus_2_cycles) {
    const std::vector<float> a(8 * 20, 1.0F), b(20 * 6, 1.0F);
    pe_fold<float> f;
    f.extents = {8, 6, 20};
    f.a = a.data();
    f.b = b.data();
    f.drain = 8 - 1 + 20;
    const auto results = pe_array<float>(8, 6, 1, false).run({f});
    BOOST_TEST(results[0].last[5] + 1 == 2U * 8 + 6 + 20 - 2);
    BOOST_TEST(results[0].c.front() == 20.0F);
}

BOOST_AUTO_TEST_CASE(a_streamed_fold_leaves_after_2r_c_t_minus_2_cycles) {
    const std::vector<float> data(20 * 8, 1.0F);
    for (const array_dataflow flow : {array_dataflow::weight_stationary, array_dataflow::input_stationary}) {
        pe_fold<float> f;
        f.flow = flow;
        f.extents = flow == array_dataflow::weight_stationary ? fold_extents{20, 6, 8} : fold_extents{6, 20, 8};
        f.a = f.b = data.data();
        f.enter = 8;
        const auto results = pe_array<float>(8, 6, 1, false).run({f});
        BOOST_TEST(results[0].first[0] == 8U + 8 - 1);
        BOOST_TEST(results[0].last[5] + 1 == 2U * 8 + 6 + 20 - 2);
        BOOST_TEST(results[0].c.front() == 8.0F);
    }
}

BOOST_AUTO_TEST_CASE(a_row_without_a_weight_changes_no_bit) {
    // -0 + (+0·x) would be +0: rows beyond k pass the sum on, they do not add nothing to it.
    const std::vector<float> a(3, 1.0F), b(2, -0.0F), seed(6, -0.0F);
    pe_fold<float> f;
    f.flow = array_dataflow::weight_stationary;
    f.extents = {3, 2, 1};
    f.a = a.data();
    f.b = b.data();
    f.seed = seed.data();
    f.enter = 4;
    const auto results = pe_array<float>(4, 2, 1, true).run({f});
    for (const float sum : results[0].c)
        BOOST_TEST((sum == 0.0F && std::signbit(sum)));
}

BOOST_AUTO_TEST_CASE(the_formula_is_tight) {
    // Whatever fold_timing schedules, one cycle less before a drain is something the wires cannot do.
    std::mt19937 random(22);
    for (int trial = 0; trial < 200; ++trial) {
        scenario<float> s(random, true, array_dataflow::output_stationary);
        for (std::size_t f = 0; f < s.folds.size(); ++f)
            s.folds[f].drain = s.folds[f].enter + s.folds[f].extents.m - 1 + fold_steps(s.array, s.shape(f)) - 1;
        BOOST_CHECK_THROW((void)s.run(), std::logic_error);
    }
}

namespace {

/// Three full folds of k = 4 of which the first drains late; the third one needs its accumulators.
std::vector<pe_fold<float>> late_drain(std::uint64_t third_enters, const std::vector<float>& data) {
    pe_fold<float> f;
    f.extents = {4, 4, 4};
    f.a = f.b = data.data();
    std::vector<pe_fold<float>> folds(3, f);
    folds[0].drain = 50;
    folds[1].enter = 4;
    folds[1].drain = 54;
    folds[2].enter = third_enters;
    folds[2].drain = 100;
    return folds;
}

/// Two full folds, the second one entering and draining as given.
std::vector<pe_fold<float>> two_folds(std::uint32_t k, std::uint64_t enter, std::uint64_t drain,
                                      const std::vector<float>& data) {
    pe_fold<float> first;
    first.extents = {4, 4, k};
    first.a = first.b = data.data();
    first.drain = 3 + k;
    pe_fold<float> second = first;
    second.enter = enter;
    second.drain = drain;
    return {first, second};
}

} // namespace

BOOST_AUTO_TEST_CASE(wires_refuse_what_overlaps) {
    const std::vector<float> data(100, 1.0F);
    pe_array<float> array(4, 4, 1, true);
    BOOST_CHECK_NO_THROW((void)array.run(two_folds(6, 6, 15, data)));
    BOOST_CHECK_THROW((void)array.run(two_folds(6, 5, 15, data)), std::logic_error); // wavefronts
    BOOST_CHECK_NO_THROW((void)array.run(two_folds(2, 4, 9, data)));                 // the period is R where k is less
    BOOST_CHECK_THROW((void)array.run(two_folds(2, 2, 8, data)), std::logic_error);  // two drains in one column
    pe_array<float> single(4, 4, 1, false);
    BOOST_CHECK_THROW((void)single.run(two_folds(6, 6, 15, data)), std::logic_error); // one accumulator
    BOOST_CHECK_NO_THROW((void)single.run(two_folds(6, 16, 25, data)));               // 2R + C + k - 2
}

BOOST_AUTO_TEST_CASE(an_accumulator_is_taken_in_the_cycle_that_drains_it) {
    const std::vector<float> data(16, 1.0F);
    pe_array<float> array(4, 4, 1, true);
    BOOST_CHECK_NO_THROW((void)array.run(late_drain(50, data)));
    BOOST_CHECK_THROW((void)array.run(late_drain(49, data)), std::logic_error);

    fold_timing timing([] {
        array_geometry a;
        a.rows = a.columns = 4;
        a.period = picoseconds(1);
        return a;
    }());
    array_fold x;
    x.extents = {4, 4, 4};
    const fold_entry first = timing.enter(picoseconds(0), picoseconds(0), x);
    const fold_entry second = timing.enter(picoseconds(0), picoseconds(0), x);
    (void)timing.drain(first, x);
    timing.written(picoseconds(60)); // so late that the second drain starts at 56
    (void)timing.enter(picoseconds(0), picoseconds(0), x);
    const fold_drain late = timing.drain(second, x);
    const fold_entry fourth = timing.enter(picoseconds(0), picoseconds(0), x);
    BOOST_TEST(late.start.value() == 56U);
    BOOST_TEST(fourth.enter.value() == 56U);
    BOOST_TEST(fourth.held.value() == 56U - 12);
}

namespace {

/// Two weight stationary folds of a 4×4 array, m rows each; the second one loads and enters as given.
std::vector<pe_fold<float>> two_streams(std::uint32_t m, std::uint64_t load, std::uint64_t enter,
                                        const std::vector<float>& data) {
    pe_fold<float> first;
    first.flow = array_dataflow::weight_stationary;
    first.extents = {m, 4, 4};
    first.a = first.b = data.data();
    first.enter = 4;
    pe_fold<float> second = first;
    second.load = load;
    second.enter = enter;
    return {first, second};
}

/// An output stationary fold of a 4×4 array, k = 6, and a seeded one of the same shape.
std::vector<pe_fold<float>> plain_then_seeded(std::uint64_t load, std::uint64_t enter, const std::vector<float>& data) {
    auto folds = two_folds(6, enter, enter + 3 + 6, data);
    folds[1].seed = data.data();
    folds[1].load = load;
    return folds;
}

} // namespace

BOOST_AUTO_TEST_CASE(wires_refuse_loads_that_come_too_early_or_too_late) {
    const std::vector<float> data(100, 1.0F);
    pe_array<float> array(4, 4, 1, true);
    BOOST_CHECK_NO_THROW((void)array.run(two_streams(9, 4, 13, data)));                // hidden: period m
    BOOST_CHECK_NO_THROW((void)array.run(two_streams(2, 4, 8, data)));                 // period R where m is less
    BOOST_CHECK_THROW((void)array.run(two_streams(9, 3, 13, data)), std::logic_error); // the chain is still in use
    BOOST_CHECK_THROW((void)array.run(two_streams(2, 4, 7, data)), std::logic_error);  // not loaded yet
    BOOST_CHECK_THROW((void)array.run(two_streams(9, 4, 12, data)), std::logic_error); // wavefronts
    pe_array<float> single(4, 4, 1, false);
    BOOST_CHECK_THROW((void)single.run(two_streams(9, 4, 13, data)), std::logic_error); // one weight
    BOOST_CHECK_NO_THROW((void)single.run(two_streams(9, 19, 23, data)));               // 2R + C + m - 2
    BOOST_CHECK_NO_THROW((void)array.run(plain_then_seeded(2, 6, data)));
    BOOST_CHECK_THROW((void)array.run(plain_then_seeded(3, 6, data)), std::logic_error);
}

BOOST_AUTO_TEST_CASE(wires_refuse_results_of_two_dataflows_at_once) {
    const std::vector<float> data(100, 1.0F);
    auto folds = two_folds(6, 0, 0, data);
    folds[1].flow = array_dataflow::weight_stationary;
    folds[0].drain = 9;  // column j's results leave from 9 + j to 12 + j
    folds[1].enter = 13; // its first results leave in cycle 16
    folds[1].load = 9;
    pe_array<float> array(4, 4, 1, true);
    BOOST_CHECK_NO_THROW((void)array.run(folds));
    folds[0].drain = 14;
    BOOST_CHECK_THROW((void)array.run(folds), std::logic_error);
}
