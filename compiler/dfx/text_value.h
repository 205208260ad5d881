#pragma once
// The block of a value in DFX text: base64 in lines of any length, and its checksum.

#include "compiler/dfx/text_line.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfx {

class text_value {
  public:
    /// Of a line that cannot be read: what the block holds is read, and nothing comes of it.
    text_value() = default;
    /// The value of a tensor, with the CRC-32C that its bytes have to have, if the text says one.
    text_value(std::string tensor, std::optional<std::uint64_t> sum) : m_tensor(std::move(tensor)), m_sum(sum) {}

    [[nodiscard]] const std::string& tensor() const { return m_tensor; }
    /// One line of it. Throws line_error at what is no base64.
    void add(text_line& line);
    /// All bytes; nothing where a line of it was refused before. Throws line_error.
    [[nodiscard]] std::optional<std::vector<std::byte>> bytes() const;

  private:
    std::string m_tensor;
    std::optional<std::uint64_t> m_sum;
    std::string m_base64;
    bool m_broken = false;
};

} // namespace kpu::dfx
