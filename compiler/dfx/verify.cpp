#include "compiler/dfx/verify.h"

#include "compiler/dfx/verify_parts.h"
#include "compiler/dfx/walk.h"

#include <algorithm>
#include <set>

namespace kpu::dfx {

namespace parts {

void context::error(const std::string& at, std::string message, std::string text, std::string expected) const {
    location where;
    where.path = at;
    problems.error(std::move(where), std::move(message), std::move(text), std::move(expected));
}

std::optional<std::uint64_t> volume_of(const shape& dims) {
    std::uint64_t product = 1;
    for (const std::uint64_t extent : dims)
        if (__builtin_mul_overflow(product, extent, &product) || product > (1ULL << 48))
            return std::nullopt;
    return product;
}

namespace {

void report(diagnostics& problems, const std::string& path, const std::string& message, const std::string& text = {},
            const std::string& expected = {}) {
    location where;
    where.path = path;
    problems.error(std::move(where), message, text, expected);
}

void check_dims(const tensor_descriptor& t, const std::string& at, diagnostics& problems) {
    if (t.dims.empty() || t.dims.size() > k_max_rank)
        report(problems, at + ".shape", "tensor " + t.name + " has rank " + std::to_string(t.dims.size()), "",
               "1 to " + std::to_string(k_max_rank) + " dimensions");
    for (const std::uint64_t extent : t.dims)
        if (extent == 0 || extent > k_max_extent)
            return report(problems, at + ".shape", "extent out of range", std::to_string(extent), "1 to 2^40");
    if (!volume_of(t.dims))
        report(problems, at + ".shape", "tensor " + t.name + " has more than 2^48 elements", to_string(t.dims));
}

void check_view(const program& p, std::size_t number, const std::string& at, diagnostics& problems) {
    const tensor_descriptor& t = p.tensors[number];
    if (t.view_of.empty())
        return;
    const auto end = p.tensors.begin() + static_cast<std::ptrdiff_t>(number);
    const auto shown = std::find_if(p.tensors.begin(), end, [&](const auto& other) { return other.name == t.view_of; });
    if (shown == end)
        return report(problems, at + ".view_of", "no earlier tensor has this name", t.view_of);
    if (t.role != tensor_role::intermediate && t.role != tensor_role::output)
        report(problems, at + ".role", "a view is an intermediate or an output", std::string(name_of(t.role)));
    if (shown->type != t.type || volume_of(shown->dims) != volume_of(t.dims))
        report(problems, at, "a view has the elements of the tensor that it shows",
               to_string(t.dims) + " " + std::string(name_of(t.type)),
               to_string(shown->dims) + " " + std::string(name_of(shown->type)));
}

std::string listed(const std::vector<std::uint64_t>& all) {
    std::string text;
    for (const std::uint64_t one : all)
        text += (text.empty() ? "" : ", ") + std::to_string(one);
    return text;
}

void check_host_layout(const tensor_descriptor& t, const std::string& at, diagnostics& problems) {
    if (!t.host)
        return;
    std::vector<std::uint64_t> order = t.host->permutation;
    std::sort(order.begin(), order.end());
    const std::size_t rank = t.host->dims.size();
    bool good = order.size() == rank && rank <= k_max_rank;
    for (std::uint64_t d = 0; good && d < order.size(); ++d)
        good = order[d] == d;
    if (!good)
        report(problems, at + ".host.permutation", "not an order of the file's dimensions", listed(t.host->permutation),
               "each of the " + std::to_string(rank) + " dimensions of " + to_string(t.host->dims) +
                   ", from 0 on, once (at most " + std::to_string(k_max_rank) + ")");
    if (!volume_of(t.host->dims) || volume_of(t.host->dims) != volume_of(t.dims))
        report(problems, at + ".host", "the file's dimensions have another number of elements than the tensor",
               to_string(t.host->dims), "as many as " + to_string(t.dims));
    if (t.role != tensor_role::input && t.role != tensor_role::constant)
        report(problems, at + ".host", "only inputs and constants come from files", std::string(name_of(t.role)));
}

void check_constants(const program& p, diagnostics& problems) {
    for (const auto& [name, value] : p.constants) {
        const std::string at = "constants[" + name + "]";
        const tensor_descriptor* t = p.find(name);
        if (t == nullptr || t->role != tensor_role::constant)
            report(problems, at, "no constant tensor has this name", name);
        else if (const shape& dims = file_dims(*t); t->type != value.type || dims != value.dims)
            report(problems, at, "value does not match its descriptor",
                   to_string(value.dims) + " " + std::string(name_of(value.type)),
                   to_string(dims) + " " + std::string(name_of(t->type)));
        else if (value.data.size() != volume_of(value.dims).value_or(0) * size_of(value.type))
            report(problems, at, "value has a wrong number of bytes", std::to_string(value.data.size()));
    }
}

} // namespace

void check_tensors(const program& p, diagnostics& problems) {
    std::set<std::string> names;
    std::set<std::string> input_keys;
    std::set<std::string> output_keys;
    for (std::size_t i = 0; i < p.tensors.size(); ++i) {
        const tensor_descriptor& t = p.tensors[i];
        const std::string at = "tensors[" + std::to_string(i) + "]";
        if (t.name.empty())
            report(problems, at + ".name", "tensor without a name");
        if (!names.insert(t.name).second)
            report(problems, at + ".name", "a tensor of this name exists already", t.name);
        check_dims(t, at, problems);
        check_view(p, i, at, problems);
        check_host_layout(t, at, problems);
        if (t.role == tensor_role::intermediate)
            continue;
        if (t.keys.empty())
            report(problems, at + ".keys", "tensor " + t.name + " has no key to find its value by");
        std::set<std::string>& taken = t.role == tensor_role::output ? output_keys : input_keys;
        for (const std::string& key : t.keys)
            if (key.empty() || !taken.insert(key).second)
                report(problems, at + ".keys", key.empty() ? "empty key" : "key is taken by another tensor", key);
    }
    check_constants(p, problems);
}

namespace {

class loop_checker {
  public:
    explicit loop_checker(diagnostics& problems) : m_problems(problems) {}

