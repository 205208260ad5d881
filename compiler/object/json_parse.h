#pragma once
// From the text of a JSON file to its values, refusing what nlohmann::json lets pass.

#include "compiler/object/json_fields.h"

#include <string>
#include <string_view>

namespace kpu::object {

/// Throws input_error: no JSON (line and column), nested too deep, keys that are given twice or a number beyond any
/// double (JSON pointer).
[[nodiscard]] json_value parse_json(std::string_view text, const std::string& name);

} // namespace kpu::object
