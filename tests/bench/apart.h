#pragma once
// Runs a measurement in a child process: its peak memory is its own, and nothing that it leaves behind slows the next.

#include <functional>
#include <type_traits>

namespace kpu::bench {

/// Runs `body` in a child, which writes `size` bytes from `result` into a pipe, and reads them here. Throws run_error
/// if the child does not end well.
void run_in_child(const std::function<void()>& body, void* result, std::size_t size);

template <class Body>
[[nodiscard]] auto in_a_child(Body body) {
    using result_type = decltype(body());
    static_assert(std::is_trivially_copyable_v<result_type>);
    result_type result{};
    run_in_child([&] { result = body(); }, &result, sizeof result);
    return result;
}

} // namespace kpu::bench
