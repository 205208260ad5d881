#include "fw/loader/fitted_program.h"

#include "compiler/dfx/split.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace kpu::fw {

namespace {

/// What a vector unit spends on narrower biases counts that much more than a kernel that widens one: sums wait for it.
constexpr double k_weight_of_widening = 2;

/// Without values of constants: plans do not depend on them.
dfx::program without_values(const dfx::program& p) {
    return {p.version, p.graph_name, p.compiler, p.tuned_for, p.tensors, p.kernels, {}};
}

std::string sizes_of(const input_error& why) {
    const diagnostic& problem = why.problems().items().front();
    return fmt::format("{} ({}; {})", problem.message, problem.text, problem.expected);
}

/// "X is split into X/1, X/2, through y/1 (64 bytes): …".
std::string describe(const dfx::kernel& whole, const dfx::kernel_parts& parts, const std::string& why) {
    std::vector<std::string> kernels, tensors;
    for (const dfx::kernel& k : parts.kernels)
        kernels.push_back(k.name);
    for (const dfx::tensor_descriptor& t : parts.tensors)
        tensors.push_back(fmt::format("{} ({} bytes)", t.name, element_count(t.dims) * size_of(t.type)));
    return fmt::format("{} is split into {}, through {}: {}\n", whole.name, fmt::join(kernels, ", "),
                       fmt::join(tensors, ", "), why);
}

/// Operands of steps take the room that the array's own cells would need to stay: it works on slivers of them instead.
bool is_squeezed(const planned_work& work) {
    const planned_contraction* c = work.contraction();
    return c != nullptr && c->work.tiles == dfx::tile_policy::suggested && !c->work.step_operands.empty() &&
           c->plan.flow != dfx::dataflow::output_stationary;
}

/// Cycles of a vector unit that spreads a narrower bias over all sums of its array.
double widening_cycles(const machine& chip, const dfx::contraction& work) {
    const double lanes = chip.engine(chip.tiles.front().vector_unit).capabilities[iface::vector_cap::lanes];
    return static_cast<double>(work.batch * work.m * work.n) / lanes / static_cast<double>(chip.tiles.size());
}

/// Those in front of the first one that has an operand.
std::size_t steps_without_operand(const dfx::compute_op& op) {
    const auto first = std::find_if(op.steps.begin(), op.steps.end(),
                                    [](const dfx::element_step& step) { return step.operand.has_value(); });
    return static_cast<std::size_t>(first - op.steps.begin());
}

class fitter {
  public:
    fitter(const machine& chip, const dfx::program& program) : m_chip(chip) { m_out.apart = without_values(program); }

    fitted_program run() {
        while (m_next < m_out.apart->kernels.size()) {
            try {
                if (widens_bias())
                    continue;
                std::vector<planned_work> whole = plan(kernel());
                if (!is_squeezed(whole.front()) || !is_faster_in_parts(whole.front()))
                    take(std::move(whole));
            } catch (const input_error& why) {
                split(why);
            }
        }
        if (m_out.splits.empty())
            m_out.apart.reset();
        return std::move(m_out);
    }

  private:
    [[nodiscard]] const dfx::kernel& kernel() const { return m_out.apart->kernels[m_next]; }
    [[nodiscard]] std::vector<planned_work> plan(const dfx::kernel& k) const {
        return plan_kernel(m_chip, *m_out.apart, k);
    }

    void take(std::vector<planned_work> work) {
        std::move(work.begin(), work.end(), std::back_inserter(m_out.work));
        ++m_next;
    }

