// A ring of slabs in L3: whatever its size, windows gathered from it are those of the tensor with zeros around it.

#include "fw/loader/input_ring.h"
#include "tests/fw/random_windows.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using test::element_at;
using test::product;

namespace {

constexpr std::uint64_t k_element = 4;
constexpr address k_tensor(1 << 20), k_region(1 << 24), k_tile(1 << 26);
constexpr std::int64_t k_zero = -1, k_nothing = -2;

/// Numbers of the tensor's elements, k_zero for zeros, at the places of a memory of elements from `base` on.
class element_memory {
  public:
    element_memory(address base, std::uint64_t size) : m_base(base), m_values(size / k_element, k_nothing) {}

    std::int64_t& at(address where) { return m_values.at((where.value() - m_base.value()) / k_element); }

  private:
    address m_base;
    std::vector<std::int64_t> m_values;
};

/// Calls visit(offset at the source, offset at the destination) for every element.
template <class Visit>
void for_each_element(const iface::copy_operands& c, Visit visit) {
    for (std::uint64_t i = 0; i < c.count[0]; ++i)
        for (std::uint64_t j = 0; j < c.count[1]; ++j)
            for (std::uint64_t k = 0; k < c.count[2]; ++k)
                for (std::uint64_t l = 0; l < c.count[3]; ++l)
                    for (std::uint64_t b = 0; b < c.run; b += k_element) {
                        const auto offset = [&](const iface::copy_side& s) {
                            return bytes(i * s.stride[0] + j * s.stride[1] + k * s.stride[2] + l * s.stride[3] + b);
                        };
                        visit(c.source.base + offset(c.source), c.destination.base + offset(c.destination));
                    }
}

void carry_out(const iface::fill_operands& f, std::uint64_t pattern, element_memory& to) {
    BOOST_REQUIRE_EQUAL(f.pattern, pattern);
    for_each_element({f.count, f.run, f.destination, f.destination},
                     [&](address, address where) { to.at(where) = k_zero; });
}

/// A ring of `places` slabs after these have been loaded one by one.
element_memory loaded(const fw::padded_input& input, fw::extent slabs, const fw::slab_ring& ring,
                      std::uint64_t pattern) {
    element_memory region(k_region, input.room_before() + ring.slabs * input.slab_bytes() + input.room_behind());
    for (const std::vector<iface::fill_operands>& fills : input.border(ring, 3))
        for (const iface::fill_operands& fill : fills)
            carry_out(fill, pattern, region);
    for (std::uint64_t s = slabs.first; s < slabs.first + slabs.count; ++s) {
        const fw::padded_input::load load = input.load_slabs({s, 1}, k_tensor, ring);
        for (const iface::fill_operands& fill : load.fills)
            carry_out(fill, pattern, region);
        for (const iface::copy_operands& move : load.moves)
            for_each_element(move, [&](address from, address to) {
                region.at(to) = static_cast<std::int64_t>((from.value() - k_tensor.value()) / k_element);
            });
    }
    return region;
}

/// What copies bring from the ring's memory to a tile.
element_memory carried_out(const std::vector<iface::copy_operands>& moves, element_memory& region,
                           std::uint64_t elements) {
    element_memory tile(k_tile, elements * k_element);
    for (const iface::copy_operands& move : moves)
        for_each_element(move, [&](address from, address to) {
            BOOST_REQUIRE_MESSAGE(tile.at(to) == k_nothing, "written twice");
            tile.at(to) = region.at(from);
        });
    return tile;
}

} // namespace

BOOST_AUTO_TEST_CASE(windows_from_rings_of_any_size_are_those_of_the_tensor) {
    const unsigned seed = 20261129;
    BOOST_TEST_MESSAGE("seed " << seed);
    test::window_generator draw{std::mt19937(seed)};
    int cut = 0;
    for (int round = 0; round < 1500; ++round) {
        const dfx::window_rows w = test::random_windows(draw);
        const fw::padded_input input(w, k_element);
        if (!input.has_elements())
            continue;
        const std::uint64_t rows = product(w.places);
        const std::uint64_t depth = product(w.window.kernel) * w.input.back();
        const std::uint64_t r = draw(0, rows - 1);
        const std::uint64_t k = draw(0, depth - 1);
        const fw::extent some_rows{r, draw(1, rows - r)};
        const fw::extent some_depth{k, draw(1, depth - k)};
        const fw::extent slabs = input.slabs_of(some_rows);
        BOOST_REQUIRE_LE(slabs.count, input.most_slabs_of(some_rows.count));
        BOOST_REQUIRE_LE(slabs.first + slabs.count, input.slabs());

        const std::uint64_t places = slabs.count + draw(0, 3);
        const fw::slab_ring ring{k_region + bytes(input.room_before()), places};
        cut += slabs.first / places != (slabs.first + slabs.count - 1) / places ? 1 : 0;
        element_memory region = loaded(input, slabs, ring, 0);
        element_memory tile =
            carried_out(input.gather(some_rows, some_depth, ring, k_tile), region, some_rows.count * some_depth.count);
        for (std::uint64_t i = 0; i < some_rows.count; ++i)
            for (std::uint64_t j = 0; j < some_depth.count; ++j)
                BOOST_REQUIRE_EQUAL(tile.at(k_tile + bytes((i * some_depth.count + j) * k_element)),
                                    element_at(w, r + i, k + j));
    }
    BOOST_TEST_MESSAGE(cut << " times a ring began anew");
    BOOST_TEST(cut > 100);
}

