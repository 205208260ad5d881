#include "fw/loader/weighing.h"

#include <fmt/format.h>

namespace kpu::fw {

namespace {

std::string rehearsal_of(const candidate& c) {
    if (!c.rehearsed)
        return "";
    if (c.rehearsed->given_up)
        return fmt::format("; rehearsal given up beyond {:.0f} cycles", c.rehearsed->cycles);
    return fmt::format("; rehearsed {:.0f} cycles, cost {:.0f}", c.rehearsed->cycles, c.cost());
}

std::string line(const candidate& c) {
    const cost_terms& t = c.terms;
    return fmt::format("{}: closed form {:.0f} cycles (around {:.0f} + most of compute {:.0f}, movers {:.0f}, "
                       "DRAM {:.0f}, firmware {:.0f}), cost {:.0f} (hidden {:.0f}, traffic x{:.4f}){}; {} DRAM bytes",
                       c.shape, t.cycles(), t.around, t.compute, t.movers, t.dram, t.firmware, c.closed_cost(),
                       c.hidden, c.traffic_weight, rehearsal_of(c), c.dram_bytes);
}

std::string why_not(const candidate& c, const candidate& taken) {
    return c.lost.empty() ? fmt::format("costs {:.1f}% more", 100 * (c.cost() / taken.cost() - 1)) : c.lost;
}

} // namespace

std::string to_string(const weighing& w, const std::string& start) {
    if (w.cheapest.empty())
        return "";
    std::string text = fmt::format("{}{} evaluated{}\n", start, w.evaluated,
                                   w.rehearsed == 0 ? "" : fmt::format(", {} rehearsed", w.rehearsed));
    for (std::size_t i = 0; i < w.cheapest.size(); ++i)
        text += i == 0 ? fmt::format("{}  {}\n", start, line(w.cheapest[i]))
                       : fmt::format("{}  not {}; {}\n", start, line(w.cheapest[i]),
                                     why_not(w.cheapest[i], w.cheapest.front()));
    return text;
}

} // namespace kpu::fw