    void body(const std::vector<statement>& statements, const std::string& path) {
        for (std::size_t i = 0; i < statements.size(); ++i)
            if (const auto* nest = std::get_if<loop_nest>(&statements[i]))
                check(*nest, path + ".body[" + std::to_string(i) + "]");
    }

  private:
    void check(const loop_nest& nest, const std::string& at) {
        const tile_loop& loop = nest.loop;
        if (m_names.size() >= k_max_depth)
            return report(m_problems, at, "more than " + std::to_string(k_max_depth) + " nested loops");
        if (loop.induction_var.empty())
            report(m_problems, at + ".loop", "loop without an induction variable");
        if (std::find(m_names.begin(), m_names.end(), loop.induction_var) != m_names.end())
            report(m_problems, at + ".loop", "an enclosing loop has the same induction variable", loop.induction_var);
        if (loop.step == 0 || loop.step > k_max_extent)
            report(m_problems, at + ".loop.step", "step out of range", std::to_string(loop.step), "1 to 2^40");
        else if (loop.start >= loop.end || loop.end > k_max_extent)
            report(m_problems, at + ".loop", "empty or excessive range",
                   std::to_string(loop.start) + ".." + std::to_string(loop.end), "start < end <= 2^40");
        else
            check_order(nest, at);
        if (nest.body.empty())
            report(m_problems, at, "loop " + loop.induction_var + " has an empty body");
        m_names.push_back(loop.induction_var);
        body(nest.body, at);
        m_names.pop_back();
    }

    void check_order(const loop_nest& nest, const std::string& at) {
        const tile_loop& loop = nest.loop;
        if (loop.kind == loop_kind::reduction && loop.order != iteration_order::row_major)
            report(m_problems, at + ".loop.order", "reduction loop " + loop.induction_var + " must ascend",
                   std::string(name_of(loop.order)), "row_major");
        if (loop.order != iteration_order::explicit_sequence && !loop.sequence.empty())
            report(m_problems, at + ".loop.sequence", "a sequence belongs to the order 'explicit'");
        if (loop.order == iteration_order::explicit_sequence)
            check_sequence(loop, at);
        if (loop.order == iteration_order::morton) {
            const auto* inner = nest.body.size() == 1 ? std::get_if<loop_nest>(&nest.body.front()) : nullptr;
            if (inner == nullptr || inner->loop.kind != loop_kind::parallel)
                report(m_problems, at + ".loop.order", "order morton needs a parallel loop as the whole body",
                       loop.induction_var);
        }
    }

    void check_sequence(const tile_loop& loop, const std::string& at) {
        const std::uint64_t n = trip_count(loop);
        bool good = loop.sequence.size() == n && n <= k_max_sequence;
        std::set<std::uint64_t> seen;
        for (std::size_t i = 0; good && i < loop.sequence.size(); ++i) {
            const std::uint64_t v = loop.sequence[i];
            good = v >= loop.start && v < loop.end && (v - loop.start) % loop.step == 0 && seen.insert(v).second;
        }
        if (!good)
            report(m_problems, at + ".loop.sequence", "not a permutation of the loop's values", loop.induction_var,
                   "each of the " + std::to_string(n) + " values once (at most 2^20)");
    }

