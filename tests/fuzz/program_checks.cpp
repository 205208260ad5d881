#include "tests/fuzz/program_checks.h"

#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "compiler/object/object.h"
#include "tests/fuzz/fuzz_target.h"

namespace kpu::fuzz {

namespace {

void require_encoding(const dfx::program& p, object::format as, const std::string& what) {
    const std::string bytes = object::serialise(p, as);
    const dfx::program again = object::parse_program(bytes, what);
    require(again == p, what + " reads back as another program");
    require(object::serialise(again, as) == bytes, what + " is written in other bytes");
}

} // namespace

void require_identities(const dfx::program& p) {
    require(!dfx::verify(p).has_errors(), "accepted in spite of the verifier");
    require_encoding(p, object::format::json, "JSON");
    require_encoding(p, object::format::binary, "binary");
    const std::string text = dfx::to_text(p);
    const dfx::program again = dfx::from_text(text, "text");
    require(again == p, "text reads back as another program");
    require(dfx::to_text(again) == text, "text is written differently");
}

} // namespace kpu::fuzz
