#include "hw/fabric/pe_array.h"

#include "platforms/common/units.h"

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
pe_array<T>::pe_array(std::uint32_t rows, std::uint32_t columns, std::uint32_t macs_per_pe, std::uint32_t accumulators)
    : m_rows(rows), m_columns(columns), m_packed(macs_per_pe), m_accumulators(accumulators) {}

template <class T>
std::uint64_t pe_array<T>::steps(const fold& f) const {
    return ceil_div(f.extents.k, m_packed);
}

template <class T>
void pe_array<T>::reset(const std::vector<fold>& folds) {
    const std::size_t count = std::size_t{m_rows} * m_columns;
    for (registers* r : {&m_left, &m_top}) {
        r->tokens.assign(count, {});
        r->values.assign(count * m_packed, T{});
    }
    for (accumulator& a : m_accumulators) {
        a.sums.assign(count, T{});
        a.owner.assign(count, -1);
        a.complete.assign(count, false);
    }
    m_folds = folds;
    m_results.clear();
    for (const fold& f : folds) {
        result empty;
        empty.c.resize(std::size_t{f.extents.m} * f.extents.n);
        empty.first.resize(f.extents.n);
        empty.last.resize(f.extents.n);
        m_results.push_back(std::move(empty));
    }
}

template <class T>
std::uint64_t pe_array<T>::last_cycle() const {
    std::uint64_t last = 0;
    for (const fold& f : m_folds)
        last = std::max({last, f.drain + m_rows + m_columns, f.enter + m_rows + m_columns + steps(f)});
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
        multiply();
    }
    return std::move(m_results);
}

/// Column j of a fold shifts in the `rows` cycles from drain + j on.
template <class T>
void pe_array<T>::drain(std::uint64_t now) {
    for (std::uint32_t j = 0; j < m_columns; ++j) {
        std::int32_t active = -1;
        for (std::size_t f = 0; f < m_folds.size(); ++f) {
            const std::uint64_t start = m_folds[f].drain + j;
            if (j >= m_folds[f].extents.n || now < start || now >= start + m_rows)
                continue;
            if (active >= 0)
                impossible("two folds drain at once", m_rows - 1, j);
            active = static_cast<std::int32_t>(f);
            if (now == start)
                claim_column(active, j);
            shift_column(active, j, static_cast<std::uint32_t>(now - start), now);
        }
    }
}

/// The rows below the fold's last are part of the way out: their accumulators must be free.
template <class T>
void pe_array<T>::claim_column(std::int32_t index, std::uint32_t j) {
    accumulator& sums = of(index);
    const std::uint32_t m = m_folds[static_cast<std::size_t>(index)].extents.m;
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const std::size_t pe = at(i, j);
        if (i < m ? sums.owner[pe] != index || !sums.complete[pe] : sums.owner[pe] != -1)
            impossible("a drain starts before its accumulators are ready", i, j);
        sums.owner[pe] = index;
    }
}

/// After `shifts` shifts row i holds what was in row i - shifts, and the rows above `shifts` are empty.
template <class T>
void pe_array<T>::shift_column(std::int32_t index, std::uint32_t j, std::uint32_t shifts, std::uint64_t now) {
    accumulator& sums = of(index);
    const fold_extents& x = m_folds[static_cast<std::size_t>(index)].extents;
    result& out = m_results[static_cast<std::size_t>(index)];
    const std::uint32_t leaving = m_rows - 1 - shifts;
    if (leaving < x.m) {
        out.c[std::size_t{leaving} * x.n + j] = sums.sums[at(m_rows - 1, j)];
        out.first[j] = leaving == x.m - 1 ? now : out.first[j];
        out.last[j] = now;
    }
    for (std::uint32_t i = m_rows - 1; i > shifts; --i)
        sums.sums[at(i, j)] = sums.sums[at(i - 1, j)];
    sums.owner[at(shifts, j)] = -1;
}

