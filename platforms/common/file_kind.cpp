#include "platforms/common/file_kind.h"

#include <algorithm>

namespace kpu {

namespace {

bool begins(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

/// From the first line that is neither blank nor a comment.
std::string_view content_of(std::string_view text) {
    for (;;) {
        const std::size_t first = text.find_first_not_of(" \t\r\n");
        if (first == std::string_view::npos)
            return {};
        text.remove_prefix(first);
        if (text.front() != '#')
            return text;
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
}

/// "word: ", as a platform begins.
bool is_yaml(std::string_view text) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
    return end != 0 && end != std::string_view::npos && text[end] == ':' &&
           (end + 1 == text.size() || text[end + 1] == ' ' || text[end + 1] == '\n');
}

} // namespace

std::optional<file_kind> kind_of(std::string_view bytes) {
    using kind = file_kind::kind;
    if (begins(bytes, std::string_view("KPU\0", 4)))
        return file_kind{kind::binary_object, "a .kpu object (binary)",
                         "kpu-loader runs it, kpu-disassembler reads it"};
    if (begins(bytes, "PK\x03\x04") || begins(bytes, "PK\x05\x06"))
        return file_kind{kind::archive, "an archive of tensors (.npz)", "--tensors of kpu-loader takes it"};
    if (begins(bytes, "\x93NUMPY"))
        return file_kind{kind::array, "an array (.npy)", "put it into an .npz: kpu-loader takes that with --tensors"};
    const std::string_view text = content_of(bytes);
    if (begins(text, "{") && text.find("\"dfx_version\"") != std::string_view::npos)
        return file_kind{kind::json_object, "a .kpu object (JSON)", "kpu-loader runs it, kpu-disassembler reads it"};
    if (begins(text, "dfx "))
        return file_kind{kind::dfx_text, "DFX text", "kpu-assembler makes a .kpu object of it"};
    if (begins(text, "Domain Flow Graph") || begins(text, "DIRECTED"))
        return file_kind{kind::graph, "a graph (.dfg)", "kpu-kernel-compiler makes a .kpu object of it"};
    if (is_yaml(text))
        return file_kind{kind::platform, "a platform (YAML)", "kpu-loader takes it with --config"};
    return std::nullopt;
}

} // namespace kpu
