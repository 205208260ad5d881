// .kpu in binary, as it stands and with its checksums put right: without that nearly every change would be refused for
// its checksum, and the readers behind them would never be reached.

#include "compiler/object/object.h"
#include "compiler/object/sections.h"
#include "compiler/tensor/crc32c.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/program_checks.h"

using namespace kpu;

namespace {

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    while (width-- > 0)
        value = value << 8U | static_cast<unsigned char>(bytes[at + width]);
    return value;
}

void put_sum(std::string& bytes, std::size_t at, std::size_t first, std::size_t size) {
    const std::uint32_t sum = crc32c(std::string_view(bytes).substr(first, size));
    for (std::size_t i = 0; i < sizeof(sum); ++i)
        bytes[at + i] = static_cast<char>(sum >> 8U * i & 0xffU);
}

/// Every checksum that lies within the bytes, of what lies within the bytes.
std::string sealed(std::string bytes) {
    if (bytes.size() < object::k_header_bytes)
        return bytes;
    constexpr std::size_t k_sum_in_entry = object::k_table_entry_bytes - object::k_table_sum_bytes;
    const std::uint64_t sections = number_at(bytes, 12, 4);
    std::size_t at = object::k_header_bytes;
    for (std::uint64_t i = 0; i < sections && bytes.size() - at >= object::k_table_entry_bytes; ++i) {
        const std::uint64_t offset = number_at(bytes, at + 4, 8);
        const std::uint64_t size = number_at(bytes, at + 12, 8);
        if (offset <= bytes.size() && size <= bytes.size() - offset)
            put_sum(bytes, at + k_sum_in_entry, offset, size);
        at += object::k_table_entry_bytes;
    }
    if (bytes.size() - at >= object::k_table_sum_bytes)
        put_sum(bytes, at, 0, at);
    return bytes;
}

void check(std::string_view bytes) {
    const auto p = fuzz::accepted([&] { return object::parse_program(bytes, "fuzz.kpu"); });
    if (p)
        fuzz::require_identities(*p);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::text_of(data, size);
    const std::string repaired = sealed(std::string(bytes));
    check(repaired);
    if (repaired != bytes)
        check(bytes);
    return 0;
}
