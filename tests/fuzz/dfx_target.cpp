// DFX assembler text.

#include "compiler/dfx/text.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/program_checks.h"

using namespace kpu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto p = fuzz::accepted([&] { return dfx::from_text(fuzz::text_of(data, size), "fuzz.dfx"); });
    if (p)
        fuzz::require_identities(*p);
    return 0;
}
