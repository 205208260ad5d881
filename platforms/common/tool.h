#pragma once
// What every command-line tool shares: exit codes, its version, and the one place where errors become messages.

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace kpu {

enum exit_code : int { exit_success = 0, exit_run_failed = 1, exit_bad_input = 2 };

/// "NAME VERSION", as `--version` prints it and files say who wrote them.
[[nodiscard]] std::string tool_version(const std::string& name);

/// Parses the command line with `app`, which has the tool's name, then runs `body`. input_error and usage errors are
/// printed and become exit_bad_input, run_error becomes exit_run_failed; `--help` and `--version` succeed. Standard
/// output that could not be written, by `body` or by those two, is told and becomes exit_run_failed.
int run_tool(CLI::App& app, int argc, const char* const* argv, const std::function<int()>& body);

} // namespace kpu
