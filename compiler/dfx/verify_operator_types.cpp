// Element types and steps of whole-tensor operators.

#include "compiler/dfx/verify_operator_parts.h"

#include <algorithm>
#include <cmath>

namespace kpu::dfx::parts {

namespace {

constexpr double k_max_shift = 62;

bool takes_operand(element_function f) {
    return (f >= element_function::add && f <= element_function::minimum) || f == element_function::multiply_shifted;
}

bool needs_float(element_function f) {
    return f == element_function::sigmoid || f == element_function::arctangent || f == element_function::exponential ||
           f == element_function::reciprocal || f == element_function::reciprocal_root;
}

class type_checker {
  public:
    explicit type_checker(operator_context& c) : m_c(c) {}

    void run() {
        const bool sum = forms_sums(m_c.op);
        dtype type = m_c.x->type;
        if (only_moves(m_c.op.type)) {
            for (std::size_t i = 0; i < (m_c.op.type == compute_type::gather_tile ? 1 : m_c.op.inputs.size()); ++i)
                if (m_c.tensor(m_c.op.inputs[i]).type != m_c.out->type)
                    m_c.error(".inputs", "what only moves elements keeps their type",
                              std::string(name_of(m_c.tensor(m_c.op.inputs[i]).type)));
            return;
        }
        if (m_c.named > 1 && sum && m_c.tensor(m_c.op.inputs[1]).type != type && m_c.op.type != compute_type::reduction)
            m_c.error(".inputs[1]", "operands have different types",
                      std::string(name_of(m_c.tensor(m_c.op.inputs[1]).type)));
        if (m_c.op.biased && !widens(m_c.tensor(m_c.op.inputs[2]).type, accumulator_of(type)))
            m_c.error(".inputs[2]", "the bias' type does not widen to the accumulator's",
                      std::string(name_of(m_c.tensor(m_c.op.inputs[2]).type)));
        const bool rows = m_c.op.type == compute_type::softmax_tile || m_c.op.type == compute_type::layernorm_tile;
        if (rows && is_integer(type))
            m_c.error(".inputs[0]", "softmax and layer norm are of floats", std::string(name_of(type)));
        for (std::size_t i = 1; rows && i < m_c.named; ++i)
            if (m_c.tensor(m_c.op.inputs[i]).type != type)
                m_c.error(".inputs[" + std::to_string(i) + "]", "operands have different types",
                          std::string(name_of(m_c.tensor(m_c.op.inputs[i]).type)));
        if (m_c.op.type == compute_type::elementwise && m_c.op.steps.empty())
            m_c.error(".steps", "an element-wise operation has steps");
        if (sum) {
            const dtype stored = m_c.op.steps.empty() ? m_c.out->type : m_c.op.steps.front().result;
            const dtype accumulator = accumulator_of(type);
            if (is_integer(accumulator) ? stored != accumulator : is_integer(stored))
                m_c.error(".output", "sums in " + std::string(name_of(accumulator)) + " cannot be stored as this type",
                          std::string(name_of(stored)));
            type = stored;
        }
        for (std::size_t i = 0; i < m_c.op.steps.size(); ++i)
            type = check_step(m_c.op.steps[i], type, ".steps[" + std::to_string(i) + "]");
        check_operands_are_used();
        if (type != m_c.out->type)
            m_c.error(".output", "the last step has another type", std::string(name_of(type)),
                      std::string(name_of(m_c.out->type)));
    }

  private:
    dtype check_step(const element_step& step, dtype type, const std::string& part) {
        if (step.result != type && step.function != element_function::identity)
            m_c.error(part, "only identity changes the type", std::string(name_of(step.result)),
                      std::string(name_of(type)));
        if (needs_float(step.function) && is_integer(step.result))
            m_c.error(part, "a function of floats", std::string(name_of(step.function)));
        if (takes_operand(step.function) != step.operand.has_value() || (step.operand_first && !step.operand))
            m_c.error(part,
                      takes_operand(step.function) ? "the function has two arguments" : "the function has one argument",
                      std::string(name_of(step.function)));
        const bool shifts = step.function == element_function::multiply_shifted;
        if (shifts && (step.result != dtype::i32 || !(step.low >= 1 && step.low <= k_max_shift) || step.high != 0 ||
                       step.low != std::floor(step.low)))
            m_c.error(part, "products in i32 are shifted by 1 to 62", std::to_string(step.low));
        if (step.function == element_function::clamp ? !(step.low <= step.high) : !shifts && has_bounds(step))
            m_c.error(part, "low and high are clamp's, in this order");
        if (step.operand)
            check_operand(*step.operand, step.result, part);
        return step.result;
    }

    void check_operands_are_used() {
        for (std::size_t i = m_c.named; i < m_c.op.inputs.size(); ++i)
            if (std::none_of(m_c.op.steps.begin(), m_c.op.steps.end(),
                             [&](const element_step& step) { return step.operand == i; }))
                m_c.error(".inputs[" + std::to_string(i) + "]", "no step uses this input",
                          m_c.op.inputs[i].tensor_name);
    }

    void check_operand(std::uint64_t number, dtype type, const std::string& part) {
        if (number < m_c.named || number >= m_c.op.inputs.size())
            return m_c.error(part + ".operand", "no further input", std::to_string(number));
        const tensor_descriptor& t = m_c.tensor(m_c.op.inputs[static_cast<std::size_t>(number)]);
        if (t.type != type)
            m_c.error(part + ".operand", "operand has another type", std::string(name_of(t.type)),
                      std::string(name_of(type)));
        if (!m_c.broadcasts(t.dims))
            m_c.error(part + ".operand", "extents are neither the output's nor 1", to_string(t.dims),
                      to_string(m_c.out->dims));
    }

    operator_context& m_c;
};

} // namespace

void check_operator_types(operator_context& c) {
    type_checker(c).run();
}

} // namespace kpu::dfx::parts
