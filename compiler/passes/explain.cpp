#include "compiler/passes/explain.h"

#include <fmt/format.h>

namespace kpu::passes {

namespace {

constexpr std::size_t k_others = 3;

std::string extents(const std::array<std::uint64_t, 3>& t) {
    return fmt::format("{}x{}x{}", t[0], t[1], t[2]);
}

std::string array_of(const chip_model& chip) {
    return fmt::format("{}{}x{}", chip.arrays > 1 ? fmt::format("{} ", chip.arrays) : "", chip.rows, chip.columns);
}

/// Terms per chip: ends, array, DRAM, control.
std::string terms_of(const weighed_tile& w, const target& on) {
    std::string text;
    for (std::size_t i = 0; i < w.terms.size(); ++i)
        text += fmt::format("{}{}: {:.0f}, {:.0f}, {:.0f}, {:.0f}", i == 0 ? "" : "; ", array_of(on.chips[i]),
                            w.terms[i].ends, w.terms[i].array, w.terms[i].dram, w.terms[i].control);
    return text;
}

std::string margin_over(const std::vector<weighed_tile>& all) {
    if (all.size() < 2)
        return "there is no other";
    const double behind = all[0].cost / all[1].cost - 1;
    return behind > 0 ? fmt::format("{:.1f}% more than the best other", 100 * behind)
                      : fmt::format("{:.1f}% less than the best other", -100 * behind);
}

std::string explain_tiles(const kernel_report& kernel, const lower_options& options, const std::string& start) {
    const target& on = options.on;
    const std::vector<weighed_tile> all =
        weigh_alternatives(kernel.product, kernel.tiles, options.tiles.constraints, on, k_others);
    std::string text =
        fmt::format("{}tiles {} ({}{}, {} evaluated), cost {:.3f}, {}\n", start, extents(kernel.tiles.tile),
                    name_of(kernel.tiles.strategy), on.platform.empty() ? "" : fmt::format(", for {}", on.platform),
                    kernel.tiles.candidates, kernel.tiles.cost, margin_over(all));
    for (std::size_t i = 0; i < all.size(); ++i)
        text += fmt::format("{}  {}{} cost {:.3f}; cycles of ends, array, DRAM, control on {}\n", start,
                            i == 0 ? "" : "not ", extents(all[i].tile), all[i].cost, terms_of(all[i], on));
    return text;
}

} // namespace

std::string explain(const kernel_report& kernel, const lower_options& options) {
    const std::string start = fmt::format("kernel {}: ", kernel.kernel);
    const std::string cut =
        kernel.merged_into.empty()
            ? explain_tiles(kernel, options, start)
            : fmt::format("{}no tiles: steps follow, so it is one MATMUL_TILE of {}x{} in kernel {}, which the loader "
                          "cuts\n",
                          start, kernel.product.m, kernel.product.n, kernel.merged_into);
    return cut + start + kernel.flow.reason() + "\n";
}

} // namespace kpu::passes
