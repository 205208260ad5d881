#include "hw/fabric/pe_array.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace kpu::hw {

namespace {

[[noreturn]] void impossible(const std::string& what, std::uint32_t i, std::uint32_t j) {
    throw std::logic_error(what + " in PE(" + std::to_string(i) + "," + std::to_string(j) + ")");
}

} // namespace

template <class T>
pe_array<T>::pe_array(std::uint32_t rows, std::uint32_t columns, std::uint32_t macs_per_pe, bool pipelined)
    : m_rows(rows), m_columns(columns), m_packed(macs_per_pe), m_pipelined(pipelined),
      m_accumulators(pipelined ? 2 : 1) {}

template <class T>
void pe_array<T>::reset(const std::vector<fold>& folds) {
    const std::size_t count = std::size_t{m_rows} * m_columns;
    for (registers* r : {&m_left, &m_top}) {
        r->tokens.assign(count, {});
        r->values.assign(count * m_packed, T{});
    }
    const auto empty = [&](keepers& k) {
        k.values.assign(count * m_packed, T{});
        k.owner.assign(count, -1);
        k.complete.assign(count, false);
    };
    for (keepers& k : m_accumulators)
        empty(k);
    empty(m_chain);
    empty(m_weights);
    m_way_out_free.assign(m_columns, 0);
    m_folds = folds;
    m_results.clear();
    for (const fold& f : folds) {
        result r;
        r.c.resize(std::size_t{f.extents.m} * f.extents.n);
        r.first.resize(f.columns());
        r.last.resize(f.columns());
        m_results.push_back(std::move(r));
    }
}

template <class T>
std::uint64_t pe_array<T>::last_cycle() const {
    std::uint64_t last = 0;
    for (const fold& f : m_folds)
        last = std::max({last, f.drain + m_rows + m_columns, f.enter + m_rows + m_columns + f.steps(m_packed)});
    return last;
}

template <class T>
std::vector<typename pe_array<T>::result> pe_array<T>::run(const std::vector<fold>& folds) {
    reset(folds);
    const std::uint64_t end = last_cycle();
    for (std::uint64_t now = 0; now <= end; ++now) {
        drain(now); // sees the sums as the cycle before left them
        shift_operands();
        feed(now);
        multiply(now);
        load(now); // what it overwrites has been seen
    }
    return std::move(m_results);
}

template <class T>
std::int32_t pe_array<T>::shifting(std::uint64_t fold::*from, std::uint32_t j, std::uint64_t now) const {
    std::int32_t active = -1;
    for (std::size_t f = 0; f < m_folds.size(); ++f) {
        const fold& x = m_folds[f];
        const bool shifts = from == &fold::drain ? x.keeps_results() : x.is_loaded();
        const std::uint64_t start = x.*from + j;
        if (!shifts || j >= x.columns() || now < start || now >= start + m_rows)
            continue;
        if (active >= 0)
            impossible("two folds shift at once", 0, j);
        active = static_cast<std::int32_t>(f);
    }
    return active;
}

// ---- output stationary: results shift down their column

template <class T>
void pe_array<T>::drain(std::uint64_t now) {
    for (std::uint32_t j = 0; j < m_columns; ++j) {
        const std::int32_t active = shifting(&fold::drain, j, now);
        if (active < 0)
            continue;
        const std::uint64_t shifts = now - of(active).drain - j;
        if (shifts == 0)
            claim_column(active, j);
        shift_out(active, j, static_cast<std::uint32_t>(shifts), now);
    }
}

/// The rows below the fold's last are part of the way out: their accumulators must be free.
template <class T>
void pe_array<T>::claim_column(std::int32_t index, std::uint32_t j) {
    keepers& sums = accumulators_of(index);
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const std::size_t pe = at(i, j);
        if (i < of(index).extents.m ? sums.owner[pe] != index || !sums.complete[pe] : sums.owner[pe] != -1)
            impossible("a drain starts before its accumulators are ready", i, j);
        sums.owner[pe] = index;
    }
}

/// After `shifts` shifts row i holds what was in row i - shifts, and the rows above `shifts` are empty.
template <class T>
void pe_array<T>::shift_out(std::int32_t index, std::uint32_t j, std::uint32_t shifts, std::uint64_t now) {
    keepers& sums = accumulators_of(index);
    const std::uint32_t leaving = m_rows - 1 - shifts;
    if (leaving < of(index).extents.m)
        leave(index, j, leaving, sums.values[at(m_rows - 1, j) * m_packed], now);
    for (std::uint32_t i = m_rows - 1; i > shifts; --i)
        sums.values[at(i, j) * m_packed] = sums.values[at(i - 1, j) * m_packed];
    sums.owner[at(shifts, j)] = -1;
}

