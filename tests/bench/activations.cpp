#include "tests/bench/activations.h"

#include <systemc>

namespace {

std::uint64_t g_activations = 0;

} // namespace

// The linker's --wrap=NAME turns calls of NAME into calls of __wrap_NAME, and those of __real_NAME into NAME.
namespace kpu::bench {

void real_wait(const sc_core::sc_time& t,
               sc_core::sc_simcontext* c) asm("__real__ZN7sc_core4waitERKNS_7sc_timeEPNS_13sc_simcontextE");
void real_wait(const sc_core::sc_event& e,
               sc_core::sc_simcontext* c) asm("__real__ZN7sc_core4waitERKNS_8sc_eventEPNS_13sc_simcontextE");
void counted_wait(const sc_core::sc_time& t,
                  sc_core::sc_simcontext* c) asm("__wrap__ZN7sc_core4waitERKNS_7sc_timeEPNS_13sc_simcontextE");
void counted_wait(const sc_core::sc_event& e,
                  sc_core::sc_simcontext* c) asm("__wrap__ZN7sc_core4waitERKNS_8sc_eventEPNS_13sc_simcontextE");

void counted_wait(const sc_core::sc_time& t, sc_core::sc_simcontext* c) {
    ++g_activations;
    real_wait(t, c);
}

void counted_wait(const sc_core::sc_event& e, sc_core::sc_simcontext* c) {
    ++g_activations;
    real_wait(e, c);
}

std::uint64_t thread_activations() {
    return g_activations;
}

} // namespace kpu::bench
