#pragma once
// A rule of the verifier: a program that keeps it, and the same program with one thing changed.

#include "compiler/dfx/verify.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

namespace kpu::test {

/// The change is refused, by a diagnostic that contains `message` and `path`.
inline void refused(dfx::program p, const std::string& message, const std::string& path,
                    const std::function<void(dfx::program&)>& change) {
    BOOST_TEST_CONTEXT(message) {
        const diagnostics before = dfx::verify(p);
        BOOST_TEST(to_string(before) == "");
        change(p);
        const std::string after = to_string(dfx::verify(p));
        BOOST_TEST(after.find(message) != std::string::npos, after);
        BOOST_TEST(after.find(path) != std::string::npos, after);
    }
}

} // namespace kpu::test
