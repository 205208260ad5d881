#include "platforms/common/diagnostic.h"

#include "platforms/common/utf8.h"

#include <algorithm>
#include <numeric>

namespace kpu {

namespace {

const char* name(severity level) {
    switch (level) {
    case severity::note:
        return "note";
    case severity::warning:
        return "warning";
    case severity::error:
        break;
    }
    return "error";
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

} // namespace

std::string to_string(const location& where) {
    std::string out = where.file;
    if (where.line != 0) {
        out += ":" + std::to_string(where.line);
        if (where.column != 0)
            out += ":" + std::to_string(where.column);
    }
    if (where.byte_offset)
        out += (out.empty() ? "byte " : ": byte ") + std::to_string(*where.byte_offset);
    if (!where.path.empty())
        out += (out.empty() ? "" : ": ") + where.path;
    return out;
}

std::string to_string(const diagnostic& problem) {
    std::string out = to_string(problem.where);
    out += (out.empty() ? "" : ": ") + std::string(name(problem.level)) + ": " + problem.message;
    if (!problem.text.empty())
        out += ": '" + problem.text + "'";
    if (!problem.expected.empty())
        out += " (expected " + problem.expected + ")";
    if (!problem.hint.empty())
        out += " [hint: " + problem.hint + "]";
    return printable(out);
}

void diagnostics::error(location where, std::string message, std::string text, std::string expected, std::string hint) {
    add({severity::error, std::move(where), std::move(message), std::move(text), std::move(expected), std::move(hint)});
}

void diagnostics::warning(location where, std::string message, std::string text, std::string expected,
                          std::string hint) {
    add({severity::warning, std::move(where), std::move(message), std::move(text), std::move(expected),
         std::move(hint)});
}

void diagnostics::append(const diagnostics& other) {
    m_items.insert(m_items.end(), other.m_items.begin(), other.m_items.end());
}

bool diagnostics::has_errors() const {
    return std::any_of(m_items.begin(), m_items.end(), [](const diagnostic& d) { return d.level == severity::error; });
}

void diagnostics::throw_if_errors() const {
    if (has_errors())
        throw input_error(*this);
}

std::string to_string(const diagnostics& problems) {
    std::string out;
    std::string before;
    for (const diagnostic& problem : problems.items()) {
        std::string line = to_string(problem) + "\n";
        if (line != before) // tensors of one node may share a problem; to read it again tells nothing
            out += line;
        before = std::move(line);
    }
    return out;
}

input_error::input_error(diagnostics problems)
    : std::runtime_error(to_string(problems)), m_problems(std::move(problems)) {}

input_error::input_error(diagnostic problem) : std::runtime_error(to_string(problem)) {
    m_problems.add(std::move(problem));
}

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates) {
    std::optional<std::string> best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t difference =
            std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
        if (difference >= best_distance)
            continue; // the distance is at least the difference of the lengths
        const std::size_t d = edit_distance(word, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

std::optional<std::string> misspelled(const std::string& word, const std::vector<std::string>& candidates) {
    std::optional<std::string> meant;
    if (word.size() < 4)
        return meant;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > word.size() + 1 || word.size() > candidate.size() + 1 ||
            edit_distance(word, candidate) > 1)
            continue;
        if (meant)
            return std::nullopt;
        meant = candidate;
    }
    return meant;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
    const auto close = nearest(word, candidates);
    return close ? "did you mean " + *close + "?" : "";
}

} // namespace kpu
