#include "compiler/tensor/npy.h"

#include "platforms/common/files.h"

#include <algorithm>
#include <cstring>

namespace kpu {

namespace {

[[noreturn]] void fail(const location& where, std::string message, std::string text = {}, std::string expected = {},
                       std::string hint = {}) {
    throw input_error(
        diagnostic{severity::error, where, std::move(message), std::move(text), std::move(expected), std::move(hint)});
}

/// The types that a descr can stand for: the first is what it means where nothing is expected.
struct descr_meaning {
    std::string_view descr;
    dtype type;
    bool only_if_expected = false;
};

constexpr descr_meaning k_meanings[] = {
    {"<f8", dtype::f64},        {"<f4", dtype::f32}, {"<f2", dtype::f16},  {"<i4", dtype::i32},
    {"|i1", dtype::i8},         {"<i1", dtype::i8},  {"<V2", dtype::bf16}, {"|V2", dtype::bf16},
    {"<u2", dtype::bf16, true}, {"|V1", dtype::f8},  {"<V1", dtype::f8},   {"|u1", dtype::f8, true},
    {"<u1", dtype::f8, true},
};

std::string_view descr_of(dtype t) {
    for (const descr_meaning& m : k_meanings)
        if (m.type == t)
            return m.descr;
    return "";
}

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> out(text.size());
    if (!text.empty())
        std::memcpy(out.data(), text.data(), text.size());
    return out;
}

std::string with_data(std::string head, const tensor& value) {
    const std::size_t at = head.size();
    head.resize(at + value.data.size());
    if (!value.data.empty())
        std::memcpy(&head[at], value.data.data(), value.data.size());
    return head;
}

} // namespace

npy_array parse_npy(std::string_view bytes, const location& where) {
    const npy_header header = parse_npy_header(bytes, where);
    const std::uint64_t found = bytes.size() - header.length;
    if (found != header.data_size())
        fail(where, found < header.data_size() ? "truncated array" : "bytes after the array",
             std::to_string(found) + " bytes of data",
             std::to_string(header.data_size()) + " bytes for shape (" + to_string(header.dims) + ") of '" +
                 header.descr + "'");
    return {header.descr, header.dims, bytes_of(bytes.substr(header.length))};
}

npy_array read_npy(const std::string& path) {
    location where;
    where.file = path;
    return parse_npy(read_file(path), where);
}

std::string npy_header_bytes(dtype t, const shape& dims) {
    std::string extents;
    for (const std::uint64_t extent : dims)
        extents += std::to_string(extent) + (dims.size() == 1 ? "," : ", ");
    if (dims.size() > 1)
        extents.resize(extents.size() - 2);
    std::string dictionary =
        "{'descr': '" + std::string(descr_of(t)) + "', 'fortran_order': False, 'shape': (" + extents + "), }";
    constexpr std::size_t k_before = 10;
    constexpr std::size_t k_alignment = 64;
    const std::size_t used = k_before + dictionary.size() + 1;
    dictionary.append((k_alignment - used % k_alignment) % k_alignment, ' ');
    dictionary += '\n';
    std::string out("\x93NUMPY\x01\x00", 8);
    out += static_cast<char>(dictionary.size() & 0xffU);
    out += static_cast<char>(dictionary.size() >> 8U);
    return out + dictionary;
}

void write_npy(const std::string& path, const tensor& value) {
    write_file(path, with_data(npy_header_bytes(value.type, value.dims), value));
}

std::string describe(dtype t, const shape& dims) {
    return (dims.empty() ? "scalar" : to_string(dims)) + " " + std::string(name_of(t));
}

tensor as_tensor(npy_array array, dtype expected, const shape& expected_dims, const location& where) {
    const bool type_fits = std::any_of(std::begin(k_meanings), std::end(k_meanings), [&](const descr_meaning& m) {
        return m.descr == array.descr && m.type == expected;
    });
    if (!type_fits || array.dims != expected_dims)
        fail(where, type_fits ? "shape disagrees" : "element type disagrees",
             "(" + to_string(array.dims) + ") of '" + array.descr + "'",
             "(" + to_string(expected_dims) + ") of " + std::string(name_of(expected)) + ", '" +
                 std::string(descr_of(expected)) + "'");
    tensor out;
    out.type = expected;
    out.dims = std::move(array.dims);
    out.data = std::move(array.data);
    if (out.data.size() != element_count(out.dims) * size_of(expected))
        fail(where, "array data do not fill the shape", std::to_string(out.data.size()) + " bytes");
    return out;
}

tensor as_tensor(npy_array array, const location& where) {
    for (const descr_meaning& m : k_meanings) {
        if (m.descr != array.descr || m.only_if_expected)
            continue;
        const shape dims = array.dims;
        return as_tensor(std::move(array), m.type, dims, where);
    }
    fail(where, "element type is none of the project's", array.descr,
         "<f8, <f4, <f2, <i4, |i1, <V2 (bf16) or |V1 (f8)");
}

tensor read_raw(const std::string& path, dtype t, const shape& dims) {
    const std::string content = read_file(path);
    const std::uint64_t size = element_count(dims) * size_of(t);
    if (content.size() != size) {
        location where;
        where.file = path;
        fail(where, "file size disagrees", std::to_string(content.size()) + " bytes",
             std::to_string(size) + " bytes for " + describe(t, dims));
    }
    tensor out;
    out.type = t;
    out.dims = dims;
    out.data = bytes_of(content);
    return out;
}

void write_raw(const std::string& path, const tensor& value) {
    write_file(path, with_data({}, value));
}

} // namespace kpu
