#include "tests/structure/rules.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace kpu::test {

namespace {

struct rule {
    std::string folder;               ///< of the including file; the longest that matches holds
    std::vector<std::string> allowed; ///< folders that may be included, with what is below them
    bool systemc;
};

const std::vector<rule>& rules() {
    static const std::vector<rule> all = {
        {"platforms/common", {"platforms/common"}, false},
        {"platforms", {"platforms"}, false},
        {"traces", {"traces", "platforms", "hw/interface"}, false},
        {"compiler/tensor", {"compiler/tensor", "platforms/common"}, false},
        {"compiler/dfx", {"compiler/dfx", "compiler/tensor", "platforms/common"}, false},
        {"compiler/object", {"compiler/object", "compiler/dfx", "compiler/tensor", "platforms/common"}, false},
        {"compiler/tools", {"compiler", "platforms"}, false},
        {"compiler", {"compiler", "platforms/common"}, false},
        {"hw/interface", {"hw/interface", "platforms/common"}, false},
        {"hw", {"hw", "platforms", "traces"}, true},
        {"fw",
         {"fw/driver", "fw/loader", "fw/firmware", "hw/interface", "compiler/dfx", "compiler/object", "compiler/tensor",
          "platforms/common"},
         false},
        {"fw/tools", {"fw", "hw", "traces", "platforms", "compiler/dfx", "compiler/object", "compiler/tensor"}, true},
    };
    return all;
}

bool within(const std::string& path, const std::string& folder) {
    return path == folder || path.rfind(folder + "/", 0) == 0;
}

const rule* rule_for(const std::string& path) {
    const rule* best = nullptr;
    for (const rule& r : rules())
        if (within(path, r.folder) && (best == nullptr || r.folder.size() > best->folder.size()))
            best = &r;
    return best;
}

bool allows(const rule& r, const std::string& path) {
    return std::any_of(r.allowed.begin(), r.allowed.end(), [&](const std::string& f) { return within(path, f); });
}

bool is_systemc_header(const std::string& name) {
    return name == "systemc" || name == "tlm" || name == "systemc.h" || name == "tlm.h" || within(name, "tlm_utils") ||
           within(name, "tlm_core") || within(name, "sysc");
}

bool is_systemc_library(const std::string& name) {
    return name == "kpu_systemc" || name.find("libsystemc") != std::string::npos || name == "systemc" ||
           name == "-lsystemc";
}

/// The name in `#include <name>` or `#include "name"`; empty if the line is no include.
std::string included(const std::string& line, bool& quoted) {
    std::size_t at = line.find_first_not_of(" \t");
    if (at == std::string::npos || line[at] != '#')
        return {};
    at = line.find_first_not_of(" \t", at + 1);
    if (at == std::string::npos || line.compare(at, 7, "include") != 0)
        return {};
    const std::size_t open = line.find_first_of("<\"", at);
    if (open == std::string::npos)
        return "(macro)";
    quoted = line[open] == '"';
    const std::size_t close = line.find(quoted ? '"' : '>', open + 1);
    return line.substr(open + 1, close == std::string::npos ? close : close - open - 1);
}

std::string problem_with(const rule& r, const std::string& name, bool quoted, const std::set<std::string>& tree) {
    if (name == "systemc.h" || name == "tlm.h")
        return "<" + name + "> fills the global namespace; include <systemc> or <tlm>";
    if (is_systemc_header(name))
        return r.systemc ? "" : r.folder + " must not need SystemC, but includes <" + name + ">";
    const bool ours = tree.count(name) != 0;
    if (quoted && !ours)
        return "'" + name + "' is no path from the root of the repository";
    if (ours && !allows(r, name))
        return r.folder + " must not include " + name;
    return {};
}

/// Libraries that need SystemC, directly or through others.
std::set<std::string> simulating(const link_table& targets) {
    std::set<std::string> found;
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [name, target] : targets) {
            const bool needs = std::any_of(target.links.begin(), target.links.end(), [&](const std::string& l) {
                return is_systemc_library(l) || found.count(l) != 0;
            });
            grown = (needs && found.insert(name).second) || grown;
        }
    }
    return found;
}

void check_link(const std::string& name, const std::string& folder, const std::string& other, const link_target& linked,
                std::vector<std::string>& problems) {
    const rule* r = rule_for(folder);
    if (r == nullptr)
        return;
    for (const std::string& f : linked.folders)
        if (!allows(*r, f))
            problems.push_back(fmt::format("{}: {} must not link {} of {}", name, folder, other, f));
}

/// A line of .gitignore for the top level, such as `/build*/` or `/.cache/`.
bool ignored(const std::string& name, const std::string& gitignore) {
    std::istringstream lines(gitignore);
    for (std::string line; std::getline(lines, line);) {
        if (line.size() < 2 || line.front() != '/')
            continue;
        std::string pattern = line.substr(1);
        if (pattern.back() == '/')
            pattern.pop_back();
        const bool prefix = !pattern.empty() && pattern.back() == '*';
        if (prefix)
            pattern.pop_back();
        if (!pattern.empty() && (prefix ? name.rfind(pattern, 0) == 0 : name == pattern))
            return true;
    }
    return false;
}

} // namespace

std::vector<std::string> forbidden_includes(const std::vector<source_file>& files) {
    std::set<std::string> tree;
    for (const source_file& f : files)
        tree.insert(f.path);
    std::vector<std::string> problems;
    for (const source_file& f : files) {
        const rule* r = rule_for(f.path);
        if (r == nullptr)
            continue;
        std::istringstream lines(f.text);
        std::size_t number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            bool quoted = false;
            const std::string name = included(line, quoted);
            const std::string problem = name.empty() ? "" : problem_with(*r, name, quoted, tree);
            if (!problem.empty())
                problems.push_back(fmt::format("{}:{}: {}", f.path, number, problem));
        }
    }
    return problems;
}

std::vector<std::string> forbidden_links(const link_table& targets) {
    const std::set<std::string> simulates = simulating(targets);
    std::vector<std::string> problems;
    for (const auto& [name, target] : targets) {
        for (const std::string& folder : target.folders) {
            const rule* r = rule_for(folder);
            if (r != nullptr && !r->systemc && simulates.count(name) != 0)
                problems.push_back(fmt::format("{}: {} must not need SystemC", name, folder));
            for (const std::string& other : target.links)
                if (const auto linked = targets.find(other); linked != targets.end())
                    check_link(name, folder, other, linked->second, problems);
        }
    }
    return problems;
}

std::vector<std::string> foreign_entries(const std::vector<std::string>& names, const std::string& gitignore) {
    static const std::set<std::string> design = {
        ".ci",       ".clang-format", ".clang-tidy", ".git", ".gitignore", "CMakeLists.txt", "CMakePresets.json",
        "README.md", "compiler",      "fw",          "hw",   "platforms",  "tests",          "traces"};
    std::vector<std::string> foreign;
    for (const std::string& name : names)
        if (design.count(name) == 0 && !ignored(name, gitignore))
            foreign.push_back(name);
    return foreign;
}

link_table parse_link_table(const std::string& text) {
    link_table targets;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find('|');
        const std::size_t second = line.find('|', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        link_target& target = targets[line.substr(first + 1, second - first - 1)];
        (line.compare(0, first, "folder") == 0 ? target.folders : target.links).push_back(line.substr(second + 1));
    }
    return targets;
}

} // namespace kpu::test
