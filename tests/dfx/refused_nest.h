#pragma once
// Two small programs, their parts, and what the verifier says when one of these is changed.

#include "tests/dfx/programs.h"
#include "tests/dfx/refused.h"

namespace kpu::test {

/// C = A * B + Cin, 40x24x56 in tiles of 16x8x16: loops ti, tj { seed loads, tk { loads, matmul }, stores }.
inline dfx::program nest() {
    dfg::matmul_graph_spec spec;
    spec.m = 40;
    spec.n = 24;
    spec.k = 56;
    spec.seeded = true;
    return test::compiled(spec, "fixed:16,8,16");
}

inline dfx::loop_nest& rows(dfx::program& p) {
    return std::get<dfx::loop_nest>(p.kernels[0].body[0]);
}
inline dfx::loop_nest& columns(dfx::program& p) {
    return std::get<dfx::loop_nest>(rows(p).body[0]);
}
inline dfx::loop_nest& depth(dfx::program& p) {
    return std::get<dfx::loop_nest>(columns(p).body[3]);
}
inline dfx::compute_op& product(dfx::program& p) {
    return std::get<dfx::compute_op>(depth(p).body[6]);
}
inline dfx::data_move_op& load_a(dfx::program& p) {
    return std::get<dfx::data_move_op>(depth(p).body[0]);
}
inline dfx::data_move_op& first_store(dfx::program& p) {
    return std::get<dfx::data_move_op>(columns(p).body[4]);
}

inline void nest_refused(const std::string& message, const std::string& path,
                         const std::function<void(dfx::program&)>& change) {
    refused(nest(), message, path, change);
}

inline void flat_refused(const std::string& message, const std::string& path,
                         const std::function<void(dfx::program&)>& change) {
    refused(test::flat_matmul(8, 8, 8, {4, 4, 4}), message, path, change);
}

template <class Op>
Op& flat_op(dfx::program& p, std::size_t i) {
    return std::get<Op>(p.kernels[0].body[i]);
}

} // namespace kpu::test
