#pragma once
// What --verbose of the loader prints of a candidate, read back and computed again.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace kpu::test {

struct weighed_line {
    std::string shape; ///< with what stands in front of it, but for the mark of those that were not taken
    bool taken = true;
    double cycles = 0, around = 0, compute = 0, movers = 0, dram = 0, firmware = 0, cost = 0, hidden = 0, traffic = 0;
    std::optional<double> rehearsed, rehearsed_cost, given_up;
    std::string lost; ///< behind the DRAM bytes

    /// As the README says, but for what rounding leaves: terms are printed as whole cycles.
    [[nodiscard]] bool agrees() const {
        const auto near = [](double printed, double again, double by) { return std::abs(printed - again) <= by; };
        const double most = std::max({compute, movers, dram, firmware});
        bool all = near(cycles, around + most, 1.5) &&
                   near(cost, (cycles + hidden) * traffic, 0.5 + traffic + 1e-4 * (cycles + hidden));
        if (rehearsed)
            all = all && near(*rehearsed_cost, (*rehearsed + hidden / 2) * traffic,
                              0.5 + traffic + 1e-4 * (*rehearsed + hidden));
        return all;
    }
};

/// The candidates' lines of a text, which may have others.
inline std::vector<weighed_line> weighed_lines(const std::string& text) {
    std::vector<weighed_line> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t at = line.find(": closed form ");
        if (at == std::string::npos)
            continue;
        weighed_line w;
        w.shape = line.substr(0, at);
        if (const std::size_t mark = w.shape.find(":   not "); mark != std::string::npos) {
            w.taken = false;
            w.shape.erase(mark + 3, 5);
        }
        int used = 0;
        if (std::sscanf(&line[at],
                        ": closed form %lf cycles (around %lf + most of compute %lf, movers %lf, DRAM %lf, "
                        "firmware %lf), cost %lf (hidden %lf, traffic x%lf)%n",
                        &w.cycles, &w.around, &w.compute, &w.movers, &w.dram, &w.firmware, &w.cost, &w.hidden,
                        &w.traffic, &used) != 9 ||
            used == 0)
            throw std::runtime_error("not a candidate's line: " + line);
        const char* rest = &line[at + static_cast<std::size_t>(used)];
        double a = 0, b = 0;
        if (std::sscanf(rest, "; rehearsed %lf cycles, cost %lf", &a, &b) == 2) {
            w.rehearsed = a;
            w.rehearsed_cost = b;
        }
        if (std::sscanf(rest, "; rehearsal given up beyond %lf", &a) == 1)
            w.given_up = a;
        if (const std::size_t end = line.find(" DRAM bytes; "); end != std::string::npos)
            w.lost = line.substr(end + 13);
        all.push_back(w);
    }
    return all;
}

} // namespace kpu::test
