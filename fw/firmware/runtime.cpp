#include "fw/firmware/runtime.h"

#include "platforms/common/ring.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace kpu::fw {

namespace {

using namespace iface;

address engine_register(engine_id engine, std::uint32_t offset) {
    return address(engine_base(engine.value()) + offset);
}

/// One engine's queue as firmware knows it.
struct feed {
    ring<bound_command> waiting; ///< no room in the queue yet
    std::uint32_t free = 0;      ///< entries of the queue that are free for certain
    std::uint32_t pushed = 0;

    [[nodiscard]] bool can_push() const { return !waiting.empty() && free > 0; }
};

class command_feeder {
  public:
    command_feeder(mmio& bus, const machine& chip, const command_source& next, std::size_t window)
        : m_bus(bus), m_chip(chip), m_next(next), m_window(window), m_feeds(chip.engines.size()) {
        for (const engine_info& engine : chip.engines)
            m_feeds[engine.id.value()].free = engine.queue_depth;
    }

    void run() {
        for (;;) {
            fill();
            if (push_round())
                continue;
            if (m_waiting == 0 && m_exhausted)
                return wait_for_rest();
            // An engine that empties its queue as fast as it is filled never falls to the watermark: look before
            // sleeping. One that is full now will, and raises its interrupt then.
            if (look_for_room())
                continue;
            m_bus.wait_irq();
            serve_interrupts();
        }
    }

  private:
    void fill() {
        while (!m_exhausted && m_waiting < m_window) {
            const std::optional<bound_command> command = m_next();
            if (!command) {
                m_exhausted = true;
                return;
            }
            m_feeds[command->engine.value()].waiting.push(*command);
            ++m_waiting;
        }
    }

    /// One command to every engine that has room, so that all of them start early.
    bool push_round() {
        bool pushed = false;
        for (std::size_t e = 0; e < m_feeds.size(); ++e) {
            if (!m_feeds[e].can_push())
                continue;
            push(m_feeds[e]);
            pushed = true;
        }
        return pushed;
    }

    void push(feed& f) {
        const command_push burst = push_of(f.waiting.front());
        m_bus.write_block(burst.where, burst.words.data(), burst.words.size());
        f.waiting.pop();
        --m_waiting;
        --f.free;
        ++f.pushed;
    }

    /// Asks the engines that hold up commands how many entries are free. True if any has room.
    bool look_for_room() {
        bool room = false;
        for (std::size_t e = 0; e < m_feeds.size(); ++e) {
            feed& f = m_feeds[e];
            if (f.waiting.empty())
                continue;
            f.free =
                m_bus.read32(engine_register(engine_id(static_cast<std::uint16_t>(e)), engine_reg::status)) & 0xffff;
            room = room || f.free > 0;
        }
        return room;
    }

    [[nodiscard]] bool outstanding(engine_id engine) {
        return m_bus.read32(address(system_reg::semaphore + 4u * engine.value())) != m_feeds[engine.value()].pushed;
    }

    void serve_interrupts() {
        std::array<std::uint32_t, k_max_engines / 32> pending{};
        const std::size_t words = static_cast<std::size_t>(ceil_div(m_feeds.size(), 32));
        m_bus.read_block(address(system_reg::irq_pending), pending.data(), words);
        for (std::uint32_t e = 0; e < m_feeds.size(); ++e)
            if ((pending[e / 32] >> e % 32 & 1) != 0)
                serve(engine_id(static_cast<std::uint16_t>(e)));
    }

    void serve(engine_id engine) {
        const std::uint32_t causes = m_bus.read32(engine_register(engine, engine_reg::irq_status));
        if ((causes & engine_reg::irq_error) != 0)
            report_fault(engine);
        m_bus.write32(engine_register(engine, engine_reg::irq_status), causes);
    }

    [[noreturn]] void report_fault(engine_id engine) {
        const std::uint32_t cause = m_bus.read32(engine_register(engine, engine_reg::error_cause));
        const std::uint32_t command = m_bus.read32(engine_register(engine, engine_reg::error_command));
        const std::uint32_t tag = m_bus.read32(engine_register(engine, engine_reg::error_tag));
        throw engine_fault(m_chip.engine(engine).name, command, tag, static_cast<fault>(cause & 0xff));
    }

    /// Nothing is left to push: waits for each engine to fall idle.
    void wait_for_rest() {
        for (std::uint32_t e = 0; e < m_feeds.size(); ++e) {
            const engine_id engine(static_cast<std::uint16_t>(e));
            if (!outstanding(engine))
                continue;
            m_bus.write32(engine_register(engine, engine_reg::irq_status), engine_reg::irq_idle);
            m_bus.write32(engine_register(engine, engine_reg::irq_enable),
                          engine_reg::irq_idle | engine_reg::irq_error);
            while (outstanding(engine)) {
                m_bus.wait_irq();
                serve_interrupts();
            }
        }
    }

    mmio& m_bus;
    const machine& m_chip;
    const command_source& m_next;
    std::size_t m_window;
    std::vector<feed> m_feeds; ///< by engine id
    std::size_t m_waiting = 0;
    bool m_exhausted = false;
};

} // namespace

engine_fault::engine_fault(const std::string& engine, std::uint32_t command, std::uint32_t tag, fault cause)
    : run_error(
          fmt::format("{} stopped at its command {} (DFX operation {}): {}", engine, command, tag, name_of(cause))),
      m_command(command), m_tag(tag), m_cause(cause) {}

command_push push_of(const bound_command& command) {
    command_push burst;
    burst.where = engine_register(command.engine, engine_reg::descriptor);
    std::copy(command.words.begin(), command.words.end(), burst.words.begin());
    burst.words.back() = 1;
    return burst;
}

void prepare_engines(mmio& bus, const machine& chip) {
    for (const engine_info& engine : chip.engines) {
        bus.write32(engine_register(engine.id, engine_reg::control), 1);
        bus.write32(engine_register(engine.id, engine_reg::irq_watermark), engine.queue_depth / 2);
        bus.write32(engine_register(engine.id, engine_reg::irq_enable),
                    engine_reg::irq_queue_low | engine_reg::irq_error);
    }
}

void run_commands(mmio& bus, const machine& chip, const command_source& next, std::size_t window) {
    command_feeder(bus, chip, next, window).run();
}

} // namespace kpu::fw
