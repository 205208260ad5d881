// kpu-disassembler: a .kpu file for people: as DFX text, or as the commands that a chip gets.

#include "compiler/dfx/text.h"
#include "compiler/object/object.h"
#include "compiler/tensor/npz.h"
#include "fw/firmware/runtime.h"
#include "fw/tools/device.h"
#include "platforms/common/files.h"
#include "platforms/common/number_option.h"
#include "platforms/common/option_files.h"
#include "platforms/common/tool.h"
#include "platforms/reader.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <sstream>
#include <systemc>

namespace {

using namespace kpu;

struct options {
    std::string program;
    std::string output;
    std::string values;
    std::string platform;
    std::optional<std::uint64_t> limit;
};

/// Writes the constants' values under their first keys, and returns the file's name as the text has to say it: seen
/// from the text's own folder.
std::string write_values(const dfx::program& program, const options& o) {
    namespace fs = std::filesystem;
    if (program.constants.empty())
        return {};
    tensor_map values;
    for (const auto& [name, value] : program.constants)
        values[program.find(name)->keys.front()] = value;
    write_npz(o.values, values);
    const fs::path folder = o.output.empty() ? fs::current_path() : fs::absolute(o.output).parent_path();
    return fs::absolute(o.values).lexically_relative(folder);
}

std::string text_of(const dfx::program& program, const options& o) {
    return dfx::to_text(program, o.values.empty() ? "" : write_values(program, o));
}

/// The words that are written, without the zeros at the window's end, and the doorbell.
std::string writes_of(const fw::bound_command& command) {
    const fw::command_push push = fw::push_of(command);
    std::size_t used = push.words.size() - 1;
    while (used > 0 && push.words[used - 1] == 0)
        --used;
    std::string out;
    for (std::size_t i = 0; i < used; ++i)
        out += i % 8 == 0 ? fmt::format("\n    [{:#010x}] {:08x}", push.where.value() + 4 * i, push.words[i])
                          : fmt::format(" {:08x}", push.words[i]);
    return out +
           fmt::format("\n    [{:#010x}] {:08x}", push.where.value() + 4 * (push.words.size() - 1), push.words.back());
}

void show_placement(const fw::device& host, std::ostream& out) {
    for (const auto& [name, place] : host.tensors())
        out << fmt::format("tensor {}: {:#x}, {} bytes\n", name, place.base.value(), place.size.value());
}

/// Command by command: a large program's stream is longer than memory.
void show_stream(const dfx::program& program, const options& o, std::ostream& out) {
    hw::chip chip("chip", platform::read_platform(o.platform));
    fw::device host(chip, program);
    std::uint64_t shown = 0;
    host.dry_run([&](const fw::machine& machine, const fw::bound_command& command) {
        if (shown == 0)
            show_placement(host, out);
        const bool more = !o.limit || shown < *o.limit;
        out << (more ? fw::describe(machine, command) + writes_of(command) : "...") << "\n";
        ++shown;
        return more && out.good();
    });
}

void show(const dfx::program& program, const options& o, std::ostream& out) {
    if (o.platform.empty())
        out << text_of(program, o);
    else
        show_stream(program, o, out);
}

int run(const options& o) {
    require_separate({{"the program", o.program}, {"--config", o.platform}},
                     {{"--output", o.output}, {"--values", o.values}});
    const dfx::program program = object::read_program(o.program);
    if (o.output.empty()) {
        show(program, o, std::cout);
    } else {
        std::ostringstream out;
        show(program, o, out);
        write_file(o.output, out.str());
    }
    return exit_success;
}

} // namespace

int sc_main(int argc, char** argv) {
    CLI::App app("Shows what a compiled program holds, or what it becomes on a chip.", "kpu-disassembler");
    options o;
    app.add_option("program", o.program, "compiled program (.kpu)")->required();
    app.add_option("-o,--output", o.output, "file to write (default: standard output)");
    auto* config = app.add_option(
        "--config", o.platform, "platform (.yaml or .json): show addresses, commands, their waits and register writes");
    add_number(app, "--limit", o.limit, "show only so many commands")->needs(config);
    app.add_option("--values", o.values, "where the constants' values go (.npz), instead of into the text")
        ->excludes(config);
    return run_tool(app, argc, argv, [&] { return run(o); });
}
