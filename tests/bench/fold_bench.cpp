// How fast the fold kernels are on this host, beside the textbook loop. Prints a table; not a test.

#include "hw/fabric/fold_kernel.h"

#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <vector>

namespace {

using kpu::hw::fold_extents;
using kpu::hw::fold_kernel;
using kpu::hw::host_isa;
using kpu::iface::element_type;

/// Best of several rounds of about 50 ms, in 1e9 multiplications and additions per second.
template <class F>
double giga_operations(const fold_extents& x, F fold) {
    using clock = std::chrono::steady_clock;
    const double operations = 2.0 * x.m * x.n * x.k;
    double best = 0;
    for (int round = 0; round < 5; ++round) {
        std::uint64_t folds = 0;
        const auto start = clock::now();
        std::chrono::duration<double> spent{};
        do {
            for (int i = 0; i < 100; ++i)
                fold();
            folds += 100;
            spent = clock::now() - start;
        } while (spent.count() < 0.05);
        best = std::max(best, static_cast<double>(folds) * operations / spent.count() * 1e-9);
    }
    return best;
}

void textbook(const fold_extents& x, const float* a, const float* b, float* c) {
    for (std::size_t i = 0; i < x.m; ++i)
        for (std::size_t j = 0; j < x.n; ++j) {
            float sum = c[i * x.n + j];
            for (std::size_t k = 0; k < x.k; ++k)
                sum += a[i * x.k + k] * b[k * x.n + j];
            c[i * x.n + j] = sum;
        }
}

void measure(const fold_extents& x) {
    const std::vector<float> a(std::size_t{x.m} * x.k, 0.5F);
    const std::vector<float> b(std::size_t{x.k} * x.n, 0.25F);
    std::vector<float> c(std::size_t{x.m} * x.n);
    const double naive = giga_operations(x, [&] { textbook(x, a.data(), b.data(), c.data()); });
    fmt::print("{:>3}x{:<3}x{:<5} textbook f32 {:6.1f}", x.m, x.n, x.k, naive);
    for (const host_isa isa : kpu::hw::host_isas()) {
        fold_kernel kernel(x.m, x.n, isa);
        const double rate =
            giga_operations(x, [&] { kernel.fold(element_type::f32, x, a.data(), b.data(), c.data()); });
        fmt::print("  {} {:6.1f} ({:4.1f}x)", name_of(isa), rate, rate / naive);
    }
    fmt::print("\n");
}

void measure_types(const fold_extents& x) {
    constexpr const char* names[] = {"f64", "f32", "f16", "bf16", "f8", "i8", "i32"};
    const std::vector<std::uint64_t> a(std::size_t{x.m} * x.k);
    const std::vector<std::uint64_t> b(std::size_t{x.k} * x.n);
    std::vector<std::uint64_t> c(std::size_t{x.m} * x.n);
    fmt::print("{:>3}x{:<3}x{:<5}", x.m, x.n, x.k);
    fold_kernel kernel(x.m, x.n);
    for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t) {
        const auto type = static_cast<element_type>(t);
        fmt::print("  {} {:.1f}", names[t],
                   giga_operations(x, [&] { kernel.fold(type, x, a.data(), b.data(), c.data()); }));
    }
    fmt::print("\n");
}

} // namespace

int main() {
    fmt::print("Fold kernels, 1e9 operations per second\n");
    for (const fold_extents& x : {fold_extents{8, 8, 256}, {16, 16, 16}, {16, 16, 256}, {32, 32, 256}, {13, 11, 256}})
        measure(x);
    for (const fold_extents& x : {fold_extents{16, 16, 256}, {32, 32, 256}})
        measure_types(x);
    return 0;
}
