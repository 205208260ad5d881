#include "fw/tools/kernel_times.h"

#include "compiler/dfx/leaves.h"

#include <algorithm>

namespace kpu::fw {

kernel_times::kernel_times(const hw::chip& chip)
    : m_chip(chip), m_started(chip.engines().size()), m_computed(chip.engines().size()) {}

std::vector<kernel_time> kernel_times::of(const dfx::program& ran) const {
    std::vector<kernel_time> all;
    for (const dfx::kernel& k : ran.kernels) {
        kernel_time& kernel = all.emplace_back();
        for (const dfx::leaf& l : dfx::leaves_of(k, "")) {
            const auto found = m_operations.find(static_cast<std::uint32_t>(l.id()));
            if (found == m_operations.end())
                continue;
            kernel.end = std::max(kernel.end, found->second.end);
            kernel.vector_busy += found->second.vector_busy;
            kernel.vector_elements += found->second.vector_elements;
            kernel.dram += found->second.dram;
        }
    }
    return all;
}

void kernel_times::on_start(const hw::command_ref& c, const iface::command_header& /*header*/) {
    m_started[c.engine.value()] = m_chip.elapsed();
}

void kernel_times::on_complete(const hw::command_ref& c) {
    kernel_time& operation = m_operations[c.tag];
    const picoseconds now = m_chip.elapsed();
    operation.end = std::max(operation.end, now);
    const hw::command_engine& engine = m_chip.engine(c.engine);
    if (engine.config().kind != iface::engine_kind::vector)
        return;
    operation.vector_busy += now - m_started[c.engine.value()];
    const std::uint64_t computed = engine.counter(iface::perf_counter::elements);
    operation.vector_elements += computed - m_computed[c.engine.value()];
    m_computed[c.engine.value()] = computed;
}

void kernel_times::on_access(const std::string& /*memory*/, const memory_access& access) {
    if (m_chip.addresses().dram.contains(access.where, access.length))
        m_operations[access.by.tag].dram += access.length;
}

} // namespace kpu::fw
