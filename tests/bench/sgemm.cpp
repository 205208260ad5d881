#include "tests/bench/sgemm.h"

#include "tests/bench/apart.h"
#include "tests/bench/clocks.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <vector>

namespace kpu::bench {

namespace {

using sgemm_function = void(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*,
                            int);
using core_name_function = char*();

constexpr int k_row_major = 101, k_no_transpose = 111; // cblas.h

template <class Function>
Function* symbol(void* library, const char* name) {
    return reinterpret_cast<Function*>(dlsym(library, name));
}

/// The library chooses kernels when it is loaded, and on virtual machines often poor ones.
void* load_library() {
    const char* const core = __builtin_cpu_supports("avx512f") ? "SKYLAKEX"
                             : __builtin_cpu_supports("avx2")  ? "HASWELL"
                                                               : nullptr;
    if (core != nullptr)
        setenv("OPENBLAS_CORETYPE", core, 1);
    else
        unsetenv("OPENBLAS_CORETYPE");
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    return dlopen("libopenblas.so.0", RTLD_NOW);
}

void multiply(sgemm_function* sgemm, std::uint64_t size, const std::vector<float>& a, const std::vector<float>& b,
              std::vector<float>& c) {
    const int n = static_cast<int>(size);
    sgemm(k_row_major, k_no_transpose, k_no_transpose, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(), n);
}

sgemm_cost measure(std::uint64_t size) {
    sgemm_cost cost;
    void* const library = load_library();
    if (library == nullptr)
        return cost;
    auto* const sgemm = symbol<sgemm_function>(library, "cblas_sgemm");
    auto* const core_name = symbol<core_name_function>(library, "openblas_get_corename");
    if (sgemm == nullptr || core_name == nullptr)
        return cost;
    const std::vector<float> a(size * size, 0.5F);
    const std::vector<float> b(size * size, 0.25F);
    std::vector<float> c(size * size);
    multiply(sgemm, 64, a, b, c);
    const double start = processor_seconds();
    multiply(sgemm, size, a, b, c);
    cost.seconds = processor_seconds() - start;
    cost.found = true;
    std::strncpy(cost.core, core_name(), sizeof cost.core - 1);
    return cost;
}

} // namespace

sgemm_cost run_sgemm(std::uint64_t size) {
    return in_a_child([&] { return measure(size); });
}

} // namespace kpu::bench