/// Column j's result `number` leaves the last row in this cycle.
template <class T>
void pe_array<T>::leave(std::int32_t index, std::uint32_t j, std::uint32_t number, T value, std::uint64_t now) {
    const fold& f = of(index);
    result& out = m_results[static_cast<std::size_t>(index)];
    const std::uint32_t first = f.keeps_results() ? f.extents.m - 1 : 0;
    if (now < m_way_out_free[j])
        impossible("two results leave at once", m_rows - 1, j);
    m_way_out_free[j] = now + 1;
    out.c[f.result(j, number)] = value;
    out.first[j] = number == first ? now : out.first[j];
    out.last[j] = now;
}

// ---- what moves in every cycle

template <class T>
void pe_array<T>::shift_operands() {
    const auto packed = static_cast<std::ptrdiff_t>(m_packed);
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const auto row = static_cast<std::ptrdiff_t>(at(i, 0));
        const auto end = static_cast<std::ptrdiff_t>(at(i, m_columns - 1));
        std::copy_backward(m_left.tokens.begin() + row, m_left.tokens.begin() + end, m_left.tokens.begin() + end + 1);
        std::copy_backward(m_left.values.begin() + row * packed, m_left.values.begin() + end * packed,
                           m_left.values.begin() + (end + 1) * packed);
    }
    std::copy_backward(m_top.tokens.begin(), m_top.tokens.end() - m_columns, m_top.tokens.end());
    std::copy_backward(m_top.values.begin(), m_top.values.end() - static_cast<std::ptrdiff_t>(m_columns) * packed,
                       m_top.values.end());
}

/// Row i's operands enter from cycle enter + i on, column j's from enter + j on, one step per cycle.
template <class T>
typename pe_array<T>::token pe_array<T>::token_at(std::uint32_t lane, bool is_row, std::uint64_t now) const {
    token found;
    for (std::size_t index = 0; index < m_folds.size(); ++index) {
        const fold& f = m_folds[index];
        const std::uint64_t start = f.enter + lane;
        if (lane >= (is_row ? f.rows(m_rows) : f.columns()) || now < start || now >= start + f.steps(m_packed))
            continue;
        if (found.fold >= 0)
            impossible("two folds enter at once", is_row ? lane : 0, is_row ? 0 : lane);
        found.fold = static_cast<std::int32_t>(index);
        found.step = static_cast<std::uint32_t>(now - start);
        found.last = found.step + 1 == f.steps(m_packed);
        found.pairs = f.keeps_results() ? f.pairs(found.step, m_packed) : is_row ? f.pairs(lane, m_packed) : 1;
    }
    return found;
}

template <class T>
void pe_array<T>::feed(std::uint64_t now) {
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const token t = token_at(i, true, now);
        m_left.tokens[at(i, 0)] = t;
        for (std::uint32_t q = 0; q < t.pairs; ++q) {
            const fold& f = of(t.fold);
            const std::size_t group = f.keeps_results() ? t.step : i;
            m_left.values[at(i, 0) * m_packed + q] = f.left(i, t.step, group * m_packed + q);
        }
    }
    for (std::uint32_t j = 0; j < m_columns; ++j) {
        const token t = token_at(j, false, now);
        m_top.tokens[at(0, j)] = t;
        for (std::uint32_t q = 0; q < t.pairs; ++q)
            m_top.values[at(0, j) * m_packed + q] = of(t.fold).top(j, t.step, std::size_t{t.step} * m_packed + q);
    }
}

// ---- one step of a PE

template <class T>
void pe_array<T>::multiply(std::uint64_t now) {
    for (std::uint32_t i = 0; i < m_rows; ++i)
        for (std::uint32_t j = 0; j < m_columns; ++j) {
            const token& left = m_left.tokens[at(i, j)];
            const token& top = m_top.tokens[at(i, j)];
            const bool sum_passes = top.fold >= 0 && !of(top.fold).keeps_results();
            if (left.fold < 0 ? !sum_passes : top.fold < 0)
                continue;
            if (left.fold != top.fold || left.step != top.step)
                impossible("operands that do not belong together meet", i, j);
            if (sum_passes)
                pass_sum_at(i, j, now);
            else
                accumulate_at(i, j);
        }
}

template <class T>
void pe_array<T>::accumulate_at(std::uint32_t i, std::uint32_t j) {
    const std::size_t pe = at(i, j);
    const token& t = m_left.tokens[pe];
    keepers& sums = accumulators_of(t.fold);
    T& sum = sums.values[pe * m_packed];
    if (t.step == 0) {
        if (sums.owner[pe] != -1)
            impossible("an accumulator is taken before it was drained", i, j);
        sums.owner[pe] = t.fold;
        sum = T{};
        if (of(t.fold).seed != nullptr) {
            take_loaded(t.fold, i, j);
            sum = m_chain.values[pe * m_packed];
        }
    }
    for (std::uint32_t q = 0; q < t.pairs; ++q)
        sum = sum + m_left.values[pe * m_packed + q] * m_top.values[pe * m_packed + q];
    sums.complete[pe] = t.last;
}

