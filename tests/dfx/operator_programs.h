#pragma once
// Small programs of whole-tensor operators, built field by field.

#include "compiler/dfx/program.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::test {

// Tensors that files know by their own names, and attributes of operators.
[[nodiscard]] dfx::tensor_descriptor input(const std::string& name, const shape& dims, dtype type = dtype::f32);
[[nodiscard]] dfx::tensor_descriptor constant(const std::string& name, const shape& dims, dtype type = dtype::f32);
[[nodiscard]] dfx::tensor_descriptor intermediate(const std::string& name, const shape& dims, dtype type = dtype::f32);
[[nodiscard]] dfx::tensor_descriptor output(const std::string& name, const shape& dims, dtype type = dtype::f32);
[[nodiscard]] dfx::element_step step(dfx::element_function f, dtype result = dtype::f32,
                                     std::optional<std::uint64_t> operand = std::nullopt);
[[nodiscard]] dfx::compute_op of_type(dfx::compute_type type);
[[nodiscard]] dfx::compute_op elementwise(std::vector<dfx::element_step> steps);
[[nodiscard]] dfx::compute_op reduce(dfx::element_function combine, std::uint64_t axis);

/// Tensors as `tensors` has them; per entry of `operators` a kernel whose inputs and output are named, with ids from 1.
struct operator_spec {
    std::vector<std::string> inputs;
    std::string output;
    dfx::compute_op op; ///< its type and attributes
};
void add_operator(dfx::program& p, const operator_spec& spec); ///< behind all other kernels, with the next free id
[[nodiscard]] dfx::program operator_program(std::vector<dfx::tensor_descriptor> tensors,
                                            const std::vector<operator_spec>& operators);

/// The compute of kernel `i`.
[[nodiscard]] dfx::compute_op& operator_of(dfx::program& p, std::size_t i = 0);
/// Gives a tensor other dimensions, and all regions of it.
void reshape(dfx::program& p, const std::string& name, const shape& dims);

// Each one kernel. Tensors are X (input), W and B (constants), R (a further input), Y (output) as far as they are used.
[[nodiscard]] dfx::program biased_product();    ///< f16, with a sum with R and a clamp to -0..6
[[nodiscard]] dfx::program convolution_2d();    ///< all lists of the window differ
[[nodiscard]] dfx::program convolution_3d();    ///< i8 to i32
[[nodiscard]] dfx::program depthwise();         ///< biased, then relu
[[nodiscard]] dfx::program pool();              ///< maximum
[[nodiscard]] dfx::program averaging_pool();    ///< sums of bf16, then times R
[[nodiscard]] dfx::program elementwise_steps(); ///< R - X, then the sigmoid, then to f16
[[nodiscard]] dfx::program reduction();         ///< product over the first dimension
[[nodiscard]] dfx::program softmax_rows();
[[nodiscard]] dfx::program transposition();
[[nodiscard]] dfx::program padding();
[[nodiscard]] dfx::program concatenation(); ///< X, R and X again along the last dimension
/// A convolution of an input that lies otherwise in files, a view of its result, a product with a carried constant.
[[nodiscard]] dfx::program network();

struct named_program {
    std::string name;
    dfx::program program;
};
/// All of the above.
[[nodiscard]] std::vector<named_program> operator_programs();

} // namespace kpu::test
