#pragma once
// What the compiler's cost model knows of a chip, and for which chips it chooses.

#include "compiler/tensor/dtype.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace kpu::passes {

inline constexpr std::size_t k_dtypes = 7;

/// Equal arrays over one on-chip memory and one DRAM.
struct chip_model {
    std::uint64_t rows = 16, columns = 16; ///< of one array, in PEs
    std::uint64_t arrays = 1;
    std::uint64_t tile_room = 0;     ///< bytes for one array's tile, operands double-buffered
    std::uint64_t capacity = 0;      ///< bytes for blocks of tiles, which are read from DRAM once
    double dram_bytes_per_cycle = 0; ///< to and from DRAM
    /// Bytes of an operand that wait in front of one row or column of the array: the depth of a tile.
    std::uint64_t line_room = std::numeric_limits<std::uint64_t>::max();
    std::array<std::uint32_t, k_dtypes> macs_per_pe{1, 1, 1, 1, 1, 1, 1}; ///< and cycle, by operand type; 0: none

    [[nodiscard]] std::uint64_t side() const { return rows > columns ? rows : columns; }
    /// Multiply-accumulates per PE and cycle; 1 where the chip lacks the type, on which it will be refused by the
    /// loader.
    [[nodiscard]] std::uint64_t macs(dtype operand) const;
    /// Per cycle, of all arrays.
    [[nodiscard]] std::uint64_t peak_macs(dtype operand) const { return rows * columns * arrays * macs(operand); }
};

/// One array of side × side PEs whose tiles may fill all of the memory.
[[nodiscard]] chip_model square_chip(std::uint64_t side, std::uint64_t capacity, double dram_bytes_per_cycle);

/// For what a program is compiled: a range of chips, or the one that the user named.
struct target {
    std::string platform;          ///< its name; empty: no particular one
    std::vector<chip_model> chips; ///< costs are geometric means over them
    chip_model typical;            ///< for closed forms and hints
};

/// No particular chip: four from 8×8 PEs with 64 KiB to 64×64 with 4 MiB, which span two orders of magnitude in compute
/// and memory and none of which is a shipped platform; 16×16 PEs, tiles of 128 KiB and 1 MiB are typical.
[[nodiscard]] target nominal_target();

/// That chip only.
[[nodiscard]] target tuned_target(std::string platform, const chip_model& chip);

} // namespace kpu::passes
