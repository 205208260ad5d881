#pragma once
// DFX as text: what --emit-dfx prints, kpu-disassembler writes and kpu-assembler reads. The grammar is in README.md.

#include "compiler/dfx/program.h"
#include "compiler/tensor/npz.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::dfx {

/// The whole program, one line per tensor, loop and operation; the same text for equal programs. Values of constants
/// stand in the text; or, if `values_in` names an .npz file, under their tensors' first keys in that.
[[nodiscard]] std::string to_text(const program& p, const std::string& values_in = {});

/// "2*ti + tj - 1"; loops that have no name in `names` print as `loop<d>`.
[[nodiscard]] std::string to_text(const affine& form, const std::vector<std::string>& names);

/// Where `value ... from` finds the arrays of a file that the text names.
using value_source = std::function<npz_arrays(const std::string& file)>;

/// The program that the text describes: from_text(to_text(p)) == p for every p that passes verify(). Throws input_error
/// with everything that is wrong, each with its line: what cannot be read, and the violations of verify(), unless lines
/// are lost. `name` stands for the file in messages. Without `values` the text may not refer to other files.
[[nodiscard]] program from_text(std::string_view text, const std::string& name, const value_source& values = {});

} // namespace kpu::dfx
