#include "compiler/dfx/contraction.h"

#include "compiler/dfx/leaves.h"
#include "compiler/dfx/walk.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace kpu::dfx {

namespace {

[[noreturn]] void refuse(const kernel& k, const leaf& l, const std::string& why) {
    diagnostic problem;
    problem.where.path = l.path;
    problem.message =
        "kernel " + k.name + ", operation " + std::to_string(l.id()) + " is not part of a matmul that can run: " + why;
    throw input_error(std::move(problem));
}

/// The range of elements that a region's instances cover in one dimension.
struct span {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

span span_of(const leaf& l, const tensor_region& r, const shape& dims, std::size_t d) {
    const auto range = *range_of(r.tile_indices[d], l.loops);
    const auto last = static_cast<std::uint64_t>(range.second);
    const bool to_the_end = last >= (dims[d] - 1) / r.tile_shape[d];
    return {static_cast<std::uint64_t>(range.first) * r.tile_shape[d],
            to_the_end ? dims[d] : (last + 1) * r.tile_shape[d]};
}

/// Finds a kernel's MATMUL_TILE operations and the moves at the EXTERNAL end of their operands' ways.
class analyser {
  public:
    analyser(const program& p, const kernel& k) : m_program(p), m_kernel(k), m_leaves(leaves_of(k, "kernel")) {
        for (const leaf& l : m_leaves) {
            const data_move_op* move = l.move();
            if (move != nullptr && move->source.level == memory_level::external)
                m_loads.emplace(tile_key(move->source, false), move->op_id);
            if (move != nullptr && move->destination.level == memory_level::external)
                m_stores.emplace(tile_key(move->destination, false), move->op_id);
        }
    }

    std::vector<contraction> run() {
        std::vector<contraction> out;
        if (const compute_op* whole = whole_tensor_operator(m_kernel)) {
            out.push_back(of_operator(*whole));
        } else if (is_flat(m_kernel)) {
            flat(out);
        } else {
            for (const leaf& l : m_leaves)
                if (l.compute() != nullptr)
                    out.push_back(nest(l));
        }
        return out;
    }

  private:
    /// The last dimension of every operand is a column; all before it are rows, but for the first of a batched product.
    contraction of_operator(const compute_op& op) const {
        if (op.type != compute_type::matmul_tile && op.type != compute_type::conv_tile)
            refuse(m_kernel, m_leaves.front(), "it is a " + std::string(name_of(op.type)));
        const auto tensor = [&](const tensor_region& r) -> const tensor_descriptor& {
            return *m_program.find(r.tensor_name);
        };
        const tensor_descriptor& a = tensor(op.inputs[0]);
        const tensor_descriptor& b = tensor(op.inputs[1]);
        const tensor_descriptor& out = tensor(op.output);
        contraction c;
        c.a = a.name;
        c.b = b.name;
        c.c = out.name;
        c.n = out.dims.back();
        c.batch = op.type == compute_type::matmul_tile && out.dims.size() == 3 ? out.dims.front() : 1;
        c.k = element_count(b.dims) / c.n / c.batch;
        c.m = element_count(out.dims) / c.n / c.batch;
        c.tile = {c.m, c.n, c.k};
        if (op.type == compute_type::conv_tile && !is_product_of_rows(op.window)) {
            c.windows = window_rows{a.dims, out.dims, op.window};
            c.windows->places.pop_back();
        }
        if (op.biased) {
            c.seed = op.inputs[2].tensor_name;
            c.seed_type = tensor(op.inputs[2]).type;
            c.bias = true;
        }
        c.steps = op.steps;
        take_operands(c, op, out.dims);
        c.operand = a.type;
        c.accumulator = accumulator_of(a.type);
        c.result = out.type;
        c.flow = m_kernel.flow;
        c.tiles = m_kernel.tiles;
        c.ids = {op.op_id, op.op_id, op.biased ? op.op_id : 0, op.op_id, op.op_id};
        return c;
    }

