#include "tests/component/interconnect/allocation_counter.h"

#include <cstdlib>
#include <new>

namespace {
std::size_t g_allocations = 0;
} // namespace

void* operator new(std::size_t size) {
    ++g_allocations;
    void* at = std::malloc(size == 0 ? 1 : size);
    if (at == nullptr)
        throw std::bad_alloc();
    return at;
}
void operator delete(void* at) noexcept {
    std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
    std::free(at);
}

std::size_t kpu::test::allocations() {
    return g_allocations;
}
