#pragma once
// What passes on whole-tensor operators ask of a program, and how they take kernels out of it.

#include "compiler/dfx/program.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kpu::passes {

/// Who makes and who uses each tensor. Kernels are known by their numbers.
class tensor_uses {
  public:
    /// The program must outlive it and keep its kernels.
    explicit tensor_uses(const dfx::program& p);

    [[nodiscard]] std::optional<std::size_t> maker(const std::string& tensor) const {
        const auto found = m_maker.find(tensor);
        return found == m_maker.end() ? std::nullopt : std::optional<std::size_t>(found->second);
    }
    /// An intermediate tensor that is read `count` times in all.
    [[nodiscard]] bool is_private(const std::string& tensor, std::size_t count) const {
        const auto found = m_uses.find(tensor);
        return m_program.find(tensor)->role == dfx::tensor_role::intermediate && found != m_uses.end() &&
               found->second == count;
    }

  private:
    void note_nest(const std::vector<dfx::statement>& body, std::size_t k);

    const dfx::program& m_program;
    std::map<std::string, std::size_t> m_maker;
    std::map<std::string, std::size_t> m_uses;
};

/// The only operation of a kernel that works on whole tensors.
[[nodiscard]] inline dfx::compute_op& operator_of(dfx::kernel& k) {
    return std::get<dfx::compute_op>(k.body.front());
}

/// Removes the kernels that are marked, and the tensors of these names.
void sweep(dfx::program& p, const std::vector<bool>& dead, const std::vector<std::string>& tensors);

} // namespace kpu::passes
