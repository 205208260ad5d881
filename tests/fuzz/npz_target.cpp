// .npz: accepted tensors are written and read again as the same, and equal tensors give equal bytes.

#include "compiler/tensor/npz.h"
#include "tests/fuzz/fuzz_target.h"

using namespace kpu;

namespace {

tensor_map tensors_in(std::string_view bytes) {
    constexpr npz_limits k_limits{64, 1U << 20U};
    const location where;
    tensor_map out;
    for (auto& [key, array] : parse_npz(bytes, where, k_limits))
        out.emplace(key, as_tensor(array, where));
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto tensors = fuzz::accepted([&] { return tensors_in(fuzz::text_of(data, size)); });
    if (!tensors)
        return 0;
    const std::string bytes = npz_bytes(*tensors);
    const tensor_map again = tensors_in(bytes);
    fuzz::require(again == *tensors, "other tensors");
    fuzz::require(npz_bytes(again) == bytes, "other bytes");
    return 0;
}
