#pragma once
// What every command-line tool shares: exit codes, and the one place where errors become messages.

#include <functional>

namespace CLI {
class App;
}

namespace kpu {

enum exit_code : int { exit_success = 0, exit_run_failed = 1, exit_bad_input = 2 };

/// Parses the command line with `app`, then runs `body`. input_error and usage errors are printed and become
/// exit_bad_input, run_error becomes exit_run_failed; `--help` and `--version` succeed.
int run_tool(CLI::App& app, int argc, const char* const* argv, const std::function<int()>& body);

} // namespace kpu
