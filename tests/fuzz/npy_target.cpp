// .npy: an accepted array that has one of the project's types is written and read again as the same tensor.

#include "compiler/tensor/npy.h"
#include "tests/fuzz/fuzz_target.h"

using namespace kpu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const location where;
    const auto array = fuzz::accepted([&] { return parse_npy(fuzz::text_of(data, size), where); });
    if (!array)
        return 0;
    const auto value = fuzz::accepted([&] { return as_tensor(*array, where); });
    if (!value)
        return 0;
    std::string bytes = npy_header_bytes(value->type, value->dims);
    for (const std::byte b : value->data)
        bytes += static_cast<char>(b);
    fuzz::require(as_tensor(parse_npy(bytes, where), value->type, value->dims, where) == *value, "another tensor");
    return 0;
}
