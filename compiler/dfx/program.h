#pragma once
// DFX, the Domain Flow Execution IR: what a .kpu file holds. Loop nests over tiles with uniform dependences; no
// addresses, no engines, no cycles.

#include "compiler/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kpu::dfx {

enum class memory_level { external, l3, l2, l1, reg };

/// coefficients[d] * (value of the d-th enclosing loop, outermost first) summed, plus offset. Missing coefficients are
/// zero.
struct affine {
    std::vector<std::int64_t> coefficients;
    std::int64_t offset = 0;
};

/// A tile of a tensor at a memory level: element range [index*shape, (index+1)*shape) per dimension, clipped to the
/// tensor.
struct tensor_region {
    std::string tensor_name;
    memory_level level = memory_level::external;
    std::vector<affine> tile_indices; ///< one per dimension of the tensor, in tiles
    shape tile_shape;                 ///< in elements, one per dimension
    std::uint64_t element_size = 0;   ///< bytes
};

/// "The instance of operation `op` that lies `distance` iterations back", one distance per loop that encloses both,
/// outermost first. Empty distance: the same iteration.
struct dependence {
    std::uint64_t op = 0;
    std::vector<std::int64_t> distance;
};

enum class data_move_type { load, store, prefetch, flush };

/// A move between levels. From REGISTER the accumulator's value is rounded once to the tensor's element type.
struct data_move_op {
    std::uint64_t op_id = 0;
    data_move_type type = data_move_type::load;
    tensor_region source;
    tensor_region destination;
    bool transpose = false;
    bool broadcast = false;
    std::vector<dependence> depends_on;
    std::uint64_t produces = 0;
};

enum class compute_type { matmul_tile, conv2d_tile, elementwise, reduction, softmax_tile, layernorm_tile };

/// Whether the output tile's accumulators keep their value from the preceding reduction step.
struct accumulate_rule {
    enum class kind { never, always, after_first } when = kind::never;
    std::string loop; ///< for after_first: accumulate where this reduction loop is past its first iteration
};

/// MATMUL_TILE: inputs A[.., i, k], B[.., k, j] and optionally a seed C[.., i, j] that the accumulators start from
/// (widened to the accumulator type) where the rule does not accumulate; k ascending, product and sum each rounded to
/// the accumulator type.
struct compute_op {
    std::uint64_t op_id = 0;
    compute_type type = compute_type::matmul_tile;
    std::vector<tensor_region> inputs;
    tensor_region output;
    accumulate_rule accumulate;
    std::vector<dependence> depends_on;
    std::uint64_t produces = 0;
};

struct barrier_op {
    std::uint64_t op_id = 0;
    std::vector<std::uint64_t> wait_for;
    std::string label;
};

enum class loop_kind { parallel, reduction };
enum class iteration_order { row_major, snake, morton, explicit_sequence };

/// Iterates `induction_var` from start to end (exclusive) by step, in tiles. A reduction loop always runs ascending.
/// For a parallel loop the order is a wish that the loader may override: `snake` reverses on every other iteration of
/// the enclosing loop, `morton` interleaves with the next inner parallel loop, `explicit_sequence` visits `sequence`.
struct tile_loop {
    std::string induction_var;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t step = 1;
    loop_kind kind = loop_kind::parallel;
    iteration_order order = iteration_order::row_major;
    std::vector<std::uint64_t> sequence;
};

struct loop_nest;
using statement = std::variant<data_move_op, compute_op, barrier_op, loop_nest>;
struct loop_nest {
    tile_loop loop;
    std::vector<statement> body;
};

enum class dataflow { output_stationary, weight_stationary, input_stationary };

/// `required` tiles come from the user (fixed:Ti,Tj,Tk) and are used as they are where they fit; `suggested` ones the
/// loader may re-block for the capacity that it finds.
enum class tile_policy { suggested, required };

/// What the compiler expects of one kernel. For inspection; tests hold it against measurement.
struct kernel_hints {
    std::uint64_t estimated_dram_bytes = 0;
    std::uint64_t estimated_compute_cycles = 0;
    std::uint64_t parallelism_degree = 1;
};

