#pragma once
// Who may include and link whom, as data, and the check of it. The architecture's dependency direction:
//
//     compiler/dfg, passes -> compiler/dfx, object <- fw -> hw/interface <- hw/* -> platforms, traces
//     fw/tools -> fw, hw, traces, platforms                   traces, platforms: no SystemC

#include <map>
#include <string>
#include <vector>

namespace kpu::test {

/// A source file by its path from the root of the repository, and its text.
struct source_file {
    std::string path;
    std::string text;
};

/// A library or program: the folders that its sources lie in, and what it links.
struct link_target {
    std::vector<std::string> folders;
    std::vector<std::string> links;
};
using link_table = std::map<std::string, link_target>;

/// One line for each #include that the architecture forbids: "path:line: why". `files` is the whole tree: an include
/// from the root must name one of them. Files outside the folders of the architecture (tests) are only looked up.
[[nodiscard]] std::vector<std::string> forbidden_includes(const std::vector<source_file>& files);

/// One line for each link that the architecture forbids, and for each library that must not need SystemC but does, over
/// any number of links: "target: why".
[[nodiscard]] std::vector<std::string> forbidden_links(const link_table& targets);

/// Entries of the repository's top level that are neither part of its design nor covered by a line of .gitignore.
[[nodiscard]] std::vector<std::string> foreign_entries(const std::vector<std::string>& names,
                                                       const std::string& gitignore);

/// Reads the table that tests/structure/CMakeLists.txt writes: lines "folder|name|path" and "link|name|other".
[[nodiscard]] link_table parse_link_table(const std::string& text);

} // namespace kpu::test
