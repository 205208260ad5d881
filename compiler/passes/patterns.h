#pragma once
// Several operators that a file spells out become the one that they stand for.

#include "compiler/dfx/program.h"

namespace kpu::passes {

/// REDUCE_MAX, SUB, EXP, REDUCE_SUM, RECIPROCAL and MUL over the last dimension, whose tensors nobody else uses, become
/// one SOFTMAX_TILE; REDUCE_SUM, MUL, SUB, MUL, REDUCE_SUM, MUL, ADD, rsqrt and MUL one LAYERNORM_TILE where what is
/// multiplied and added are single elements that are given. Before, clamps of an operand to one value become numbers.
void recognise_patterns(dfx::program& p);

} // namespace kpu::passes
