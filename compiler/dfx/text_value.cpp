#include "compiler/dfx/text_value.h"

#include "compiler/tensor/base64.h"
#include "compiler/tensor/crc32c.h"

#include <utility>

namespace kpu::dfx {

void text_value::add(text_line& line) {
    const bool broken = std::exchange(m_broken, true); // until the line turns out well
    const unsigned quote = line.column();
    const std::size_t before = m_base64.size();
    m_base64 += line.quoted("base64");
    line.finish();
    if (const std::size_t bad = find_not_base64(m_base64, before); bad != std::string::npos)
        throw line_error{quote + 1 + static_cast<unsigned>(bad - before), "not base64", m_base64.substr(bad, 1),
                         "letters, digits, + and /, and = at the end"};
    m_broken = broken;
}

std::optional<std::vector<std::byte>> text_value::bytes() const {
    if (m_tensor.empty() || m_broken)
        return std::nullopt;
    std::optional<std::vector<std::byte>> all = from_base64(m_base64);
    if (!all)
        throw line_error{1, "the value of " + m_tensor + " does not end as base64 does",
                         std::to_string(m_base64.size()) + " digits", "a multiple of 4, filled up with ="};
    if (m_sum && *m_sum != crc32c(*all))
        throw line_error{1, "the value of " + m_tensor + " is damaged: its CRC-32C does not match", "", ""};
    return all;
}

} // namespace kpu::dfx
