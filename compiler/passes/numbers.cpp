#include "compiler/passes/numbers.h"

namespace kpu::passes {

std::string constant_tensor(dfx::program& p, const tensor& values) {
    for (const auto& [name, known] : p.constants)
        if (known == values)
            return name;
    std::string name = "numbers." + std::to_string(p.constants.size() + 1);
    while (p.find(name) != nullptr)
        name += "_";
    p.tensors.push_back({name, values.dims, values.type, dfx::tensor_role::constant, {name}, {}, {}});
    p.constants.emplace(name, values);
    return name;
}

} // namespace kpu::passes
