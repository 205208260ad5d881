#pragma once
// Lines of DFX text within a kernel.

#include "compiler/dfx/program.h"
#include "compiler/dfx/text_line.h"

#include <string>
#include <vector>

namespace kpu::dfx {

/// A move, compute or barrier. Its tensors are those of `p`, its indices refer to `loops`, outermost first. `lenient`:
/// a loop around it could not be read, so a name that is unknown may be that loop's. Throws line_error.
[[nodiscard]] statement read_operation(text_line& line, const program& p, const std::vector<std::string>& loops,
                                       bool lenient);
/// The first line of a loop, up to its brace. Throws line_error.
[[nodiscard]] tile_loop read_loop(text_line& line);

/// A value of an enumeration by its name.
template <class Enum>
Enum choice(text_line& line, const char* what) {
    std::vector<std::string> all;
    for (const Enum value : all_of<Enum>()) {
        if (line.accept(name_of(value)))
            return value;
        all.emplace_back(name_of(value));
    }
    std::string expected;
    for (const std::string& one : all)
        expected += (expected.empty() ? "" : ", ") + one;
    line.refuse(std::string("unknown ") + what, expected);
}

} // namespace kpu::dfx
