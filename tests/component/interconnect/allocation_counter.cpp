#include "tests/component/interconnect/allocation_counter.h"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

std::size_t g_allocations = 0;
std::size_t g_in_use = 0, g_peak = 0, g_forgotten = 0;

void release(void* at) {
    g_in_use -= malloc_usable_size(at);
    std::free(at);
}

} // namespace

void* operator new(std::size_t size) {
    ++g_allocations;
    void* at = std::malloc(size == 0 ? 1 : size);
    if (at == nullptr)
        throw std::bad_alloc();
    g_in_use += malloc_usable_size(at);
    g_peak = std::max(g_peak, g_in_use);
    return at;
}
void operator delete(void* at) noexcept {
    release(at);
}
void operator delete(void* at, std::size_t) noexcept {
    release(at);
}

std::size_t kpu::test::allocations() {
    return g_allocations;
}

std::size_t kpu::test::peak_heap() {
    return g_peak - g_forgotten;
}

void kpu::test::forget_peak_heap() {
    g_peak = g_forgotten = g_in_use;
}
