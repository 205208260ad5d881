#include "hw/fabric/vector_check.h"

#include "hw/fabric/vector_kernel.h"

#include <algorithm>
#include <array>

namespace kpu::hw {

using iface::element_type;
using iface::vector_function;

namespace {

bool overlap(const byte_range& a, const byte_range& b) {
    return a.first < b.first + b.size && b.first < a.first + a.size;
}

bool aligned(const iface::vector_side& side, element_type type) {
    const std::uint64_t size = iface::size_of(type);
    return side.base.value() % size == 0 && std::all_of(side.stride.begin(), side.stride.end(),
                                                        [&](std::uint32_t stride) { return stride % size == 0; });
}

bool within_reach(const iface::vector_operands& x, const iface::vector_side& side, element_type type) {
    const byte_range range = range_of(x, side, type);
    return range.size.value() <= k_longest_range && range.first <= range.first + range.size;
}

bool computes(const iface::vector_operands& x) {
    const auto integer = [](element_type t) { return t == element_type::i8 || t == element_type::i32; };
    switch (x.function) {
    case vector_function::sigmoid:
    case vector_function::arctangent:
    case vector_function::exponential:
    case vector_function::reciprocal:
        return !integer(x.from);
    case vector_function::multiply_add:
        return x.to == iface::accumulator_of(x.from) || x.to == x.from;
    default:
        return static_cast<std::uint32_t>(x.function) < iface::k_vector_functions;
    }
}

bool well_formed(const iface::vector_operands& x) {
    const auto known = [](element_type t) { return static_cast<std::uint32_t>(t) < iface::k_element_types; };
    if (!known(x.from) || !known(x.to) || !computes(x))
        return false;
    std::uint64_t elements = 1;
    for (const std::uint32_t count : x.count) {
        if (count == 0 || count > k_longest_vector)
            return false;
        elements *= count;
        if (elements > k_longest_vector)
            return false;
    }
    return true;
}

/// No two results overlap but those that are one running value: from the finest dimension in which the destination
/// moves to the coarsest, each steps over all of the one before.
bool apart(const iface::vector_operands& x) {
    std::array<std::size_t, iface::k_vector_dims> dims{0, 1, 2};
    const auto& stride = x.destination.stride;
    std::sort(dims.begin(), dims.end(), [&](std::size_t a, std::size_t b) { return stride[a] < stride[b]; });
    std::uint64_t reach = iface::size_of(x.to);
    for (const std::size_t d : dims) {
        if (x.count[d] == 1 || stride[d] == 0)
            continue;
        if (stride[d] < reach)
            return false;
        reach += std::uint64_t{x.count[d] - 1} * stride[d];
    }
    return true;
}

/// The side's elements follow each other upwards in the order of the walk, and the destination never gets ahead of
/// them: a result may end where the next operand begins.
bool trails(const iface::vector_operands& x, const iface::vector_side& side) {
    if (x.destination.base != side.base || iface::size_of(x.to) > iface::size_of(x.from))
        return false;
    std::uint64_t reach = iface::size_of(x.from);
    for (std::size_t d = iface::k_vector_dims; d-- > 0;) {
        if (x.count[d] == 1)
            continue;
        if (side.stride[d] < reach || x.destination.stride[d] > side.stride[d])
            return false;
        reach += std::uint64_t{x.count[d] - 1} * side.stride[d];
    }
    return true;
}

/// Results are written while operands stream in: none may be lost, and a running value has one type.
bool may_write(const iface::vector_operands& x, const iface::vector_side& side) {
    if (!overlap(range_of(x, x.destination, x.to), range_of(x, side, x.from)))
        return true;
    const bool runs = reads_destination(x);
    return (is_destination(x, side) && (!runs || x.from == x.to)) || trails(x, side);
}

bool sound(const iface::vector_operands& x, const iface::vector_side& side) {
    return aligned(side, x.from) && within_reach(x, side, x.from) && may_write(x, side);
}

} // namespace

iface::fault refusal_of(const iface::vector_operands& x) {
    const bool is_sound = well_formed(x) && aligned(x.destination, x.to) && within_reach(x, x.destination, x.to) &&
                          apart(x) && sound(x, x.source) && (!iface::takes_operand(x.function) || sound(x, x.operand));
    return is_sound ? iface::fault::none : iface::fault::bad_operand;
}

} // namespace kpu::hw
