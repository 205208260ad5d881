#include "fw/tools/tensor_files.h"

#include "compiler/tensor/host_memory.h"
#include "compiler/tensor/npz.h"
#include "compiler/tensor/selection.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::fw {

namespace {

bool is_npy(const std::string& path) {
    return path.size() >= 4 && path.compare(path.size() - 4, 4, ".npy") == 0;
}

std::vector<const dfx::tensor_descriptor*> with_role(const dfx::program& program,
                                                     std::initializer_list<dfx::tensor_role> roles) {
    std::vector<const dfx::tensor_descriptor*> all;
    for (const dfx::tensor_descriptor& t : program.tensors)
        if (std::find(roles.begin(), roles.end(), t.role) != roles.end())
            all.push_back(&t);
    return all;
}

/// Those whose values the program does not carry.
std::vector<const dfx::tensor_descriptor*> open_inputs(const dfx::program& program,
                                                       std::vector<const dfx::tensor_descriptor*> all) {
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const dfx::tensor_descriptor* t) { return program.constants.count(t->name) != 0; }),
              all.end());
    return all;
}

npy_array array_of(const tensor& value) {
    const location nowhere;
    const std::string header = npy_header_bytes(value.type, value.dims);
    return {parse_npy_header(header, nowhere).descr, value.dims, value.data};
}

/// The input of that number from a file of its own, beside those of --tensors.
void give(npz_arrays& given, const std::vector<const dfx::tensor_descriptor*>& inputs, std::size_t number,
          const std::string& path, const std::string& option) {
    if (path.empty())
        return;
    location where;
    where.file = path;
    if (number >= inputs.size()) {
        diagnostic problem;
        problem.where = where;
        problem.message = option + " names an input that the program does not have";
        problem.expected = fmt::format("at most {} inputs", inputs.size());
        throw input_error(std::move(problem));
    }
    const dfx::tensor_descriptor& t = *inputs[number];
    for (const std::string& key : t.keys) {
        if (given.count(key) == 0)
            continue;
        diagnostic problem;
        problem.where = where;
        problem.message = "both --tensors and " + option + " give one input";
        problem.text = key;
        problem.expected = "one of them";
        throw input_error(std::move(problem));
    }
    given[t.keys.front()] = is_npy(path) ? array_of(as_tensor(read_npy(path), t.type, dfx::file_dims(t), where))
                                         : array_of(read_raw(path, t.type, dfx::file_dims(t)));
}

/// Adds what the program carries. Whoever gives such a value too is refused: neither may silently win.
void give_carried(npz_arrays& given, const dfx::program& program, const location& where) {
    diagnostics problems;
    for (const auto& [name, value] : program.constants) {
        const dfx::tensor_descriptor& t = *program.find(name);
        for (const std::string& key : t.keys) {
            location place = where;
            place.path = key;
            if (given.count(key) != 0)
                problems.error(std::move(place), "constant " + name + " has its value in the program already", "", "",
                               "leave it out, or compile the program without it in --weights");
        }
        given.emplace(t.keys.front(), array_of(value));
    }
    problems.throw_if_errors();
}

} // namespace

void require_host_memory(const dfx::program& program, const std::string& file) {
    using dfx::tensor_role;
    double needed = 0;
    for (const auto* t : with_role(program, {tensor_role::input, tensor_role::constant, tensor_role::output}))
        needed += 2 * static_cast<double>(element_count(t->dims) * size_of(t->type));
    location where;
    where.file = file;
    kpu::require_host_memory(needed, where);
}

tensor_map gather_inputs(const dfx::program& program, const input_files& files, diagnostics& warnings) {
    const auto inputs = with_role(program, {dfx::tensor_role::input, dfx::tensor_role::constant});
    const auto open = open_inputs(program, inputs);
    location where;
    where.file = files.tensors;
    npz_arrays given;
    if (!files.tensors.empty())
        given = read_npz(files.tensors);
    give(given, open, 0, files.input_a, "--input-a");
    give(given, open, 1, files.input_b, "--input-b");
    give_carried(given, program, where);
    std::vector<expected_tensor> expected;
    expected.reserve(inputs.size());
    for (const dfx::tensor_descriptor* t : inputs)
        expected.push_back({t->keys, t->type, dfx::file_dims(*t), dfx::indices_below(program, t->name)});
    return select_tensors(expected, std::move(given), files.seed, where, warnings);
}

void write_outputs(const dfx::program& program, const tensor_map& outputs, const output_files& files) {
    if (!files.tensors.empty())
        write_npz(files.tensors, outputs);
    const auto all = with_role(program, {dfx::tensor_role::output});
    if (files.output_c.empty() || all.empty())
        return;
    const tensor& first = outputs.at(all.front()->keys.front());
    if (is_npy(files.output_c))
        write_npy(files.output_c, first);
    else
        write_raw(files.output_c, first);
}

} // namespace kpu::fw
