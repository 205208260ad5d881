#pragma once
// Runs folds through a verilated array: offers them, gives it the operands that it asks for, and notes what leaves
// when.

#include "hw/fabric/fold_timing.h"
#include "hw/fabric/pe_array.h"

#include <stdexcept>
#include <vector>

namespace kpu::test {

/// A fold and when its surroundings are ready for it, in cycles.
struct rtl_fold {
    hw::pe_fold<std::uint32_t> work;
    std::uint64_t offered = 0;   ///< the command; with it what is loaded
    std::uint64_t streams = 0;   ///< the operands that stream
    std::uint64_t write_lag = 0; ///< from the first result until all are in memory
};

/// What the array did with it.
struct rtl_passage {
    std::uint64_t load = 0, enter = 0;
    hw::pe_array<std::uint32_t>::result results;
};

template <class Model>
class rtl_driver {
  public:
    explicit rtl_driver(const hw::array_geometry& array) : m_array(array) {
        m_model.reset = 1;
        m_model.clk = 0;
        m_model.offered = 0;
        clock();
        m_model.reset = 0;
    }

    /// Throws std::runtime_error where the array does not finish.
    std::vector<rtl_passage> run(const std::vector<rtl_fold>& folds) {
        begin(folds);
        for (m_now = 0; m_unfinished > 0; ++m_now) {
            if (m_now > 100000)
                throw std::runtime_error("the array does not finish");
            offer();
            m_model.eval(); // what it takes in this cycle
            const bool accepts = m_model.offered && m_model.accepted;
            feed_load();
            feed_streams();
            clock();
            m_offered += accepts ? 1 : 0;
            collect();
        }
        return m_passages;
    }

  private:
    using fold = hw::pe_fold<std::uint32_t>;

    void begin(const std::vector<rtl_fold>& folds) {
        m_folds = folds;
        m_passages.assign(folds.size(), {});
        m_left.assign(folds.size(), {});
        m_written.assign(folds.size(), 0);
        m_unfinished = 0;
        for (std::size_t f = 0; f < folds.size(); ++f) {
            const fold& x = folds[f].work;
            m_passages[f].results.c.resize(std::size_t{x.extents.m} * x.extents.n);
            m_passages[f].results.first.resize(x.columns());
            m_passages[f].results.last.resize(x.columns());
            m_left[f].assign(x.columns(), 0);
            m_unfinished += x.columns();
        }
    }
    void clock() {
        m_model.eval();
        m_model.clk = 1;
        m_model.eval();
        m_model.clk = 0;
    }

    void offer() {
        m_model.offered = m_offered < m_folds.size() && m_now >= m_folds[m_offered].offered;
        if (m_model.offered) {
            const fold& x = m_folds[m_offered].work;
            m_model.flow = static_cast<std::uint8_t>(x.flow);
            m_model.seeded = x.seed != nullptr;
            m_model.m = static_cast<std::uint16_t>(x.extents.m);
            m_model.n = static_cast<std::uint16_t>(x.extents.n);
            m_model.k = static_cast<std::uint16_t>(x.extents.k);
        }
        m_model.streams_offered = m_entered < m_folds.size() && m_now >= m_folds[m_entered].streams;
        m_model.room = has_room();
    }

    void feed_load() {
        if (!m_model.loads)
            return;
        if (m_model.load_first) {
            while (!m_folds[m_loaded].work.is_loaded())
                ++m_loaded;
            m_passages[m_loaded++].load = m_now;
        }
        const fold& x = m_folds[m_loaded - 1].work;
        const std::uint32_t row = m_model.load_row;
        const bool used = row < (x.keeps_results() ? x.extents.m : x.extents.k);
        for (std::uint32_t j = 0; j < m_array.columns; ++j)
            m_model.load_data[j] = used && j < x.columns() ? x.kept(row, j, row) : k_nothing;
    }
    void feed_streams() {
        if (!m_model.streams)
            return;
        if (m_model.stream_first)
            m_passages[m_entered++].enter = m_now;
        const fold& x = m_folds[m_entered - 1].work;
        const std::uint32_t step = m_model.step_number;
        for (std::uint32_t i = 0; i < m_array.rows; ++i) {
            const bool used = i < (x.keeps_results() ? x.extents.m : x.extents.k);
            const std::uint32_t value = used ? x.left(i, step, x.keeps_results() ? step : i) : k_nothing;
            m_model.left[i] = static_cast<std::decay_t<decltype(m_model.left[i])>>(value);
        }
        for (std::uint32_t j = 0; j < m_array.columns; ++j)
            m_model.top[j] = j < x.columns() ? x.top(j, step, step) : k_nothing;
    }

    /// What the output registers took in this cycle.
    void collect() {
        for (std::uint32_t j = 0; j < m_array.columns; ++j)
            if ((m_model.result_valid >> j & 1U) != 0)
                take(j, m_model.result[j]);
    }
    void take(std::uint32_t j, std::uint32_t value) {
        std::size_t f = 0;
        while (f < m_folds.size() && (j >= m_left[f].size() || m_left[f][j] == m_folds[f].work.results()))
            ++f;
        if (f == m_folds.size())
            throw std::runtime_error("a result too many");
        const fold& x = m_folds[f].work;
        hw::pe_array<std::uint32_t>::result& results = m_passages[f].results;
        const std::uint32_t number = m_left[f][j]++;
        if (number == 0) {
            results.first[j] = m_now;
            if (j == 0) {
                m_written[f] = m_now + m_folds[f].write_lag;
                m_begun = f + 1;
            }
        }
        if (number + 1 == x.results()) {
            results.last[j] = m_now;
            --m_unfinished;
        }
        results.c[x.result(j, x.keeps_results() ? x.results() - 1 - number : number)] = value;
    }
    /// Results wait for their memory in two buffers of rows × columns sums: folds of up to `rows` steps take them in
    /// turn, longer ones need both; output stationary ones, which drain from accumulators, have one.
    [[nodiscard]] bool has_room() const {
        const bool drains = m_begun < m_entered && m_folds[m_begun].work.keeps_results();
        const std::size_t next = drains ? m_begun : m_entered;
        if (next >= m_folds.size())
            return true;
        const fold& x = m_folds[next].work;
        const std::size_t before = drains || is_long(next) || (next > 0 && is_long(next - 1)) ? 1 : 2;
        if (next < before)
            return true;
        const std::uint64_t rows = m_array.rows;
        const std::uint64_t ahead = drains ? rows : std::min<std::uint64_t>(x.steps(1), rows) + rows - 1;
        return next - before < m_begun && m_now + ahead >= m_written[next - before];
    }
    [[nodiscard]] bool is_long(std::size_t f) const {
        return !m_folds[f].work.keeps_results() && m_folds[f].work.steps(1) > m_array.rows;
    }

    static constexpr std::uint32_t k_nothing = 0x5a5a5a5a; ///< where the array must not look

    Model m_model; // first, since it is aligned to a cache line
    hw::array_geometry m_array;
    std::vector<rtl_fold> m_folds;
    std::vector<rtl_passage> m_passages;
    std::vector<std::vector<std::uint32_t>> m_left; ///< per fold and column: results that have left
    std::vector<std::uint64_t> m_written;           ///< per fold whose results have begun to leave
    std::uint64_t m_now = 0;
    std::size_t m_offered = 0, m_loaded = 0, m_entered = 0, m_begun = 0, m_unfinished = 0;
};

} // namespace kpu::test