template <class T>
void pe_array<T>::shift_operands() {
    const std::size_t packed = m_packed;
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const auto row = static_cast<std::ptrdiff_t>(at(i, 0));
        const auto end = static_cast<std::ptrdiff_t>(at(i, m_columns - 1));
        std::copy_backward(m_left.tokens.begin() + row, m_left.tokens.begin() + end, m_left.tokens.begin() + end + 1);
        const auto p = static_cast<std::ptrdiff_t>(packed);
        std::copy_backward(m_left.values.begin() + row * p, m_left.values.begin() + end * p,
                           m_left.values.begin() + (end + 1) * p);
    }
    std::copy_backward(m_top.tokens.begin(), m_top.tokens.end() - m_columns, m_top.tokens.end());
    std::copy_backward(m_top.values.begin(), m_top.values.end() - static_cast<std::ptrdiff_t>(m_columns * packed),
                       m_top.values.end());
}

/// Row i's operands enter from cycle enter + i on, column j's from enter + j on, one step per cycle.
template <class T>
typename pe_array<T>::token pe_array<T>::token_at(std::uint32_t lane, bool is_row, std::uint64_t now) const {
    token found;
    for (std::size_t f = 0; f < m_folds.size(); ++f) {
        const fold_extents& x = m_folds[f].extents;
        const std::uint64_t start = m_folds[f].enter + lane;
        if (lane >= (is_row ? x.m : x.n) || now < start || now >= start + steps(m_folds[f]))
            continue;
        if (found.fold >= 0)
            impossible("two folds enter at once", is_row ? lane : 0, is_row ? 0 : lane);
        found.fold = static_cast<std::int32_t>(f);
        found.step = static_cast<std::uint32_t>(now - start);
        found.pairs = std::min(m_packed, x.k - found.step * m_packed);
        found.last = found.step + 1 == steps(m_folds[f]);
    }
    return found;
}

template <class T>
void pe_array<T>::feed(std::uint64_t now) {
    for (std::uint32_t i = 0; i < m_rows; ++i) {
        const token t = token_at(i, true, now);
        m_left.tokens[at(i, 0)] = t;
        for (std::uint32_t q = 0; q < t.pairs; ++q) {
            const fold& f = m_folds[static_cast<std::size_t>(t.fold)];
            m_left.values[at(i, 0) * m_packed + q] = f.a[std::size_t{i} * f.extents.k + t.step * m_packed + q];
        }
    }
    for (std::uint32_t j = 0; j < m_columns; ++j) {
        const token t = token_at(j, false, now);
        m_top.tokens[at(0, j)] = t;
        for (std::uint32_t q = 0; q < t.pairs; ++q) {
            const fold& f = m_folds[static_cast<std::size_t>(t.fold)];
            m_top.values[at(0, j) * m_packed + q] = f.b[(std::size_t{t.step} * m_packed + q) * f.extents.n + j];
        }
    }
}

template <class T>
void pe_array<T>::multiply() {
    for (std::uint32_t i = 0; i < m_rows; ++i)
        for (std::uint32_t j = 0; j < m_columns; ++j)
            if (m_left.tokens[at(i, j)].fold >= 0 && m_top.tokens[at(i, j)].fold >= 0)
                multiply_at(i, j);
}

template <class T>
void pe_array<T>::multiply_at(std::uint32_t i, std::uint32_t j) {
    const std::size_t pe = at(i, j);
    const token& left = m_left.tokens[pe];
    const token& top = m_top.tokens[pe];
    if (left.fold != top.fold || left.step != top.step)
        impossible("operands that do not belong together meet", i, j);
    accumulator& sums = of(left.fold);
    if (left.step == 0) {
        if (sums.owner[pe] != -1)
            impossible("an accumulator is taken before it was drained", i, j);
        const fold& f = m_folds[static_cast<std::size_t>(left.fold)];
        sums.owner[pe] = left.fold;
        sums.sums[pe] = f.seed != nullptr ? f.seed[std::size_t{i} * f.extents.n + j] : T{};
    }
    for (std::uint32_t q = 0; q < left.pairs; ++q)
        sums.sums[pe] = sums.sums[pe] + m_left.values[pe * m_packed + q] * m_top.values[pe * m_packed + q];
    sums.complete[pe] = left.last;
}

template class pe_array<float>;
template class pe_array<double>;
template class pe_array<std::uint32_t>;

} // namespace kpu::hw
