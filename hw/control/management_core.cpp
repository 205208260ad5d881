#include "hw/control/management_core.h"

#include "hw/tlm/time.h"

#include <fmt/format.h>
#include <stdexcept>

namespace kpu::hw {

namespace {

/// The program is the host side of a loader: it may keep more on its stack than a hardware process.
constexpr std::size_t k_program_stack = std::size_t{1} << 20;

/// What ends an abandoned program.
struct program_abandoned : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return "the program was abandoned"; }
};

void check(tlm::tlm_response_status status, const char* what, address where) {
    if (status != tlm::TLM_OK_RESPONSE)
        throw bus_error(fmt::format("{} of control register {:#x}: {}", what, where.value(), name_of(status)));
}

} // namespace

cycles access_cycles(const platform::management_params& params, std::size_t words) {
    return params.access_cost + cycles(words > 1 ? 4 * words / params.burst_width.value() : 0);
}

management_core::management_core(sc_core::sc_module_name name, const platform::management_params& params,
                                 picoseconds period)
    : sc_core::sc_module(name), bus_i("bus_i"), irq("irq"), m_params(params), m_period(period), m_bus(bus_i) {
    SC_HAS_PROCESS(management_core);
    SC_THREAD(run);
    set_stack_size(k_program_stack);
}

void management_core::end_of_elaboration() {
    m_wake |= irq.value_changed_event();
    m_wake |= m_abandon;
}

void management_core::load(firmware_program program) {
    if (m_program)
        throw std::logic_error("the management core already has a program");
    m_program = std::move(program);
    m_failure = nullptr;
    m_loaded.notify(sc_core::SC_ZERO_TIME);
}

void management_core::abandon() {
    m_abandoned = true;
    m_abandon.notify(sc_core::SC_ZERO_TIME);
}

void management_core::run() {
    for (;;) {
        while (!m_program)
            wait(m_loaded);
        run_program();
    }
}

void management_core::run_program() {
    m_started = now_ps();
    m_abandoned = false;
    try {
        m_program(*this);
    } catch (const sc_core::sc_unwind_exception&) {
        throw; // the kernel ends this process
    } catch (...) {
        if (!m_abandoned)
            m_failure = std::current_exception();
    }
    m_sleeping = false;
    m_ended = now_ps();
    m_program = nullptr;
    if (m_tell_end)
        m_tell_end();
}

void management_core::pass(std::size_t words) {
    wait(to_time(m_period * access_cycles(m_params, words).value()));
}

std::uint32_t management_core::read32(address where) {
    std::uint32_t value = 0;
    read_block(where, &value, 1);
    return value;
}

void management_core::write32(address where, std::uint32_t value) {
    write_block(where, &value, 1);
}

void management_core::read_block(address where, std::uint32_t* words, std::size_t count) {
    pass(count);
    sc_core::sc_time delay;
    check(m_bus.read(where, bytes(4 * count), reinterpret_cast<unsigned char*>(words), delay), "read", where);
    if (delay != sc_core::SC_ZERO_TIME)
        wait(delay);
}

void management_core::write_block(address where, const std::uint32_t* words, std::size_t count) {
    pass(count);
    sc_core::sc_time delay;
    check(m_bus.write(where, bytes(4 * count), reinterpret_cast<const unsigned char*>(words), delay), "write", where);
    if (delay != sc_core::SC_ZERO_TIME)
        wait(delay);
}

void management_core::wait_irq() {
    if (irq.read())
        return;
    m_sleeping = true;
    while (!irq.read() && !m_abandoned)
        wait(m_wake);
    m_sleeping = false;
    if (m_abandoned)
        throw program_abandoned();
    wait(to_time(m_period * m_params.interrupt_cost.value()));
}

} // namespace kpu::hw
