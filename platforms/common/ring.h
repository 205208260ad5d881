#pragma once
// A queue on one array that grows to its high-water mark and stays there: pushes and pops in steady state without
// allocation.

#include <cstddef>
#include <utility>
#include <vector>

namespace kpu {

template <class T>
class ring {
  public:
    explicit ring(std::size_t capacity = 8) : m_slots(capacity > 0 ? capacity : 1) {}

    [[nodiscard]] bool empty() const { return m_size == 0; }
    [[nodiscard]] std::size_t size() const { return m_size; }
    [[nodiscard]] T& front() { return m_slots[m_head]; }
    [[nodiscard]] const T& front() const { return m_slots[m_head]; }
    [[nodiscard]] T& back() { return (*this)[m_size - 1]; }
    /// The i-th from the front.
    [[nodiscard]] T& operator[](std::size_t i) { return m_slots[wrapped(i)]; }
    [[nodiscard]] const T& operator[](std::size_t i) const { return m_slots[wrapped(i)]; }

    void push(T item) { append() = std::move(item); }
    /// As push, of an item to be filled in where it lies: it still has the values of an earlier one, or a T's own.
    T& append() {
        if (m_size == m_slots.size())
            grow();
        return m_slots[wrapped(m_size++)];
    }
    void pop() {
        m_head = wrapped(1);
        --m_size;
    }
    void clear() { m_head = m_size = 0; }

  private:
    [[nodiscard]] std::size_t wrapped(std::size_t i) const {
        const std::size_t at = m_head + i;
        return at < m_slots.size() ? at : at - m_slots.size();
    }
    void grow() {
        std::vector<T> larger(2 * m_slots.size());
        for (std::size_t i = 0; i < m_size; ++i)
            larger[i] = std::move((*this)[i]);
        m_slots.swap(larger);
        m_head = 0;
    }

    std::vector<T> m_slots;
    std::size_t m_head = 0;
    std::size_t m_size = 0;
};

} // namespace kpu
