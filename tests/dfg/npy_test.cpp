// .npy, .npz and raw files, malformed ones too, and NumPy's own.

#include "compiler/tensor/npz.h"
#include "compiler/tensor/number_format.h"
#include "compiler/tensor/selection.h"
#include "platforms/common/files.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace {

using kpu::dtype;
using kpu::tensor;

const std::vector<dtype> k_types{dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32};

kpu::location here() {
    kpu::location out;
    out.file = "t.npy";
    return out;
}

/// Format 1.0 with this dictionary and data.
std::string npy(const std::string& dictionary, const std::string& data = {}) {
    std::string out("\x93NUMPY\x01\x00", 8);
    out += static_cast<char>(dictionary.size() & 0xffU);
    out += static_cast<char>(dictionary.size() >> 8U);
    return out + dictionary + data;
}

std::string refusal(const std::string& bytes) {
    try {
        (void)kpu::as_tensor(kpu::parse_npy(bytes, here()), here());
    } catch (const kpu::input_error& problem) {
        return problem.what();
    }
    return "accepted";
}

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string zip_with(const kpu::tensor_map& tensors) {
    return kpu::npz_bytes(tensors);
}

} // namespace

BOOST_AUTO_TEST_CASE(npy_round_trip) {
    const kpu::test::temp_directory room;
    for (const dtype t : k_types)
        for (const kpu::shape& dims :
             {kpu::shape{}, kpu::shape{7}, kpu::shape{3, 5}, kpu::shape{2, 3, 4}, kpu::shape{0, 3}}) {
            const tensor value = kpu::random_tensor(t, dims, 5);
            kpu::write_npy(room.file("x.npy"), value);
            BOOST_TEST((kpu::as_tensor(kpu::read_npy(room.file("x.npy")), here()) == value));
            BOOST_TEST((kpu::as_tensor(kpu::read_npy(room.file("x.npy")), t, dims, here()) == value));
            BOOST_TEST(kpu::npy_header_bytes(t, dims).size() % 64 == 0U);
        }
}

BOOST_AUTO_TEST_CASE(all_header_formats) {
    const std::string dictionary = "{\"shape\": (2L,), 'fortran_order':False,'descr' : '<i4'}\n";
    const std::string data("\x01\0\0\0\xff\xff\xff\xff", 8);
    const tensor expected = kpu::as_tensor(kpu::parse_npy(npy(dictionary, data), here()), here());
    BOOST_TEST((expected.dims == kpu::shape{2}));
    for (const char major : {'\x02', '\x03'}) {
        std::string bytes = std::string("\x93NUMPY", 6) + major + '\0';
        bytes += static_cast<char>(dictionary.size());
        bytes += std::string(3, '\0') + dictionary + data;
        BOOST_TEST((kpu::as_tensor(kpu::parse_npy(bytes, here()), here()) == expected));
    }
}

