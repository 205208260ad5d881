#pragma once
// The array over its three L1 buffers, each link watched by a protocol monitor.

#include "hw/fabric/systolic_array.h"
#include "tests/component/fabric/tile_bench.h"

namespace kpu::test {

constexpr std::uint64_t k_first = k_l1_latency + 1; ///< cycles from a read to its first beat

inline platform::array_params array_of(std::uint32_t rows, std::uint32_t columns, bool pipelined = true) {
    platform::array_params params;
    params.rows = rows;
    params.columns = columns;
    params.pipelined = pipelined;
    return params;
}

/// Port widths in bytes per cycle; 0: as much as the array takes (f64 at one step per cycle).
struct widths {
    std::uint64_t row = 0, column = 0, result = 0;
};

struct array_bench : engine_on_buffers<systolic_array, platform::array_params> {
    explicit array_bench(const platform::array_params& params, const widths& w = {})
        : engine_on_buffers(iface::engine_kind::array, params,
                            {w.row != 0 ? w.row : 8 * params.rows, w.column != 0 ? w.column : 8 * params.columns,
                             w.result != 0 ? w.result : 8 * params.columns}),
          array(params), a("a", row), b("b", column), c("c", result) {
        result.watch(&seen);
    }
    void fold(const iface::fold_operands& x, std::vector<iface::wait_for> waits = {}) {
        iface::command_header header;
        header.op = iface::opcode::fold;
        std::copy(waits.begin(), waits.end(), header.waits.begin());
        port.push(iface::encode(header, x));
    }
    [[nodiscard]] iface::fold_operands full(std::uint32_t k, std::uint64_t c_at = 0) const {
        iface::fold_operands x;
        x.m = array.rows;
        x.n = array.columns;
        x.k = k;
        x.c = address(c_at);
        return x;
    }
    /// Cycle in which command f (0 is the first) completed.
    [[nodiscard]] std::uint64_t completed(std::size_t f) {
        return seen.completed.at(static_cast<std::uint32_t>(f + 1));
    }

    platform::array_params array;
    memory_probe a, b, c;
};

} // namespace kpu::test
