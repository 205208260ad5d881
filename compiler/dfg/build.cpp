#include "compiler/dfg/build.h"

#include "compiler/dfg/graph_builder.h"

namespace kpu::dfg {

namespace {

void check_extents(const matmul_graph_spec& spec) {
    diagnostics problems;
    std::vector<std::uint64_t> extents{spec.m, spec.n, spec.k, spec.batch.value_or(1)};
    extents.insert(extents.end(), spec.chain.begin(), spec.chain.end());
    for (const std::uint64_t extent : extents)
        if (extent == 0 || extent > k_largest_extent)
            problems.error({}, "extent out of range", std::to_string(extent), "1 to 2^48");
    problems.throw_if_errors();
}

} // namespace

graph matmul_graph(const matmul_graph_spec& spec) {
    check_extents(spec);
    graph_builder builder(spec.name);
    const auto dims = [&](std::uint64_t rows, std::uint64_t columns) {
        return spec.batch ? shape{*spec.batch, rows, columns} : shape{rows, columns};
    };
    const dtype result = spec.result.value_or(spec.type == dtype::i8 ? dtype::i32 : spec.type);
    const node_id a = builder.constant("A", spec.type, dims(spec.m, spec.k));
    const node_id b = builder.constant("B", spec.type, dims(spec.k, spec.n));
    std::vector<node_id> operands{a, b};
    if (spec.seeded)
        operands.push_back(builder.constant("Cin", result, dims(spec.m, spec.n)));
    std::vector<node_id> factors;
    std::uint64_t rows = spec.n;
    for (const std::uint64_t columns : spec.chain) {
        factors.push_back(builder.constant("B" + std::to_string(factors.size() + 2), result, dims(rows, columns)));
        rows = columns;
    }
    const auto product = [&](const std::vector<node_id>& of, const std::string& label, std::uint64_t columns) {
        return builder.compute(operator_kind::matmul, "matmul", of, label, make_type(result, dims(spec.m, columns)));
    };
    node_id value = product(operands, factors.empty() ? "C" : "C1", spec.n);
    for (std::size_t i = 0; i < factors.size(); ++i)
        value = product({value, factors[i]}, "C" + std::to_string(i + 2), spec.chain[i]);
    builder.give_back(value, "Cout");
    return builder.finish();
}

} // namespace kpu::dfg
