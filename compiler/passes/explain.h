#pragma once
// Why a matmul's kernel became what it is, as text.

#include "compiler/passes/lower.h"

#include <string>

namespace kpu::passes {

/// One kernel's tiles and dataflow: the candidates of least cost with the cost's terms, the one that was taken, and by
/// how much more or less than the best other one it costs; of a kernel that was merged why it has no tiles. Several
/// lines, each beginning with "kernel NAME: ".
[[nodiscard]] std::string explain(const kernel_report& kernel, const lower_options& options);

} // namespace kpu::passes
