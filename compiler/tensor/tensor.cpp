#include "compiler/tensor/tensor.h"

#include "compiler/tensor/number_format.h"
#include "platforms/common/diagnostic.h"

namespace kpu {

namespace {

constexpr std::uint64_t k_most_elements = std::uint64_t{1} << 48;

/// Element number `position` of the splitmix64 sequence of `seed` (Steele, Lea, Flood 2014), reached without its
/// predecessors.
std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t position) {
    std::uint64_t z = seed + (position + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

double random_value(dtype t, std::uint64_t bits) {
    switch (t) {
    case dtype::i8:
        return static_cast<double>(bits >> 56U) - 128.0;
    case dtype::i32:
        return static_cast<double>(bits % 2001) - 1000.0;
    case dtype::f64:
    case dtype::f32:
    case dtype::f16:
    case dtype::bf16:
    case dtype::f8:
        break;
    }
    // 53 bits: multiples of 2^-52 in [-1, 1), exact in double.
    return static_cast<double>(bits >> 11U) * 0x1p-52 - 1.0;
}

} // namespace

std::uint64_t element_count(const shape& dims) {
    std::uint64_t count = 1;
    bool too_many = false;
    for (const std::uint64_t extent : dims) {
        if (extent == 0)
            return 0;
        too_many = too_many || extent > k_most_elements / count;
        count = too_many ? 1 : count * extent;
    }
    if (too_many) {
        diagnostic problem;
        problem.message = "tensor too large";
        problem.text = to_string(dims);
        problem.expected = "at most 2^48 elements";
        throw input_error(std::move(problem));
    }
    return count;
}

std::string to_string(const shape& dims) {
    std::string out;
    for (const std::uint64_t extent : dims)
        out += (out.empty() ? "" : "x") + std::to_string(extent);
    return out;
}

tensor::tensor(dtype t, shape s) : type(t), dims(std::move(s)), data(element_count(dims) * size_of(t)) {}

tensor random_tensor(dtype t, const shape& dims, std::uint64_t seed) {
    tensor out(t, dims);
    const std::uint64_t count = element_count(dims);
    for (std::uint64_t i = 0; i < count; ++i)
        store(t, random_value(t, splitmix64(seed, i)), &out.data[i * size_of(t)]);
    return out;
}

tensor random_indices(const shape& dims, std::uint64_t seed, std::uint64_t below) {
    tensor out(dtype::i32, dims);
    const std::uint64_t count = element_count(dims);
    for (std::uint64_t i = 0; i < count; ++i)
        store(dtype::i32, static_cast<double>(splitmix64(seed, i) % below), &out.data[i * size_of(dtype::i32)]);
    return out;
}

} // namespace kpu
