#pragma once
// What a file is by how it begins: for messages where a file of another kind was expected.

#include <optional>
#include <string>
#include <string_view>

namespace kpu {

struct file_kind {
    enum class kind { binary_object, json_object, dfx_text, graph, platform, archive, array } what;
    std::string name; ///< "a .kpu object (JSON)"
    std::string use;  ///< which tool takes it
};

/// Nothing where the bytes begin like no kind of file that the tools read.
[[nodiscard]] std::optional<file_kind> kind_of(std::string_view bytes);

} // namespace kpu
