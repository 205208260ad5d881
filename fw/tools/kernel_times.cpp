#include "fw/tools/kernel_times.h"

#include "compiler/dfx/leaves.h"

#include <algorithm>

namespace kpu::fw {

kernel_times::kernel_times(const hw::chip& chip, const dfx::program& program)
    : m_chip(chip), m_kernels(program.kernels.size()), m_started(chip.engines().size()),
      m_computed(chip.engines().size()) {
    for (std::size_t k = 0; k < program.kernels.size(); ++k)
        for (const dfx::leaf& l : dfx::leaves_of(program.kernels[k], ""))
            m_kernel_of[static_cast<std::uint32_t>(l.id())] = k;
}

kernel_time* kernel_times::kernel_of(std::uint32_t operation) {
    const auto found = m_kernel_of.find(operation);
    return found == m_kernel_of.end() ? nullptr : &m_kernels[found->second];
}

void kernel_times::on_start(const hw::command_ref& c, const iface::command_header& /*header*/) {
    m_started[c.engine.value()] = m_chip.elapsed();
}

void kernel_times::on_complete(const hw::command_ref& c) {
    kernel_time* const kernel = kernel_of(c.tag);
    if (kernel == nullptr)
        return;
    const picoseconds now = m_chip.elapsed();
    kernel->end = std::max(kernel->end, now);
    const hw::command_engine& engine = m_chip.engine(c.engine);
    if (engine.config().kind != iface::engine_kind::vector)
        return;
    kernel->vector_busy += now - m_started[c.engine.value()];
    const std::uint64_t computed = engine.counter(iface::perf_counter::elements);
    kernel->vector_elements += computed - m_computed[c.engine.value()];
    m_computed[c.engine.value()] = computed;
}

void kernel_times::on_access(const std::string& /*memory*/, const memory_access& access) {
    if (!m_chip.addresses().dram.contains(access.where, access.length))
        return;
    if (kernel_time* const kernel = kernel_of(access.by.tag))
        kernel->dram += access.length;
}

} // namespace kpu::fw
