// The PE-level model against the formulas (cycles of the first and last result of every column) and the kernels (bits),
// and its refusal of schedules that the wires cannot do.

#include "hw/fabric/fold_timing.h"
#include "hw/fabric/pe_array.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
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
    scenario(std::mt19937& random, bool is_pipelined) {
        array.rows = 1 + static_cast<std::uint32_t>(random() % 9);
        array.columns = 1 + static_cast<std::uint32_t>(random() % 9);
        array.pipelined = is_pipelined;
        array.period = picoseconds(1);
        array.macs_per_pe.fill(1 + static_cast<std::uint32_t>(random() % 3));
        const std::size_t count = 1 + random() % 5;
        for (std::size_t f = 0; f < count; ++f)
            add(random);
        schedule(random);
    }

    [[nodiscard]] std::vector<typename pe_array<T>::result> run() const {
        return pe_array<T>(array.rows, array.columns, array.macs_per_pe[0], array.pipelined ? 2 : 1).run(folds);
    }
    [[nodiscard]] std::vector<T> by_kernel(std::size_t f) const {
        const fold_extents& x = folds[f].extents;
        std::vector<T> c(std::size_t{x.m} * x.n);
        if (folds[f].seed != nullptr)
            c.assign(folds[f].seed, folds[f].seed + c.size());
        fold_kernel(x.m, x.n).fold(k_type<T>, x, folds[f].a, folds[f].b, c.data());
        return c;
    }

    array_geometry array;
    std::vector<typename pe_array<T>::fold> folds;
    std::vector<fold_drain> drains;

  private:
    void add(std::mt19937& random) {
        typename pe_array<T>::fold f;
        f.extents = {1 + static_cast<std::uint32_t>(random() % array.rows),
                     1 + static_cast<std::uint32_t>(random() % array.columns),
                     1 + static_cast<std::uint32_t>(random() % 25)};
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
            drains.push_back(timing.drain(entries[f], folds[f].extents));
            timing.written(drains.back().start + picoseconds(random() % 3 == 0 ? random() % 40 : 0));
            folds[f].drain = drains.back().start.value();
        };
        for (auto& f : folds) {
            while (!timing.may_enter())
                drain_next();
            const picoseconds arrival(random() % 2 == 0 ? 0 : random() % 60);
            entries.push_back(timing.enter(arrival, picoseconds(random() % 20), k_type<T>, f.extents));
            f.enter = entries.back().enter.value();
        }
        while (timing.may_drain())
            drain_next();
    }
    std::vector<std::vector<T>> m_data;
};

