#include "compiler/object/byte_reader.h"

#include "compiler/dfx/verify.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/utf8.h"

namespace kpu::object {

void byte_reader::refuse(const std::string& message, const std::string& text) const {
    location where;
    where.file = m_name;
    where.byte_offset = m_offset + m_at;
    throw input_error({severity::error, std::move(where), message, text, "", ""});
}

std::string_view byte_reader::take(std::size_t n) {
    if (n > m_bytes.size() - m_at)
        refuse("the file ends early, or a size in it is wrong");
    m_at += n;
    return m_bytes.substr(m_at - n, n);
}

std::size_t byte_reader::count(std::size_t smallest, const char* what) {
    const auto n = number<std::uint32_t>();
    if (n > (m_bytes.size() - m_at) / smallest)
        refuse(std::string("more ") + what + " than there is room for", std::to_string(n));
    return n;
}

std::string byte_reader::text() {
    const std::size_t n = count(1, "characters");
    if (n > dfx::k_max_text)
        refuse("text is longer than 65536 bytes", std::to_string(n));
    std::string value(take(n));
    if (!is_utf8(value))
        refuse("text is not UTF-8");
    return value;
}

void byte_reader::finish(const char* what) const {
    if (m_at != m_bytes.size())
        refuse(std::string("unused bytes at the end of section ") + what, std::to_string(m_bytes.size() - m_at));
}

} // namespace kpu::object
