// kpu-profiler: prints a statistics file of kpu-loader --stats, or compares two.

#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "platforms/common/tool.h"
#include "traces/statistics.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace {

/// Numbers that do not add up make every share computed from them wrong: they are refused like any other bad input.
kpu::trace::run_statistics read(const std::string& file) {
    kpu::trace::run_statistics run = kpu::trace::from_json(kpu::read_file(file), file);
    kpu::diagnostics problems;
    for (const std::string& problem : kpu::trace::check(run)) {
        kpu::location where;
        where.file = file;
        problems.error(where, problem);
    }
    problems.throw_if_errors();
    return run;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Prints where a run's cycles went; with two files, what changed from the first to the second",
                 "kpu-profiler");
    std::vector<std::string> files;
    bool summary = false;
    app.add_option("stats", files, "one or two files as written by kpu-loader --stats")->required()->expected(1, 2);
    app.add_flag("--summary", summary, "engines summed up by kind");
    return kpu::run_tool(app, argc, argv, [&] {
        if (summary && files.size() == 2)
            throw kpu::input_error(kpu::diagnostic{
                kpu::severity::error, {}, "--summary is of one file, two are compared", files[1], "one file", ""});
        const kpu::trace::run_statistics run = read(files[0]);
        if (files.size() == 2)
            std::cout << kpu::trace::to_comparison(run, read(files[1]));
        else
            std::cout << (summary ? kpu::trace::to_table(run) : kpu::trace::to_profile(run));
        return kpu::exit_success;
    });
}
