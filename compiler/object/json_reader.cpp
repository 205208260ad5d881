#include "compiler/object/encodings.h"
#include "compiler/object/flat_form.h"
#include "compiler/object/json_fields.h"
#include "compiler/object/json_parse.h"
#include "compiler/object/json_statements.h"
#include "compiler/object/object.h"
#include "compiler/tensor/base64.h"
#include "compiler/tensor/crc32c.h"

#include <algorithm>

namespace kpu::object {

namespace {

dfx::kernel_hints read_hints(const json_value* value, const std::string& pointer, json_errors& errors) {
    dfx::kernel_hints hints;
    if (value == nullptr)
        return hints;
    const json_object o(*value, pointer, errors,
                        {"estimated_dram_bytes", "estimated_compute_cycles", "parallelism_degree"});
    hints.estimated_dram_bytes = o.number("estimated_dram_bytes", 0);
    hints.estimated_compute_cycles = o.number("estimated_compute_cycles", 0);
    hints.parallelism_degree = o.number("parallelism_degree", 1);
    return hints;
}

/// In the flat form the type may follow from the metadata, and role and keys from the operations; the reader leaves
/// them empty.
dfx::tensor_descriptor read_tensor(const json_value& value, const std::string& pointer, json_errors& errors, bool flat,
                                   std::vector<bool>& roles) {
    const json_object o(value, pointer, errors, {"name", "shape", "dtype", "role", "keys", "view_of", "host"});
    dfx::tensor_descriptor t;
    t.name = o.text("name");
    t.dims = o.numbers("shape");
    t.type = o.choice<dtype>("dtype");
    roles.push_back(o.has("role"));
    t.role = o.choice<dfx::tensor_role>("role", flat ? std::optional<dfx::tensor_role>(dfx::tensor_role::intermediate)
                                                     : std::nullopt);
    const json_value::array_t& keys = o.list("keys", false);
    for (std::size_t i = 0; i < keys.size(); ++i)
        t.keys.push_back(to_text(keys[i], join(o.at("keys"), i), errors));
    t.view_of = o.text("view_of", "");
    if (const json_value* host = o.get("host", false)) {
        const json_object layout(*host, o.at("host"), errors, {"shape", "permutation"});
        t.host = dfx::host_layout{layout.numbers("shape"), layout.numbers("permutation")};
    }
    return t;
}

/// verify() finds them too, but only where all else could be read.
void check_names_of_tensors(const dfx::program& p, json_errors& errors) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < p.tensors.size(); ++i)
        if (!p.tensors[i].name.empty() && !names.insert(p.tensors[i].name).second)
            errors.add(join("/tensors", i) + "/name", "a tensor of this name exists already", p.tensors[i].name);
}

/// The object of checksums, or null: files may come without (by hand, or older).
const json_value* find_checksums(const json_object& root, const std::string& version) {
    const json_value* sums = root.get("constants_crc32c", false);
    if (sums != nullptr && !dfx::has_checksums(version))
        root.errors().add(root.at("constants_crc32c"), "checksums of constants need DFX version 2.3", version);
    else if (sums != nullptr && !sums->is_object())
        root.errors().add(root.at("constants_crc32c"), "not an object", excerpt(*sums));
    else
        return sums;
    return nullptr;
}

/// Where there are checksums, each constant has one.
void check_sum(const json_object& root, const json_value& sums, const std::string& name,
               const std::vector<std::byte>& data) {
    const std::string pointer = join(root.at("constants_crc32c"), name);
    const auto given = sums.find(name);
    if (given == sums.end())
        root.errors().add(root.at("constants_crc32c"), "field is missing", name);
    else if (to_unsigned(*given, pointer, root.errors()) != crc32c(data) && given->is_number_unsigned())
        root.errors().add(join(root.at("constants"), name), "value is damaged: its CRC-32C does not match");
}

void check_names(const json_object& root, const json_value& sums, const json_value* constants) {
    for (const auto& item : sums.items())
        if (constants == nullptr || !constants->contains(item.key()))
            root.errors().add(join(root.at("constants_crc32c"), item.key()), "no constant has this name", item.key());
}