    /// Those of the steps, in the order of the operation's inputs.
    void take_operands(contraction& c, const compute_op& op, const shape& result) const {
        const std::size_t named = op.biased ? 3 : 2;
        for (element_step& step : c.steps)
            if (step.operand)
                *step.operand -= named;
        for (std::size_t i = named; i < op.inputs.size(); ++i) {
            const tensor_descriptor& t = *m_program.find(op.inputs[i].tensor_name);
            const std::optional<step_operand> operand = operand_of_step(t, result);
            if (!operand)
                refuse(m_kernel, m_leaves.front(),
                       "operand " + t.name +
                           " of a step is broadcast over some of the result's rows, but not over all");
            c.step_operands.push_back(*operand);
        }
    }

    /// Windows of one element that lie side by side: A is X as it is.
    static bool is_product_of_rows(const sliding_window& w) {
        const auto all = [](const std::vector<std::uint64_t>& list, std::uint64_t value) {
            return std::all_of(list.begin(), list.end(), [&](std::uint64_t x) { return x == value; });
        };
        return all(w.kernel, 1) && all(w.stride, 1) && all(w.before, 0) && all(w.after, 0);
    }

    std::uint64_t load_of(const leaf& l, const tensor_region& r) const {
        const auto found = m_loads.find(tile_key(r, false));
        if (found == m_loads.end())
            refuse(m_kernel, l, "operand " + r.tensor_name + " does not come from EXTERNAL");
        return found->second;
    }

    contraction_ops ids_of(const leaf& l) const {
        const compute_op& op = *l.compute();
        contraction_ops ids;
        ids.load_a = load_of(l, op.inputs[0]);
        ids.load_b = load_of(l, op.inputs[1]);
        ids.load_seed = op.inputs.size() == 3 ? load_of(l, op.inputs[2]) : 0;
        ids.compute = op.op_id;
        const auto store = m_stores.find(tile_key(op.output, false));
        if (store == m_stores.end())
            refuse(m_kernel, l, "result " + op.output.tensor_name + " is not stored to EXTERNAL");
        ids.store = store->second;
        return ids;
    }

    static element_origin origin_of(span batch, span row, span column) { return {batch.low, row.low, column.low}; }

    /// Everything except what concerns iteration over k and order.
    contraction one(const leaf& l) const {
        const compute_op& op = *l.compute();
        const auto dims = [&](const tensor_region& r) -> const shape& { return m_program.find(r.tensor_name)->dims; };
        const tensor_region& a = op.inputs[0];
        const std::size_t j = op.output.tile_shape.size() - 1;
        const std::size_t i = j - 1;
        const span batch = j == 2 ? span_of(l, op.output, dims(op.output), 0) : span{0, 1};
        const span rows = span_of(l, op.output, dims(op.output), i);
        const span columns = span_of(l, op.output, dims(op.output), j);
        const span depth = span_of(l, a, dims(a), j);
        contraction c;
        c.a = a.tensor_name;
        c.b = op.inputs[1].tensor_name;
        c.c = op.output.tensor_name;
        if (op.inputs.size() == 3) {
            c.seed = op.inputs[2].tensor_name;
            c.seed_type = m_program.find(*c.seed)->type;
        }
        c.batch = batch.high - batch.low;
        c.m = rows.high - rows.low;
        c.n = columns.high - columns.low;
        c.k = depth.high - depth.low;
        c.tile = {op.output.tile_shape[i], op.output.tile_shape[j], a.tile_shape[j]};
        c.a_origin = origin_of(batch, rows, depth);
        c.b_origin = origin_of(batch, depth, columns);
        c.c_origin = c.seed_origin = origin_of(batch, rows, columns);
        c.operand = m_program.find(c.a)->type;
        c.accumulator = accumulator_of(c.operand);
        c.result = m_program.find(c.c)->type;
        c.flow = m_kernel.flow;
        c.tiles = m_kernel.tiles;
        c.ids = ids_of(l);
        return c;
    }

    contraction nest(const leaf& l) const {
        contraction c = one(l);
        set_order(c, l, l.compute()->output);
        return c;
    }

    static void set_order(contraction& c, const leaf& l, const tensor_region& out) {
        const std::size_t j = out.tile_indices.size() - 1;
        for (std::size_t d = 0; d < l.loops.size(); ++d) {
            const bool rows = coefficient(out.tile_indices[j - 1], d) != 0;
            const bool columns = coefficient(out.tile_indices[j], d) != 0;
            if (!rows && !columns)
                continue;
            c.columns_outer = columns;
            c.order = l.loops[d]->order;
            // Snake is said of the inner loop: it is the one that turns back.
            const auto inner = std::find_if(l.loops.begin() + static_cast<std::ptrdiff_t>(d) + 1, l.loops.end(),
                                            [](const tile_loop* loop) { return loop->kind == loop_kind::parallel; });
            if (c.order == iteration_order::row_major && inner != l.loops.end())
                c.order = (*inner)->order;
            return;
        }
    }