template <class T>
void check_agreement() {
    std::mt19937 random(21);
    for (int trial = 0; trial < 400; ++trial) {
        const scenario<T> s(random, trial % 4 != 0);
        const auto results = s.run();
        for (std::size_t f = 0; f < results.size(); ++f) {
            const std::vector<T> c = s.by_kernel(f);
            BOOST_REQUIRE_EQUAL(std::memcmp(results[f].c.data(), c.data(), c.size() * sizeof(T)), 0);
            for (std::uint32_t j = 0; j < s.folds[f].extents.n; ++j) {
                BOOST_REQUIRE_EQUAL(results[f].first[j], s.drains[f].first_result(j).value());
                BOOST_REQUIRE_EQUAL(results[f].last[j], s.drains[f].last_result(j).value());
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_f32) {
    check_agreement<float>();
}

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_f64) {
    check_agreement<double>();
}

BOOST_AUTO_TEST_CASE(formula_wires_and_kernel_agree_in_i32) {
    check_agreement<std::uint32_t>();
}

BOOST_AUTO_TEST_CASE(a_full_fold_leaves_after_2r_c_k_minus_2_cycles) {
    const std::vector<float> a(8 * 20, 1.0F), b(20 * 6, 1.0F);
    pe_array<float>::fold f;
    f.extents = {8, 6, 20};
    f.a = a.data();
    f.b = b.data();
    f.drain = 8 - 1 + 20;
    const auto results = pe_array<float>(8, 6, 1, 1).run({f});
    BOOST_TEST(results[0].last[5] + 1 == 2U * 8 + 6 + 20 - 2);
    BOOST_TEST(results[0].c.front() == 20.0F);
}

BOOST_AUTO_TEST_CASE(the_formula_is_tight) {
    // Whatever fold_timing schedules, one cycle less between drains or before a drain is something the wires cannot do.
    std::mt19937 random(22);
    unsigned refused = 0;
    for (int trial = 0; trial < 200; ++trial) {
        scenario<float> s(random, true);
        for (auto& f : s.folds)
            f.drain = f.enter + f.extents.m - 1 + fold_steps(s.array, element_type::f32, f.extents.k) - 1;
        BOOST_CHECK_THROW((void)s.run(), std::logic_error);
        ++refused;
    }
    BOOST_TEST(refused == 200U);
}

namespace {

/// Three full folds of k = 4 of which the first drains late; the third one needs its accumulators.
std::vector<pe_array<float>::fold> late_drain(std::uint64_t third_enters, const std::vector<float>& data) {
    pe_array<float>::fold f;
    f.extents = {4, 4, 4};
    f.a = f.b = data.data();
    std::vector<pe_array<float>::fold> folds(3, f);
    folds[0].drain = 50;
    folds[1].enter = 4;
    folds[1].drain = 54;
    folds[2].enter = third_enters;
    folds[2].drain = 100;
    return folds;
}

/// Two full folds, the second one entering and draining as given.
std::vector<pe_array<float>::fold> two_folds(std::uint32_t k, std::uint64_t enter, std::uint64_t drain,
                                             const std::vector<float>& data) {
    pe_array<float>::fold first;
    first.extents = {4, 4, k};
    first.a = first.b = data.data();
    first.drain = 3 + k;
    pe_array<float>::fold second = first;
    second.enter = enter;
    second.drain = drain;
    return {first, second};
}

} // namespace

BOOST_AUTO_TEST_CASE(wires_refuse_what_overlaps) {
    const std::vector<float> data(100, 1.0F);
    pe_array<float> array(4, 4, 1, 2);
    BOOST_CHECK_NO_THROW((void)array.run(two_folds(6, 6, 15, data)));
    BOOST_CHECK_THROW((void)array.run(two_folds(6, 5, 15, data)), std::logic_error); // wavefronts
    BOOST_CHECK_NO_THROW((void)array.run(two_folds(2, 4, 9, data)));                 // the period is R where k is less
    BOOST_CHECK_THROW((void)array.run(two_folds(2, 2, 8, data)), std::logic_error);  // two drains in one column
    pe_array<float> single(4, 4, 1, 1);
    BOOST_CHECK_THROW((void)single.run(two_folds(6, 6, 15, data)), std::logic_error); // one accumulator
    BOOST_CHECK_NO_THROW((void)single.run(two_folds(6, 16, 25, data)));               // 2R + C + k - 2
}

BOOST_AUTO_TEST_CASE(an_accumulator_is_taken_in_the_cycle_that_drains_it) {
    const std::vector<float> data(16, 1.0F);
    pe_array<float> array(4, 4, 1, 2);
    BOOST_CHECK_NO_THROW((void)array.run(late_drain(50, data)));
    BOOST_CHECK_THROW((void)array.run(late_drain(49, data)), std::logic_error);

    fold_timing timing([] {
        array_geometry a;
        a.rows = a.columns = 4;
        a.period = picoseconds(1);
        return a;
    }());
    const fold_extents x{4, 4, 4};
    const fold_entry first = timing.enter(picoseconds(0), picoseconds(0), element_type::f32, x);
    const fold_entry second = timing.enter(picoseconds(0), picoseconds(0), element_type::f32, x);
    (void)timing.drain(first, x);
    timing.written(picoseconds(60)); // so late that the second drain starts at 56
    (void)timing.enter(picoseconds(0), picoseconds(0), element_type::f32, x);
    const fold_drain late = timing.drain(second, x);
    const fold_entry fourth = timing.enter(picoseconds(0), picoseconds(0), element_type::f32, x);
    BOOST_TEST(late.start.value() == 56U);
    BOOST_TEST(fourth.enter.value() == 56U);
    BOOST_TEST(fourth.held.value() == 56U - 12);
}
