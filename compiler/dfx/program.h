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

/// coefficients[d] * (value of the d-th enclosing loop, outermost first) summed, plus offset.
/// Missing coefficients are zero.
struct affine {
    std::vector<std::int64_t> coefficients;
    std::int64_t offset = 0;
};

/// A tile of a tensor at a memory level: element range [index*shape, (index+1)*shape) per dimension,
/// clipped to the tensor.
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

enum class compute_type {
    matmul_tile,
    conv_tile,
    elementwise,
    reduction,
    softmax_tile,
    layernorm_tile,
    depthwise_conv2d_tile,
    pool2d_tile,
    rearrange_tile,
    spread_tile,
    gather_tile
};

/// Functions of one or two elements. Results are defined in platforms/common/scalar_math.h.
enum class element_function {
    identity,
    add,
    subtract,
    multiply,
    divide,
    maximum,
    minimum,
    clamp,
    relu,
    sigmoid,
    arctangent,
    exponential,
    reciprocal,
    absolute,
    negate,
    reciprocal_root,
    multiply_shifted
};

/// value = f(value) or f(value, operand), rounded to `result`. The operand's dimensions have the output's extents or 1.
struct element_step {
    element_function function = element_function::identity;
    std::optional<std::uint64_t> operand; ///< number of the input that is the other argument
    bool operand_first = false;           ///< f(operand, value)
    double low = 0, high = 0;             ///< of clamp; of multiply_shifted low is the shift; all others have +0
    dtype result = dtype::f32;
};
/// True where low or high is anything but +0 (-0 is another bound): files leave them out where it is false.
[[nodiscard]] bool has_bounds(const element_step& step);
/// A bound as files write it, decimal, "inf" or "-inf"; nothing where the text is no number.
[[nodiscard]] std::optional<double> bound_of(const std::string& text);

/// How a window slides over the spatial dimensions of [batch, spatial..., channels]; all lists have one entry per
/// spatial dimension. Output extent = (before + extent + after - dilation·(kernel - 1) - 1) / stride + 1; elements
/// outside of the input are zero (for a maximum: absent).
struct sliding_window {
    std::vector<std::uint64_t> kernel, stride, dilation, before, after;
};

/// Whether the output tile's accumulators keep their value from the preceding reduction step.
struct accumulate_rule {
    enum class kind { never, always, after_first } when = kind::never;
    std::string loop; ///< for after_first: accumulate where this reduction loop is past its first iteration
};