    /// Puts the widening of a bias in front of the next kernel, and plans it, where that costs less than
    /// widening it for all sums.
    [[nodiscard]] bool widens_bias() {
        std::optional<dfx::kernel_parts> parts = dfx::bias_apart(*m_out.apart, kernel());
        if (!parts)
            return false;
        const double again = widening_cycles(m_chip, dfx::contractions_of(*m_out.apart, kernel()).front());
        declare(*parts);
        try {
            std::vector<planned_work> once = plan(parts->kernels.front());
            if (k_weight_of_widening * again > once.front().estimated_cycles()) {
                put(std::move(*parts), fmt::format("its bias is widened once, in some {:.0f} cycles instead of {:.0f}",
                                                   once.front().estimated_cycles(), again));
                take(std::move(once));
                return true;
            }
        } catch (const input_error&) { // no room for it
        }
        forget(*parts);
        return false;
    }

    /// The next kernel, with as many steps as fit, or in parts that are planned next. Where it has none, throws the
    /// reason for which its least part cannot be planned.
    void split(const input_error& why) {
        const dfx::compute_op* op = dfx::whole_tensor_operator(kernel());
        if (op == nullptr)
            throw why;
        input_error last = why;
        for (std::size_t kept = op->steps.size(); kept-- > dfx::least_steps(*op);)
            if (keeps(kept, why, last))
                return;
        std::optional<dfx::kernel_parts> rows = dfx::rows_apart(*m_out.apart, kernel());
        if (!rows)
            throw last;
        declare(*rows);
        put(std::move(*rows), sizes_of(why));
    }

    /// False where the kernel does not fit with so many steps, for the last reason.
    [[nodiscard]] bool keeps(std::size_t steps, const input_error& why, input_error& last) {
        dfx::kernel_parts parts = dfx::steps_apart(*m_out.apart, kernel(), steps);
        declare(parts);
        try {
            std::vector<planned_work> first = plan(parts.kernels.front());
            put(std::move(parts), sizes_of(why));
            take(std::move(first));
            return true;
        } catch (const input_error& again) {
            last = again;
            forget(parts);
            return false;
        }
    }

    /// Takes the parts in front of and behind the first operand of a step if so.
    [[nodiscard]] bool is_faster_in_parts(const planned_work& whole) {
        const dfx::compute_op& op = *dfx::whole_tensor_operator(kernel());
        dfx::kernel_parts parts = dfx::steps_apart(*m_out.apart, kernel(), steps_without_operand(op));
        declare(parts);
        try {
            std::vector<planned_work> first = plan(parts.kernels.front());
            std::vector<planned_work> second = plan(parts.kernels.back());
            const double apart = first.front().estimated_cycles() + second.front().estimated_cycles();
            if (apart < whole.estimated_cycles()) {
                put(std::move(parts), fmt::format("{:.0f} cycles are estimated, and {:.0f} of the parts",
                                                  whole.estimated_cycles(), apart));
                take(std::move(first));
                take(std::move(second));
                return true;
            }
        } catch (const input_error&) { // the parts have no room: the whole has
        }
        forget(parts);
        return false;
    }

    void declare(const dfx::kernel_parts& parts) {
        m_out.apart->tensors.insert(m_out.apart->tensors.end(), parts.tensors.begin(), parts.tensors.end());
    }
    void forget(const dfx::kernel_parts& parts) {
        m_out.apart->tensors.resize(m_out.apart->tensors.size() - parts.tensors.size());
    }

    void put(dfx::kernel_parts parts, const std::string& why) {
        std::vector<dfx::kernel>& kernels = m_out.apart->kernels;
        m_out.splits += describe(kernel(), parts, why);
        const auto place = kernels.erase(kernels.begin() + static_cast<std::ptrdiff_t>(m_next));
        kernels.insert(place, std::make_move_iterator(parts.kernels.begin()),
                       std::make_move_iterator(parts.kernels.end()));
    }

    const machine& m_chip;
    fitted_program m_out;   ///< apart: the program as far as it is split
    std::size_t m_next = 0; ///< kernel
};

} // namespace

fitted_program fit_program(const machine& chip, const dfx::program& program) {
    return fitter(chip, program).run();
}

} // namespace kpu::fw
