#include "fw/loader/weighing.h"

#include <fmt/format.h>

namespace kpu::fw {

namespace {

std::string line(const candidate& c) {
    return fmt::format(
        "{}: {:.0f} cycles{} (compute {:.0f}, movers {:.0f}, DRAM {:.0f}, firmware {:.0f}, around {:.0f}), "
        "{} DRAM bytes, cost {:.0f}",
        c.shape, c.cycles, c.rehearsed ? " rehearsed" : "", c.terms.compute, c.terms.movers, c.terms.dram,
        c.terms.firmware, c.terms.around, c.dram_bytes, c.cost);
}

} // namespace

std::string to_string(const weighing& w, const std::string& start) {
    if (w.cheapest.empty())
        return "";
    std::string text = fmt::format("{}{} evaluated", start, w.evaluated);
    if (w.cheapest.size() > 1)
        text += fmt::format("; the best other costs {:+.1f}%", 100 * (w.cheapest[1].cost / w.cheapest[0].cost - 1));
    text += "\n";
    for (std::size_t i = 0; i < w.cheapest.size(); ++i)
        text += fmt::format("{}{}{}\n", start, i == 0 ? "  " : "  not ", line(w.cheapest[i]));
    return text;
}

} // namespace kpu::fw
