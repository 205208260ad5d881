#pragma once
// The arithmetic of one fold: C += A·B, in the order and with the roundings of the array, as fast as the host can.
// SystemC-free.

#include "hw/interface/engine.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kpu::hw {

/// Instruction sets that the kernels are built for. The result's bits are the same on all of them.
enum class host_isa : std::uint8_t { baseline, avx2, avx512 };
[[nodiscard]] std::string_view name_of(host_isa isa);
/// The ones that this host executes, `baseline` first, the fastest last.
[[nodiscard]] std::vector<host_isa> host_isas();

/// Extents of a fold: C is m×n, A is m×k, B is k×n, each packed and row-major.
struct fold_extents {
    std::uint32_t m = 0, n = 0, k = 0;
};

/// Owns the scratch that narrow operands are widened into, so that a fold allocates nothing once its like has been
/// seen.
class fold_kernel {
  public:
    /// With scratch for folds of up to rows×columns; larger ones make it grow.
    fold_kernel(std::uint32_t rows, std::uint32_t columns, host_isa isa = host_isas().back());

    /// c[i][j] = c[i][j] + a[i][κ]·b[κ][j] for κ = 0..k-1 in this order, product and sum each rounded to
    /// accumulator_of(type) (no fused multiply-add). C has accumulator_of(type) and holds the seed. f16, bf16 and f8
    /// are widened to f32, i8 to i32; i32 wraps around. Operands are of `type` and need not be aligned. Any k, 0
    /// included.
    void fold(iface::element_type type, const fold_extents& extents, const void* a, const void* b, void* c);

  private:
    template <class Wide>
    void fold_widened(iface::element_type type, iface::element_type wide, const fold_extents& extents,
                      const std::byte* a, const std::byte* b, std::byte* c);

    host_isa m_isa;
    std::vector<std::byte> m_a, m_b; ///< one slice of k, widened
};

} // namespace kpu::hw
