#pragma once
// Counts how often SystemC threads are activated, in programs that are linked with kpu_count_activations: the calls of
// sc_core::wait in the model's object files are led through a counter.

#include <cstdint>

namespace kpu::bench {

/// Since the program's start. Activations of SC_METHODs are not among them: the model has at most one per completed
/// command and per change of an interrupt line.
[[nodiscard]] std::uint64_t thread_activations();

} // namespace kpu::bench
