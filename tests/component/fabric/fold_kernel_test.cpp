// The fold kernels against the scalar loop in k order, bit for bit: all types, all instruction sets of the host, ragged
// shapes.

#include "hw/fabric/fold_kernel.h"
#include "tests/component/fabric/format_reference.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using kpu::hw::fold_extents;
using kpu::hw::fold_kernel;
using kpu::hw::host_isa;
using kpu::iface::element_type;
using kpu::test::narrow_format;

/// Exactly as long as asked for, so that AddressSanitizer sees a read beyond it, and misaligned by `shift`.
class buffer {
  public:
    buffer(std::size_t size, std::size_t shift)
        : m_size(size), m_shift(shift), m_data(new unsigned char[size + shift]) {}
    [[nodiscard]] unsigned char* data() const { return m_data.get() + m_shift; }
    [[nodiscard]] std::size_t size() const { return m_size; }
    template <class T>
    [[nodiscard]] T get(std::size_t i) const {
        T value{};
        std::memcpy(&value, data() + i * sizeof(T), sizeof(T));
        return value;
    }
    template <class T>
    void set(std::size_t i, T value) const {
        std::memcpy(data() + i * sizeof(T), &value, sizeof(T));
    }

  private:
    std::size_t m_size, m_shift;
    std::unique_ptr<unsigned char[]> m_data;
};

/// Built once: the table of values takes time.
const narrow_format& format_of(element_type type) {
    static const narrow_format formats[] = {narrow_format::f16(), narrow_format::bf16(), narrow_format::f8()};
    return formats[static_cast<int>(type) - static_cast<int>(element_type::f16)];
}

void fill(const buffer& into, element_type type, std::mt19937& random) {
    std::uniform_real_distribution<double> real(-1, 1);
    for (std::size_t i = 0; i < into.size() / kpu::iface::size_of(type); ++i) {
        const double v = real(random);
        if (type == element_type::f64)
            into.set(i, v);
        else if (type == element_type::f32)
            into.set(i, static_cast<float>(v));
        else if (type == element_type::i8 || type == element_type::f8)
            into.set(i, type == element_type::i8 ? static_cast<std::uint8_t>(random())
                                                 : static_cast<std::uint8_t>(format_of(type).encode(v)));
        else if (type == element_type::i32)
            into.set(i, static_cast<std::uint32_t>(random()));
        else
            into.set(i, static_cast<std::uint16_t>(format_of(type).encode(v)));
    }
}

float widened(const narrow_format& format, std::uint32_t code) {
    return static_cast<float>(format.value(code));
}

/// c += a·b by the definition. Operand readers make the types.
template <class T, class ReadA, class ReadB>
void by_definition(const fold_extents& x, ReadA a, ReadB b, const buffer& c) {
    for (std::size_t i = 0; i < x.m; ++i)
        for (std::size_t j = 0; j < x.n; ++j) {
            T sum = c.get<T>(i * x.n + j);
            for (std::size_t k = 0; k < x.k; ++k) {
                const T product = static_cast<T>(a(i * x.k + k) * b(k * x.n + j));
                sum = static_cast<T>(sum + product);
            }
            c.set(i * x.n + j, sum);
        }
}

template <class T>
void by_definition_of(const fold_extents& x, const buffer& a, const buffer& b, const buffer& c) {
    by_definition<T>(
        x, [&](std::size_t i) { return a.get<T>(i); }, [&](std::size_t i) { return b.get<T>(i); }, c);
}

void reference(element_type type, const fold_extents& x, const buffer& a, const buffer& b, const buffer& c) {
    if (type == element_type::f64)
        return by_definition_of<double>(x, a, b, c);
    if (type == element_type::f32)
        return by_definition_of<float>(x, a, b, c);
    if (type == element_type::i32)
        return by_definition_of<std::uint32_t>(x, a, b, c);
    const auto narrow_int = [](const buffer& from) {
        return [&from](std::size_t i) { return static_cast<std::uint32_t>(std::int32_t{from.get<std::int8_t>(i)}); };
    };
    if (type == element_type::i8)
        return by_definition<std::uint32_t>(x, narrow_int(a), narrow_int(b), c);
    const narrow_format& format = format_of(type);
    const auto narrow = [&](const buffer& from) {
        return [&from, &format, type](std::size_t i) {
            return widened(format, type == element_type::f8 ? from.get<std::uint8_t>(i) : from.get<std::uint16_t>(i));
        };
    };
    by_definition<float>(x, narrow(a), narrow(b), c);
}

