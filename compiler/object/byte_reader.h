#pragma once
// Reads little-endian numbers and bounded lists from bytes that may be anything.

#include "compiler/dfx/program.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::object {

/// Every refusal is an input_error that names the file and the byte offset in it.
class byte_reader {
  public:
    /// `bytes` is the part to read; it lies at `offset` of file `name`.
    byte_reader(std::string_view bytes, std::uint64_t offset, const std::string& name)
        : m_bytes(bytes), m_offset(offset), m_name(name) {}

    template <class T>
    [[nodiscard]] T number() {
        const std::string_view raw = take(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = sizeof(T); i-- > 0;)
            value = value << 8U | static_cast<unsigned char>(raw[i]);
        return static_cast<T>(value);
    }
    /// A number of things that take at least `smallest` bytes each: more than the rest can hold is refused before
    /// anything is reserved.
    [[nodiscard]] std::size_t count(std::size_t smallest, const char* what);
    [[nodiscard]] std::string text();
    template <class T>
    [[nodiscard]] std::vector<T> list(const char* what) {
        std::vector<T> values(count(sizeof(T), what));
        for (T& value : values)
            value = number<T>();
        return values;
    }
    template <class Enum>
    [[nodiscard]] Enum code(const char* what) {
        const auto value = number<std::uint8_t>();
        if (value >= dfx::all_of<Enum>().size())
            refuse(std::string("unknown ") + what, std::to_string(value));
        return dfx::all_of<Enum>()[value];
    }
    /// Refuses bytes that are left over.
    void finish(const char* what) const;
    [[noreturn]] void refuse(const std::string& message, const std::string& text = {}) const;

  private:
    [[nodiscard]] std::string_view take(std::size_t n);

    std::string_view m_bytes;
    std::uint64_t m_offset;
    const std::string& m_name;
    std::size_t m_at = 0;
};

} // namespace kpu::object
