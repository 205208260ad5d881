// DFX text: identities, and errors with their lines.

#include "compiler/dfx/text.h"

#include "compiler/dfx/text_line.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/programs.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

std::string refusal(const std::string& text, const dfx::value_source& values = {}) {
    try {
        (void)dfx::from_text(text, "p.dfx", values);
    } catch (const input_error& problem) {
        return problem.what();
    }
    return "accepted";
}

void check_refusal(const std::string& text, const std::string& part) {
    const std::string found = refusal(text);
    BOOST_TEST(found.find(part) != std::string::npos, part + " is not in: " + found);
}

std::string golden() {
    return read_file(test::golden_path("batched_matmul.dfx"));
}

/// The golden text with one replacement.
std::string with(const std::string& from, const std::string& to) {
    return test::with(golden(), from, to);
}

} // namespace

BOOST_AUTO_TEST_CASE(round_trips_are_identities) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            const dfx::program p = test::random_program(seed);
            const std::string text = dfx::to_text(p);
            dfx::program q;
            try {
                q = dfx::from_text(text, "p.dfx");
            } catch (const input_error& problem) {
                BOOST_ERROR(problem.what() << "\n" << text);
                continue;
            }
            BOOST_TEST((q == p), text);
            BOOST_TEST((dfx::to_text(q) == text));
        }
    }
}

