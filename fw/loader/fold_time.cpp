#include "fw/loader/fold_time.h"

#include <algorithm>

namespace kpu::fw {

fold_time time_of(const compute_tile& tile, const iface::fold_operands& fold) {
    const std::uint64_t macs = std::max<std::uint64_t>(1, tile.macs_per_pe[static_cast<std::size_t>(fold.type)]);
    std::uint64_t streamed = ceil_div(fold.k, macs);
    if (fold.flow == iface::array_dataflow::weight_stationary)
        streamed = fold.m;
    if (fold.flow == iface::array_dataflow::input_stationary)
        streamed = fold.n;
    const double rows = tile.rows;
    const double columns = tile.columns;
    const auto steps = static_cast<double>(streamed);
    return {std::max(steps, rows), steps + 2 * rows + columns};
}

} // namespace kpu::fw
