#include "platforms/common/tool.h"

#include "platforms/common/diagnostic.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <new>
#include <unistd.h>

namespace kpu {

namespace {

/// A file that is opened while one of the first three descriptors is closed would get its number, and what the tool
/// prints. In their places: something that cannot be written.
void occupy_closed_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (::fcntl(fd, F_GETFD) < 0)
            (void)::open("/dev/null", O_RDONLY);
}

/// Options as the command line has them, of the tool and of the commands that were given.
std::vector<std::string> known_options(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
    for (const CLI::App* command : app.get_subcommands()) {
        const std::vector<std::string> more = known_options(*command);
        names.insert(names.end(), more.begin(), more.end());
    }
    return names;
}

std::vector<std::string> known_commands(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

diagnostic unknown(const std::string& what, const std::string& word, const std::vector<std::string>& known) {
    diagnostic problem;
    problem.message = "unknown " + what;
    problem.text = word;
    if (const auto meant = nearest(word, known))
        problem.hint = "did you mean '" + *meant + "'?";
    return problem;
}

/// The first word that is no option or command of the tool: it explains more than what is missing because of it.
std::optional<diagnostic> unknown_word(const CLI::App& app) {
    const std::vector<std::string> left = app.remaining(true);
    for (const std::string& word : left) {
        if (word == "--")
            break;
        if (word.size() > 1 && word.front() == '-')
            return unknown("option", word.substr(0, word.find('=')), known_options(app));
    }
    if (!left.empty() && app.get_require_subcommand_min() > 0 && app.get_subcommands().empty())
        return unknown("command", left.front(), known_commands(app));
    return std::nullopt;
}

int explain(const CLI::App& app, const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0)
        return app.exit(problem);
    if (const auto found = unknown_word(app))
        std::cerr << to_string(*found) << "\nRun with --help for more information.\n";
    else
        app.exit(problem);
    return exit_bad_input;
}

int parse_and_run(CLI::App& app, int argc, const char* const* argv, const std::function<int()>& body) {
    try {
        app.parse(argc, argv);
        return body();
    } catch (const CLI::ParseError& problem) {
        return explain(app, problem);
    } catch (const input_error& problem) {
        std::cerr << to_string(problem.problems());
        return exit_bad_input;
    } catch (const run_error& problem) {
        std::cerr << "error: " << problem.what() << "\n";
    } catch (const std::bad_alloc&) {
        std::cerr << "error: out of memory\n";
    } catch (const std::exception& problem) {
        if (std::ferror(stdout) == 0) // else that is what it says
            std::cerr << "internal error: " << problem.what() << "\n";
    }
    return exit_run_failed;
}

/// Lost output must not look like success.
int with_output_written(int code) {
    errno = 0;
    const bool flushed = std::cout.flush() && std::fflush(stdout) == 0;
    const int reason = errno;
    if (flushed && std::ferror(stdout) == 0)
        return code;
    std::cerr << "error: cannot write to standard output"
              << (reason == 0 ? std::string() : std::string(": ") + std::strerror(reason)) << "\n";
    return code == exit_success ? exit_run_failed : code;
}

} // namespace

std::string tool_version(const std::string& name) {
    return name + " " KPU_VERSION;
}

int run_tool(CLI::App& app, int argc, const char* const* argv, const std::function<int()>& body) {
    occupy_closed_descriptors();
    app.set_version_flag("--version", tool_version(app.get_name()));
    return with_output_written(parse_and_run(app, argc, argv, body));
}

} // namespace kpu
