// The .kpu file: identities, and what is refused.

#include "compiler/object/object.h"

#include "compiler/dfg/reference/evaluate.h"
#include "compiler/dfx/contraction.h"
#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/verify.h"
#include "compiler/object/encodings.h"
#include "compiler/tensor/base64.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "platforms/common/utf8.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/object_bytes.h"
#include "tests/dfx/programs.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using object::format;
using test::entry;
using test::get;
using test::put;
using test::sealed;
using test::with_bit_flipped;

namespace {

std::vector<dfx::program> programs() {
    std::vector<dfx::program> out;
    dfg::matmul_graph_spec spec;
    spec.m = 40;
    spec.n = 24;
    spec.k = 56;
    spec.seeded = true;
    spec.batch = 3;
    out.push_back(test::compiled(spec));
    spec.batch.reset();
    spec.type = dtype::f16;
    spec.chain = {5, 9};
    out.push_back(test::compiled(spec, "fixed:7,8,9"));
    out.push_back(test::flat_matmul(10, 7, 13, {4, 3, 5}, dtype::i8));
    out.push_back(object::parse_program(test::flat_matmul_json(), "flat"));
    // Everything that is rare: orders, steps, offsets, barriers, constants, hints, names that need escapes.
    dfx::program p = test::compiled(spec, "fixed:8,8,8");
    p.graph_name = "a \"graph\" / ~ \xc3\xa4 \n";
    auto& rows = std::get<dfx::loop_nest>(p.kernels[0].body[0]);
    rows.loop.order = dfx::iteration_order::explicit_sequence;
    rows.loop.sequence = {4, 3, 2, 1, 0};
    rows.body.emplace_back(dfx::barrier_op{1000, {1, 2}, "end of row"});
    const dfx::tensor_descriptor& weights = p.tensors[0];
    p.constants[weights.name] = random_tensor(weights.type, weights.dims, 4);
    p.kernels[1].hints = {1, 2, 3};
    p.kernels[1].flow = dfx::dataflow::input_stationary;
    out.push_back(std::move(p));
    return out;
}

void check_refusal(std::string_view bytes, const std::string& part) {
    const std::string text = test::refusal(bytes);
    BOOST_TEST(text.find(part) != std::string::npos, part + " is not in: " + text);
}

/// The appendix's text with one replacement.
std::string flat_with(const std::string& from, const std::string& to) {
    return test::with(test::flat_matmul_json(), from, to);
}

/// A small one of each kind: loops and a constant; flat.
std::vector<dfx::program> small_programs() {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 3;
    std::vector<dfx::program> all = {test::compiled(spec, "fixed:2,2,2"), test::flat_matmul(4, 4, 4, {4, 4, 4})};
    all.front().constants["B"] = random_tensor(dtype::f32, {3, 3}, 1);
    all.front().version = dfx::lowest_version(all.front());
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(round_trips_are_identities) {
    std::vector<dfx::program> all = programs();
    const std::size_t written_out = all.size();
    for (std::uint64_t seed = 0; seed < 200; ++seed)
        all.push_back(test::random_program(seed));
    for (std::size_t i = 0; i < all.size(); ++i) {
        BOOST_TEST_CONTEXT(
            (i < written_out ? "program " + std::to_string(i) : "seed " + std::to_string(i - written_out))) {
            const dfx::program& p = all[i];
            const std::string json = object::serialise(p, format::json);
            const std::string binary = object::serialise(p, format::binary);
            const dfx::program from_json = object::parse_program(json, "p.kpu");
            const dfx::program from_binary = object::parse_program(binary, "p.kpu");
            BOOST_TEST((from_json == p));
            BOOST_TEST((from_binary == p));
            BOOST_TEST((object::serialise(from_json, format::binary) == binary));
            BOOST_TEST((object::serialise(from_binary, format::json) == json));
        }
    }
}

BOOST_AUTO_TEST_CASE(comparison_sees_differences) {
    const dfx::program p = programs().back();
    dfx::program q = p;
    std::get<dfx::loop_nest>(q.kernels[0].body[0]).loop.sequence[0] = 9;
    BOOST_TEST(!(p == q));
    q = p;
    q.kernels[1].hints.parallelism_degree = 4;
    BOOST_TEST(!(p == q));
    q = p;
    q.constants.begin()->second.data[0] ^= std::byte{1};
    BOOST_TEST(!(p == q));
}

BOOST_AUTO_TEST_CASE(files_on_disk) {
    const test::temp_directory directory;
    const dfx::program p = programs().front();
    for (const format f : {format::json, format::binary}) {
        object::write_program(p, directory.file("p.kpu"), f);
        BOOST_TEST((object::read_program(directory.file("p.kpu")) == p));
    }
    BOOST_CHECK_THROW((void)object::read_program(directory.file("absent.kpu")), input_error);
    dfx::program bad = p;
    bad.kernels[0].body.clear();
    const std::string before = read_file(directory.file("p.kpu"));
    BOOST_CHECK_THROW(object::write_program(bad, directory.file("p.kpu"), format::json), input_error);
    BOOST_TEST(read_file(directory.file("p.kpu")) == before);
}

BOOST_AUTO_TEST_CASE(size_does_not_depend_on_the_matmul) {
    const auto size = [](std::uint64_t extent, format f) {
        dfg::matmul_graph_spec spec;
        spec.m = spec.n = spec.k = extent;
        return object::serialise(test::compiled(spec), f).size();
    };
    BOOST_TEST(size(4096, format::binary) == size(64, format::binary));
    BOOST_TEST(size(4096, format::binary) < 16U * 1024);
    BOOST_TEST(size(4096, format::json) < 16U * 1024);
    const std::size_t small = size(64, format::json);
    const std::size_t large = size(4096, format::json);
    // Longer numbers only, and the names of orders.
    BOOST_TEST(large >= small);
    BOOST_TEST(large - small < 64U);
}

BOOST_AUTO_TEST_CASE(the_flat_form_is_completed) {
    const dfx::program p = object::parse_program(test::flat_matmul_json(), "flat");
    BOOST_TEST(p.kernels.size() == 1U);
    BOOST_TEST(p.kernels[0].body.size() == 8U);
    BOOST_TEST((p.find("A")->role == dfx::tensor_role::input));
    BOOST_TEST((p.find("C")->role == dfx::tensor_role::output));
    BOOST_TEST(p.find("B")->keys.at(0) == "B");
    BOOST_TEST(p.kernels[0].hints.estimated_dram_bytes == 416U);
    const auto& load = std::get<dfx::data_move_op>(p.kernels[0].body[1]);
    BOOST_TEST((load.source.tile_shape == shape{16, 4}));
    BOOST_TEST(load.source.element_size == 4U);
    const dfx::contraction c = dfx::contractions_of(p, p.kernels[0]).at(0);
    BOOST_TEST((c.m == 4 && c.n == 4 && c.k == 16));
    BOOST_TEST((c.ids.load_a == 1 && c.ids.load_b == 2 && c.ids.compute == 7 && c.ids.store == 8));
    const tensor_map inputs = test::random_inputs(p, 1);
    BOOST_TEST(
        (dfx::interpret(p, inputs).at("C") == dfg::multiply(inputs.at("A"), inputs.at("B"), nullptr, dtype::f32)));
}

BOOST_AUTO_TEST_CASE(appendix_a, *boost::unit_test::precondition(test::samples_present)) {
    const dfx::program p = object::read_program(test::sample("appendix-a.kpu.json"));
    const dfx::program own = object::parse_program(test::flat_matmul_json(), "flat");
    BOOST_TEST((p.kernels[0].body == own.kernels[0].body));
    BOOST_TEST((p.tensors == own.tensors));
    BOOST_TEST(p.graph_name == "non-batched-2-input-matmul");
    BOOST_TEST((object::parse_program(object::serialise(p, format::json), "again") == p));
}

BOOST_AUTO_TEST_CASE(json_is_not_trusted) {
    check_refusal("", "f.kpu:1:1: error: neither a binary .kpu file nor valid JSON");
    check_refusal("{\"dfx_version\": \"1.0\",\n  oops}", "f.kpu:2:3: error");
    check_refusal("[]", "f.kpu: /dfx_version: error: field is missing");
    check_refusal("{}", "/dfx_version");
    check_refusal(flat_with("\"1.0\"", "\"3.1\""), "DFX version 3.1, this tool reads versions 1.0 to 2.3");
    check_refusal(flat_with("\"1.0\"", "\"1\""), "not a DFX version");
    check_refusal(flat_with("\"1.0\"", "\"2.0\""), "field is missing: 'kernels'");
    check_refusal(flat_with("\"graph_name\"", "\"graph_mane\""), "did you mean graph_name?");
    check_refusal(flat_with("\"graph_name\": \"flat\"", "\"graph_name\": \"x\", \"graph_name\": \"y\""),
                  "f.kpu: /graph_name: error: field is given twice: 'graph_name'");
    check_refusal(flat_with("\"op_id\": 7", "\"op_id\": 7, \"op_id\": 9"),
                  "f.kpu: /operations/6/op_id: error: field is");
    check_refusal(flat_with("[5, 6]", "[5, 1e999]"),
                  "f.kpu: /operations/6/depends_on/1: error: a number in the JSON is");
    check_refusal(flat_with("\"M\": 4", "\"M\": 1e999"), "f.kpu: /metadata/M: error: a number in the JSON is");
    check_refusal(flat_with("\"graph_name\"", "\"tuned_for\": \"\", \"graph_name\""),
                  "f.kpu: /tuned_for: error: the platform that the program is tuned for has no name");
    check_refusal(flat_with("MATMUL_TILE", "MATMULTILE"), "[hint: did you mean MATMUL_TILE?]");
    check_refusal(flat_with("\"op_id\": 7", "\"op_id\": -7"),
                  "/operations/6/op_id: error: not a whole number from 0: '-7'");
    check_refusal(flat_with("\"op_id\": 7", "\"op_id\": 7.0"), "/operations/6/op_id");
    check_refusal(flat_with("\"op_id\": 7", "\"op_id\": 18446744073709551616"), "/operations/6/op_id");
    check_refusal(flat_with("\"subtype\": \"LOAD\"", "\"subtype\": \"LAOD\""),
                  "unknown subtype: 'LAOD' (expected one of LOAD, STORE");
    check_refusal(flat_with("\"level\": \"L3\"", "\"level\": \"L4\""), "/operations/0/dest/level");
    check_refusal(flat_with("\"type\": \"COMPUTE\"", "\"type\": \"LOOPS\""), "unknown type: 'LOOPS'");
    check_refusal(flat_with("\"dtype\": \"f32\"", "\"dtype\": \"f33\""), "/tensors/0/dtype");
    check_refusal(flat_with("\"accumulate\": false", "\"accumulate\": 1"), "/operations/6/accumulate");
    check_refusal(flat_with("[5, 6]", "[5, \"6\"]"), "/operations/6/depends_on/1");
    check_refusal(flat_with("[5, 6]", "7"), "/operations/6/depends_on: error: not a list");
    check_refusal(flat_with("\"tile\": [0, 0]", "\"tile\": [0, \"ti\"]"), "no enclosing loop has this name: 'ti'");
    check_refusal(flat_with("\"tile\": [0, 0]", "\"tile\": [0, true]"), "not a tile index");
    check_refusal(flat_with("\"M\": 4", "\"M\": 5"), "/metadata/M: error: contradicts the tensors");
    check_refusal(flat_with("float32", "float16"), "/metadata/element_type");
    check_refusal(flat_with("\"Ti\": 4", "\"Ti\": 0"), "tile shape of A is not known");
    check_refusal(flat_with("\"hints\": {", "\"hints\": {\"x\": 1, "), "/hints/x");
    check_refusal(flat_with("\"hints\": {", "\"constants\": {\"A\": \"????\"}, \"hints\": {"), "not base64");
    check_refusal(flat_with("\"hints\": {", "\"constants\": {\"Z\": \"\"}, \"hints\": {"), "no tensor has this name");
    // Two problems, both reported.
    const std::string two = test::with(flat_with("\"op_id\": 7", "\"op_id\": -7"), "\"op_id\": 8", "\"op_id\": -8");
    check_refusal(two, "/operations/6/op_id");
    check_refusal(two, "/operations/7/op_id");
}

BOOST_AUTO_TEST_CASE(names_that_are_given_twice_are_named_in_json) {
    // Each with an error that keeps the verifier from looking.
    const std::string bad = flat_with("\"op_id\": 7", "\"op_id\": -7");
    check_refusal(test::with(bad, "\"name\": \"B\"", "\"name\": \"A\""),
                  "f.kpu: /tensors/1/name: error: a tensor of this name exists already: 'A'");
    const std::string nested =
        test::with(object::serialise(small_programs().front(), format::json), "\"op_id\": 7", "\"op_id\": -7");
    const std::string twice = test::refusal(test::with(nested, "\"var\": \"tj\"", "\"var\": \"ti\""));
    BOOST_TEST(twice.find("/kernels/0/body/0/body/0/var: error: an enclosing loop has the same induction variable: "
                          "'ti'") != std::string::npos,
               twice);
    BOOST_TEST(twice.find("no enclosing loop has this name") == std::string::npos, twice);
}

BOOST_AUTO_TEST_CASE(files_of_another_kind_are_named) {
    check_refusal("# a chip\nname: x\n",
                  "f.kpu: error: this is a platform (YAML), not a .kpu object [hint: kpu-loader");
    check_refusal("Domain Flow Graph: x\n", "this is a graph (.dfg), not a .kpu object [hint: kpu-kernel-compiler");
    check_refusal("DIRECTED\n", "this is a graph (.dfg)");
    check_refusal("dfx 2.0\n", "this is DFX text, not a .kpu object [hint: kpu-assembler");
    check_refusal("PK\x03\x04", "this is an archive of tensors (.npz), not a .kpu object [hint: --tensors");
    check_refusal("\x93NUMPY", "this is an array (.npy), not a .kpu object");
    check_refusal("nonsense", "f.kpu:1:2: error: neither a binary .kpu file nor valid JSON");
}

BOOST_AUTO_TEST_CASE(messages_can_be_shown_on_a_terminal) {
    const std::string text = test::refusal(flat_with("\"level\": \"L3\"", "\"level\": \"\\u001b[2J\\u0000\\u009b\""));
    BOOST_TEST(text.find("\\x1b[2J\\x00\\xc2\\x9b") != std::string::npos, text);
    for (const char c : text)
        BOOST_TEST((c == '\n' || (c >= ' ' && c <= '~')));
    BOOST_TEST(printable("\t\n\x7f\xc2\x9b\xc3\xa4\xff") == "\\x09\\n\\x7f\\xc2\\x9b\xc3\xa4\\xff");
}

BOOST_AUTO_TEST_CASE(json_structure_is_verified) {
    check_refusal(flat_with("\"depends_on\": [], \"produces\": 1", "\"depends_on\": [3], \"produces\": 1"),
                  "cyclic dependence");
    check_refusal(flat_with("[5, 6]", "[5, 60]"), "f.kpu: kernels[0].body[6].depends_on[1]");
    check_refusal(flat_with("\"tile\": [0, 0]", "\"tile\": [0, 1]"), "lies outside tensor A");
    check_refusal(test::with(flat_with("[4, 16]", "[4611686018427387904, 4611686018427387904]"), "\"K\": 16, ", ""),
                  "extent out of range");
    std::string deep = "{\"dfx_version\": ";
    deep.append(100000, '[');
    check_refusal(deep, "nested more than 256 deep");
    std::string loops =
        "{\"dfx_version\": \"2.0\", \"graph_name\": \"x\", \"tensors\": [], \"kernels\": [{\"name\": \"k\", "
        "\"dataflow\": \"output_stationary\", \"body\": [";
    for (int i = 0; i < 40; ++i)
        loops += "{\"type\": \"LOOP\", \"var\": \"l" + std::to_string(i) +
                 "\", \"end\": 1, \"kind\": \"parallel\", \"body\": [";
    for (int i = 0; i < 40; ++i)
        loops += "]}";
    check_refusal(loops + "]}]}", "nested loops");
}

BOOST_AUTO_TEST_CASE(newer_minor_versions_may_add_fields) {
    const std::string own = object::serialise(programs().front(), format::json);
    const std::string newer =
        test::with(test::with(own, "\"2.0\"", "\"2.9\""), "\"graph_name\"", "\"added\": 1, \"graph_name\"");
    BOOST_TEST(test::refusal(newer) == "accepted");
    check_refusal(test::with(own, "\"graph_name\"", "\"added\": 1, \"graph_name\""), "unknown field: 'added'");
}

BOOST_AUTO_TEST_CASE(binary_header) {
    const std::string good = object::serialise(programs().back(), format::binary);
    BOOST_TEST(good.substr(0, 4) == std::string("KPU\0", 4));
    BOOST_TEST(test::refusal(good) == "accepted");
    BOOST_TEST((sealed(good) == good));
    std::string bytes = good;
    put(bytes, 4, 3U << 16U, 4); // unsealed: a newer major may be laid out in another way from here on
    check_refusal(bytes, "DFX version 3.0, this tool reads versions 1.0 to 2.3");
    bytes = good;
    put(bytes, 4, 1U << 16U, 4);
    check_refusal(sealed(bytes), "version differs from the one in the header");
    bytes = good;
    put(bytes, 8, 1, 4);
    check_refusal(bytes, "unknown flags");
    bytes = good;
    put(bytes, 12, 65, 4);
    check_refusal(bytes, "more than 64 sections");
    put(bytes, 12, 64, 4);
    check_refusal(bytes.substr(0, 200), "ends within its section table");
    bytes = good;
    put(bytes, 16, 77, 4);
    check_refusal(bytes, "header and section table are damaged");
}

BOOST_AUTO_TEST_CASE(binary_section_table) {
    const std::string good = object::serialise(programs().back(), format::binary);
    const auto check = [&](std::size_t at, std::uint64_t value, std::size_t n, const std::string& part) {
        std::string bytes = good;
        put(bytes, at, value, n);
        check_refusal(sealed(bytes), part);
    };
    check(entry(0) + 4, UINT64_MAX, 8, "lies outside the file"); // its sum with the size wraps
    check(entry(0) + 12, UINT64_MAX, 8, "lies outside the file");
    check(entry(0) + 20, 0, 4, "f.kpu: byte ");
    check(entry(0) + 20, 0, 4, "section 1 is damaged: its CRC-32C does not match");
    check(entry(0), 2, 4, "section is given twice");
    check(entry(0), 77, 4, "unknown section that is not optional");
    check(entry(4), 77, 4, "unknown section that is not optional");
    check(entry(4), 0x80000000U | 77, 4, "accepted");
    check(entry(0), 0x80000000U | 77, 4, "no section metadata"); // optional to skip, but then missing
    check(entry(0), 0x80000000U | 1, 4, "section 1 says that it is optional, which it is not");
    check(entry(4), 5, 4, "section 5 does not say that it is optional");
    check(12, 3, 4, "part of no section, but not zero");
    // Constants lie where they can be used in place.
    BOOST_TEST(get(good, entry(5) + 4, 8) % 64 == 0U);
}

BOOST_AUTO_TEST_CASE(every_byte_of_a_binary_file_belongs_to_something) {
    const std::string good = object::serialise(programs().back(), format::binary);
    std::string bytes = good;
    bytes[get(good, entry(1) + 4, 8) - 1] = 1;
    check_refusal(bytes, "part of no section, but not zero");
    check_refusal(good + "x", "f.kpu: byte " + std::to_string(good.size()) +
                                  ": error: the file goes on behind its last section: '1 bytes'");
    check_refusal(good + std::string(64, '\0'), "the file goes on behind its last section: '64 bytes'");
    // Two entries with the same place: whatever they are, the second reading of the bytes is not meant.
    bytes = good;
    put(bytes, entry(4), 0x80000000U | 77, 4);
    for (const std::size_t field : {4U, 12U})
        put(bytes, entry(4) + field, get(good, entry(3) + field, 8), 8);
    put(bytes, entry(4) + 20, get(good, entry(3) + 20, 4), 4);
    check_refusal(sealed(bytes), "overlaps");
    bytes = good;
    put(bytes, entry(4), 0x80000000U | 77, 4);
    put(bytes, entry(4) + 4, 8, 8);
    put(bytes, entry(4) + 12, 4, 8);
    put(bytes, entry(4) + 20, crc32c(std::string_view(good).substr(8, 4)), 4);
    check_refusal(sealed(bytes), "overlaps the table");
}

BOOST_AUTO_TEST_CASE(a_newer_minor_version_may_add_optional_sections) {
    // A file that a later tool wrote: version 2.9, one section more, after all others.
    dfx::program p = programs().front();
    p.version = "2.9";
    std::string later = object::serialise(p, format::binary);
    const std::uint64_t n = get(later, 12, 4);
    BOOST_REQUIRE(entry(n + 1) + 4 <= get(later, entry(0) + 4, 8)); // there is room in the table's padding
    const std::string added = "what nobody knows yet";
    put(later, 12, n + 1, 4);
    put(later, entry(n), 0x80000000U | 9, 4);
    put(later, entry(n) + 4, later.size(), 8);
    put(later, entry(n) + 12, added.size(), 8);
    put(later, entry(n) + 20, crc32c(added), 4);
    later += added;
    BOOST_TEST((object::parse_program(sealed(later), "later.kpu") == p));
    put(later, entry(n), 9, 4);
    check_refusal(sealed(later),
                  "unknown section that is not optional (file version 2.9, this tool reads up to 2.3): '9'");
}

BOOST_AUTO_TEST_CASE(no_truncation_is_accepted) {
    for (const dfx::program& p : small_programs()) {
        for (const format f : {format::binary, format::json}) {
            const std::string good = object::serialise(p, f);
            const std::size_t end = f == format::json ? good.size() - 1 : good.size(); // a final newline is not missed
            for (std::size_t n = 0; n < end; ++n)
                BOOST_REQUIRE_MESSAGE(test::refusal(good.substr(0, n)) != "accepted", n << " bytes were accepted");
        }
    }
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_binary_file_counts) {
    for (const dfx::program& p : small_programs()) {
        const std::string good = object::serialise(p, format::binary);
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
            BOOST_REQUIRE_MESSAGE(test::refusal(with_bit_flipped(good, bit)) != "accepted",
                                  "bit " << bit << " makes no difference");
    }
}

BOOST_AUTO_TEST_CASE(every_bit_of_the_content_is_checked_without_the_crc) {
    // With the CRCs put right again, the reader alone stands between the bytes and the program: it must not crash.
    for (const dfx::program& p : small_programs()) {
        const std::string good = object::serialise(p, format::binary);
        // anything but input_error or success ends the test
        test::for_each_flip_behind_checksums(good, [](const std::string& bytes) { (void)test::refusal(bytes); });
    }
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_json_file) {
    // But for constants JSON has no checksum: what is accepted must at least be a valid program.
    const std::string good = test::flat_matmul_json();
    BOOST_TEST(test::refusal(good) == "accepted");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        try {
            const dfx::program q = object::parse_program(with_bit_flipped(good, bit), "f.kpu");
            BOOST_REQUIRE(dfx::verify(q).empty());
        } catch (const input_error&) {
        }
    }
}

BOOST_AUTO_TEST_CASE(no_flipped_bit_changes_constants_in_json) {
    const dfx::program p = small_programs().front();
    const std::string good = object::serialise(p, format::json);
    const std::size_t first = good.find("\"constants\"");
    BOOST_REQUIRE(first != std::string::npos);
    for (std::size_t bit = first * 8; bit < good.size() * 8; ++bit) {
        try {
            BOOST_REQUIRE_MESSAGE((object::parse_program(with_bit_flipped(good, bit), "f.kpu") == p),
                                  "bit " << bit << " gives another program");
        } catch (const input_error&) {
        }
    }
}

BOOST_AUTO_TEST_CASE(constants_in_json_have_checksums_from_2_3_on) {
    dfx::program p = small_programs().front();
    BOOST_TEST(p.version == "2.3");
    const std::string good = object::serialise(p, format::json);
    const std::string sum = "\"B\": " + std::to_string(crc32c(p.constants.at("B").data));
    check_refusal(test::with(good, sum, "\"B\": 1"),
                  "f.kpu: /constants/B: error: value is damaged: its CRC-32C does not match");
    check_refusal(test::with(good, sum, "\"B\": \"1\""), "/constants_crc32c/B: error: not a whole number");
    check_refusal(test::with(good, sum, ""), "/constants_crc32c: error: field is missing: 'B'");
    check_refusal(test::with(good, sum, sum + ", \"A\": 1"), "/constants_crc32c/A: error: no constant has this name");
    check_refusal(test::with(good, "{\n  " + sum + "\n }", "5"), "/constants_crc32c: error: not an object: '5'");
    check_refusal(test::with(good, "2.3", "2.2"),
                  "/constants_crc32c: error: checksums of constants need DFX version 2.3: '2.2'");
    // Written by hand or by an older tool: read, and written again as it was.
    const std::string without = test::with(good, ",\n \"constants_crc32c\": {\n  " + sum + "\n }", "");
    BOOST_TEST((object::parse_program(without, "f.kpu") == p));
    const std::string older = test::with(without, "2.3", "2.0");
    p.version = "2.0";
    BOOST_TEST((object::parse_program(older, "f.kpu") == p));
    BOOST_TEST(object::serialise(p, format::json) == older);
}

BOOST_AUTO_TEST_CASE(numbers_that_no_double_holds_are_refused) {
    check_refusal(flat_with("\"dfx_version\"", "\"x\":1e999,\"dfx_version\""), "a number in the JSON is out of range");
    check_refusal(std::string(400, '5'), "a number in the JSON is out of range");
}

BOOST_AUTO_TEST_CASE(names_must_be_utf8) {
    dfx::program p = programs().front();
    p.graph_name = "\xff";
    BOOST_CHECK_THROW((void)object::serialise(p, format::json), input_error);
    BOOST_CHECK_THROW((void)object::serialise(p, format::binary), input_error);
    for (const char* good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
        BOOST_TEST(is_utf8(good));
    for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xf8"})
        BOOST_TEST(!is_utf8(bad));
}

BOOST_AUTO_TEST_CASE(checksums_and_base64) {
    BOOST_TEST(crc32c("123456789") == 0xe3069283U);
    BOOST_TEST(crc32c("") == 0U);
    std::vector<std::byte> bytes;
    for (unsigned i = 0; i < 7; ++i) {
        const std::string text = to_base64(bytes);
        BOOST_TEST((from_base64(text) == bytes));
        bytes.push_back(static_cast<std::byte>(200 + 11 * i));
    }
    BOOST_TEST(to_base64({std::byte{'f'}, std::byte{'o'}}) == "Zm8=");
    for (const char* bad : {"Zm8", "Zm8*", "Zm9=", "=m8=", "Zm=8", "Zm8=Zm8="})
        BOOST_TEST(!from_base64(bad).has_value());
}
