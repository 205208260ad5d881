#pragma once
// A simulation context of its own, for processes that simulate more than once.

#include <systemc>
#include <tlm>

namespace kpu::test {

/// Declare it before the modules: they must be destroyed first. Contexts do not nest.
class fresh_context {
  public:
    fresh_context() : m_outer(sc_core::sc_get_curr_simcontext()) {
        sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = new sc_core::sc_simcontext;
        tlm::tlm_global_quantum::instance().set(sc_core::SC_ZERO_TIME); // survives a context
    }
    ~fresh_context() {
        delete sc_core::sc_curr_simcontext;
        sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = m_outer;
    }
    fresh_context(const fresh_context&) = delete;
    fresh_context& operator=(const fresh_context&) = delete;

  private:
    sc_core::sc_simcontext* m_outer; ///< the process's first one is never deleted: the library's own events live in it
};

} // namespace kpu::test
