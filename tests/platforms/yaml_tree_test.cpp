// The YAML tree: positions, aliases, and what is refused.

#include "platforms/yaml_tree.h"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

using namespace kpu;
using namespace kpu::platform;

namespace {

/// Problems of a text, one line each.
std::vector<std::string> problems_of(const std::string& text) {
    diagnostics problems;
    try {
        static_cast<void>(parse_yaml(text, "f", problems));
    } catch (const input_error& e) {
        problems = e.problems();
    }
    std::vector<std::string> lines;
    for (const diagnostic& d : problems.items())
        lines.push_back(to_string(d));
    return lines;
}

void expect(const std::string& text, const std::vector<std::string>& expected) {
    const std::vector<std::string> found = problems_of(text);
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

yaml_tree parsed(const std::string& text) {
    diagnostics problems;
    yaml_tree tree = parse_yaml(text, "f", problems);
    BOOST_TEST(problems.empty(), to_string(problems));
    return tree;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_key_and_value_has_its_position) {
    const yaml_tree tree = parsed("a: 1\nb:\n  c: [x, 'y']\n");
    const yaml_node& root = tree.root();
    BOOST_REQUIRE(root.kind == yaml_kind::mapping);
    BOOST_REQUIRE(root.entries.size() == 2u);
    BOOST_TEST(root.entries[0].value->where.line == 1u);
    BOOST_TEST(root.entries[0].value->where.column == 4u);
    const yaml_entry& c = root.entries[1].value->entries.at(0);
    BOOST_TEST(c.key == "c");
    BOOST_TEST(c.where.line == 3u);
    BOOST_TEST(c.where.column == 3u);
    BOOST_REQUIRE(c.value->items.size() == 2u);
    BOOST_TEST(c.value->items[1]->text == "y");
    BOOST_TEST(c.value->items[1]->where.column == 10u);
    BOOST_TEST(c.value->items[1]->quoted);
    BOOST_TEST(!c.value->items[0]->quoted);
    BOOST_TEST(to_string(tree.at(c.where, "b.c")) == "f:3:3: b.c");
}

BOOST_AUTO_TEST_CASE(an_alias_shares_its_anchors_node) {
    const yaml_tree tree = parsed("a: &m {x: 1}\nb: *m\nc: [*m, *m]\n");
    const auto& entries = tree.root().entries;
    BOOST_TEST(entries[1].value == entries[0].value);
    BOOST_TEST(entries[2].value->items[1] == entries[0].value);
}

BOOST_AUTO_TEST_CASE(duplicates_and_merges_are_collected_with_their_paths) {
    expect(
        "a: {x: 1, y: 2, x: 3}\nb: {<<: {q: 1}}\na: 2\n",
        {"f:1:17: a.x: error: duplicate key: 'x' [hint: first given in line 1, column 5]",
         "f:2:5: b.<<: error: merge keys are not supported: '<<' [hint: write the keys out, or alias a whole mapping]",
         "f:3:1: a: error: duplicate key: 'a' [hint: first given in line 1, column 1]"});
    expect("'<<': 1\n", {}); // quoted: a key like any other, for the schema to refuse
}

BOOST_AUTO_TEST_CASE(keys_must_be_text) {
    expect("? [a, b]\n: 1\n", {"f:1:3: error: a key must be text"});
    expect("a:\n  ? {b: 1}\n  : 1\n", {"f:2:5: a: error: a key must be text"});
}

BOOST_AUTO_TEST_CASE(an_alias_cannot_contain_itself) {
    expect("a: &x [1, *x]\n", {"f:1:11: a: error: alias within its own anchor"});
}

BOOST_AUTO_TEST_CASE(syntax_errors_have_line_and_column) {
    expect("a: b: c\n", {"f:1:5: error: YAML syntax: illegal map value"});
    expect("a: *x\n", {"f:1:4: error: YAML syntax: the referenced anchor is not defined"});
    expect("a:\n  b: 1\n c: 2\n", {"f:3:2: error: YAML syntax: end of map not found"});
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_too_early_is_refused) {
    const std::string early = "error: YAML syntax: the file ends too early: ";
    expect("a: [1,\n b", {"f:2: " + early + "end of sequence flow not found"});
    expect("{\"a\": {\"b\": 1}\n", {"f:1: " + early + "end of map flow not found"});
    // yaml-cpp by itself takes these for complete
    expect("a: \"x\n", {"f:1: " + early + "end of a quoted text not found"});
    expect("a: 'x\nb: 1\nc: 2\n", {"f:3: " + early + "end of a quoted text not found"});
    expect("a: 1\n...\n", {});
}

BOOST_AUTO_TEST_CASE(problems_before_a_syntax_error_are_kept) {
    const std::vector<std::string> found = problems_of("a: 1\na: 2\nb: [\n");
    BOOST_REQUIRE(found.size() == 2u);
    BOOST_TEST(found[0] == "f:2:1: a: error: duplicate key: 'a' [hint: first given in line 1, column 1]");
}

BOOST_AUTO_TEST_CASE(one_document_is_demanded) {
    expect("", {"f:1:1: error: the file is empty"});
    expect("# nothing\n", {"f:1:1: error: the file is empty"});
    expect("a: 1\n---\nb: 2\n", {"f:3:1: error: a second document in the file [hint: keep one platform per file]"});
}

BOOST_AUTO_TEST_CASE(absurd_files_are_refused) {
    expect(std::string(100000, '['), {"f: error: mappings and lists are nested too deeply"});
    const std::vector<std::string> large = problems_of(std::string((1 << 20) + 1, ' '));
    BOOST_REQUIRE(large.size() == 1u);
    BOOST_TEST(large[0] == "f: error: the file has 1048577 bytes, more than 1 MiB [hint: is this a platform file?]");
}

BOOST_AUTO_TEST_CASE(aliases_of_aliases_cost_nothing) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 40; ++i)
        text += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}]\n", i, i - 1);
    const yaml_tree tree = parsed(text);
    BOOST_TEST(tree.root().entries.size() == 40u);
}
