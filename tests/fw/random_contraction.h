#pragma once
// Random contractions and random chips to run them on.

#include "compiler/dfx/contraction.h"
#include "compiler/dfx/program.h"
#include "tests/fw/flat_chip.h"

#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace kpu::test {

struct problem {
    std::uint64_t batch = 1, m = 1, n = 1, k = 1;
    dtype operand = dtype::f32, result = dtype::f32;
    std::optional<dtype> seed;
};

inline dfx::program program_of(const problem& p) {
    dfx::program program;
    const auto add = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns, dtype type) {
        dfx::tensor_descriptor t;
        t.name = name;
        t.dims = {p.batch, rows, columns};
        t.type = type;
        t.keys = {name};
        program.tensors.push_back(t);
    };
    add("A", p.m, p.k, p.operand);
    add("B", p.k, p.n, p.operand);
    if (p.seed)
        add("S", p.m, p.n, *p.seed);
    add("C", p.m, p.n, p.result);
    return program;
}

inline dfx::contraction contraction_of(const problem& p) {
    dfx::contraction c;
    c.a = "A";
    c.b = "B";
    c.c = "C";
    if (p.seed) {
        c.seed = "S";
        c.seed_type = *p.seed;
    }
    c.batch = p.batch;
    c.m = p.m;
    c.n = p.n;
    c.k = p.k;
    c.tile = {16, 16, 16};
    c.operand = p.operand;
    c.accumulator = accumulator_of(p.operand);
    c.result = p.result;
    return c;
}

inline machine_shape random_shape(std::mt19937_64& random) {
    const auto pick = [&](std::initializer_list<std::uint64_t> options) {
        return *(options.begin() + static_cast<std::ptrdiff_t>(random() % options.size()));
    };
    machine_shape s;
    s.arrays = static_cast<std::uint32_t>(pick({1, 1, 2, 3, 4}));
    s.rows = static_cast<std::uint32_t>(pick({1, 2, 4, 5, 8}));
    s.columns = static_cast<std::uint32_t>(pick({1, 3, 4, 8}));
    s.dma = static_cast<std::uint32_t>(pick({1, 2, 3}));
    s.movers = static_cast<std::uint32_t>(pick({1, 2, 5}));
    s.streamers = static_cast<std::uint32_t>(pick({1, 2, 3, 4, 6}));
    s.l1_row = pick({512, 2048, 16384});
    s.l1_column = pick({512, 2048, 16384});
    s.l1_result = pick({2048, 8192});
    s.l2_bank = pick({2048, 8192, 32768});
    s.l2_banks = static_cast<std::uint32_t>(pick({1, 2, 4}));
    s.l3_tile = pick({4096, 12288, 32768, 262144});
    return s;
}

inline problem random_problem(std::mt19937_64& random) {
    static const std::vector<std::pair<dtype, dtype>> types = {
        {dtype::f32, dtype::f32}, {dtype::f64, dtype::f64}, {dtype::f16, dtype::f16}, {dtype::bf16, dtype::bf16},
        {dtype::f8, dtype::f8},   {dtype::i8, dtype::i32},  {dtype::i32, dtype::i32}, {dtype::f16, dtype::f32}};
    problem p;
    const auto& type = types[random() % types.size()];
    p.operand = type.first;
    p.result = type.second;
    p.batch = random() % 4 == 0 ? 1 + random() % 3 : 1;
    p.m = 1 + random() % 60;
    p.n = 1 + random() % 60;
    p.k = 1 + random() % (random() % 4 == 0 ? 600 : 120);
    if (random() % 2 == 0)
        p.seed = random() % 2 == 0 ? p.result : (p.result == dtype::i32 ? dtype::i8 : dtype::f8);
    return p;
}

} // namespace kpu::test