void read_constants(const json_object& root, dfx::program& p) {
    const json_value* all = root.get("constants", false);
    json_errors& errors = root.errors();
    if (all != nullptr && !all->is_object())
        return errors.add(root.at("constants"), "not an object", excerpt(*all));
    const json_value* sums = find_checksums(root, p.version);
    if (sums != nullptr)
        check_names(root, *sums, all);
    if (all == nullptr)
        return;
    for (const auto& item : all->items()) {
        const std::string pointer = join(root.at("constants"), item.key());
        const dfx::tensor_descriptor* t = p.find(item.key());
        auto data = from_base64(to_text(item.value(), pointer, errors));
        if (t == nullptr)
            errors.add(pointer, "no tensor has this name", item.key());
        else if (!data)
            errors.add(pointer, "not base64");
        if (t == nullptr || !data)
            continue;
        if (sums != nullptr)
            check_sum(root, *sums, item.key(), *data);
        tensor value;
        value.type = t->type;
        value.dims = dfx::file_dims(*t);
        value.data = std::move(*data);
        p.constants.emplace(item.key(), std::move(value));
    }
}

dfx::kernel read_kernel(const json_value& value, const std::string& pointer, json_errors& errors) {
    const json_object o(value, pointer, errors, {"name", "graph_nodes", "dataflow", "tiles", "hints", "body"});
    dfx::kernel k;
    k.name = o.text("name");
    k.graph_nodes = o.numbers("graph_nodes", false);
    k.flow = o.choice<dfx::dataflow>("dataflow");
    k.tiles = o.choice<dfx::tile_policy>("tiles", dfx::tile_policy::suggested);
    k.hints = read_hints(o.get("hints", false), o.at("hints"), errors);
    k.body = statement_reader(errors).body(o.list("body"), o.at("body"));
    return k;
}

dfx::kernel read_flat_kernel(const json_object& root, dfx::program& p, const flat_metadata& metadata) {
    dfx::kernel k;
    k.name = metadata.kernel_name.value_or(p.graph_name);
    k.graph_nodes = metadata.graph_nodes;
    k.flow = metadata.flow;
    k.tiles = metadata.tiles;
    k.body = statement_reader(root.errors()).body(root.list("operations"), root.at("operations"));
    k.hints = read_hints(root.get("hints", false), root.at("hints"), root.errors());
    return k;
}

} // namespace

dfx::program from_json(std::string_view text, const std::string& name) {
    const json_value value = parse_json(text, name);
    json_errors errors{name, false, {}};
    dfx::program p;
    p.version = value.is_object() && value.contains("dfx_version") && value["dfx_version"].is_string()
                    ? value["dfx_version"].get<std::string>()
                    : "";
    if (p.version.empty())
        throw input_error({severity::error,
                           {name, 0, 0, {}, "/dfx_version"},
                           "field is missing or not a string",
                           "",
                           "a version such as \"2.0\"",
                           "is this a .kpu file?"});
    const version v = read_version(p.version, name, "/dfx_version");
    errors.lenient = v.major == k_major && v.minor > k_minor;
    const bool flat = v.major == 1;
    const std::vector<std::string> known =
        flat ? std::vector<std::string>{"dfx_version", "graph_name", "compiler", "tuned_for", "metadata",
                                        "tensors",     "operations", "hints",    "constants", "constants_crc32c"}
             : std::vector<std::string>{"dfx_version", "graph_name", "compiler",  "tuned_for",
                                        "tensors",     "kernels",    "constants", "constants_crc32c"};
    const json_object root(value, "", errors, known);
    p.graph_name = root.text("graph_name", "");
    p.compiler = root.text("compiler", "");
    p.tuned_for = root.text("tuned_for", "");
    if (root.has("tuned_for") && p.tuned_for.empty())
        errors.add("/tuned_for", "the platform that the program is tuned for has no name");
    std::vector<bool> roles;
    const json_value::array_t& tensors = root.list("tensors");
    for (std::size_t i = 0; i < tensors.size(); ++i)
        p.tensors.push_back(read_tensor(tensors[i], join("/tensors", i), errors, flat, roles));
    check_names_of_tensors(p, errors);
    if (flat) {
        const flat_metadata metadata = read_flat_metadata(root);
        p.kernels.push_back(read_flat_kernel(root, p, metadata));
        complete_flat(p, metadata, roles, errors);
    } else {
        const json_value::array_t& kernels = root.list("kernels");
        for (std::size_t i = 0; i < kernels.size(); ++i)
            p.kernels.push_back(read_kernel(kernels[i], join("/kernels", i), errors));
    }
    read_constants(root, p);
    errors.problems.throw_if_errors();
    return p;
}

} // namespace kpu::object
