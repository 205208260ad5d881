#pragma once
// What the targets of this folder have in common. A target reads its input as a file of one format; it returns where
// the input is refused or everything that follows from reading it holds, and lets everything else escape as an
// exception.

#include "platforms/common/diagnostic.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kpu::fuzz {

/// A property of an accepted input that does not hold. libFuzzer takes it for a crash, the replay for a failed test.
class finding : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

inline void require(bool holds, const std::string& property) {
    if (!holds)
        throw finding(property);
}

/// The value that `read` gives, or nothing where it refuses its input as it should: by input_error, with a reason.
template <class Read>
[[nodiscard]] auto accepted(Read read) -> std::optional<decltype(read())> {
    try {
        return read();
    } catch (const input_error& refused) {
        require(refused.problems().has_errors(), "refused without a reason");
        return std::nullopt;
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(data), size);
}

} // namespace kpu::fuzz

/// libFuzzer's entry point; each target defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