BOOST_AUTO_TEST_CASE(values_may_lie_in_another_file) {
    std::size_t carrying = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const dfx::program p = test::random_program(seed);
        carrying += p.constants.empty() ? 0 : 1;
        const auto look_up = [&](const std::string& file) {
            BOOST_TEST(file == "dir/w.npz");
            tensor_map all;
            for (const auto& [name, value] : p.constants)
                all[p.find(name)->keys.front()] = value;
            location nowhere;
            return parse_npz(npz_bytes(all), nowhere);
        };
        BOOST_TEST((dfx::from_text(dfx::to_text(p, "dir/w.npz"), "p.dfx", look_up) == p));
    }
    BOOST_TEST(carrying > 5U);
    const std::string reference = with("kernel Cout", "value A from \"w.npz\" key \"n0\"\nkernel Cout");
    check_refusal(reference, "p.dfx:8:14: error: values of other files are not looked up here: 'w.npz'");
    const auto wrong = [](const std::string&) { return npz_arrays{{"n0", {"<f4", {1}, std::vector<std::byte>(4)}}}; };
    BOOST_TEST(refusal(reference, wrong).find("p.dfx:8:14: error") != std::string::npos, refusal(reference, wrong));
    const auto absent = [](const std::string&) { return npz_arrays{}; };
    BOOST_TEST(refusal(reference, absent).find("file w.npz has no array of this name: 'n0'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(people_may_write_it_otherwise) {
    const std::string tidy = golden();
    std::string loose = test::with(tidy, "dfx 2.0", "# a comment\n\n  dfx 2.0   # and another");
    loose = test::with(loose, "A[tb, ti, tk] 1x48x33 EXTERNAL -> L3", "\"A\"[ 1*tb,ti+0 , tk ]1x48x33 EXTERNAL->L3");
    loose = test::with(loose, "  hints dram_bytes 46160 compute_cycles 706 parallelism 4\n", "");
    dfx::program p = dfx::from_text(tidy, "p.dfx");
    p.kernels[0].hints = {};
    BOOST_TEST((dfx::from_text(loose, "p.dfx") == p));
}

BOOST_AUTO_TEST_CASE(errors_have_line_and_column) {
    check_refusal("", "p.dfx:1:1: error: the text does not begin with a version");
    check_refusal("graph \"x\"\n", "p.dfx:1:1: error: unexpected text: 'graph' (expected 'dfx')");
    check_refusal(with("dfx 2.0", "dfx 3.0"), "p.dfx:1:5: error: unknown DFX version: '3.0' (expected 1.x or 2.x)");
    check_refusal(with("dfx 2.0", "dfx two"), "p.dfx:1:8: error: unexpected text: 'end of line' (expected '.')");
    check_refusal(with("graph", "grahp"), "p.dfx:2:1: error: unknown line: 'grahp' (expected graph, compiler,");
    check_refusal(with("2x70x33", "2x70x"), "p.dfx:4:12: error: not a number");
    check_refusal(with("2x70x33", "2x70x99999999999999999999"), "p.dfx:4:12: error: not a number");
    check_refusal(with("f32 constant keys(A, n0)", "f33 constant"), "p.dfx:4:20: error: unknown element type: 'f33'");
    check_refusal(with("keys(A, n0)", "keys(A, n0"),
                  "p.dfx:4:43: error: unexpected text: 'end of line' (expected ')')");
    check_refusal(with("keys(A, n0)", "keys(B, n0)"), "p.dfx:5: tensors[1].keys: error: key is taken");
    check_refusal(with("\"golden\"", "\"golden"), "p.dfx:2:7: error: the text in quotes does not end on this line");
    check_refusal(with("\"golden\"", "\"go\\qlden\""), "p.dfx:2:10: error: unknown escape: '\\q'");
    check_refusal(with("%4 = LOAD", "%4 = LAOD"), "error: unknown operation: 'LAOD' (expected LOAD, STORE");
    check_refusal(with("%4 = LOAD", "%x = LOAD"), "p.dfx:17:12: error: not a number");
    check_refusal(with("LOAD A[tb, ti, tk]", "LOAD Z[tb, ti, tk]"), "p.dfx:17:21: error: no such tensor: 'Z'");
    check_refusal(with("LOAD A[tb, ti, tk]", "LOAD A[tb, ti, tz]"),
                  "p.dfx:17:31: error: no enclosing loop has this name: 'tz'");
    check_refusal(with("LOAD A[tb, ti, tk]", "LOAD A[tb, ti, tk + tk]"), "has a coefficient already: 'tk'");
    check_refusal(with("LOAD A[tb, ti, tk]", "LOAD A[tb, ti, 9223372036854775808]"), "does not fit 64 bits");
    check_refusal(with("LOAD A[tb, ti, tk]", "LOAD A[tb, ti, 9223372036854775807 + 1]"), "overflows 64 bits");
    check_refusal(with("-> L3 after", "-> L9 after"), "unknown memory level: 'L9' (expected EXTERNAL, L3, L2, L1");
    check_refusal(with("after %1\n", "after 1\n"), "expected '%'");
    check_refusal(with("after %1\n", "after %1 produce 3\n"), "unexpected text: 'produce' (expected end of line)");
    check_refusal(with("tiles suggested {", "tiles suggested"), "p.dfx:8:");
    check_refusal(golden() + "}\n", "unknown line: '}'");
    const std::string text = golden();
    check_refusal(text.substr(0, text.size() - 2), "p.dfx:32:1: error: the text ends within a block");
    check_refusal(with("graph", "value A {\n\"AA*=\"\n}\ngraph"), "no such tensor before this line: 'A'");
    check_refusal(with("kernel Cout", "value A {\n\"AAAA\"\n}\nkernel Cout"),
                  "p.dfx:8: constants[A]: error: value has a wrong number of bytes: '3'");
}

BOOST_AUTO_TEST_CASE(violations_have_the_line_of_what_they_are_about) {
    check_refusal(with("L2 -> L1 after %5", "L2 -> L1"),
                  "p.dfx:19: kernels[0].body[0].body[0].body[0].body[3].body[2]");
    check_refusal(with("L2 -> L1 after %5", "L2 -> L1"), "without depending on the operation that brings it: '5'");
    check_refusal(with("%12 = STORE", "%11 = STORE"), "p.dfx:26: ");
    check_refusal(with("in 0..2 {\n    parallel ti in 0..2", "in 0..2 {\n    parallel ti in 2..2"), "p.dfx:11: ");
}

BOOST_AUTO_TEST_CASE(all_errors_at_once) {
    std::string text = with("f32 constant keys(A, n0)", "f32 costant keys(A, n0)");
    text = test::with(text, "parallel ti in 0..2 {", "paralel ti in 0..2 {"); // its body is read all the same
    text = test::with(text, "%11 = STORE", "%11 = STOER");
    const std::string found = refusal(text);
    for (const char* part :
         {"p.dfx:4:", "unknown role of a tensor: 'costant'", "p.dfx:11:5: error: unknown loop: 'paralel'",
          "p.dfx:25:15: error: unknown operation: 'STOER'"})
        BOOST_TEST(found.find(part) != std::string::npos, part << " is not in: " << found);
    for (const char* consequence : {"no enclosing loop", "no such tensor"})
        BOOST_TEST(found.find(consequence) == std::string::npos, found);
    // What a word must have meant is taken for that: the program is verified all the same.
    const std::string both =
        refusal(test::with(with("f32 output", "f32 ouput"), "parallel ti in 0..2", "parallel ti in 0..3"));
    for (const char* part : {"p.dfx:7:27: error: unknown role of a tensor: 'ouput' (expected input, constant, output, "
                             "intermediate) [hint: did you mean output?]",
                             "error: tile lies outside tensor A: '0..2' (expected 0..1)"})
        BOOST_TEST(both.find(part) != std::string::npos, part << " is not in: " << both);
    BOOST_TEST(refusal(with("f32 output", "f32 ouput")).find('\n') ==
               refusal(with("f32 output", "f32 ouput")).size() - 1);
    std::string bad = "dfx 2.0\n";
    for (int i = 0; i < 1000; ++i)
        bad += "nonsense\n";
    const std::string many = refusal(bad);
    BOOST_TEST(std::count(many.begin(), many.end(), '\n') <= 101);
}

BOOST_AUTO_TEST_CASE(names_that_are_given_twice_are_named_and_nothing_follows) {
    const std::string tensor = refusal(test::with(with("tensor B", "tensor A"), "kernel Cout",
                                                  "value B {\n\"AAAA\"\n}\nvalue B from \"w.npz\"\nkernel Cout"));
    BOOST_TEST(tensor == "p.dfx:5:8: error: a tensor of this name exists already, on line 4: 'A'\n");
    const std::string loop = refusal(with("parallel tj", "parallel ti"));
    BOOST_TEST(loop == "p.dfx:12:16: error: an enclosing loop has the same induction variable: 'ti'\n");
    const std::string lost = refusal(with("tensor B", "tonsor B"));
    BOOST_TEST(lost.find("p.dfx:5:1: error: unknown line: 'tonsor'") == 0U, lost);
    BOOST_TEST(lost.find("no such tensor") == std::string::npos, lost);
}

BOOST_AUTO_TEST_CASE(an_unknown_version_is_all_that_is_said) {
    const std::string found = refusal(test::with(with("dfx 2.0", "dfx 3.0"), "graph", "grahp"));
    BOOST_TEST(found == "p.dfx:1:5: error: unknown DFX version: '3.0' (expected 1.x or 2.x)\n");
}

BOOST_AUTO_TEST_CASE(lines_that_stand_once) {
    check_refusal(with("graph \"golden\"", "graph \"golden\"\ngraph \"other\""),
                  "p.dfx:3:1: error: this line is given already, on line 2: 'graph'");
    check_refusal(with("compiler \"test\"", "compiler \"test\"\ncompiler \"test\""), "on line 3: 'compiler'");
    check_refusal(with("compiler", "tuned for \"a\"\ntuned for \"b\"\ncompiler"),
                  "p.dfx:4:1: error: this line is given already");
    check_refusal(with("compiler", "tuned for \"\"\ncompiler"),
                  "p.dfx:3:11: error: the platform that the program is tuned for has no name");
    const std::string hints = "  hints dram_bytes 46160 compute_cycles 706 parallelism 4\n";
    check_refusal(with(hints, hints + hints), "p.dfx:10:3: error: this line is given already, on line 9: 'hints'");
}

BOOST_AUTO_TEST_CASE(expectations_say_what_there_is) {
    check_refusal(with("%10 = MATMUL_TILE", "%10 = CONVTILE"),
                  "unknown operation: 'CONVTILE' (expected LOAD, STORE, PREFETCH, FLUSH, MATMUL_TILE, CONV_TILE, ");
    check_refusal(with("%10 = MATMUL_TILE", "%10 = CONVTILE"), "BARRIER) [hint: did you mean CONV_TILE?]");
    check_refusal(with("%4 = LOAD", "%4 = LAOD"), "[hint: did you mean LOAD?]");
    check_refusal("{\"dfx_version\": \"2.0\"}",
                  "p.dfx: error: this is a .kpu object (JSON), not DFX text [hint: kpu-loader");
    check_refusal(std::string("KPU\0\2", 5), "p.dfx: error: this is a .kpu object (binary), not DFX text");
    check_refusal("name: x\n", "p.dfx: error: this is a platform (YAML), not DFX text");
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
    std::string deep = with("{\n  hints dram_bytes 46160 compute_cycles 706 parallelism 4\n", "{\n");
    std::string loops;
    for (int i = 0; i < 100000; ++i)
        loops += "parallel l in 0..1 {\n";
    check_refusal(test::with(deep, "  parallel tb", loops + "  parallel tb"), "nested more than 64 deep");
}

BOOST_AUTO_TEST_CASE(every_truncation_and_every_flipped_bit_is_refused_or_a_program) {
    const std::string good = dfx::to_text(test::flat_matmul(4, 4, 8, {4, 4, 4}));
    for (std::size_t n = 0; n + 2 < good.size(); ++n)
        BOOST_REQUIRE_MESSAGE(refusal(good.substr(0, n)) != "accepted", n << " characters were accepted");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string text = good;
        text[bit / 8] = static_cast<char>(static_cast<unsigned char>(text[bit / 8]) ^ (1U << bit % 8));
        (void)refusal(text); // from_text verifies what it returns; nothing but input_error may come out
    }
}