BOOST_AUTO_TEST_CASE(malformed_arrays_are_refused) {
    const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    BOOST_TEST(refusal(npy(good, "abcd")) == "accepted");
    BOOST_TEST(says(refusal(npy(good, "abc")), "truncated array"));
    BOOST_TEST(says(refusal(npy(good, "abcde")), "bytes after the array"));
    BOOST_TEST(says(refusal(""), "wrong magic"));
    BOOST_TEST(says(refusal("PK\x03\x04 something else"), "wrong magic"));
    BOOST_TEST(says(refusal(npy(good).substr(0, 9)), "truncated .npy header"));
    BOOST_TEST(says(refusal(npy(good).substr(0, 40)), "truncated .npy header"));
    const auto shaped = [&](const std::string& shape) {
        return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}");
    };
    BOOST_TEST(says(refusal(shaped("(4294967296, 4294967296)")), "tensor too large"));
    BOOST_TEST(says(refusal(shaped("(99999999999999999999,)")), "extent too large"));
    BOOST_TEST(says(refusal(shaped("(-1,)")), "an extent"));
    BOOST_TEST(says(refusal(shaped("(1 2)")), "malformed"));
    BOOST_TEST(says(refusal(shaped("(1,")), "malformed"));
    const auto typed = [&](const std::string& descr) {
        return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': ()}", "abcd");
    };
    BOOST_TEST(says(refusal(typed("'>f4'")), "big-endian"));
    BOOST_TEST(says(refusal(typed("'|O'")), "object arrays"));
    BOOST_TEST(says(refusal(typed("[('x', '<f4')]")), "structured"));
    BOOST_TEST(says(refusal(typed("'<c4'")), "element type"));
    BOOST_TEST(says(refusal(typed("'<U1'")), "element type"));
    BOOST_TEST(says(refusal(typed("'<u4'")), "element type"));
    BOOST_TEST(says(refusal(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", "abcd")), "Fortran"));
    BOOST_TEST(says(refusal(npy("{'descr': '<f4', 'shape': (1,)}", "abcd")), "incomplete"));
    BOOST_TEST(says(refusal(npy("{'descr': '<f4', 'x': False}", "abcd")), "unknown key"));
    BOOST_TEST(says(refusal(npy(good + "x", "abcd")), "nothing after"));
    std::string wrong = npy(good, "abcd");
    wrong[6] = 9;
    BOOST_TEST(says(refusal(wrong), "unknown .npy format"));
    wrong = npy(good, "abcd");
    wrong[6] = 2;
    BOOST_TEST(says(refusal(wrong), "header too long"));
}

BOOST_AUTO_TEST_CASE(types_without_a_numpy_name_follow_the_expectation) {
    const auto array = [](const std::string& descr, const std::string& data) {
        return kpu::parse_npy(npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (2,)}", data), here());
    };
    for (const char* descr : {"<u2", "<V2", "|V2"})
        BOOST_TEST((kpu::as_tensor(array(descr, "abcd"), dtype::bf16, {2}, here()).type == dtype::bf16));
    for (const char* descr : {"|u1", "|V1"})
        BOOST_TEST((kpu::as_tensor(array(descr, "ab"), dtype::f8, {2}, here()).type == dtype::f8));
    BOOST_CHECK_THROW((void)kpu::as_tensor(array("<u2", "abcd"), dtype::f16, {2}, here()), kpu::input_error);
    BOOST_CHECK_THROW((void)kpu::as_tensor(array("|u1", "ab"), here()), kpu::input_error);
    BOOST_CHECK_THROW((void)kpu::as_tensor(array("<f2", "abcd"), dtype::f16, {1, 2}, here()), kpu::input_error);
}

BOOST_AUTO_TEST_CASE(raw_files_have_exactly_their_size) {
    const kpu::test::temp_directory room;
    const tensor value = kpu::random_tensor(dtype::f16, {3, 5}, 1);
    kpu::write_raw(room.file("x.bin"), value);
    BOOST_TEST((kpu::read_raw(room.file("x.bin"), dtype::f16, {3, 5}) == value));
    BOOST_CHECK_THROW((void)kpu::read_raw(room.file("x.bin"), dtype::f16, {3, 4}), kpu::input_error);
    BOOST_CHECK_THROW((void)kpu::read_raw(room.file("absent.bin"), dtype::f16, {3, 5}), kpu::input_error);
}

BOOST_AUTO_TEST_CASE(npz_round_trip) {
    const kpu::test::temp_directory room;
    kpu::tensor_map tensors;
    for (const dtype t : k_types)
        tensors["t_" + std::string(kpu::name_of(t))] = kpu::random_tensor(t, {33, 7}, 9);
    tensors["scalar"] = kpu::random_tensor(dtype::f32, {}, 1);
    tensors["large"] = kpu::random_tensor(dtype::f32, {400, 300}, 1);
    kpu::write_npz(room.file("x.npz"), tensors);
    BOOST_TEST((kpu::read_npz_tensors(room.file("x.npz")) == tensors));
    BOOST_TEST(kpu::npz_bytes(tensors) == kpu::read_file(room.file("x.npz")));
    kpu::write_npz(room.file("empty.npz"), {});
    BOOST_TEST(kpu::read_npz(room.file("empty.npz")).empty());
}

BOOST_AUTO_TEST_CASE(damaged_archives_are_refused) {
    const std::string good =
        zip_with({{"A", kpu::random_tensor(dtype::f32, {50, 50}, 1)}, {"B", kpu::random_tensor(dtype::i8, {9}, 1)}});
    BOOST_TEST(kpu::parse_npz(good, here()).size() == 2U);
    for (std::size_t length = 0; length < good.size(); length += 97)
        BOOST_CHECK_THROW((void)kpu::parse_npz(good.substr(0, length), here()), kpu::input_error);
    std::string flipped = good;
    flipped[5000] = static_cast<char>(flipped[5000] ^ 1);
    BOOST_CHECK_THROW((void)kpu::parse_npz(flipped, here()), kpu::input_error); // the checksum
    BOOST_CHECK_THROW((void)kpu::parse_npz(good, here(), {1, 1U << 20U}), kpu::input_error);
    BOOST_CHECK_THROW((void)kpu::parse_npz(good, here(), {10, 5000}), kpu::input_error);
}

BOOST_AUTO_TEST_CASE(mutated_archives_never_crash) {
    constexpr std::uint64_t k_seed = 77;
    BOOST_TEST_MESSAGE("seed " << k_seed);
    const std::string good =
        zip_with({{"A", kpu::random_tensor(dtype::f32, {4, 4}, 1)}, {"B", kpu::random_tensor(dtype::i8, {9}, 1)}});
    const tensor noise = kpu::random_tensor(dtype::i32, {3000, 3}, k_seed);
    unsigned refused = 0;
    for (std::size_t i = 0; i < 3000; ++i) {
        std::string bytes = good;
        for (std::size_t change = 0; change < 1 + i % 3; ++change) {
            const auto word = [&](std::size_t n) {
                return static_cast<std::size_t>(noise.data[(i * 3 + change) * 4 + n]);
            };
            bytes[(word(0) + 256 * word(1) + 31 * i) % bytes.size()] = static_cast<char>(word(0) ^ i);
        }
        try {
            (void)kpu::parse_npz(bytes, here());
        } catch (const kpu::input_error&) {
            ++refused;
        }
    }
    BOOST_TEST(refused > 1000U);
}

BOOST_AUTO_TEST_CASE(numpy_reads_what_is_written_and_the_other_way_round) {
    const kpu::test::temp_directory room;
    kpu::tensor_map tensors;
    for (const dtype t : k_types)
        tensors[std::string(kpu::name_of(t))] = kpu::random_tensor(t, {5, 6}, 3);
    kpu::write_npz(room.file("in.npz"), tensors);
    kpu::write_npz(room.file("empty.npz"), {});
    kpu::write_npy(room.file("one.npy"), tensors.at("f32"));
    const std::string script = R"(
import numpy as np
z = np.load('in.npz')
assert len(np.load('empty.npz').files) == 0
want = {'f64': 'f8', 'f32': 'f4', 'f16': 'f2', 'bf16': 'V2', 'f8': 'V1', 'i8': 'i1', 'i32': 'i4'}
assert sorted(z.files) == sorted(want), z.files
for key, kind in want.items():
    assert z[key].dtype == np.dtype(kind) and z[key].shape == (5, 6), key
assert (np.load('one.npy') == z['f32']).all()
np.savez('stored.npz', **{k: z[k] for k in z.files})
np.savez_compressed('deflated.npz', **{k: z[k] for k in z.files})
bits = {k: z[k] for k in z.files}
bits['bf16'] = bits['bf16'].view('<u2'); bits['f8'] = bits['f8'].view('u1')
np.savez('bits.npz', **bits)
np.savez('fortran.npz', x=np.asfortranarray(np.zeros((3, 4))))
)";
    const auto ran = kpu::test::run_process({"/usr/bin/python3", "-c", script}, room.path());
    BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, "needs Debian's python3-numpy; " << ran.err);
    BOOST_TEST((kpu::read_npz_tensors(room.file("stored.npz")) == tensors));
    BOOST_TEST((kpu::read_npz_tensors(room.file("deflated.npz")) == tensors));
    for (auto& [key, array] : kpu::read_npz(room.file("bits.npz"))) {
        const tensor& expected = tensors.at(key);
        BOOST_TEST((kpu::as_tensor(std::move(array), expected.type, expected.dims, here()) == expected));
    }
    BOOST_CHECK_THROW((void)kpu::read_npz(room.file("fortran.npz")), kpu::input_error);
}