struct operands {
    operands(element_type type, const fold_extents& x, std::mt19937& random)
        : a(std::size_t{x.m} * x.k * kpu::iface::size_of(type), random() % 4),
          b(std::size_t{x.k} * x.n * kpu::iface::size_of(type), random() % 4),
          c(std::size_t{x.m} * x.n * kpu::iface::size_of(kpu::iface::accumulator_of(type)), random() % 4),
          expected(c.size(), 0) {
        fill(a, type, random);
        fill(b, type, random);
        fill(c, kpu::iface::accumulator_of(type), random);
        std::memcpy(expected.data(), c.data(), c.size());
    }
    buffer a, b, c, expected;
};

fold_extents random_extents(std::mt19937& random) {
    const auto edge = [&] { return 1 + static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 64 : 18)); };
    return {edge(), edge(), static_cast<std::uint32_t>(random() % (random() % 4 == 0 ? 700 : 40))};
}

void compare(element_type type, host_isa isa, const fold_extents& x, std::mt19937& random) {
    const operands o(type, x, random);
    reference(type, x, o.a, o.b, o.expected);
    fold_kernel kernel(64, 64, isa);
    kernel.fold(type, x, o.a.data(), o.b.data(), o.c.data());
    if (std::memcmp(o.c.data(), o.expected.data(), o.c.size()) != 0)
        BOOST_ERROR(name_of(isa) << ", type " << static_cast<int>(type) << ", " << x.m << 'x' << x.n << 'x' << x.k);
}

} // namespace

BOOST_DATA_TEST_CASE(random_shapes_on_all_instruction_sets, boost::unit_test::data::xrange(7), number) {
    const auto type = static_cast<element_type>(number);
    for (const host_isa isa : kpu::hw::host_isas()) {
        std::mt19937 random(static_cast<unsigned>(100 + number));
        for (int i = 0; i < 60; ++i)
            compare(type, isa, random_extents(random), random);
    }
}

BOOST_AUTO_TEST_CASE(every_small_shape_of_f32) {
    std::mt19937 random(5);
    for (const host_isa isa : kpu::hw::host_isas())
        for (std::uint32_t m = 1; m <= 17; ++m)
            for (std::uint32_t n = 1; n <= 33; ++n)
                compare(element_type::f32, isa, {m, n, 1 + n % 5}, random);
}

BOOST_AUTO_TEST_CASE(depth_zero_leaves_the_seed) {
    std::mt19937 random(6);
    for (const host_isa isa : kpu::hw::host_isas())
        for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t)
            compare(static_cast<element_type>(t), isa, {5, 7, 0}, random);
}

BOOST_AUTO_TEST_CASE(slices_of_k_do_not_show) {
    std::mt19937 random(7);
    for (const std::uint32_t k : {255U, 256U, 257U, 512U, 513U, 1100U})
        for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t)
            compare(static_cast<element_type>(t), kpu::hw::host_isas().back(), {9, 21, k}, random);
}

BOOST_AUTO_TEST_CASE(folds_longer_than_the_array_grow_the_scratch) {
    std::mt19937 random(9);
    for (const fold_extents& x : {fold_extents{700, 7, 16}, {9, 900, 16}, {1, 300, 300}})
        for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t)
            for (const host_isa isa : kpu::hw::host_isas()) {
                const auto type = static_cast<element_type>(t);
                const operands o(type, x, random);
                reference(type, x, o.a, o.b, o.expected);
                fold_kernel small(4, 4, isa);
                small.fold(type, x, o.a.data(), o.b.data(), o.c.data());
                BOOST_TEST(std::memcmp(o.c.data(), o.expected.data(), o.c.size()) == 0);
            }
}

