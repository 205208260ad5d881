// Reads the language that text.cpp writes, line by line: a line that cannot be read is reported and left out.

#include "compiler/dfx/text.h"
#include "compiler/dfx/text_line.h"
#include "compiler/dfx/text_statement.h"
#include "compiler/dfx/text_value.h"
#include "compiler/dfx/verify.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/file_kind.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace kpu::dfx {

namespace {

constexpr std::size_t k_most_errors = 100;
constexpr std::size_t k_read_depth = 64;

class text_reader {
  public:
    text_reader(std::string_view text, const std::string& name, const value_source& values)
        : m_text(text), m_name(name), m_values(values) {}

    program run() {
        refuse_other_files();
        for (std::size_t at = 0; at < m_text.size() && m_problems.items().size() < k_most_errors;) {
            const std::size_t end = std::min(m_text.find('\n', at), m_text.size());
            ++m_number;
            read(m_text.substr(at, end - at));
            at = end + 1;
        }
        ++m_number;
        if (m_stage == stage::nothing)
            report({1, "the text does not begin with a version", "", "dfx 2.0"});
        else if (m_stage == stage::value || !m_open.empty())
            report({1, "the text ends within a block", "", "}"});
        if (!m_unread && m_problems.items().size() < k_most_errors)
            verify_with_lines();
        m_problems.throw_if_errors();
        return std::move(m_program);
    }

  private:
    enum class stage { nothing, head, value, kernel };

    /// A block that has begun: a kernel's, or a loop's.
    struct block {
        tile_loop loop;
        std::vector<statement> body;
        std::string path;
        bool broken = false; ///< its first line could not be read
    };

    void refuse_other_files() {
        const auto kind = kind_of(m_text);
        if (!kind || kind->what == file_kind::kind::dfx_text)
            return;
        location where;
        where.file = m_name;
        throw input_error({severity::error, where, "this is " + kind->name + ", not DFX text", "", "", kind->use});
    }

    void read(std::string_view bytes) {
        std::optional<text_line> line;
        bool opens = false;
        bool is_value = false;
        try {
            line.emplace(bytes);
            if (line->at_end())
                return;
            opens = line->ends_with_brace();
            is_value = line->sees("value");
            dispatch(*line);
            report_slips(*line);
        } catch (const line_error& problem) {
            if (line)
                report_slips(*line);
            report(problem);
            if (opens)
                open_broken(is_value);
        }
    }

    /// After this the program is not all that the text says.
    void report(const line_error& problem) {
        m_unread = true;
        m_problems.error(here(problem.column), problem.message, problem.text, problem.expected, problem.hint);
    }

    /// What the text says is known in spite of these.
    void report_slips(const text_line& line) {
        for (const line_error& slip : line.slips())
            m_problems.error(here(slip.column), slip.message, slip.text, slip.expected, slip.hint);
    }

    [[nodiscard]] location here(unsigned column) const {
        location where;
        where.file = m_name;
        where.line = m_number;
        where.column = column;
        return where;
    }

    void dispatch(text_line& line) {
        switch (m_stage) {
        case stage::nothing:
            return version(line);
        case stage::head:
            return head(line);
        case stage::value:
            return value_line(line);
        case stage::kernel:
            return in_kernel(line);
        }
    }

    void version(text_line& line) {
        m_stage = stage::head; // whatever this line says, the next is read as what follows it
        note("");
        line.require("dfx");
        const unsigned from = line.column();
        m_program.version = line.word("a version such as 2.0");
        line.require(".");
        m_program.version += "." + line.word("a version such as 2.0");
        line.finish();
        if (is_version(m_program.version))
            return;
        report({from, "unknown DFX version", m_program.version, "1.x or 2.x"});
        m_problems.throw_if_errors(); // what follows may mean anything
    }

    void head(text_line& line) {
        static const std::vector<std::string> k_lines = {"graph", "compiler", "tuned", "tensor", "value", "kernel"};
        const unsigned from = line.column();
        const bool lost = std::exchange(m_tensor_lost, true); // until it is known that no tensor's name is missed
        const std::string& kind = k_lines[line.choose(k_lines, "line")];
        m_tensor_lost = lost;
        if (kind == "tensor")
            declare(line);
        else if (kind == "value")
            begin_value(line);
        else if (kind == "kernel")
            begin_kernel(line);
        else
            about(line, kind, from);
        line.finish();
    }

    /// The program as a whole.
    void about(text_line& line, const std::string& kind, unsigned from) {
        once(line, kind, from);
        if (kind == "graph")
            m_program.graph_name = line.quoted("the graph's name");
        else if (kind == "compiler")
            m_program.compiler = line.quoted("the compiler's name");
        else
            read_tuning(line);
    }

