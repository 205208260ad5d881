#include "compiler/object/object.h"

#include "compiler/dfx/verify.h"
#include "compiler/object/encodings.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/file_kind.h"
#include "platforms/common/files.h"

#include <cstdio>

namespace kpu::object {

version read_version(const std::string& text, const std::string& name, const std::string& where) {
    version v{};
    int used = 0;
    location at;
    at.file = name;
    at.path = where;
    const bool digits = text.find_first_not_of("0123456789.") == std::string::npos && text.size() <= 16;
    if (!digits || std::sscanf(text.c_str(), "%5u.%5u%n", &v.major, &v.minor, &used) != 2 ||
        static_cast<std::size_t>(used) != text.size())
        throw input_error({severity::error, at, "not a DFX version", text, "major.minor", ""});
    const std::string own = std::to_string(k_major) + "." + std::to_string(k_minor);
    if (v.major > k_major || v.major == 0)
        throw input_error({severity::error, at,
                           "the file is of DFX version " + text + ", this tool reads versions 1.0 to " + own, "", "",
                           "compile the graph again, or use a newer tool"});
    return v;
}

format format_named(const std::string& text) {
    if (text != "json" && text != "binary")
        throw input_error({severity::error, {}, "unknown format", text, "json or binary", ""});
    return text == "json" ? format::json : format::binary;
}

dfx::program parse_program(std::string_view bytes, const std::string& name) {
    const auto kind = kind_of(bytes);
    const bool binary = kind && kind->what == file_kind::kind::binary_object;
    if (kind && !binary && kind->what != file_kind::kind::json_object)
        throw input_error({severity::error,
                           {name, 0, 0, {}, ""},
                           "this is " + kind->name + ", not a .kpu object",
                           "",
                           "",
                           kind->use});
    dfx::program p = binary ? from_binary(bytes, name) : from_json(bytes, name);
    dfx::require_valid(p, name);
    return p;
}

dfx::program read_program(const std::string& path) {
    return parse_program(read_file(path), path);
}

std::string serialise(const dfx::program& p, format as) {
    dfx::require_valid(p, "");
    return as == format::json ? to_json(p) : to_binary(p);
}

void write_program(const dfx::program& p, const std::string& path, format as) {
    write_file(path, serialise(p, as));
}

} // namespace kpu::object
