#pragma once
// Puts the values of constants into a program, so that its file runs without them being given again.

#include "compiler/dfx/program.h"
#include "compiler/tensor/npz.h"
#include "platforms/common/diagnostic.h"

namespace kpu::passes {

/// Looks up every constant by any of its keys; those that are not given stay to be given at run time. The result passes
/// dfx::verify(). Throws input_error with all problems: values of another type or shape, two arrays for one constant,
/// an array for an input. Arrays that belong to no tensor are warned about. `where` names the file of the arrays.
void embed_constants(dfx::program& p, npz_arrays given, const location& where, diagnostics& warnings);

} // namespace kpu::passes
