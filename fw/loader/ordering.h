#pragma once
// Who used a piece of memory last: what a new command must wait for, in terms of timeline semaphores.

#include "platforms/common/units.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kpu::fw {

/// Completion of command `number` (1 is the first) of an engine.
struct point {
    engine_id engine;
    std::uint32_t number = 0;
};

/// At most one point per engine: completion is in order, so the latest stands for all before it. The usual few points
/// lie in the set itself.
class point_set {
  public:
    void add(point p) {
        for (point& known : *this) {
            if (known.engine == p.engine) {
                if (known.number < p.number)
                    known.number = p.number;
                return;
            }
        }
        append(p);
    }
    void merge(const point_set& other) {
        for (const point& p : other)
            add(p);
    }
    void clear() { m_size = 0; }
    [[nodiscard]] bool empty() const { return m_size == 0; }
    [[nodiscard]] const point* begin() const { return m_size <= k_few ? m_few.data() : m_many.data(); }
    [[nodiscard]] const point* end() const { return begin() + m_size; }

  private:
    static constexpr std::size_t k_few = 6;

    [[nodiscard]] point* begin() { return m_size <= k_few ? m_few.data() : m_many.data(); }
    [[nodiscard]] point* end() { return begin() + m_size; }
    void append(point p) {
        if (m_size == k_few)
            m_many.assign(m_few.begin(), m_few.end());
        if (m_size >= k_few)
            m_many.push_back(p);
        else
            m_few[m_size] = p;
        ++m_size;
    }

    std::size_t m_size = 0;
    std::array<point, k_few> m_few; ///< the first m_size of them are set
    std::vector<point> m_many;      ///< all of them, where there are more than k_few
};

/// What a command waits for. A mover may read for its next command before it has written for the last one, so a read
/// after a write is a wait even within one engine; a write after a read or a write of the same engine is kept in order
/// by the engine.
struct dependences {
    point_set read_after_write;
    point_set write_after;
};

/// The last writers of a piece of memory and its readers since.
class usage {
  public:
    /// Everything that was ever done to the piece: for memory taken over from an earlier purpose.
    explicit usage(const point_set& earlier = {}) : m_readers(earlier) {}

    void require_for_read(dependences& d) const { d.read_after_write.merge(m_writers); }
    void require_for_write(dependences& d) const {
        d.write_after.merge(m_writers);
        d.write_after.merge(m_readers);
    }
    void note_read(point p) { m_readers.add(p); }
    /// The first command that fills the piece anew; what was before no longer matters.
    void note_overwrite(point p) {
        m_writers.clear();
        m_readers.clear();
        m_writers.add(p);
    }
    /// Another command that fills a further part of it.
    void note_more_written(point p) { m_writers.add(p); }
    void note_written(point p, bool anew) { anew ? note_overwrite(p) : note_more_written(p); }

  private:
    point_set m_writers;
    point_set m_readers;
};

} // namespace kpu::fw
