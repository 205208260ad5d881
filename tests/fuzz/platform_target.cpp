// Platform YAML: an accepted platform passes the checks, and its effective configuration reads back as the same.

#include "platforms/reader.h"
#include "platforms/schema.h"
#include "platforms/show.h"
#include "tests/fuzz/fuzz_target.h"

using namespace kpu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    const auto p = fuzz::accepted([&] { return platform::parse_platform(text, "file.yaml"); });
    if (!p)
        return 0;
    fuzz::require(!platform::check(*p).has_errors(), "accepted in spite of the checks");
    fuzz::require(platform::parse_platform(platform::to_yaml(*p), "again.yaml") == *p, "another platform");
    const std::string marked = platform::to_yaml(*p, platform::defaults::marked);
    fuzz::require(platform::parse_platform(marked, "marked.yaml") == *p, "another platform where defaults are marked");
    fuzz::require(!platform::show_memory_map(*p).empty() && !platform::show_diagram(*p).empty(), "nothing to show");
    return 0;
}
