#include "compiler/tensor/dtype.h"

#include <array>
#include <utility>

namespace kpu {

namespace {

constexpr std::array<std::pair<std::string_view, dtype>, 7> k_names{{
    {"f64", dtype::f64},
    {"f32", dtype::f32},
    {"f16", dtype::f16},
    {"bf16", dtype::bf16},
    {"f8", dtype::f8},
    {"i8", dtype::i8},
    {"i32", dtype::i32},
}};

} // namespace

bool widens(dtype from, dtype to) {
    if (from == to || to == dtype::f64)
        return true;
    switch (from) {
    case dtype::f16:
    case dtype::bf16:
        return to == dtype::f32;
    case dtype::f8: // 4 significant bits, exponents -9..8: subnormals of f8 are normal numbers of f16
        return to == dtype::f32 || to == dtype::f16 || to == dtype::bf16;
    case dtype::i8: // 8 bits fit the significands of f16 (11) and bf16 (8), but not that of f8 (4)
        return to == dtype::i32 || to == dtype::f32 || to == dtype::f16 || to == dtype::bf16;
    case dtype::f64:
    case dtype::f32:
    case dtype::i32:
        break;
    }
    return false;
}

std::string_view name_of(dtype t) {
    for (const auto& [name, type] : k_names)
        if (type == t)
            return name;
    return "?";
}

std::optional<dtype> dtype_named(std::string_view text) {
    for (const auto& [name, type] : k_names)
        if (name == text)
            return type;
    return std::nullopt;
}

} // namespace kpu
