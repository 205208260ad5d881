#pragma once
// Every small mistake that a compiler, an assembler's user or a damaged file could make in a program.

#include "compiler/dfx/program.h"

#include <functional>
#include <string>
#include <vector>

namespace kpu::test {

struct mutation {
    std::string kind; ///< "drop a dependence"
    std::function<void(dfx::program&)> apply;
};

/// All of them at all places of the program. Each is one change; some leave its meaning as it is. Left out is what
/// makes another program that nobody could tell from a meant one: a product without its seed, a result rounded to
/// another type of the same size.
[[nodiscard]] std::vector<mutation> mutations_of(const dfx::program& p);

} // namespace kpu::test