/// MATMUL_TILE: inputs A[.., i, k], B[.., k, j] and optionally a seed C[.., i, j] that the accumulators start from
/// (widened to the accumulator type) where the rule does not accumulate; k ascending, product and sum each rounded to
/// the accumulator type.
///
/// All others, and MATMUL_TILE where it says so, work on whole tensors in EXTERNAL: a kernel's only operation, which
/// the loader cuts into tiles. Sums are in the accumulator type of the operands, product and sum rounded apart; `steps`
/// then apply to each element in order, the first to the sum rounded to the first step's result type (without steps: to
/// the output's).
///   MATMUL_TILE     A[i, k], B[k, j], bias[j] or seed[i, j] if `biased`; or all but the bias with a batch in front
///   CONV_TILE       X[n, spatial.., c], W[kernel.., c (flattened to k), o], bias[o] if `biased`: sum over k ascending
///                   from the bias or +0 into Y[n, spatial.., o]; taps outside of X count as +0
///   DEPTHWISE_CONV2D_TILE  X[n, h, w, c], W[kh, kw, o], bias[o] if `biased`: as CONV_TILE, but output channel o reads
///                   channel o / (o's extent / c's extent) only; o's extent is a multiple of c's
///   POOL2D_TILE     X[n, h, w, c]: `combine` over the window's taps in ascending order (add or maximum)
///   ELEMENTWISE     steps on the first input, whose extents are the output's or 1
///   REDUCTION       `combine` over axes[0], ascending; the output has extent 1 there
///   SOFTMAX_TILE    over axes[0], the last: REDUCE_MAX, SUB, EXP, REDUCE_SUM, RECIPROCAL, MUL in this order
///   LAYERNORM_TILE  X, and F, G, E of one element each: over axes[0], the last: REDUCE_SUM, MUL by F,
///                   SUB of that from X, MUL by itself, REDUCE_SUM, MUL by G, ADD of E, 1 / root, MUL of
///                   the difference by that in this order, each rounded to X's type
///   REARRANGE_TILE  output dimension d is input dimension axes[d], `before[d]` zeros (and those after it) around it;
///                   several inputs follow each other along dimension `along`
///   SPREAD_TILE     X[n, h, w, c]: backwards and apart: the output has element i of spatial dimension d at place
///                   window.before[d] + window.stride[d]·(extent - 1 - i), and zeros elsewhere
///   GATHER_TILE     X[n, k, c], indices I[n, j] in i32: row j of the output [n, j, c] is row I[n, j] of X;
///                   an index that is no row of X is an error of the run
struct compute_op {
    std::uint64_t op_id = 0;
    compute_type type = compute_type::matmul_tile;
    std::vector<tensor_region> inputs;
    tensor_region output;
    accumulate_rule accumulate;
    bool biased = false; ///< the third input is a bias, or a seed
    element_function combine = element_function::add;
    sliding_window window; ///< of a SPREAD_TILE stride and before only
    std::vector<std::uint64_t> axes;
    std::vector<std::uint64_t> before;
    std::uint64_t along = 0;
    std::vector<element_step> steps; ///< their operands are among the inputs behind those named above
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

/// What of a kernel's schedule the user asked for: nothing (`suggested`): the loader re-blocks and takes the dataflow
/// that is fastest on the chip that it finds; the dataflow (`required_dataflow`); or dataflow and tiles, those of
/// fixed:Ti,Tj,Tk (`required`). What is asked for is used where it fits.
enum class tile_policy { suggested, required, required_dataflow };

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

/// How files hold a tensor whose dimensions lie in another order on the device: `dims` as in the file; the device's
/// order is that of dims[permutation[0]], dims[permutation[1]], …, regrouped to the descriptor's dimensions.
struct host_layout {
    shape dims;
    std::vector<std::uint64_t> permutation;
};

/// `name` is unique in the program. Inputs and constants are looked up by any of `keys` in the file of tensors; an
/// output is written under its first key.
struct tensor_descriptor {
    std::string name;
    shape dims;
    dtype type = dtype::f32;
    tensor_role role = tensor_role::intermediate;
    std::vector<std::string> keys;
    std::string view_of = {}; ///< an earlier tensor whose elements these are, with other dimensions; empty: none
    std::optional<host_layout> host = {};
};

/// The dimensions that files of tensors have to have.
[[nodiscard]] inline const shape& file_dims(const tensor_descriptor& t) {
    return t.host ? t.host->dims : t.dims;
}

struct program {
    std::string version = "2.0"; ///< "1.0" is the flat form
    std::string graph_name;
    std::string compiler; ///< tool and version that wrote it, for the record
    /// The platform that tiles, dataflows and hints were chosen for, for the record; empty: none. It runs on any.
    std::string tuned_for;
    std::vector<tensor_descriptor> tensors;
    std::vector<kernel> kernels;
    std::map<std::string, tensor> constants; ///< values carried in the file, by tensor name