BOOST_AUTO_TEST_CASE(values_have_checksums_from_2_3_on) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 3;
    dfx::program p = test::compiled(spec, "fixed:2,2,2");
    p.constants["B"] = random_tensor(dtype::f32, {3, 3}, 1);
    p.version = dfx::lowest_version(p);
    const std::string good = dfx::to_text(p);
    const std::string sum = " crc32c " + std::to_string(crc32c(p.constants.at("B").data));
    const std::size_t first = good.find("value B" + sum);
    BOOST_REQUIRE(first != std::string::npos);
    for (std::size_t bit = first * 8; bit < good.find("kernel") * 8; ++bit) {
        std::string text = good;
        text[bit / 8] = static_cast<char>(static_cast<unsigned char>(text[bit / 8]) ^ (1U << bit % 8));
        try {
            BOOST_REQUIRE_MESSAGE((dfx::from_text(text, "p.dfx") == p), "bit " << bit << " gives another program");
        } catch (const input_error&) {
        }
    }
    check_refusal(test::with(good, sum, " crc32c 1"),
                  "p.dfx:8:1: error: the value of B is damaged: its CRC-32C does not match");
    check_refusal(test::with(good, "dfx 2.3", "dfx 2.2"),
                  "p.dfx:6:9: error: checksums of constants need DFX version 2.3: '2.2'");
    // Written by hand or by an older tool.
    BOOST_TEST((dfx::from_text(test::with(good, sum, ""), "p.dfx") == p));
    p.version = "2.0";
    const std::string older = test::with(test::with(good, sum, ""), "dfx 2.3", "dfx 2.0");
    BOOST_TEST((dfx::from_text(older, "p.dfx") == p));
    BOOST_TEST(dfx::to_text(p) == older);
}

