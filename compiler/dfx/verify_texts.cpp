// Every text of a program can stand in a file.

#include "compiler/dfx/verify.h"
#include "compiler/dfx/verify_parts.h"
#include "platforms/common/utf8.h"

namespace kpu::dfx::parts {

namespace {

class text_checker {
  public:
    explicit text_checker(diagnostics& problems) : m_problems(problems) {}

    void check(const std::string& text, const std::string& at) {
        location where;
        where.path = at;
        if (text.size() > k_max_text)
            m_problems.error(where, "text is longer than " + std::to_string(k_max_text) + " bytes",
                             std::to_string(text.size()));
        else if (!is_utf8(text))
            m_problems.error(where, "text is not UTF-8");
    }

    void tensor(const tensor_descriptor& t, const std::string& at) {
        check(t.name, at + ".name");
        for (const std::string& key : t.keys)
            check(key, at + ".keys");
    }

    /// Names of tensors in regions are those of the descriptors, or refused as unknown.
    void body(const std::vector<statement>& statements, const std::string& path) {
        for (std::size_t i = 0; i < statements.size(); ++i) {
            const std::string at = path + ".body[" + std::to_string(i) + "]";
            if (const auto* nest = std::get_if<loop_nest>(&statements[i])) {
                check(nest->loop.induction_var, at + ".loop");
                body(nest->body, at);
            } else if (const auto* compute = std::get_if<compute_op>(&statements[i])) {
                check(compute->accumulate.loop, at + ".accumulate");
            } else if (const auto* barrier = std::get_if<barrier_op>(&statements[i])) {
                check(barrier->label, at + ".label");
            }
        }
    }

  private:
    diagnostics& m_problems;
};

} // namespace

void check_texts(const program& p, diagnostics& problems) {
    text_checker texts(problems);
    texts.check(p.graph_name, "graph_name");
    texts.check(p.compiler, "compiler");
    texts.check(p.tuned_for, "tuned_for");
    for (std::size_t i = 0; i < p.tensors.size(); ++i)
        texts.tensor(p.tensors[i], "tensors[" + std::to_string(i) + "]");
    for (std::size_t i = 0; i < p.kernels.size(); ++i) {
        const std::string at = "kernels[" + std::to_string(i) + "]";
        texts.check(p.kernels[i].name, at + ".name");
        texts.body(p.kernels[i].body, at);
    }
}

} // namespace kpu::dfx::parts
