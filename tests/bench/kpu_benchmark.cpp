// kpu-benchmark: what simulation costs on this host. Prints tables; nothing passes or fails.

#include "platforms/common/diagnostic.h"
#include "platforms/common/tool.h"
#include "tests/bench/benchmarks.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <systemc>

namespace {

using namespace kpu;

int run(const std::string& only, bool quick) {
    for (const bench::benchmark& b : bench::all_benchmarks()) {
        if (!only.empty() && only != b.name)
            continue;
        fmt::print("{}: {}\n", b.name, b.what);
        b.run(quick);
        fmt::print("\n");
        std::fflush(stdout);
    }
    return exit_success;
}

} // namespace

int main(int argc, char** argv) {
    setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}

int sc_main(int argc, char** argv) {
    CLI::App app("Measures what simulation costs on this host.", "kpu-benchmark");
    std::string only;
    bool quick = false;
    std::vector<std::string> names;
    for (const bench::benchmark& b : bench::all_benchmarks())
        names.emplace_back(b.name);
    app.add_option("--only", only, "one of the measurements")->check(CLI::IsMember(names));
    app.add_flag("--quick", quick, "small sizes, one round: to see that it works");
    return run_tool(app, argc, argv, [&] { return run(only, quick); });
}
