#pragma once
// Lines of DFX text within a kernel.

#include "compiler/dfx/program.h"
#include "compiler/dfx/text_line.h"

#include <string>
#include <vector>

namespace kpu::dfx {

/// The names that a line in a kernel may use. Where a line that may have introduced another could not be read, unknown
/// names are let pass: nothing comes of the program, and they would only repeat that error.
struct known_names {
    const program& tensors;
    const std::vector<std::string>& loops; ///< around it, outermost first
    bool tensor_lost = false;
    bool loop_lost = false;
};

/// A move, compute or barrier. Throws line_error.
[[nodiscard]] statement read_operation(text_line& line, const known_names& known);
/// The first line of a loop within those of these names, up to its brace. Throws line_error.
[[nodiscard]] tile_loop read_loop(text_line& line, const std::vector<std::string>& around);

/// The names of an enumeration's values.
template <class Enum>
const std::vector<std::string>& names_of() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names;
        for (const Enum value : all_of<Enum>())
            names.emplace_back(name_of(value));
        return names;
    }();
    return all;
}

/// A value of an enumeration by its name.
template <class Enum>
Enum choice(text_line& line, const char* what) {
    return all_of<Enum>()[line.choose(names_of<Enum>(), what)];
}

} // namespace kpu::dfx