/// Weight and input stationary. The sum's register, where the one from above stands, becomes this PE's output.
template <class T>
void pe_array<T>::pass_sum_at(std::uint32_t i, std::uint32_t j, std::uint64_t now) {
    const std::size_t pe = at(i, j);
    const token& t = m_left.tokens[pe];
    keepers& weights = t.step == 0 ? weights_at(i, j) : m_pipelined ? m_weights : m_chain;
    if (weights.owner[pe] != t.fold || !weights.complete[pe])
        impossible("a sum meets a weight that is not its own", i, j);
    T& sum = m_top.values[pe * m_packed];
    for (std::uint32_t q = 0; q < t.pairs; ++q)
        sum = sum + m_left.values[pe * m_packed + q] * weights.values[pe * m_packed + q];
    if (t.last)
        weights.owner[pe] = -1;
    if (i == m_rows - 1)
        leave(t.fold, j, t.step, sum, now);
}

/// The weights of the fold whose first step is here; pipelined they are taken from the chain, which becomes free.
template <class T>
typename pe_array<T>::keepers& pe_array<T>::weights_at(std::uint32_t i, std::uint32_t j) {
    if (!m_pipelined)
        return m_chain;
    const std::size_t pe = at(i, j);
    const std::int32_t index = m_left.tokens[pe].fold;
    if (m_weights.owner[pe] != -1)
        impossible("a weight is replaced before its last use", i, j);
    take_loaded(index, i, j);
    std::copy_n(m_chain.values.begin() + static_cast<std::ptrdiff_t>(pe * m_packed), m_packed,
                m_weights.values.begin() + static_cast<std::ptrdiff_t>(pe * m_packed));
    m_weights.owner[pe] = index;
    m_weights.complete[pe] = true;
    return m_weights;
}

template <class T>
void pe_array<T>::take_loaded(std::int32_t index, std::uint32_t i, std::uint32_t j) {
    const std::size_t pe = at(i, j);
    if (m_chain.owner[pe] != index || !m_chain.complete[pe])
        impossible("a fold enters before it is loaded", i, j);
    m_chain.owner[pe] = -1;
}

// ---- weights and seeds shift in

template <class T>
void pe_array<T>::load(std::uint64_t now) {
    for (std::uint32_t j = 0; j < m_columns; ++j) {
        const std::int32_t active = shifting(&fold::load, j, now);
        if (active < 0)
            continue;
        const std::uint64_t shifts = now - of(active).load - j;
        shift_in(active, j, static_cast<std::uint32_t>(shifts));
        if (shifts == m_rows - 1)
            complete_column(active, j);
    }
}

/// The last row's value comes first. Row i is reached by the i-th shift and keeps what it has until then.
template <class T>
void pe_array<T>::shift_in(std::int32_t index, std::uint32_t j, std::uint32_t shifts) {
    const std::size_t reached = at(shifts, j);
    if (m_chain.owner[reached] != -1)
        impossible("a load reaches a register before its content was taken", shifts, j);
    m_chain.owner[reached] = index;
    m_chain.complete[reached] = false;
    for (std::uint32_t i = shifts; i > 0; --i)
        std::copy_n(m_chain.values.begin() + static_cast<std::ptrdiff_t>(at(i - 1, j) * m_packed), m_packed,
                    m_chain.values.begin() + static_cast<std::ptrdiff_t>(at(i, j) * m_packed));
    const fold& f = of(index);
    const std::uint32_t row = m_rows - 1 - shifts;
    const std::uint32_t count = f.keeps_results() ? (row < f.extents.m ? 1 : 0) : f.pairs(row, m_packed);
    for (std::uint32_t q = 0; q < count; ++q)
        m_chain.values[at(0, j) * m_packed + q] = f.kept(row, j, std::size_t{row} * m_packed + q);
}

/// Rows below an output stationary fold's last were only part of the way.
template <class T>
void pe_array<T>::complete_column(std::int32_t index, std::uint32_t j) {
    const fold& f = of(index);
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        m_chain.complete[at(i, j)] = true;
        if (i >= f.rows(m_rows))
            m_chain.owner[at(i, j)] = -1;
    }
}

template class pe_array<float>;
template class pe_array<double>;
template class pe_array<std::uint32_t>;

} // namespace kpu::hw
