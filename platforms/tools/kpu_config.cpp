// kpu-config: looks at platform files without building a chip.

#include "platforms/common/diagnostic.h"
#include "platforms/common/tool.h"
#include "platforms/reader.h"
#include "platforms/schema.h"
#include "platforms/show.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace kpu;

/// Reads every file and reports the problems of all of them together.
int check_files(const std::vector<std::string>& paths) {
    diagnostics problems;
    for (const std::string& path : paths) {
        try {
            static_cast<void>(platform::read_platform(path));
            std::cout << path << ": ok\n";
        } catch (const input_error& e) {
            problems.append(e.problems());
        }
    }
    problems.throw_if_errors();
    return exit_success;
}

/// As diff(1): exit code 1 where the files differ.
int diff_files(const std::string& left, const std::string& right) {
    const std::vector<platform::difference> found =
        platform::compare(platform::read_platform(left), platform::read_platform(right));
    for (const platform::difference& d : found)
        std::cout << fmt::format("{}: {} -> {}\n", d.path, d.left, d.right);
    return found.empty() ? exit_success : exit_run_failed;
}

/// What the user asked for.
struct request {
    std::vector<std::string> files;
    std::string left, right;
};

CLI::App* add_file_command(CLI::App& app, const std::string& name, const std::string& doc, std::string& file) {
    CLI::App* command = app.add_subcommand(name, doc);
    command->add_option("platform", file, "platform file")->required();
    return command;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Checks, shows and compares KPU platform files (YAML or JSON)", "kpu-config"};
    app.require_subcommand(1);
    request r;
    CLI::App* check = app.add_subcommand("check", "report every problem of the files");
    check->add_option("platforms", r.files, "platform files")->required();
    const CLI::App* show =
        add_file_command(app, "show", "the effective configuration as YAML, defaults marked", r.left);
    CLI::App* diff = add_file_command(app, "diff", "the keys that differ; exit code 1 if any does", r.left);
    diff->add_option("other", r.right, "platform file to compare with")->required();
    const CLI::App* map = add_file_command(app, "memory-map", "the address map", r.left);
    const CLI::App* diagram = add_file_command(app, "diagram", "the block diagram", r.left);
    const CLI::App* schema = app.add_subcommand("schema", "all keys as a Markdown table");
    return run_tool(app, argc, argv, [&]() -> int {
        if (*check)
            return check_files(r.files);
        if (*diff)
            return diff_files(r.left, r.right);
        if (*show)
            std::cout << platform::to_yaml(platform::read_platform(r.left), platform::defaults::marked);
        if (*map)
            std::cout << platform::show_memory_map(platform::read_platform(r.left));
        if (*diagram)
            std::cout << platform::show_diagram(platform::read_platform(r.left));
        if (*schema)
            std::cout << platform::document_schema();
        return exit_success;
    });
}
