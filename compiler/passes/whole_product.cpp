#include "compiler/passes/whole_product.h"

#include "compiler/dfx/contraction.h"

namespace kpu::passes {

std::optional<dfx::compute_op> whole_product(const dfx::program& p, const dfx::kernel& k) {
    if (k.body.empty() || dfx::is_flat(k) || k.tiles == dfx::tile_policy::required)
        return std::nullopt;
    const std::vector<dfx::contraction> products = dfx::contractions_of(p, k);
    if (products.size() != 1 || products.front().seed)
        return std::nullopt;
    const dfx::contraction& c = products.front();
    dfx::compute_op op;
    op.op_id = op.produces = c.ids.compute;
    op.type = dfx::compute_type::matmul_tile;
    op.inputs = {dfx::whole(*p.find(c.a)), dfx::whole(*p.find(c.b))};
    op.output = dfx::whole(*p.find(c.c));
    return op;
}

} // namespace kpu::passes
