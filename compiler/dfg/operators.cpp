#include "compiler/dfg/operators.h"

#include <algorithm>

namespace kpu::dfg {

const std::vector<std::string>& operator_names() {
    // In the order of the enumeration.
    static const std::vector<std::string> names{"FUNCTION",
                                                "FUNCTION_ARGUMENT",
                                                "FUNCTION_RETURN",
                                                "FUNCTION_RESULT",
                                                "CONSTANT",
                                                "CONV2D",
                                                "DEPTHWISE_CONV2D",
                                                "CONV3D",
                                                "TRANSPOSE_CONV2D",
                                                "FC",
                                                "MATMUL",
                                                "FUSED_MATMUL_BIAS_ACT",
                                                "LINEAR",
                                                "ADD",
                                                "SUB",
                                                "MUL",
                                                "DIV",
                                                "CLAMP",
                                                "RELU",
                                                "SIGMOID",
                                                "ATAN",
                                                "EXP",
                                                "RECIPROCAL",
                                                "ABS",
                                                "NEGATE",
                                                "CAST",
                                                "REDUCE_SUM",
                                                "REDUCE_MAX",
                                                "REDUCE_MIN",
                                                "REDUCE_PROD",
                                                "REDUCE_ALL",
                                                "RESHAPE",
                                                "TRANSPOSE",
                                                "CONCAT",
                                                "PAD",
                                                "GATHER",
                                                "MAXPOOL2D",
                                                "AVGPOOL2D",
                                                "UNKNOWN"};
    return names;
}

std::string_view name_of(operator_kind kind) {
    return operator_names().at(static_cast<std::size_t>(kind));
}

std::optional<operator_kind> operator_named(std::string_view text) {
    const std::vector<std::string>& names = operator_names();
    const auto at = std::find(names.begin(), names.end(), text);
    if (at == names.end())
        return std::nullopt;
    return static_cast<operator_kind>(at - names.begin());
}

} // namespace kpu::dfg