/// One lowered operator or fused group. Kernels run in order where their tensors depend on each other.
struct kernel {
    std::string name;
    std::vector<std::uint64_t> graph_nodes; ///< ids of the .dfg nodes it came from
    dataflow flow = dataflow::output_stationary;
    tile_policy tiles = tile_policy::suggested;
    std::vector<statement> body;
    kernel_hints hints;
};

enum class tensor_role { input, constant, output, intermediate };

/// `name` is unique in the program. Inputs and constants are looked up by any of `keys` in the file of tensors; an
/// output is written under its first key.
struct tensor_descriptor {
    std::string name;
    shape dims;
    dtype type = dtype::f32;
    tensor_role role = tensor_role::intermediate;
    std::vector<std::string> keys;
};

struct program {
    std::string version = "2.0"; ///< "1.0" is the flat form
    std::string graph_name;
    std::string compiler; ///< tool and version that wrote it, for the record
    std::vector<tensor_descriptor> tensors;
    std::vector<kernel> kernels;
    std::map<std::string, tensor> constants; ///< values carried in the file, by tensor name

    [[nodiscard]] const tensor_descriptor* find(const std::string& tensor_name) const;
};

/// The names that files use: "EXTERNAL", "LOAD", "MATMUL_TILE", "output_stationary", "snake", "input", ...
[[nodiscard]] std::string_view name_of(memory_level level);
[[nodiscard]] std::string_view name_of(data_move_type type);
[[nodiscard]] std::string_view name_of(compute_type type);
[[nodiscard]] std::string_view name_of(dataflow flow);
[[nodiscard]] std::string_view name_of(iteration_order order);
[[nodiscard]] std::string_view name_of(tensor_role role);
[[nodiscard]] std::string_view name_of(loop_kind kind);
[[nodiscard]] std::string_view name_of(tile_policy tiles);
[[nodiscard]] std::string_view name_of(accumulate_rule::kind when);

/// All values of an enumeration in the order of their codes in binary files; for reading a name and for listing the
/// choices.
template <class Enum>
[[nodiscard]] const std::vector<Enum>& all_of();
template <>
const std::vector<memory_level>& all_of();
template <>
const std::vector<data_move_type>& all_of();
template <>
const std::vector<compute_type>& all_of();
template <>
const std::vector<dataflow>& all_of();
template <>
const std::vector<iteration_order>& all_of();
template <>
const std::vector<tensor_role>& all_of();
template <>
const std::vector<loop_kind>& all_of();
template <>
const std::vector<tile_policy>& all_of();
template <>
const std::vector<accumulate_rule::kind>& all_of();
template <>
const std::vector<dtype>& all_of();
/// The value that has this name, or nothing.
template <class Enum>
[[nodiscard]] std::optional<Enum> named(std::string_view text) {
    for (const Enum value : all_of<Enum>())
        if (name_of(value) == text)
            return value;
    return std::nullopt;
}

/// True where the body holds no loop: concrete operations only.
[[nodiscard]] bool is_flat(const kernel& k);

/// Coefficient d, zero where it is left out.
[[nodiscard]] inline std::int64_t coefficient(const affine& a, std::size_t d) {
    return d < a.coefficients.size() ? a.coefficients[d] : 0;
}
/// Equal as functions: trailing zero coefficients do not count.
[[nodiscard]] bool operator==(const affine& a, const affine& b);
[[nodiscard]] bool operator==(const tensor_region& a, const tensor_region& b);
[[nodiscard]] bool operator==(const dependence& a, const dependence& b);
[[nodiscard]] bool operator==(const data_move_op& a, const data_move_op& b);
[[nodiscard]] bool operator==(const accumulate_rule& a, const accumulate_rule& b);
[[nodiscard]] bool operator==(const compute_op& a, const compute_op& b);
[[nodiscard]] bool operator==(const barrier_op& a, const barrier_op& b);
[[nodiscard]] bool operator==(const tile_loop& a, const tile_loop& b);
[[nodiscard]] bool operator==(const loop_nest& a, const loop_nest& b);
[[nodiscard]] bool operator==(const kernel_hints& a, const kernel_hints& b);
[[nodiscard]] bool operator==(const kernel& a, const kernel& b);
[[nodiscard]] bool operator==(const tensor_descriptor& a, const tensor_descriptor& b);
[[nodiscard]] bool operator==(const program& a, const program& b);

} // namespace kpu::dfx
