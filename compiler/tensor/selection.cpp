#include "compiler/tensor/selection.h"

#include <algorithm>

namespace kpu {

namespace {

std::string joined(const std::vector<std::string>& keys) {
    std::string out;
    for (const std::string& key : keys)
        out += (out.empty() ? "" : " or ") + key;
    return out;
}

} // namespace

tensor_map select_tensors(const std::vector<expected_tensor>& expected, npz_arrays given,
                          std::optional<std::uint64_t> seed, const location& where, diagnostics& warnings) {
    diagnostics problems;
    tensor_map out;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const expected_tensor& want = expected[i];
        std::vector<std::string> found;
        std::copy_if(want.keys.begin(), want.keys.end(), std::back_inserter(found),
                     [&](const std::string& key) { return given.count(key) != 0; });
        location place = where;
        place.path = found.empty() ? want.keys.front() : found.front();
        if (found.size() > 1)
            problems.error(place, "two arrays for one tensor", joined(found), "one of them");
        if (found.empty() && seed) {
            out.emplace(want.keys.front(), want.below ? random_indices(want.dims, *seed + i, *want.below)
                                                      : random_tensor(want.type, want.dims, *seed + i));
        } else if (found.empty()) {
            problems.error(place, "missing tensor", joined(want.keys), describe(want.type, want.dims));
        } else {
            try {
                out.emplace(want.keys.front(),
                            as_tensor(std::move(given.at(found.front())), want.type, want.dims, place));
            } catch (const input_error& problem) {
                problems.append(problem.problems());
            }
        }
        for (const std::string& key : found)
            given.erase(key);
    }
    for (const auto& [key, array] : given) {
        location place = where;
        place.path = key;
        problems.warning(place, "no tensor of this name is expected; ignored");
    }
    problems.throw_if_errors();
    warnings.append(problems);
    return out;
}

} // namespace kpu