    void read_tuning(text_line& line) {
        line.require("for");
        const unsigned from = line.column();
        m_program.tuned_for = line.quoted("a platform's name");
        if (m_program.tuned_for.empty())
            line.forgive(
                {from, "the platform that the program is tuned for has no name", "", "a name, or no such line"});
    }

    /// A line that stands once in its block.
    void once(text_line& line, const std::string& kind, unsigned from) {
        const std::string path = (m_open.empty() ? "" : m_open.back().path) + "." + kind;
        const auto before = m_lines.find(path);
        if (before != m_lines.end())
            line.forgive({from, "this line is given already, on line " + std::to_string(before->second), kind, ""});
        note(path);
    }

    void declare(text_line& line) {
        const bool lost = std::exchange(m_tensor_lost, true); // until the name is known
        const unsigned from = line.column();
        const std::string name = line.name("a tensor's name");
        if (m_program.find(name) != nullptr)
            throw line_error{from,
                             "a tensor of this name exists already, on line " +
                                 std::to_string(line_of("tensors[" + name + "]")),
                             name, ""};
        m_tensor_lost = lost;
        note("tensors[" + std::to_string(m_program.tensors.size()) + "]");
        note("tensors[" + name + "]");
        // Known from here on, so that an error in the rest of the line is not repeated wherever the tensor is used.
        m_program.tensors.push_back({name, {}, dtype::f32, tensor_role::intermediate, {}, {}, {}});
        tensor_descriptor& t = m_program.tensors.back();
        line.require(":");
        t.dims = line.extents();
        t.type = choice<dtype>(line, "element type");
        t.role = choice<tensor_role>(line, "role of a tensor");
        if (line.accept("keys"))
            line.list([&] { t.keys.push_back(line.name("a key")); });
        if (line.accept("view")) {
            line.require("of");
            t.view_of = line.name("a tensor's name");
        }
        if (line.accept("host")) {
            t.host.emplace();
            t.host->dims = line.extents();
            line.require("order");
            line.list([&] { t.host->permutation.push_back(line.number("a dimension")); });
        }
    }

    void begin_value(text_line& line) {
        const unsigned from = line.column();
        const std::string name = line.name("a tensor's name");
        const tensor_descriptor* t = m_program.find(name);
        if (t == nullptr && !m_tensor_lost)
            throw line_error{from, "no such tensor before this line", name, ""};
        if (m_program.constants.count(name) != 0)
            throw line_error{from, "tensor has a value already", name, ""};
        note("constants[" + name + "]");
        if (line.accept("from"))
            return refer(line, t);
        const std::optional<std::uint64_t> sum = checksum(line);
        line.require("{");
        m_value = t == nullptr ? text_value() : text_value(name, sum);
        m_stage = stage::value;
    }

    std::optional<std::uint64_t> checksum(text_line& line) {
        const unsigned from = line.column();
        if (!line.accept("crc32c"))
            return std::nullopt;
        if (!has_checksums(m_program.version))
            throw line_error{from, "checksums of constants need DFX version 2.3", m_program.version, ""};
        return line.number("a checksum");
    }

    void value_line(text_line& line) {
        if (!line.accept("}"))
            return m_value.add(line);
        m_stage = stage::head;
        line.finish();
        std::optional<std::vector<std::byte>> bytes = m_value.bytes();
        if (!bytes)
            return; // of lines that could not be read
        tensor& value = m_program.constants[m_value.tensor()];
        const tensor_descriptor& t = *m_program.find(m_value.tensor());
        value.type = t.type;
        value.dims = file_dims(t);
        value.data = std::move(*bytes);
    }

    /// `t` is null where the tensor's own line was lost.
    void refer(text_line& line, const tensor_descriptor* t) {
        const unsigned from = line.column();
        const std::string file = line.quoted("a file's name");
        const std::optional<std::string> given =
            line.accept("key") ? std::optional(line.quoted("a key")) : std::nullopt;
        if (t == nullptr)
            return;
        const std::string key = given ? *given : t->keys.empty() ? t->name : t->keys.front();
        if (!m_values)
            throw line_error{from, "values of other files are not looked up here", file, ""};
        auto arrays = m_files.find(file);
        if (arrays == m_files.end())
            arrays = m_files.emplace(file, m_values(file)).first;
        const auto found = arrays->second.find(key);
        if (found == arrays->second.end())
            throw line_error{from, "file " + file + " has no array of this name", key, ""};
        try {
            m_program.constants[t->name] = as_tensor(found->second, t->type, file_dims(*t), here(from));
        } catch (const input_error& problem) {
            m_problems.append(problem.problems());
        }
    }