BOOST_AUTO_TEST_CASE(the_reference_would_see_a_fused_multiply_add) {
    std::mt19937 random(8);
    const fold_extents x{16, 16, 64};
    const operands o(element_type::f32, x, random);
    const operands fused = [&] {
        std::mt19937 again(8);
        return operands(element_type::f32, x, again);
    }();
    reference(element_type::f32, x, o.a, o.b, o.expected);
    for (std::size_t i = 0; i < x.m; ++i)
        for (std::size_t j = 0; j < x.n; ++j) {
            float sum = fused.c.get<float>(i * x.n + j);
            for (std::size_t k = 0; k < x.k; ++k)
                sum = std::fma(fused.a.get<float>(i * x.k + k), fused.b.get<float>(k * x.n + j), sum);
            fused.c.set(i * x.n + j, sum);
        }
    BOOST_TEST(std::memcmp(fused.c.data(), o.expected.data(), o.c.size()) != 0);
}

BOOST_AUTO_TEST_CASE(infinities_and_nan_stay_in_their_elements) {
    // What lies beside an element in memory must not leak into it through a padded vector.
    for (const host_isa isa : kpu::hw::host_isas()) {
        const fold_extents x{3, 5, 4};
        std::vector<float> a(x.m * x.k, 1.0F), b(x.k * x.n, 2.0F), c(x.m * x.n);
        b[0 * x.n + 3] = HUGE_VALF;
        b[2 * x.n + 1] = std::nanf("");
        fold_kernel kernel(8, 8, isa);
        kernel.fold(element_type::f32, x, a.data(), b.data(), c.data());
        for (std::size_t i = 0; i < x.m; ++i) {
            BOOST_TEST(c[i * x.n + 0] == 8.0F);
            BOOST_TEST(std::isnan(c[i * x.n + 1]));
            BOOST_TEST(c[i * x.n + 2] == 8.0F);
            BOOST_TEST(c[i * x.n + 3] == HUGE_VALF);
            BOOST_TEST(c[i * x.n + 4] == 8.0F);
        }
    }
}

BOOST_AUTO_TEST_CASE(i32_wraps_around) {
    const std::int32_t a = 0x40000000, b = 4, seed = 7;
    std::int32_t c = seed;
    fold_kernel(1, 1).fold(element_type::i32, {1, 1, 1}, &a, &b, &c);
    BOOST_TEST(c == seed);
}

BOOST_AUTO_TEST_CASE(the_host_has_at_least_the_baseline) {
    const std::vector<host_isa> all = kpu::hw::host_isas();
    BOOST_REQUIRE(!all.empty());
    BOOST_TEST((all.front() == host_isa::baseline));
    std::string names;
    for (const host_isa isa : all)
        names += std::string(name_of(isa)) + ' ';
    BOOST_TEST_MESSAGE("tested on: " << names);
}

namespace {

/// Memory that ends where the next access faults.
class guarded {
  public:
    explicit guarded(std::size_t size)
        : m_page(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), m_length((size / m_page + 2) * m_page),
          m_base(static_cast<unsigned char*>(
              mmap(nullptr, m_length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        BOOST_REQUIRE(m_base != MAP_FAILED);
        BOOST_REQUIRE_EQUAL(mprotect(m_base + m_length - m_page, m_page, PROT_NONE), 0);
        m_data = m_base + m_length - m_page - size;
    }
    ~guarded() { munmap(m_base, m_length); }
    guarded(const guarded&) = delete;
    guarded& operator=(const guarded&) = delete;
    [[nodiscard]] unsigned char* data() const { return m_data; }

  private:
    std::size_t m_page, m_length;
    unsigned char* m_base;
    unsigned char* m_data = nullptr;
};

} // namespace

BOOST_AUTO_TEST_CASE(nothing_beyond_the_operands_is_touched) {
    for (const host_isa isa : kpu::hw::host_isas())
        for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t)
            for (std::uint32_t n = 1; n <= 35; n += 1 + n / 9)
                for (const std::uint32_t k : {1U, 2U, 3U, 17U}) {
                    const auto type = static_cast<element_type>(t);
                    const fold_extents x{3, n, k};
                    const std::size_t size = kpu::iface::size_of(type);
                    const guarded a(3 * k * size), b(std::size_t{k} * n * size);
                    const guarded c(std::size_t{3} * n * kpu::iface::size_of(kpu::iface::accumulator_of(type)));
                    fold_kernel(3, n, isa).fold(type, x, a.data(), b.data(), c.data());
                }
}
