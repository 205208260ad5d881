#include "tests/component/kpu/chip_driver.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace kpu::test {

namespace reg = iface::engine_reg;

iface::command_header chip_driver::header(iface::opcode op, const std::vector<ticket>& after) {
    iface::command_header h;
    h.op = op;
    h.interrupt = true;
    h.tag = m_tag++;
    std::copy(after.begin(), after.end(), h.waits.begin());
    return h;
}

ticket chip_driver::push(engine_id on, const iface::descriptor_words& words) {
    std::array<std::uint32_t, iface::k_descriptor_words + 1> burst{};
    std::copy(words.begin(), words.end(), burst.begin());
    burst.back() = 1;
    const address window(iface::engine_base(on.value()));
    do
        m_io.write_block(window + bytes(reg::descriptor), burst.data(), burst.size());
    while ((m_io.read32(window + bytes(reg::status)) >> 18 & 1) != 0);
    return {on, ++m_pushed.at(on.value())};
}

ticket chip_driver::copy(engine_id on, const iface::copy_operands& what, const std::vector<ticket>& after) {
    return push(on, iface::encode(header(iface::opcode::copy, after), what));
}

ticket chip_driver::copy(engine_id on, address from, address to, std::uint32_t length,
                         const std::vector<ticket>& after) {
    iface::copy_operands c;
    c.run = length;
    c.source.base = from;
    c.destination.base = to;
    return copy(on, c, after);
}

ticket chip_driver::fold(engine_id on, const iface::fold_operands& what, const std::vector<ticket>& after) {
    return push(on, iface::encode(header(iface::opcode::fold, after), what));
}

ticket chip_driver::vector(engine_id on, const iface::vector_operands& what, const std::vector<ticket>& after) {
    return push(on, iface::encode(header(iface::opcode::vector, after), what));
}

void chip_driver::await(const ticket& done) {
    const address window(iface::engine_base(done.engine.value()));
    m_io.write32(window + bytes(reg::irq_enable), reg::irq_command | reg::irq_error);
    const address semaphore(iface::system_reg::semaphore + 4 * std::uint64_t{done.engine.value()});
    while (m_io.read32(semaphore) < done.count) {
        m_io.wait_irq();
        if (m_io.read32(window + bytes(reg::error_cause)) != 0)
            throw std::runtime_error("engine halted at a fault");
        m_io.write32(window + bytes(reg::irq_status), reg::irq_command);
    }
    m_io.write32(window + bytes(reg::irq_enable), 0);
}

} // namespace kpu::test
