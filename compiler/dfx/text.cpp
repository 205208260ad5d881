#include "compiler/dfx/text.h"

#include "compiler/dfx/text_line.h"
#include "compiler/tensor/base64.h"
#include "compiler/tensor/crc32c.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace kpu::dfx {

namespace {

constexpr std::size_t k_value_width = 96;

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string number_list(const char* name, const std::vector<std::uint64_t>& all) {
    return fmt::format(" {}({})", name, fmt::join(all, ", "));
}

std::string host_layout_of(const tensor_descriptor& t) {
    return t.host ? fmt::format(" host {}{}", to_string(t.host->dims), number_list("order", t.host->permutation)) : "";
}

/// Bounds are quoted, in as few digits as tell them apart from their neighbours.
std::string to_text(const element_step& s) {
    std::string text = fmt::format("{} {}", name_of(s.function), name_of(s.result));
    if (s.operand)
        text += fmt::format(" with {}{}", *s.operand, s.operand_first ? " first" : "");
    if (has_bounds(s))
        text += fmt::format(" from \"{}\" to \"{}\"", s.low, s.high);
    return text;
}

std::string attributes_of(const compute_op& op) {
    const compute_op none;
    std::string text = op.biased ? " biased" : "";
    if (op.combine != none.combine)
        text += fmt::format(" combine {}", name_of(op.combine));
    const sliding_window& w = op.window;
    if (!(w == none.window))
        text += " window" + number_list("kernel", w.kernel) + number_list("stride", w.stride) +
                number_list("dilation", w.dilation) + number_list("before", w.before) + number_list("after", w.after);
    if (!op.axes.empty())
        text += number_list("axes", op.axes);
    if (!op.before.empty())
        text += number_list("pad", op.before);
    if (op.along != 0)
        text += fmt::format(" along {}", op.along);
    std::vector<std::string> steps;
    for (const element_step& s : op.steps)
        steps.push_back(to_text(s));
    return text + (steps.empty() ? "" : fmt::format(" steps({})", fmt::join(steps, ", ")));
}

std::string name_list(const std::vector<std::string>& all) {
    std::vector<std::string> words;
    std::transform(all.begin(), all.end(), std::back_inserter(words), as_name);
    return joined(words);
}

class printer {
  public:
    printer(const program& p, const std::string& values_in) : m_program(p), m_values_in(values_in) {}

    std::string run() {
        line("dfx {}", m_program.version);
        line("graph {}", as_quoted(m_program.graph_name));
        if (!m_program.compiler.empty())
            line("compiler {}", as_quoted(m_program.compiler));
        if (!m_program.tuned_for.empty())
            line("tuned for {}", as_quoted(m_program.tuned_for));
        for (const tensor_descriptor& t : m_program.tensors)
            line("tensor {} : {} {} {}{}{}{}", as_name(t.name), to_string(t.dims), name_of(t.type), name_of(t.role),
                 t.keys.empty() ? "" : " keys(" + name_list(t.keys) + ")",
                 t.view_of.empty() ? "" : " view of " + as_name(t.view_of), host_layout_of(t));
        for (const auto& [name, value] : m_program.constants)
            print_value(name, value);
        for (const kernel& k : m_program.kernels)
            print(k);
        return std::move(m_out);
    }

  private:
    template <class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        m_out.append(2 * m_indent, ' ');
        fmt::format_to(std::back_inserter(m_out), format, std::forward<Args>(args)...);
        m_out += '\n';
    }

    void print_value(const std::string& name, const tensor& value) {
        if (!m_values_in.empty())
            return line("value {} from {} key {}", as_name(name), as_quoted(m_values_in),
                        as_quoted(m_program.find(name)->keys.front()));
        line("value {}{} {{", as_name(name),
             has_checksums(m_program.version) ? fmt::format(" crc32c {}", crc32c(value.data)) : "");
        ++m_indent;
        const std::string text = to_base64(value.data);
        for (std::size_t at = 0; at < text.size(); at += k_value_width)
            line("\"{}\"", text.substr(at, k_value_width));
        --m_indent;
        line("}}");
    }

    void print(const kernel& k) {
        line("kernel {} nodes({}) {} tiles {} {{", as_name(k.name), fmt::join(k.graph_nodes, ", "), name_of(k.flow),
             name_of(k.tiles));
        ++m_indent;
        line("hints dram_bytes {} compute_cycles {} parallelism {}", k.hints.estimated_dram_bytes,
             k.hints.estimated_compute_cycles, k.hints.parallelism_degree);
        print(k.body);
        --m_indent;
        line("}}");
    }

