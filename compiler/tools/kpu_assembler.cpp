// kpu-assembler: from DFX text to a .kpu file.

#include "compiler/dfx/text.h"
#include "compiler/object/object.h"
#include "platforms/common/files.h"
#include "platforms/common/option_files.h"
#include "platforms/common/tool.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <vector>

namespace {

struct options {
    std::string text;
    std::string output;
    std::string format = "json";
};

int run(const options& o) {
    const kpu::object::format format = kpu::object::format_named(o.format);
    const std::filesystem::path folder = std::filesystem::path(o.text).parent_path();
    std::vector<kpu::option_file> inputs = {{"the text", o.text}};
    const auto values = [&](const std::string& file) {
        inputs.push_back({"the text's values", folder / file});
        return kpu::read_npz(folder / file);
    };
    const kpu::dfx::program program = kpu::dfx::from_text(kpu::read_file(o.text), o.text, values);
    kpu::require_separate(inputs, {{"--output", o.output}});
    kpu::object::write_program(program, o.output, format);
    return kpu::exit_success;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Makes a portable KPU object of DFX text, such as kpu-disassembler writes.", "kpu-assembler");
    options o;
    app.add_option("text", o.text, "DFX text; files that it names are looked up in its folder")->required();
    app.add_option("-o,--output", o.output, "object file (.kpu)")->required();
    app.add_option("--format", o.format, "encoding of the object: json or binary")->capture_default_str();
    return kpu::run_tool(app, argc, argv, [&] { return run(o); });
}
