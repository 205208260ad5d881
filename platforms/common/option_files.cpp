#include "platforms/common/option_files.h"

#include "platforms/common/diagnostic.h"
#include "platforms/common/output_file.h"

#include <filesystem>
#include <map>

namespace kpu {

namespace {

namespace fs = std::filesystem;

/// One name per regular file, existing or to come; empty for everything else.
std::string identity(const option_file& named) {
    if (named.path.empty())
        return {};
    std::error_code failed;
    const fs::file_status status = fs::status(named.path, failed);
    if (fs::exists(status) && !fs::is_regular_file(status))
        return {};
    const fs::path name = fs::weakly_canonical(fs::absolute(without_links(named.path)), failed);
    return failed ? std::string() : name.string(); // it cannot be opened either, which is told then
}

} // namespace

void require_separate(const std::vector<option_file>& inputs, const std::vector<option_file>& outputs) {
    std::map<std::string, std::string> taken; // options by identity
    for (const option_file& input : inputs)
        taken.emplace(identity(input), input.option + " reads");
    diagnostics problems;
    for (const option_file& output : outputs) {
        const std::string name = identity(output);
        if (name.empty())
            continue;
        const auto [other, is_free] = taken.emplace(name, output.option + " writes");
        if (!is_free)
            problems.error({}, output.option + " would overwrite what " + other->second, output.path, "another file");
    }
    problems.throw_if_errors();
}

} // namespace kpu
