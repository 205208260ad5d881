#include "compiler/passes/tensor_uses.h"

#include <algorithm>

namespace kpu::passes {

tensor_uses::tensor_uses(const dfx::program& p) : m_program(p) {
    for (std::size_t k = 0; k < p.kernels.size(); ++k) {
        const dfx::compute_op* op = dfx::whole_tensor_operator(p.kernels[k]);
        if (op == nullptr) {
            note_nest(p.kernels[k].body, k);
            continue;
        }
        m_maker[op->output.tensor_name] = k;
        for (const dfx::tensor_region& r : op->inputs)
            ++m_uses[r.tensor_name];
    }
    for (const dfx::tensor_descriptor& t : p.tensors)
        if (!t.view_of.empty())
            ++m_uses[t.view_of];
}

void tensor_uses::note_nest(const std::vector<dfx::statement>& body, std::size_t k) {
    for (const dfx::statement& s : body) {
        if (const auto* nest = std::get_if<dfx::loop_nest>(&s)) {
            note_nest(nest->body, k);
        } else if (const auto* move = std::get_if<dfx::data_move_op>(&s)) {
            if (move->source.level == dfx::memory_level::external)
                ++m_uses[move->source.tensor_name];
            if (move->destination.level == dfx::memory_level::external)
                m_maker[move->destination.tensor_name] = k;
        }
    }
}

void sweep(dfx::program& p, const std::vector<bool>& dead, const std::vector<std::string>& tensors) {
    std::vector<dfx::kernel> kept;
    for (std::size_t k = 0; k < p.kernels.size(); ++k)
        if (!dead[k])
            kept.push_back(std::move(p.kernels[k]));
    p.kernels = std::move(kept);
    p.tensors.erase(std::remove_if(p.tensors.begin(), p.tensors.end(),
                                   [&](const dfx::tensor_descriptor& t) {
                                       return std::find(tensors.begin(), tensors.end(), t.name) != tensors.end();
                                   }),
                    p.tensors.end());
}

} // namespace kpu::passes