BOOST_AUTO_TEST_CASE(f16_rounds_as_numpy_does) {
    const kpu::test::temp_directory room;
    const std::string script = R"(
import numpy as np
r = np.random.default_rng(5)
x = r.standard_normal(200000) * np.exp2(r.uniform(-30, 18, 200000))
np.savez('x.npz', x=x, h=x.astype(np.float16))
)";
    const auto ran = kpu::test::run_process({"/usr/bin/python3", "-W", "ignore", "-c", script}, room.path());
    BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, "needs Debian's python3-numpy; " << ran.err);
    const kpu::tensor_map read = kpu::read_npz_tensors(room.file("x.npz"));
    BOOST_TEST((kpu::convert(read.at("x"), dtype::f16) == read.at("h")));
}

BOOST_AUTO_TEST_CASE(selection_finds_fills_and_complains) {
    const std::vector<kpu::expected_tensor> expected{
        {{"A", "n0"}, dtype::f32, {2, 2}}, {{"B", "n1"}, dtype::f32, {2, 2}}, {{"C", "n2"}, dtype::i8, {3}}};
    const auto arrays = [](const std::vector<std::pair<std::string, tensor>>& from) {
        kpu::npz_arrays out;
        for (const auto& [key, value] : from)
            out[key] = {value.type == dtype::i8 ? "|i1" : "<f4", value.dims, value.data};
        return out;
    };
    const tensor square = kpu::random_tensor(dtype::f32, {2, 2}, 100);
    kpu::diagnostics warnings;
    const kpu::tensor_map got =
        kpu::select_tensors(expected, arrays({{"n1", square}, {"other", square}}), 10, here(), warnings);
    BOOST_TEST((got.at("A") == kpu::random_tensor(dtype::f32, {2, 2}, 10)));
    BOOST_TEST((got.at("B") == square));
    BOOST_TEST((got.at("C") == kpu::random_tensor(dtype::i8, {3}, 12)));
    BOOST_TEST(warnings.items().size() == 1U);
    try {
        (void)kpu::select_tensors(expected, arrays({{"A", square}, {"n0", square}, {"C", square}}), std::nullopt,
                                  here(), warnings);
        BOOST_ERROR("accepted");
    } catch (const kpu::input_error& problem) {
        const std::string text = problem.what();
        BOOST_TEST(says(text, "two arrays for one tensor"));
        BOOST_TEST(says(text, "missing tensor: 'B or n1' (expected 2x2 f32)"));
        BOOST_TEST(says(text, "t.npy: C: error: element type disagrees"));
    }
}