    diagnostics& m_problems;
    std::vector<std::string> m_names;
};

} // namespace

void check_loops(const kernel& k, const std::string& path, diagnostics& problems) {
    loop_checker(problems).body(k.body, path);
}

} // namespace parts

namespace {

/// A minor version: digits, at most 65535, since binary files hold it in 16 bits; 2.00 is no other name of 2.0.
bool is_minor_version(std::string_view text) {
    const bool digits = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
    return digits && (text == "0" || text.front() != '0') && std::stoul(std::string(text)) <= 0xffff;
}

/// The version is one that these types can express, and has what the program uses.
void check_version(const program& p, diagnostics& problems) {
    const bool flat_version = p.version.rfind("1.", 0) == 0;
    if (!is_version(p.version))
        problems.error({}, "unknown DFX version", p.version, "1.x or 2.x");
    const std::string needed = needed_version(p);
    if (needed == "2.1" && !has_operators(p.version))
        problems.error({}, "whole-tensor operators, views and host layouts need DFX version 2.1", p.version);
    if (needed == "2.2" && !reaches(p.version, 2))
        for (std::size_t i = 0; i < p.kernels.size(); ++i)
            if (const std::string_view what = newest_in(p.kernels[i]); !what.empty())
                parts::report(problems, "kernels[" + std::to_string(i) + "]",
                              std::string(what) + " needs DFX version 2.2", p.version);
    if (flat_version && (p.kernels.size() != 1 || !is_flat(p.kernels.front())))
        problems.error({}, "DFX version 1 is one kernel without loops", p.version);
}

/// Checks each kernel as far as its earlier parts allow; true where all is well.
bool check_kernel(const program& p, std::size_t i, diagnostics& problems) {
    const kernel& k = p.kernels[i];
    diagnostics own;
    parts::context c{p, k, "kernels[" + std::to_string(i) + "]", {}, is_flat(k), own};
    if (k.body.empty())
        c.error(c.path + ".body", "kernel " + k.name + " has no operations");
    parts::check_loops(k, c.path, own);
    if (!own.has_errors()) {
        c.leaves = leaves_of(k, c.path);
        if (const compute_op* const whole = whole_tensor_operator(k)) {
            parts::check_operator(c, c.leaves.front().path, *whole);
        } else {
            parts::check_operations(c);
            parts::check_dependences(c);
        }
    }
    if (!own.has_errors() && whole_tensor_operator(k) == nullptr)
        parts::check_on_chip_data(c);
    problems.append(own);
    return !own.has_errors();
}

void check_ids(const program& p, diagnostics& problems) {
    std::map<std::uint64_t, std::string> ids;
    std::map<std::uint64_t, std::string> products;
    for (std::size_t i = 0; i < p.kernels.size(); ++i) {
        for (const leaf& l : leaves_of(p.kernels[i], "kernels[" + std::to_string(i) + "]")) {
            location where;
            where.path = l.path + ".op_id";
            const auto [taken, fresh] = ids.emplace(l.id(), l.path);
            if (l.id() == 0)
                problems.error(where, "operation id 0 is reserved");
            else if (!fresh)
                problems.error(where, "operation id is taken by " + taken->second, std::to_string(l.id()));
            const std::uint64_t product = l.move() != nullptr      ? l.move()->produces
                                          : l.compute() != nullptr ? l.compute()->produces
                                                                   : 0;
            where.path = l.path + ".produces";
            if (product != 0 && !products.emplace(product, l.path).second)
                problems.error(where, "another operation produces this synchronisation point", std::to_string(product));
        }
    }
}

} // namespace

bool is_version(const std::string& text) {
    return (text.rfind("1.", 0) == 0 || text.rfind("2.", 0) == 0) && is_minor_version(std::string_view(text).substr(2));
}

diagnostics verify(const program& p) {
    diagnostics problems;
    check_version(p, problems);
    parts::check_texts(p, problems);
    parts::check_tensors(p, problems);
    check_ids(p, problems);
    if (problems.has_errors())
        return problems;
    bool good = true;
    for (std::size_t i = 0; i < p.kernels.size(); ++i)
        good = check_kernel(p, i, problems) && good;
    if (good)
        parts::check_external_data(p, problems);
    return problems;
}

void require_valid(const program& p, const std::string& name) {
    diagnostics named;
    const diagnostics found = verify(p);
    for (diagnostic problem : found.items()) {
        problem.where.file = name;
        named.add(std::move(problem));
    }
    named.throw_if_errors();
}

} // namespace kpu::dfx
