#include "platforms/common/number_option.h"

#include "platforms/common/diagnostic.h"

#include <charconv>

namespace kpu {

namespace {

/// Empty where the text is such a number.
std::string problem_of(const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [read, failed] = std::from_chars(text.data(), end, value);
    const bool is_octal = text.size() > 1 && text.front() == '0';
    if (failed == std::errc() && read == end && !is_octal && value >= least && value <= most)
        return {};
    return "bad number: '" + text + "' (expected a whole number from " + std::to_string(least) + " to " +
           std::to_string(most) + ")";
}

} // namespace

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
    const auto check = [least, most](const std::string& text) { return problem_of(text, least, most); };
    return {check, least == 0 ? "" : "from " + std::to_string(least), "whole number"};
}

} // namespace kpu
