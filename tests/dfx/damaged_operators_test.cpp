// Files with whole-tensor operators, whole and damaged: what is accepted is written, read and run like any other.

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "compiler/object/object.h"
#include "tests/dfx/object_bytes.h"
#include "tests/dfx/operator_programs.h"
#include "tests/dfx/programs.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using object::format;

namespace {

/// What a program costs to interpret, roughly; infinite where it is beyond any test.
double work_of(const dfx::program& p) {
    double work = 0;
    for (const dfx::tensor_descriptor& t : p.tensors) {
        double elements = 1;
        for (const std::uint64_t extent : t.dims)
            elements *= static_cast<double>(extent);
        work += elements;
    }
    double taps = 1;
    for (const dfx::kernel& k : p.kernels)
        if (const dfx::compute_op* op = dfx::whole_tensor_operator(k))
            for (const std::uint64_t extent : op->window.kernel)
                taps *= static_cast<double>(extent);
    return work * taps;
}

/// What an accepted file must be: a program that is written, read and run like any other.
void check_harmless(const dfx::program& p) {
    BOOST_REQUIRE((object::parse_program(object::serialise(p, format::binary), "again") == p));
    BOOST_REQUIRE((dfx::from_text(dfx::to_text(p), "again") == p));
    if (work_of(p) > 1e5)
        return;
    tensor_map inputs = test::random_inputs(p, 1);
    for (const auto& [name, value] : p.constants)
        for (const std::string& key : p.find(name)->keys)
            inputs.erase(key);
    (void)dfx::interpret(p, inputs);
}

/// False where the bytes were refused.
bool accepted_and_harmless(const std::string& bytes) {
    dfx::program p;
    try {
        p = object::parse_program(bytes, "f.kpu");
    } catch (const input_error&) {
        return false;
    }
    check_harmless(p);
    return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(all_are_programs) {
    for (const auto& [name, p] : test::operator_programs())
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(to_string(dfx::verify(p)) == "");
            check_harmless(p);
        }
}

BOOST_AUTO_TEST_CASE(damaged_binary_files_are_refused_or_harmless) {
    std::size_t accepted = 0, flips = 0;
    for (const dfx::program& p :
         {test::biased_product(), test::averaging_pool(), test::concatenation(), test::network()}) {
        const std::string good = object::serialise(p, format::binary);
        for (std::size_t n = 0; n < good.size(); ++n)
            BOOST_REQUIRE_MESSAGE(test::refusal(good.substr(0, n)) != "accepted", n << " bytes were accepted");
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
            BOOST_REQUIRE_MESSAGE(test::refusal(test::with_bit_flipped(good, bit)) != "accepted",
                                  "bit " << bit << " makes no difference");
        test::for_each_flip_behind_checksums(good, [&](const std::string& bytes) {
            ++flips;
            accepted += accepted_and_harmless(bytes) ? 1 : 0;
        });
    }
    BOOST_TEST_MESSAGE(accepted << " of " << flips << " flips give another program"); // names, node ids, values, bounds
    BOOST_TEST(accepted > 0U);
    BOOST_TEST(accepted < flips / 2);
}

BOOST_AUTO_TEST_CASE(damaged_json_files_are_refused_or_harmless) {
    for (const dfx::program& p : {test::biased_product(), test::network()}) {
        const std::string good = object::serialise(p, format::json);
        for (std::size_t n = 0; n + 1 < good.size(); ++n) // a final newline is not missed
            BOOST_REQUIRE_MESSAGE(test::refusal(good.substr(0, n)) != "accepted", n << " characters were accepted");
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
            (void)accepted_and_harmless(test::with_bit_flipped(good, bit));
    }
}

BOOST_AUTO_TEST_CASE(damaged_text_is_refused_or_harmless) {
    for (const auto& [name, p] : test::operator_programs()) {
        BOOST_TEST_CONTEXT(name) {
            const std::string good = dfx::to_text(p);
            for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) { // every byte, one or two or three of its bits
                dfx::program q;
                try {
                    q = dfx::from_text(test::with_bit_flipped(good, bit), "p.dfx");
                } catch (const input_error&) {
                    continue;
                }
                check_harmless(q);
            }
        }
    }
}