BOOST_AUTO_TEST_CASE(boxes_of_slices_are_those_of_the_tensor) {
    test::window_generator draw{std::mt19937(20261130)};
    constexpr std::uint64_t k_padding = 0xff800000ff800000;
    for (int round = 0; round < 1500; ++round) {
        const dfx::window_rows w = test::random_windows(draw);
        const std::uint64_t channels = w.input.back();
        const std::uint64_t slice = draw(1, channels);
        const fw::padded_input input(w, k_element, slice, k_padding);
        if (w.window.kernel.size() != 2 || !input.has_elements())
            continue;
        const std::uint64_t images = w.input[0] * ((channels + slice - 1) / slice);
        const std::uint64_t height = input.slabs() / images;
        const std::uint64_t width = input.slab_bytes() / (slice * k_element);
        const std::uint64_t image = draw(0, images - 1), y = draw(0, height - 1), x = draw(0, width - 1);
        const fw::extent slabs{image * height + y, draw(1, height - y)};
        const fw::extent line{x, draw(1, width - x)};
        const std::uint64_t first = image / w.input[0] * slice;
        const std::uint64_t deep = std::min(slice, channels - first);
        const fw::slab_ring ring{k_region + bytes(input.room_before()), slabs.count + draw(0, 3)};
        element_memory region = loaded(input, slabs, ring, k_padding);
        element_memory tile =
            carried_out(input.box(slabs, line, deep, ring, k_tile), region, slabs.count * line.count * deep);
        const auto element_of = [&](std::uint64_t row, std::uint64_t column, std::uint64_t channel) {
            const std::uint64_t top = w.window.before[0], left = w.window.before[1];
            if (row < top || row - top >= w.input[1] || column < left || column - left >= w.input[2])
                return k_zero;
            const std::uint64_t lines = image % w.input[0] * w.input[1] + row - top;
            return static_cast<std::int64_t>((lines * w.input[2] + column - left) * channels + first + channel);
        };
        for (std::uint64_t i = 0; i < slabs.count; ++i)
            for (std::uint64_t j = 0; j < line.count; ++j)
                for (std::uint64_t c = 0; c < deep; ++c)
                    BOOST_REQUIRE_EQUAL(tile.at(k_tile + bytes(((i * line.count + j) * deep + c) * k_element)),
                                        element_of(y + i, x + j, c));
    }
}

BOOST_AUTO_TEST_CASE(whole_lines_of_windows_are_one_copy) {
    // 3x3 over 112x112x32 with a border all around
    dfx::window_rows w;
    w.input = {1, 112, 112, 32};
    w.places = {1, 112, 112};
    w.window = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    const fw::padded_input input(w, 4);
    const fw::slab_ring ring{k_region, input.slabs()};
    BOOST_TEST(input.slabs() == 114U);
    BOOST_TEST(input.slab_bytes() == 114U * 32 * 4);
    BOOST_TEST(input.gather({0, 112ULL * 5}, {0, 288}, ring, k_tile).size() == 1U);
    BOOST_TEST(input.gather({100, 256}, {0, 288}, ring, k_tile).size() == 3U);
    BOOST_TEST(input.load_slabs({1, 112}, k_tensor, ring).moves.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_border_is_shared_by_engines) {
    dfx::window_rows w;
    w.input = {2, 112, 112, 1};
    w.places = {2, 112, 112};
    w.window = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    const fw::padded_input input(w, 4);
    const fw::slab_ring ring{k_region, input.slabs()};
    const auto one = input.border(ring, 1);
    BOOST_REQUIRE_EQUAL(one.size(), 1U);
    BOOST_REQUIRE_EQUAL(one.front().size(), 1U);
    BOOST_TEST(input.border(ring, 2).size() == 2U);
    const auto lists = input.border(ring, 8); // as many as are worth a command
    BOOST_TEST(lists.size() == 4U);
    address next = one.front().front().destination.base;
    std::uint64_t runs = 0;
    for (const auto& fills : lists) {
        BOOST_REQUIRE_EQUAL(fills.size(), 1U);
        BOOST_TEST(fills.front().destination.base.value() == next.value());
        next = next + bytes(std::uint64_t{fills.front().count[3]} * fills.front().destination.stride[3]);
        runs += fills.front().count[3];
    }
    BOOST_TEST(runs == one.front().front().count[3]);
    // the planes of a volume and their lines end together
    w.input = {1, 80, 80, 80, 1};
    w.places = {1, 80, 80, 80};
    w.window = {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
    const fw::padded_input volume(w, 4);
    BOOST_TEST(volume.border({k_region, volume.slabs()}, 8).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_ring_has_room_for_what_rows_need_wherever_they_begin) {
    test::window_generator draw{std::mt19937(7)};
    for (int round = 0; round < 1000; ++round) {
        const dfx::window_rows w = test::random_windows(draw);
        const fw::padded_input input(w, k_element);
        const std::uint64_t rows = product(w.places);
        const std::uint64_t some = draw(1, rows);
        const fw::ring_plan plan = fw::ring_for(input, input.most_slabs_of(some));
        BOOST_REQUIRE_EQUAL(plan.slabs % plan.chunk, 0U);
        BOOST_REQUIRE_EQUAL(plan.whole, plan.slabs >= input.slabs());
        const fw::input_ring ring(input, plan, k_region, {}, {engine_id(0)});
        for (std::uint64_t first = 0; first + some <= rows; ++first)
            BOOST_REQUIRE_LE(ring.chunks_of({first, some}).count, plan.slabs / plan.chunk);
    }
}
