#include "compiler/dfx/interpreter.h"

#include "compiler/dfx/leaves.h"
#include "compiler/dfx/multiply.h"
#include "compiler/dfx/operators.h"
#include "compiler/dfx/verify.h"
#include "compiler/dfx/walk.h"
#include "compiler/tensor/number_format.h"
#include "platforms/common/diagnostic.h"

#include <cstring>
#include <set>

namespace kpu::dfx {

namespace {

/// One instance of a region: its box, and where its rows lie in the tensor. The leading dimension of rank 3 has
/// extent 1.
struct tile {
    element_box box;
    std::size_t rows, columns;
    std::size_t stride; ///< elements from row to row of the tensor
    std::size_t first;  ///< element number of the tile's first element
};

tile tile_of(const tensor_region& r, const shape& dims, const loop_values& at) {
    element_box box = box_of(r, dims, at);
    const std::size_t j = dims.size() - 1;
    const std::size_t i = j - 1;
    const std::size_t batch = j == 2 ? box.low[0] : 0;
    const std::size_t rows = box.extent(i);
    const std::size_t columns = box.extent(j);
    const std::size_t first = (batch * dims[i] + box.low[i]) * dims[j] + box.low[j];
    return {std::move(box), rows, columns, dims[j], first};
}

/// The tile of a tensor as a tensor.
tensor cut(const tensor& from, const tile& t) {
    tensor out(from.type, {t.rows, t.columns});
    const std::size_t size = size_of(from.type);
    for (std::size_t i = 0; i < t.rows; ++i)
        std::memcpy(out.data.data() + i * t.columns * size, from.data.data() + (t.first + i * t.stride) * size,
                    t.columns * size);
    return out;
}

void paste(const tensor& from, const tile& t, tensor& to) {
    const std::size_t size = size_of(to.type);
    for (std::size_t i = 0; i < t.rows; ++i)
        std::memcpy(to.data.data() + (t.first + i * t.stride) * size, from.data.data() + i * t.columns * size,
                    t.columns * size);
}

/// Tensor values while a program runs.
class memory {
  public:
    memory(const program& p, const tensor_map& inputs) : m_program(p), m_given(bind_inputs(p, inputs)) {
        for (const tensor_descriptor& t : p.tensors)
            if ((t.role == tensor_role::output || t.role == tensor_role::intermediate) && t.view_of.empty())
                m_made.emplace(t.name, tensor(t.type, t.dims));
    }
    [[nodiscard]] const tensor& at(const std::string& name) {
        if (const auto given = m_given.find(name); given != m_given.end())
            return given->second.value();
        return made(name);
    }
    /// A view is made when it is asked for: its tensor is complete by then.
    [[nodiscard]] tensor& made(const std::string& name) {
        const auto known = m_made.find(name);
        if (known != m_made.end())
            return known->second;
        const tensor_descriptor& view = *m_program.find(name);
        tensor value = at(view.view_of);
        value.dims = view.dims;
        return m_made.emplace(name, std::move(value)).first->second;
    }

  private:
    const program& m_program;
    std::map<std::string, bound_input> m_given;
    std::map<std::string, tensor> m_made;
};

/// The array's accumulators of one type, and operands widened to it.
template <class Sum>
class accumulators {
  public:
    /// `changing`: tensors that the current kernel stores, of which only tiles are widened, when they are used.
    void begin(const std::set<std::string>* changing) {
        m_changing = changing;
        m_wide.clear();
        m_sums.clear();
    }

    void compute(const program& p, memory& values, const compute_op& op, const loop_values& at) {
        const auto dims = [&](const tensor_region& r) -> const shape& { return p.find(r.tensor_name)->dims; };
        const tile a = tile_of(op.inputs[0], dims(op.inputs[0]), at);
        const tile b = tile_of(op.inputs[1], dims(op.inputs[1]), at);
        const tile c = tile_of(op.output, dims(op.output), at);
        std::vector<Sum>& sums = m_sums[{op.output.tensor_name, c.box.low}];
        if (starts(op, at, p)) {
            if (op.inputs.size() == 3)
                sums = widened<Sum>(
                    cut(values.at(op.inputs[2].tensor_name), tile_of(op.inputs[2], dims(op.inputs[2]), at)));
            else
                sums.assign(c.rows * c.columns, Sum{0});
        }
        multiply_add<Sum>(operand(values, op.inputs[0], a, m_tile_a), operand(values, op.inputs[1], b, m_tile_b),
                          {sums.data(), c.columns}, {c.rows, c.columns, a.columns});
    }

    void store(const tensor_region& r, const tile& t, tensor& to) {
        const auto found = m_sums.find({r.tensor_name, t.box.low});
        paste(rounded<Sum>(to.type, {t.rows, t.columns}, found->second), t, to);
        m_sums.erase(found);
    }

    void set_loops(std::vector<const tile_loop*> loops) { m_loops = std::move(loops); }

  private:
    bool starts(const compute_op& op, const loop_values& at, const program&) const {
        if (op.accumulate.when != accumulate_rule::kind::after_first)
            return op.accumulate.when == accumulate_rule::kind::never;
        for (std::size_t d = 0; d < m_loops.size(); ++d)
            if (m_loops[d]->induction_var == op.accumulate.loop)
                return at[d] == m_loops[d]->start;
        return true;
    }

    matrix_view<const Sum> operand(memory& values, const tensor_region& r, const tile& t, std::vector<Sum>& scratch) {
        if (m_changing->count(r.tensor_name) != 0) {
            scratch = widened<Sum>(cut(values.at(r.tensor_name), t));
            return {scratch.data(), t.columns};
        }
        auto found = m_wide.find(r.tensor_name);
        if (found == m_wide.end())
            found = m_wide.emplace(r.tensor_name, widened<Sum>(values.at(r.tensor_name))).first;
        return {found->second.data() + t.first, t.stride};
    }