    struct chain {
        contraction whole;
        std::size_t last = 0; ///< position of the last operation
        bool uniform = true;  ///< every k tile but the last has the full extent
    };

    void flat(std::vector<contraction>& out) {
        std::vector<chain> chains;
        std::unordered_map<std::string, std::size_t> of_tile;
        for (std::size_t at = 0; at < m_leaves.size(); ++at) {
            const leaf& l = m_leaves[at];
            if (l.compute() == nullptr)
                continue;
            const std::string key = tile_key(l.compute()->output, false);
            if (l.compute()->accumulate.when == accumulate_rule::kind::always) {
                extend(chains[of_tile.at(key)], l);
            } else {
                of_tile[key] = chains.size();
                chains.push_back({one(l), 0, true});
                chains.back().whole.chain = {chains.back().whole.ids};
            }
            chains[of_tile.at(key)].last = at;
        }
        std::stable_sort(chains.begin(), chains.end(), [](const chain& x, const chain& y) { return x.last < y.last; });
        for (chain& c : chains) {
            if (!c.uniform) {
                c.whole.tile[2] = c.whole.k;
                c.whole.chain.clear();
            }
            out.push_back(std::move(c.whole));
        }
    }

    void extend(chain& c, const leaf& l) const {
        const contraction next = one(l);
        contraction& whole = c.whole;
        c.uniform = c.uniform && next.tile[2] == whole.tile[2] && whole.k % whole.tile[2] == 0;
        whole.k += next.k;
        whole.chain.push_back(next.ids);
    }

    const program& m_program;
    const kernel& m_kernel;
    std::vector<leaf> m_leaves;
    std::unordered_map<std::string, std::uint64_t> m_loads;
    std::unordered_map<std::string, std::uint64_t> m_stores;
};

/// Grows [origin, origin + extent) to cover the other range too.
void join(std::uint64_t& origin, std::uint64_t& extent, std::uint64_t other_origin, std::uint64_t other_extent) {
    const std::uint64_t low = std::min(origin, other_origin);
    extent = std::max(origin + extent, other_origin + other_extent) - low;
    origin = low;
}

} // namespace

std::optional<step_operand> operand_of_step(const tensor_descriptor& t, const shape& result) {
    const std::size_t last = result.size() - 1;
    bool whole = true;
    bool single = true;
    for (std::size_t d = 0; d < last; ++d) {
        whole = whole && t.dims[d] == result[d];
        single = single && t.dims[d] == 1;
    }
    if (!whole && !single)
        return std::nullopt;
    return step_operand{t.name, t.type, !single, t.dims[last] != 1};
}

std::vector<contraction> contractions_of(const program& p, const kernel& k) {
    return analyser(p, k).run();
}

std::vector<contraction> joined(const std::vector<contraction>& parts) {
    std::vector<contraction> out;
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> at;
    for (const contraction& part : parts) {
        const auto [found, fresh] = at.emplace(std::make_tuple(part.a, part.b, part.c), out.size());
        if (fresh) {
            out.push_back(part);
            out.back().chain.clear();
            continue;
        }
        contraction& whole = out[found->second];
        join(whole.c_origin.batch, whole.batch, part.c_origin.batch, part.batch);
        join(whole.c_origin.row, whole.m, part.c_origin.row, part.m);
        join(whole.c_origin.column, whole.n, part.c_origin.column, part.n);
        join(whole.a_origin.column, whole.k, part.a_origin.column, part.k);
        whole.a_origin.batch = whole.b_origin.batch = whole.seed_origin.batch = whole.c_origin.batch;
        whole.a_origin.row = whole.seed_origin.row = whole.c_origin.row;
        whole.b_origin.column = whole.seed_origin.column = whole.c_origin.column;
        whole.b_origin.row = whole.a_origin.column;
        if (!whole.seed && part.seed) {
            whole.seed = part.seed;
            whole.seed_type = part.seed_type;
        }
    }
    return out;
}

} // namespace kpu::dfx
