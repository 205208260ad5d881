#pragma once
// The bytes of a memory: pages of host memory that come into being when they are first written. Bytes that nobody has
// written read as poison, so that a read of them shows. SystemC-free.

#include "platforms/common/units.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace kpu::hw {

/// Offsets and lengths must lie within the capacity: the memory that owns the storage checks them.
class paged_storage {
  public:
    static constexpr std::uint64_t k_page = std::uint64_t{64} * 1024;
    static constexpr unsigned char k_poison = 0x57;

    explicit paged_storage(bytes capacity);

    void read(std::uint64_t offset, std::uint64_t length, unsigned char* into) const;
    void write(std::uint64_t offset, std::uint64_t length, const unsigned char* from);
    /// The bytes where they lie, until they are next written; null where the range crosses pages.
    [[nodiscard]] const unsigned char* loan(std::uint64_t offset, std::uint64_t length) const;

    [[nodiscard]] bytes capacity() const { return m_capacity; }
    /// Host memory in use for pages.
    [[nodiscard]] bytes resident() const { return bytes(m_pages * k_page); }

  private:
    using page = std::array<unsigned char, k_page>;
    /// Pages are kept in groups, so that the directory of a large memory does not itself take space.
    static constexpr std::uint64_t k_group = 1024;
    using group = std::array<std::unique_ptr<page>, k_group>;

    [[nodiscard]] const page& page_at(std::uint64_t number) const;
    [[nodiscard]] static const page& unwritten(); ///< what a page that does not exist reads as
    page& page_for_write(std::uint64_t number);

    bytes m_capacity;
    std::vector<std::unique_ptr<group>> m_groups;
    std::uint64_t m_pages = 0;
};

} // namespace kpu::hw
