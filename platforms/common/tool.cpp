#include "platforms/common/tool.h"

#include "platforms/common/diagnostic.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <new>

namespace kpu {

int run_tool(CLI::App& app, int argc, const char* const* argv, const std::function<int()>& body) {
    try {
        app.parse(argc, argv);
        return body();
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? exit_success : exit_bad_input;
    } catch (const input_error& problem) {
        std::cerr << to_string(problem.problems());
        return exit_bad_input;
    } catch (const run_error& problem) {
        std::cerr << "error: " << problem.what() << "\n";
        return exit_run_failed;
    } catch (const std::bad_alloc&) {
        std::cerr << "error: out of memory\n";
        return exit_run_failed;
    } catch (const std::exception& problem) {
        std::cerr << "internal error: " << problem.what() << "\n";
        return exit_run_failed;
    }
}

} // namespace kpu