    void begin_kernel(text_line& line) {
        kernel k;
        k.name = line.name("a kernel's name");
        if (line.accept("nodes"))
            line.list([&] { k.graph_nodes.push_back(line.number("a node's number")); });
        k.flow = choice<dataflow>(line, "dataflow");
        line.require("tiles");
        k.tiles = choice<tile_policy>(line, "tile policy");
        line.require("{");
        line.finish();
        enter_kernel(std::move(k), false);
    }

    void enter_kernel(kernel k, bool broken) {
        block b;
        b.path = "kernels[" + std::to_string(m_program.kernels.size()) + "]";
        b.broken = broken;
        note(b.path);
        m_program.kernels.push_back(std::move(k));
        m_open.push_back(std::move(b));
        m_stage = stage::kernel;
    }

    void in_kernel(text_line& line) {
        if (line.accept("}")) {
            line.finish();
            return close();
        }
        const unsigned from = line.column();
        if (line.accept("hints"))
            return hints(line, from);
        if (line.sees("%")) {
            statement s = read_operation(line, {m_program, m_names, m_tensor_lost, broken()});
            note(next_path());
            m_open.back().body.push_back(std::move(s));
            return;
        }
        tile_loop loop = read_loop(line, m_names);
        line.finish();
        enter_loop(std::move(loop), false);
    }

    void hints(text_line& line, unsigned from) {
        if (m_open.size() != 1)
            throw line_error{from, "hints stand in the kernel, not in a loop", "hints", ""};
        once(line, "hints", from);
        kernel_hints& h = m_program.kernels.back().hints;
        line.require("dram_bytes");
        h.estimated_dram_bytes = line.number("bytes");
        line.require("compute_cycles");
        h.estimated_compute_cycles = line.number("cycles");
        line.require("parallelism");
        h.parallelism_degree = line.number("a number");
        line.finish();
    }

    void enter_loop(tile_loop loop, bool broken) {
        block b;
        b.path = next_path();
        b.broken = broken;
        note(b.path);
        if (m_open.size() > k_read_depth) {
            report({1, "loops are nested more than " + std::to_string(k_read_depth) + " deep", "", ""});
            m_problems.throw_if_errors(); // nothing below is worth reading
        }
        m_names.push_back(loop.induction_var);
        b.loop = std::move(loop);
        m_open.push_back(std::move(b));
    }

    /// A block whose first line could not be read: what it holds is still looked at.
    void open_broken(bool is_value) {
        if (m_stage == stage::kernel)
            return enter_loop({}, true);
        if (!is_value)
            return enter_kernel({}, true);
        m_value = {};
        m_stage = stage::value;
    }

    void close() {
        block b = std::move(m_open.back());
        m_open.pop_back();
        if (m_open.empty()) {
            m_program.kernels.back().body = std::move(b.body);
            m_stage = stage::head;
            return;
        }
        m_names.pop_back();
        m_open.back().body.emplace_back(loop_nest{std::move(b.loop), std::move(b.body)});
    }

    [[nodiscard]] bool broken() const {
        return std::any_of(m_open.begin(), m_open.end(), [](const block& b) { return b.broken; });
    }
    [[nodiscard]] std::string next_path() const {
        return m_open.back().path + ".body[" + std::to_string(m_open.back().body.size()) + "]";
    }
    void note(const std::string& path) { m_lines.emplace(path, m_number); }

    /// The line of the longest part of a path that stands on one.
    [[nodiscard]] unsigned line_of(std::string path) const {
        for (;;) {
            const auto found = m_lines.find(path);
            if (found != m_lines.end())
                return found->second;
            if (path.empty())
                return 0;
            path.erase(std::min(path.find_last_of(".["), path.size() - 1));
        }
    }

    void verify_with_lines() {
        const diagnostics violations = verify(m_program);
        for (diagnostic problem : violations.items()) {
            problem.where.file = m_name;
            problem.where.line = line_of(problem.where.path);
            m_problems.add(std::move(problem));
        }
    }

    std::string_view m_text;
    const std::string& m_name;
    const value_source& m_values;
    program m_program;
    diagnostics m_problems;
    bool m_unread = false;      ///< a line could not be read
    bool m_tensor_lost = false; ///< such a line may have declared a tensor
    stage m_stage = stage::nothing;
    unsigned m_number = 0; ///< of the line that is read
    std::vector<block> m_open;
    std::vector<std::string> m_names; ///< of the loops that are open
    text_value m_value;               ///< that is read
    std::map<std::string, npz_arrays> m_files;
    std::map<std::string, unsigned> m_lines; ///< where each path of the program stands
};

} // namespace

program from_text(std::string_view text, const std::string& name, const value_source& values) {
    return text_reader(text, name, values).run();
}

} // namespace kpu::dfx
