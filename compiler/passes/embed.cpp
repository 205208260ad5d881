#include "compiler/passes/embed.h"

#include "compiler/dfx/verify.h"
#include "compiler/tensor/selection.h"

#include <algorithm>

namespace kpu::passes {

namespace {

void refuse_inputs(const dfx::program& p, const npz_arrays& given, const location& where) {
    diagnostics problems;
    for (const dfx::tensor_descriptor& t : p.tensors) {
        if (t.role != dfx::tensor_role::input)
            continue;
        for (const std::string& key : t.keys) {
            location place = where;
            place.path = key;
            if (given.count(key) != 0)
                problems.error(std::move(place), "an input of the graph is given when it runs, not compiled in");
        }
    }
    problems.throw_if_errors();
}

} // namespace

void embed_constants(dfx::program& p, npz_arrays given, const location& where, diagnostics& warnings) {
    refuse_inputs(p, given, where);
    std::vector<expected_tensor> expected;
    std::vector<std::string> names;
    for (const dfx::tensor_descriptor& t : p.tensors) {
        const bool here =
            t.role == dfx::tensor_role::constant &&
            std::any_of(t.keys.begin(), t.keys.end(), [&](const std::string& key) { return given.count(key) != 0; });
        if (!here)
            continue;
        expected.push_back({t.keys, t.type, dfx::file_dims(t)});
        names.push_back(t.name);
    }
    tensor_map values = select_tensors(expected, std::move(given), std::nullopt, where, warnings);
    for (std::size_t i = 0; i < names.size(); ++i)
        p.constants[names[i]] = std::move(values.at(expected[i].keys.front()));
    p.version = dfx::lowest_version(p);
    dfx::require_valid(p, where.file);
}

} // namespace kpu::passes
