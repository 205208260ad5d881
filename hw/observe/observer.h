#pragma once
// What the chip tells its observers: traces, waves and checkers attach here. With none attached a component tests one
// pointer.

#include "hw/interface/descriptor.h"
#include "platforms/common/units.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::hw {

/// One command of one engine. `number` counts from 1; the engine's semaphore reaches it on completion.
struct command_ref {
    engine_id engine;
    std::uint32_t number = 0;
    std::uint32_t tag = 0;
};

/// Why an engine is not working; `none` while it executes, `idle` with an empty queue.
enum class wait_cause : std::uint8_t { none, idle, dependence, halted };

class observer {
  public:
    virtual ~observer() = default;
    /// A doorbell pushed a command (`queued` entries are in the queue now).
    virtual void on_push(const command_ref& command, const iface::command_header& header, std::uint32_t queued) {
        (void)command, (void)header, (void)queued;
    }
    /// The command reached the head of the queue and its wait `on` is not satisfied.
    virtual void on_wait(const command_ref& command, const iface::wait_for& on) { (void)command, (void)on; }
    /// All waits are satisfied: execution starts, before the command's first memory access.
    virtual void on_start(const command_ref& command, const iface::command_header& header) {
        (void)command, (void)header;
    }
    /// After the command's last memory access, just before its semaphore is signalled.
    virtual void on_complete(const command_ref& command) { (void)command; }
    virtual void on_fault(const command_ref& command, iface::fault cause) { (void)command, (void)cause; }
    /// The engine was reset: its queue and what it had in flight are dropped, its commands are numbered from 1 again.
    virtual void on_reset(engine_id engine) { (void)engine; }

    /// A memory's port carries `length` bytes at `where` in [start, end) of simulated time.
    struct memory_access {
        command_ref by;
        bool is_write = false;
        address where;
        bytes length;
        picoseconds start, end;
    };
    /// `memory` is the module's name; called once per transaction.
    virtual void on_access(const std::string& memory, const memory_access& access) { (void)memory, (void)access; }
};

/// Fans out to any number of observers; components hold a pointer to it that is null while nobody listens.
class observer_list final : public observer {
  public:
    void attach(observer& who) { m_all.push_back(&who); }
    [[nodiscard]] bool empty() const { return m_all.empty(); }
    void on_push(const command_ref& c, const iface::command_header& h, std::uint32_t queued) override {
        for (observer* o : m_all)
            o->on_push(c, h, queued);
    }
    void on_wait(const command_ref& c, const iface::wait_for& on) override {
        for (observer* o : m_all)
            o->on_wait(c, on);
    }
    void on_start(const command_ref& c, const iface::command_header& h) override {
        for (observer* o : m_all)
            o->on_start(c, h);
    }
    void on_complete(const command_ref& c) override {
        for (observer* o : m_all)
            o->on_complete(c);
    }
    void on_fault(const command_ref& c, iface::fault cause) override {
        for (observer* o : m_all)
            o->on_fault(c, cause);
    }
    void on_reset(engine_id engine) override {
        for (observer* o : m_all)
            o->on_reset(engine);
    }
    void on_access(const std::string& memory, const memory_access& a) override {
        for (observer* o : m_all)
            o->on_access(memory, a);
    }

  private:
    std::vector<observer*> m_all;
};

} // namespace kpu::hw