    const std::set<std::string>* m_changing = nullptr;
    std::vector<const tile_loop*> m_loops;
    std::map<std::string, std::vector<Sum>> m_wide;
    std::map<std::pair<std::string, std::vector<std::uint64_t>>, std::vector<Sum>> m_sums;
    std::vector<Sum> m_tile_a;
    std::vector<Sum> m_tile_b;
};

class interpreter {
  public:
    interpreter(const program& p, const tensor_map& inputs) : m_program(p), m_values(p, inputs) {}

    tensor_map run() {
        for (const kernel& k : m_program.kernels)
            run(k);
        tensor_map out;
        for (const tensor_descriptor& t : m_program.tensors)
            if (t.role == tensor_role::output)
                out.emplace(t.keys.front(), std::move(m_values.made(t.name)));
        return out;
    }

  private:
    void run(const kernel& k) {
        if (const compute_op* whole = whole_tensor_operator(k))
            return run(*whole);
        std::set<std::string> changing;
        std::map<const statement*, std::vector<const tile_loop*>> loops;
        std::map<std::string, dtype> sum_type;
        for (const leaf& l : leaves_of(k, "")) {
            loops.emplace(l.op, l.loops);
            if (l.move() != nullptr && l.move()->source.level == memory_level::reg)
                changing.insert(l.move()->source.tensor_name);
            if (l.compute() != nullptr)
                sum_type[l.compute()->output.tensor_name] = sum_of(*l.compute());
        }
        m_f32.begin(&changing);
        m_f64.begin(&changing);
        m_i32.begin(&changing);
        walk(k, [&](const statement& s, const loop_values& at) {
            if (const auto* op = std::get_if<compute_op>(&s)) {
                with(sum_of(*op), [&](auto& sums) {
                    sums.set_loops(loops.at(&s));
                    sums.compute(m_program, m_values, *op, at);
                });
            } else if (const auto* move = std::get_if<data_move_op>(&s)) {
                if (move->source.level == memory_level::reg)
                    with(sum_type.at(move->source.tensor_name), [&](auto& sums) { store(sums, move->source, at); });
            }
        });
    }

    void run(const compute_op& op) {
        std::vector<const tensor*> inputs;
        for (const tensor_region& r : op.inputs)
            inputs.push_back(&m_values.at(r.tensor_name));
        const tensor_descriptor& result = *m_program.find(op.output.tensor_name);
        m_values.made(result.name) = evaluate(op, inputs, result);
    }

    [[nodiscard]] dtype sum_of(const compute_op& op) const {
        return accumulator_of(m_program.find(op.inputs[0].tensor_name)->type);
    }

    template <class Sums>
    void store(Sums& sums, const tensor_region& r, const loop_values& at) {
        tensor& to = m_values.made(r.tensor_name);
        sums.store(r, tile_of(r, to.dims, at), to);
    }

    template <class F>
    void with(dtype sum, F&& use) {
        if (sum == dtype::f64)
            use(m_f64);
        else if (sum == dtype::i32)
            use(m_i32);
        else
            use(m_f32);
    }

    const program& m_program;
    memory m_values;
    accumulators<float> m_f32;
    accumulators<double> m_f64;
    accumulators<std::int32_t> m_i32;
};

std::string listed(const std::vector<std::string>& keys) {
    std::string out;
    for (const std::string& key : keys)
        out += (out.empty() ? "" : " or ") + key;
    return out;
}

} // namespace

const tensor* find_value(const program& p, const tensor_descriptor& t, const tensor_map& inputs) {
    if (const auto carried = p.constants.find(t.name); carried != p.constants.end())
        return &carried->second;
    for (const std::string& key : t.keys)
        if (const auto found = inputs.find(key); found != inputs.end())
            return &found->second;
    return nullptr;
}

bound_input on_device(const tensor_descriptor& t, const tensor& value) {
    if (!t.host)
        return {&value, {}};
    compute_op permute;
    permute.type = compute_type::rearrange_tile;
    permute.axes = t.host->permutation;
    tensor_descriptor permuted = t;
    permuted.dims.clear();
    for (const std::uint64_t axis : t.host->permutation)
        permuted.dims.push_back(t.host->dims[axis]);
    tensor out = evaluate(permute, {&value}, permuted);
    out.dims = t.dims;
    return {&value, std::move(out)};
}

std::map<std::string, bound_input> bind_inputs(const program& p, const tensor_map& inputs) {
    diagnostics problems;
    std::map<std::string, bound_input> out;
    for (const tensor_descriptor& t : p.tensors) {
        if ((t.role != tensor_role::input && t.role != tensor_role::constant) || !t.view_of.empty())
            continue;
        const tensor* value = find_value(p, t, inputs);
        const shape& dims = file_dims(t);
        const std::string kind = to_string(dims) + " " + std::string(name_of(t.type));
        if (value == nullptr)
            problems.error({}, "no value for " + std::string(name_of(t.role)) + " " + t.name, "",
                           "a tensor " + kind + " under the key " + listed(t.keys));
        else if (value->type != t.type || value->dims != dims)
            problems.error({}, "value for " + std::string(name_of(t.role)) + " " + t.name + " does not match",
                           to_string(value->dims) + " " + std::string(name_of(value->type)), kind);
        else
            out.emplace(t.name, on_device(t, *value));
    }
    problems.throw_if_errors();
    return out;
}

tensor_map interpret(const program& p, const tensor_map& inputs) {
    require_valid(p, "");
    return interpreter(p, inputs).run();
}

} // namespace kpu::dfx
