#pragma once
// The bytes of a memory: pages of host memory that come into being when they are first written. Bytes that nobody has
// written read as poison, so that a read of them shows. SystemC-free.

#include "platforms/common/units.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace kpu::hw {

/// Offsets and lengths must lie within the capacity: the memory that owns the storage checks them.
class paged_storage {
  public:
    static constexpr std::uint64_t k_page = std::uint64_t{4} * 1024;
    static constexpr unsigned char k_poison = 0x57;

    explicit paged_storage(bytes capacity);

    void read(std::uint64_t offset, std::uint64_t length, unsigned char* into) const;
    void write(std::uint64_t offset, std::uint64_t length, const unsigned char* from);
    /// The bytes where they lie, until they are next written; null where they do not lie together: where the range
    /// crosses pages of which one has not been written, or groups of pages (64 MiB).
    [[nodiscard]] const unsigned char* loan(std::uint64_t offset, std::uint64_t length) const;

    [[nodiscard]] bytes capacity() const { return m_capacity; }
    /// Host memory in use for pages.
    [[nodiscard]] bytes resident() const { return bytes(m_pages * k_page); }

  private:
    /// Consecutive pages lie together, so that ranges across them can be lent. The host gives memory only to those that
    /// are touched.
    static constexpr std::uint64_t k_group = std::uint64_t{16} * 1024;
    static constexpr std::uint64_t k_group_bytes = k_group * k_page;
    struct release {
        void operator()(unsigned char* data) const { std::free(data); }
    };
    struct group {
        std::unique_ptr<unsigned char[], release> data;
        std::vector<bool> written; ///< per page
    };

    [[nodiscard]] bool is_written(std::uint64_t page) const;
    [[nodiscard]] const unsigned char* page_at(std::uint64_t page) const;
    /// Where [offset, offset + length), which lies within one group, is going to be written at once. What its pages
    /// hold beside becomes poison if they were not written before.
    [[nodiscard]] unsigned char* room_for(std::uint64_t offset, std::uint64_t length);

    bytes m_capacity;
    std::vector<std::unique_ptr<group>> m_groups;
    std::uint64_t m_pages = 0;
};

} // namespace kpu::hw
