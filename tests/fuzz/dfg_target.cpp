// .dfg, current and older layouts: an accepted graph reads back from what the writer makes of it, and what the compiler
// makes of it is a valid program.

#include "compiler/dfg/interface.h"
#include "compiler/dfg/reader.h"
#include "compiler/dfg/writer.h"
#include "compiler/passes/lower.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/program_checks.h"

using namespace kpu;

namespace {

dfg::graph read(std::string_view text, bool legacy) {
    diagnostics warnings;
    return dfg::parse_dfg(text, "fuzz.dfg", {legacy}, warnings);
}

dfx::program compile(dfg::graph g) {
    diagnostics warnings;
    dfg::bind_batch(g, 2);
    const dfg::binding bound = dfg::bind_operands(g, warnings);
    (void)dfg::interface_of(g, bound);
    return passes::lower(g, bound, {}).program;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const auto g = fuzz::accepted([&] { return read(text, true); });
    if (!g)
        return 0;
    const auto current = fuzz::accepted([&] { return read(text, false); });
    fuzz::require(!current || *current == *g, "another graph where older layouts are allowed");
    const std::string written = dfg::to_dfg(*g);
    const dfg::graph again = read(written, false);
    fuzz::require(again == *g, "another graph");
    fuzz::require(dfg::to_dfg(again) == written, "written differently");
    if (const auto p = fuzz::accepted([&] { return compile(*g); }))
        fuzz::require_identities(*p);
    return 0;
}
