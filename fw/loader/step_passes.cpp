#include "fw/loader/step_passes.h"

namespace kpu::fw {

namespace {

using dfx::element_function;

step_pass rounding(dtype from, dtype to) {
    step_pass pass;
    pass.from = from;
    pass.step.result = to;
    return pass;
}

bool is_rounding(const step_pass& pass) {
    return pass.step.function == element_function::identity;
}

/// What a function computes in such a type is an element of it.
bool computes_in(dtype t) {
    return t == accumulator_of(t);
}

/// They keep the order of numbers, as rounding does: it may as well come behind them. Not from floating-point numbers
/// to integers, where a NaN becomes a number that a CLAMP would move, and not where bounds are rounded twice.
bool rounds_alike_behind(const step_pass& pass, const step_pass& next) {
    const element_function f = next.step.function;
    return (f == element_function::relu || f == element_function::clamp) && pass.from != dtype::f64 &&
           is_integer(pass.from) == is_integer(next.from) && widens(next.from, pass.from);
}

/// Makes one pass of two where the bits are the same.
bool join(step_pass& pass, const step_pass& next) {
    if (is_rounding(next) && computes_in(pass.from) && pass.step.result == pass.from) {
        pass.step.result = next.step.result;
        return true;
    }
    if (is_rounding(pass) && rounds_alike_behind(pass, next)) {
        pass.step = next.step;
        return true;
    }
    return false;
}

} // namespace

std::vector<step_pass> passes_of(const std::vector<dfx::element_step>& steps, dtype from, dtype to) {
    std::vector<step_pass> passes;
    const auto add = [&](const step_pass& next) {
        if (passes.empty() || !join(passes.back(), next))
            passes.push_back(next);
        from = next.step.result;
    };
    for (const dfx::element_step& step : steps) {
        if (step.result != from)
            add(rounding(from, step.result));
        if (step.function != element_function::identity)
            add({step, step.result});
    }
    if (from != to)
        add(rounding(from, to));
    return passes;
}

} // namespace kpu::fw
