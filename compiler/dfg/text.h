#pragma once
// The lexical rules of .dfg lines.

#include "compiler/dfg/graph.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::dfg {

/// Decimal digits only; nothing for other text and for values beyond `largest`.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t largest);
/// The same with an optional leading '-'.
[[nodiscard]] std::optional<std::int64_t> parse_signed(std::string_view text);

[[nodiscard]] std::string_view trimmed(std::string_view text);
/// All pieces, empty ones too; one empty piece for empty text.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The pieces of a list whose items may hold commas within brackets or double quotes; no pieces for empty text. Where
/// brackets do not balance, `balanced` is false and the pieces are those of a plain split at commas.
struct list_pieces {
    std::vector<std::string_view> items;
    bool balanced = true;
};
[[nodiscard]] list_pieces split_list(std::string_view text);
/// The items with commas between them; nothing where split_list would make other items of that.
[[nodiscard]] std::optional<std::string> joined_list(const std::vector<std::string>& items);

/// A type and what had to be mended to read it.
struct parsed_type {
    std::optional<tensor_type> type; ///< nothing: `problem` says why
    std::string problem;
    std::string repair; ///< empty where the text was right
};
/// Reads `tensor<4x?xf32>`. Mends a missing '>' and a nested `tensor<tensor<`.
[[nodiscard]] parsed_type parse_type(std::string_view text);

} // namespace kpu::dfg