BOOST_AUTO_TEST_CASE(values_are_base64) {
    const auto value = [](const std::string& lines) {
        return with("kernel Cout", "value A {\n" + lines + "\n}\nkernel Cout");
    };
    check_refusal(value("\"AAAA\"\n  \"AA*=\"\n\"AAAA\""), "p.dfx:10:6: error: not base64: '*' (expected letters");
    check_refusal(value("\"AA==\"\n\"AAAA\""), "p.dfx:10:2: error: not base64: 'A'");
    check_refusal(value("\"A===\""), "p.dfx:9:5: error: not base64: '='");
    check_refusal(value("\"AAAA\"\n\"AAA\""),
                  "p.dfx:11:1: error: the value of A does not end as base64 does: '7 digits'");
    check_refusal(value("\"AB==\""), "p.dfx:10:1: error: the value of A does not end as base64 does: '4 digits'");
    const std::string twice = refusal(value("\"A*AA\"\n\"AAA\""));
    BOOST_TEST(std::count(twice.begin(), twice.end(), '\n') == 1, twice); // nothing follows from a line that is refused
}

BOOST_AUTO_TEST_CASE(names_are_quoted_where_they_must_be) {
    BOOST_TEST(dfx::as_name("a_1") == "a_1");
    BOOST_TEST(dfx::as_name("1a") == "\"1a\"");
    BOOST_TEST(dfx::as_name("") == "\"\"");
    BOOST_TEST(dfx::as_name("a.b") == "\"a.b\"");
    BOOST_TEST(dfx::as_quoted("\"\\\n\x01\x7f\xc3\xa4") == "\"\\\"\\\\\\n\\x01\\x7f\xc3\xa4\"");
}
