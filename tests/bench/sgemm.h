#pragma once
// OpenBLAS's sgemm on one thread, looked for when the benchmark runs: nothing is linked.

#include <cstdint>
#include <optional>
#include <string>

namespace kpu::bench {

struct sgemm_cost {
    double seconds = 0; ///< processor time of one call, after a small one that wakes the library
    char core[32] = {}; ///< the kernels that it ran, by the library's own name for them
    bool found = false; ///< false: no OpenBLAS on this host
};

/// size×size times size×size, in a child process, with the best kernels that the host executes.
[[nodiscard]] sgemm_cost run_sgemm(std::uint64_t size);

} // namespace kpu::bench