    [[nodiscard]] const tensor_descriptor* find(const std::string& tensor_name) const;
};

/// The names that files use: "EXTERNAL", "LOAD", "MATMUL_TILE", "output_stationary", "snake", "input", ...
[[nodiscard]] std::string_view name_of(memory_level level);
[[nodiscard]] std::string_view name_of(data_move_type type);
[[nodiscard]] std::string_view name_of(compute_type type);
[[nodiscard]] std::string_view name_of(element_function function);
[[nodiscard]] std::string_view name_of(dataflow flow);
[[nodiscard]] std::string_view name_of(iteration_order order);
[[nodiscard]] std::string_view name_of(tensor_role role);
[[nodiscard]] std::string_view name_of(loop_kind kind);
[[nodiscard]] std::string_view name_of(tile_policy tiles);
[[nodiscard]] std::string_view name_of(accumulate_rule::kind when);

/// All values of an enumeration in the order of their codes in binary files; for reading a name and for listing
/// the choices.
template <class Enum>
[[nodiscard]] const std::vector<Enum>& all_of();
template <>
const std::vector<memory_level>& all_of();
template <>
const std::vector<data_move_type>& all_of();
template <>
const std::vector<compute_type>& all_of();
template <>
const std::vector<element_function>& all_of();
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

/// True of version 2.`minor` and those after it.
[[nodiscard]] bool reaches(const std::string& version, unsigned minor);
/// Of that version on a program may hold whole-tensor operators, views and host layouts: 2.1.
[[nodiscard]] bool has_operators(const std::string& version);
/// Of that version on JSON and text have checksums of constants: 2.3.
[[nodiscard]] bool has_checksums(const std::string& version);
/// What of a kernel came with version 2.2, for messages: batched and seeded MATMUL_TILEs on whole tensors, SPREAD_TILE,
/// GATHER_TILE, LAYERNORM_TILE, `required_dataflow`. Empty where it has none of these.
[[nodiscard]] std::string_view newest_in(const kernel& k);
/// The lowest version of the nested form that can hold the program: 2.0, 2.1 or 2.2. verify() refuses a lower one.
[[nodiscard]] std::string needed_version(const program& p);
/// What the compiler writes: the same, or 2.3 where there are constants, whose checksums came with that.
[[nodiscard]] std::string lowest_version(const program& p);

/// True where the body holds no loop: concrete operations only.
[[nodiscard]] bool is_flat(const kernel& k);

/// MATMUL_TILE, CONV_TILE, DEPTHWISE_CONV2D_TILE, and reductions and pools that add or multiply: values are formed in
/// the accumulator's type and rounded to the first step's, or to the output's.
[[nodiscard]] bool forms_sums(const compute_op& op);

/// REDUCTION, POOL2D_TILE: those whose `combine` says what they do.
[[nodiscard]] bool combines(compute_type type);

/// REARRANGE_TILE, SPREAD_TILE, GATHER_TILE: elements go elsewhere, bit by bit.
[[nodiscard]] bool only_moves(compute_type type);

/// All of a tensor, in EXTERNAL.
[[nodiscard]] tensor_region whole(const tensor_descriptor& t);

/// The kernel's only operation where it works on whole tensors in EXTERNAL, else null.
[[nodiscard]] const compute_op* whole_tensor_operator(const kernel& k);

/// What the elements of a tensor have to be below because a GATHER_TILE takes them as indices, or nothing.
[[nodiscard]] std::optional<std::uint64_t> indices_below(const program& p, const std::string& tensor);

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
[[nodiscard]] bool operator==(const element_step& a, const element_step& b);
[[nodiscard]] bool operator==(const sliding_window& a, const sliding_window& b);
[[nodiscard]] bool operator==(const compute_op& a, const compute_op& b);
[[nodiscard]] bool operator==(const barrier_op& a, const barrier_op& b);
[[nodiscard]] bool operator==(const tile_loop& a, const tile_loop& b);
[[nodiscard]] bool operator==(const loop_nest& a, const loop_nest& b);
[[nodiscard]] bool operator==(const kernel_hints& a, const kernel_hints& b);
[[nodiscard]] bool operator==(const kernel& a, const kernel& b);
[[nodiscard]] bool operator==(const host_layout& a, const host_layout& b);
[[nodiscard]] bool operator==(const tensor_descriptor& a, const tensor_descriptor& b);
[[nodiscard]] bool operator==(const program& a, const program& b);

} // namespace kpu::dfx
