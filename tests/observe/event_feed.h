#pragma once
// Hand-made observer call sequences: short names for what the chip would report.

#include "hw/observe/observer.h"

#include <initializer_list>

namespace kpu::hw::test {

struct wait_on {
    std::uint16_t engine;
    std::uint32_t count;
};

inline command_ref ref(std::uint16_t engine, std::uint32_t number) {
    return {engine_id(engine), number, 1000u * engine + number};
}

inline iface::command_header header(std::initializer_list<wait_on> waits, iface::opcode op = iface::opcode::copy) {
    iface::command_header h;
    h.op = op;
    std::size_t i = 0;
    for (const wait_on& w : waits)
        h.waits.at(i++) = {engine_id(w.engine), w.count};
    return h;
}

/// Feeds one observer. Times advance by themselves: every access takes 10 ps unless given.
class event_feed {
  public:
    explicit event_feed(observer& to) : m_to(to) {}

    void push(std::uint16_t engine, std::uint32_t number) { m_to.on_push(ref(engine, number), header({}), 1); }
    void start(std::uint16_t engine, std::uint32_t number, std::initializer_list<wait_on> waits = {}) {
        m_to.on_start(ref(engine, number), header(waits));
    }
    void complete(std::uint16_t engine, std::uint32_t number) { m_to.on_complete(ref(engine, number)); }
    void read(std::uint16_t engine, std::uint32_t number, std::uint64_t where, std::uint64_t length) {
        access(engine, number, false, where, length, m_now, m_now + 10);
        m_now += 10;
    }
    void write(std::uint16_t engine, std::uint32_t number, std::uint64_t where, std::uint64_t length) {
        access(engine, number, true, where, length, m_now, m_now + 10);
        m_now += 10;
    }
    void access(std::uint16_t engine, std::uint32_t number, bool is_write, std::uint64_t where, std::uint64_t length,
                std::uint64_t start, std::uint64_t end) {
        m_to.on_access(
            "l2", {ref(engine, number), is_write, address(where), bytes(length), picoseconds(start), picoseconds(end)});
    }
    /// A whole command that writes (or reads) one range.
    void writes(std::uint16_t engine, std::uint32_t number, std::uint64_t where, std::uint64_t length,
                std::initializer_list<wait_on> waits = {}) {
        start(engine, number, waits);
        write(engine, number, where, length);
        complete(engine, number);
    }
    void reads(std::uint16_t engine, std::uint32_t number, std::uint64_t where, std::uint64_t length,
               std::initializer_list<wait_on> waits = {}) {
        start(engine, number, waits);
        read(engine, number, where, length);
        complete(engine, number);
    }

  private:
    observer& m_to;
    std::uint64_t m_now = 1000;
};

} // namespace kpu::hw::test
