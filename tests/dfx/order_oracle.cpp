#include "tests/dfx/order_oracle.h"

#include "compiler/dfx/leaves.h"
#include "compiler/dfx/walk.h"

#include <algorithm>
#include <map>

namespace kpu::test {

namespace {

struct instance {
    const dfx::leaf* op;
    dfx::loop_values at;
};

/// One kernel, instance after instance.
class order_check {
  public:
    order_check(const dfx::program& p, const dfx::kernel& k) : m_program(p), m_leaves(dfx::leaves_of(k, "")) {
        std::map<const dfx::statement*, const dfx::leaf*> leaf_of;
        for (const dfx::leaf& l : m_leaves)
            leaf_of[l.op] = &l;
        dfx::walk(k, [&](const dfx::statement& s, const dfx::loop_values& at) {
            m_instances.push_back({leaf_of.at(&s), at});
        });
    }

    bool run() {
        for (std::size_t i = 0; i < m_instances.size(); ++i)
            if (!follow_dependences(i) || !check_data(i))
                return false;
        return true;
    }

  private:
    static std::vector<dfx::dependence> dependences_of(const dfx::leaf& l) {
        if (l.move() != nullptr)
            return l.move()->depends_on;
        if (l.compute() != nullptr)
            return l.compute()->depends_on;
        std::vector<dfx::dependence> all;
        for (const std::uint64_t id : l.barrier()->wait_for)
            all.push_back({id, {}});
        return all;
    }

    /// `y` lies `d.distance` iterations before `x` in the loops that they share.
    static bool meant(const instance& x, const instance& y, const dfx::dependence& d) {
        if (y.op->id() != d.op)
            return false;
        for (std::size_t n = 0; n < dfx::common_loops(*x.op, *y.op); ++n) {
            const std::int64_t back = n < d.distance.size() ? d.distance[n] : 0;
            const auto step = static_cast<std::int64_t>(x.op->loops[n]->step);
            if (static_cast<std::int64_t>(x.at[n]) - back * step != static_cast<std::int64_t>(y.at[n]))
                return false;
        }
        return true;
    }

    bool follow_dependences(std::size_t i) {
        m_before.emplace_back(m_instances.size(), false);
        std::vector<bool>& before = m_before.back();
        for (const dfx::dependence& d : dependences_of(*m_instances[i].op)) {
            for (std::size_t j = 0; j < m_instances.size(); ++j) {
                if (!meant(m_instances[i], m_instances[j], d))
                    continue;
                if (j >= i)
                    return false;
                before[j] = true;
                for (std::size_t n = 0; n < j; ++n)
                    before[n] = before[n] || m_before[j][n];
            }
        }
        return true;
    }

    bool check_data(std::size_t i) {
        const instance& x = m_instances[i];
        if (const auto* move = x.op->move()) {
            const bool good = read(i, move->source);
            write(i, move->destination);
            return good;
        }
        const auto* op = x.op->compute();
        if (op == nullptr)
            return true;
        bool good =
            std::all_of(op->inputs.begin(), op->inputs.end(), [&](const dfx::tensor_region& r) { return read(i, r); });
        if (accumulates(*op, x))
            good = read(i, op->output) && good;
        write(i, op->output);
        return good;
    }

    static bool accumulates(const dfx::compute_op& op, const instance& x) {
        for (std::size_t d = 0; d < x.at.size(); ++d)
            if (x.op->loops[d]->induction_var == op.accumulate.loop)
                return x.at[d] != x.op->loops[d]->start;
        return op.accumulate.when == dfx::accumulate_rule::kind::always;
    }

    using place = std::tuple<std::string, dfx::memory_level, std::vector<std::uint64_t>, std::vector<std::uint64_t>>;

    place place_of(std::size_t i, const dfx::tensor_region& r) const {
        const dfx::element_box box = dfx::box_of(r, m_program.find(r.tensor_name)->dims, m_instances[i].at);
        return {r.tensor_name, r.level, box.low, box.high};
    }

    /// Every earlier store of an element that is read comes before; nothing that is read is stored later.
    bool read_back(std::size_t i, const dfx::tensor_region& r) {
        const shape& dims = m_program.find(r.tensor_name)->dims;
        const dfx::element_box box = dfx::box_of(r, dims, m_instances[i].at);
        for (std::size_t j = 0; j < m_instances.size(); ++j) {
            const auto* move = m_instances[j].op->move();
            if (move == nullptr || move->destination.level != dfx::memory_level::external ||
                move->destination.tensor_name != r.tensor_name)
                continue;
            if (meet(box, dfx::box_of(move->destination, dims, m_instances[j].at)) && (j > i || !m_before[i][j]))
                return false;
        }
        return true;
    }

    static bool meet(const dfx::element_box& a, const dfx::element_box& b) {
        for (std::size_t d = 0; d < a.low.size(); ++d)
            if (a.high[d] <= b.low[d] || b.high[d] <= a.low[d])
                return false;
        return true;
    }

    bool read(std::size_t i, const dfx::tensor_region& r) {
        if (r.level == dfx::memory_level::external)
            return read_back(i, r);
        const auto found = m_writer.find(place_of(i, r));
        return found != m_writer.end() && m_before[i][found->second];
    }

    void write(std::size_t i, const dfx::tensor_region& r) { m_writer[place_of(i, r)] = i; }

    const dfx::program& m_program;
    std::vector<dfx::leaf> m_leaves;
    std::vector<instance> m_instances;
    std::vector<std::vector<bool>> m_before; ///< [i][j]: j comes before i by the dependences
    std::map<place, std::size_t> m_writer;
};

} // namespace

bool dependences_imply_order(const dfx::program& p) {
    return std::all_of(p.kernels.begin(), p.kernels.end(),
                       [&](const dfx::kernel& k) { return order_check(p, k).run(); });
}

} // namespace kpu::test
