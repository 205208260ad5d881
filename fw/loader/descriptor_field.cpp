#include "fw/loader/descriptor_field.h"

#include "platforms/common/diagnostic.h"

#include <fmt/format.h>
#include <limits>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_most = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t k_longest = std::numeric_limits<std::int32_t>::max();

[[noreturn]] void refuse(const std::string& message, const std::string& text, const std::string& expected) {
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = message;
    problem.text = text;
    problem.expected = expected;
    problem.hint = "smaller tensors: the engines' commands have no room for more";
    throw input_error(std::move(problem));
}

} // namespace

std::uint32_t count_field(std::uint64_t number) {
    if (number > k_most)
        refuse("a command would move too much at once", fmt::format("{}", number), fmt::format("at most {}", k_most));
    return static_cast<std::uint32_t>(number);
}

std::uint32_t stride_field(std::uint64_t count, std::int64_t stride) {
    if (count < 2)
        return 0;
    if (stride > k_longest || stride < -k_longest)
        refuse("elements of a tensor lie too far apart for one command", fmt::format("{} bytes", stride),
               fmt::format("at most {} bytes either way", k_longest));
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(stride));
}

} // namespace kpu::fw
