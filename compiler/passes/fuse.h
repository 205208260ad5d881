#pragma once
// Element-wise kernels behind others: fewer kernels, fewer tensors between them, the same bits.

#include "compiler/dfx/program.h"

namespace kpu::passes {

/// Element-wise kernels become steps of the kernel that makes one of the arguments of their first step, where nobody
/// else uses it: all behind kernels of the vector unit; behind a product or a convolution those whose results are no
/// wider and whose operands are matrices as wide as the result or one column, as high or one row
/// (`dfx::operand_of_step`). A matmul's loop nest becomes an operation on whole tensors then. What only permutes
/// elements stands in nobody's way: steps go behind the kernel in front of it, where operands are alike along what it
/// permutes.
void fuse_steps(dfx::program& p);

} // namespace kpu::passes
