#pragma once
// What one process of a module waits to hear from another one.

#include <systemc>

namespace kpu::hw {

/// Heard one delta cycle after it was told. Whoever waits has looked at the state first, so that news that nobody waits
/// for need not be notified.
class news {
  public:
    explicit news(const char* name) : m_event(name) {}

    /// From the one SC_THREAD that listens.
    void await() {
        m_awaited = true;
        sc_core::wait(m_event);
        m_awaited = false;
    }
    void tell() {
        if (m_awaited)
            m_event.notify(sc_core::SC_ZERO_TIME);
    }

  private:
    sc_core::sc_event m_event;
    bool m_awaited = false;
};

} // namespace kpu::hw