    void print(const std::vector<statement>& body) {
        for (const statement& s : body)
            std::visit([&](const auto& one) { print(one); }, s);
    }

    void print(const loop_nest& nest) {
        const tile_loop& l = nest.loop;
        line("{} {} in {}..{}{}{} {{", name_of(l.kind), as_name(l.induction_var), l.start, l.end,
             l.step == 1 ? "" : fmt::format(" step {}", l.step),
             l.order == iteration_order::row_major ? ""
             : l.sequence.empty()                  ? fmt::format(" {}", name_of(l.order))
                                  : fmt::format(" {} ({})", name_of(l.order), fmt::join(l.sequence, ", ")));
        m_names.push_back(l.induction_var);
        ++m_indent;
        print(nest.body);
        --m_indent;
        m_names.pop_back();
        line("}}");
    }

    void print(const data_move_op& op) {
        const bool same = op.source.tensor_name == op.destination.tensor_name &&
                          op.source.tile_indices == op.destination.tile_indices &&
                          op.source.tile_shape == op.destination.tile_shape;
        line("%{} = {} {} -> {}{}{}{}{}", op.op_id, name_of(op.type), region(op.source),
             same ? std::string(name_of(op.destination.level)) : region(op.destination),
             op.transpose ? " transpose" : "", op.broadcast ? " broadcast" : "", after(op.depends_on),
             produces(op.op_id, op.produces));
    }

    void print(const compute_op& op) {
        std::vector<std::string> inputs;
        for (const tensor_region& r : op.inputs)
            inputs.push_back(region(r));
        std::string rule;
        if (op.accumulate.when == accumulate_rule::kind::always)
            rule = " accumulate";
        else if (op.accumulate.when == accumulate_rule::kind::after_first)
            rule = " accumulate after first " + as_name(op.accumulate.loop);
        line("%{} = {} {} <- {}{}{}{}{}", op.op_id, name_of(op.type), region(op.output), joined(inputs), rule,
             attributes_of(op), after(op.depends_on), produces(op.op_id, op.produces));
    }

    void print(const barrier_op& op) {
        std::vector<std::string> ids;
        for (const std::uint64_t id : op.wait_for)
            ids.push_back(fmt::format("%{}", id));
        line("%{} = BARRIER {}{}", op.op_id, ids.empty() ? "" : "after " + joined(ids) + " ", as_quoted(op.label));
    }

    std::string region(const tensor_region& r) const {
        std::vector<std::string> indices;
        for (const affine& form : r.tile_indices)
            indices.push_back(to_text(form, m_names));
        return fmt::format("{}[{}] {} {}", as_name(r.tensor_name), joined(indices), to_string(r.tile_shape),
                           name_of(r.level));
    }

    static std::string produces(std::uint64_t id, std::uint64_t product) {
        return id == product ? "" : fmt::format(" produces {}", product);
    }

    static std::string after(const std::vector<dependence>& all) {
        std::vector<std::string> words;
        words.reserve(all.size());
        for (const dependence& d : all)
            words.push_back(d.distance.empty() ? fmt::format("%{}", d.op)
                                               : fmt::format("%{}({})", d.op, fmt::join(d.distance, ", ")));
        return words.empty() ? "" : " after " + joined(words);
    }

    const program& m_program;
    const std::string& m_values_in;
    std::vector<std::string> m_names;
    std::size_t m_indent = 0;
    std::string m_out;
};

/// One term with its sign; the first of a sum has no blanks around it.
void add_term(std::string& out, std::int64_t factor, const std::string& name) {
    const bool first = out.empty();
    const bool negative = factor < 0;
    // Through unsigned, so that the smallest value has a magnitude.
    const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(factor) : static_cast<std::uint64_t>(factor);
    if (first)
        out += negative ? "-" : "";
    else
        out += negative ? " - " : " + ";
    if (name.empty())
        out += std::to_string(size);
    else
        out += size == 1 ? name : std::to_string(size) + "*" + name;
}

} // namespace

std::string to_text(const affine& form, const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t d = 0; d < form.coefficients.size(); ++d)
        if (form.coefficients[d] != 0)
            add_term(out, form.coefficients[d], d < names.size() ? as_name(names[d]) : "loop" + std::to_string(d));
    if (form.offset != 0 || out.empty())
        add_term(out, form.offset, "");
    return out;
}

std::string to_text(const program& p, const std::string& values_in) {
    return printer(p, values_in).run();
}

} // namespace kpu::dfx
