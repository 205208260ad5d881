#pragma once
// Storage and access policy of one block's registers, interpreted from the block's iface::register_spec table.
// SystemC-free; the bus side is hw/registers/register_file.h.

#include "hw/interface/registers.h"
#include "platforms/common/units.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace kpu::hw {

/// What the bus answers. A refused burst changes nothing and calls no hook.
enum class register_status : std::uint8_t {
    ok,
    unmapped,  ///< a word of the burst is not a register
    bad_burst, ///< not whole, aligned words
};

/// What a software write did to one register.
struct register_write {
    std::uint32_t index = 0;   ///< which of the spec's `count` registers
    std::uint32_t before = 0;  ///< stored value
    std::uint32_t after = 0;   ///< stored value now
    std::uint32_t pulses = 0;  ///< w1p bits that were written with 1; never stored
    std::uint32_t written = 0; ///< lanes that were written
};

class register_bank {
  public:
    /// The table must outlive the bank (it is constexpr data); its offsets lie below `window` bytes.
    template <std::size_t N>
    register_bank(const std::array<iface::register_spec, N>& map, std::uint32_t window)
        : register_bank(map.data(), N, window) {}
    register_bank(const iface::register_spec* map, std::size_t count, std::uint32_t window);

    // ---- behaviour, attached once by the owner; registers are named by the offset in their spec ----

    /// Called once per written register, after the new value is stored, in ascending address order within a burst.
    using write_hook = std::function<void(const register_write&)>;
    void on_write(std::uint32_t offset, write_hook hook);
    /// Supplies the value of a read in place of the stored one. Must have no side effects: debug reads call it too.
    using sample_hook = std::function<std::uint32_t(std::uint32_t index)>;
    void on_sample(std::uint32_t offset, sample_hook hook);

    // ---- hardware side: no policy, no hooks; bits outside the fields and pulses stay zero. An offset that is not a
    // register, or an
    //      index beyond its count, is the owner's mistake: std::logic_error ----

    [[nodiscard]] std::uint32_t get(std::uint32_t offset, std::uint32_t index = 0) const;
    void set(std::uint32_t offset, std::uint32_t index, std::uint32_t value);
    void set(std::uint32_t offset, std::uint32_t value) { set(offset, 0, value); }
    [[nodiscard]] std::uint32_t get_field(std::uint32_t offset, std::string_view field) const;
    void set_field(std::uint32_t offset, std::string_view field, std::uint32_t value);
    /// Every register takes its reset value. Hooks stay and are not called.
    void reset();
    /// `count` consecutive stored words, e.g. the descriptor window; valid as long as the bank.
    [[nodiscard]] const std::uint32_t* words(std::uint32_t offset) const;

    // ---- software side: `offset` and `length` in bytes ----

    [[nodiscard]] register_status check(std::uint64_t offset, std::uint64_t length) const;
    /// Arrays of words in the host's byte order, aligned or not.
    register_status read(std::uint64_t offset, std::uint64_t length, void* into) const;
    register_status write(std::uint64_t offset, std::uint64_t length, const void* from);
    /// One register, of which only the bits in `lanes` are written.
    register_status write_lanes(std::uint64_t offset, std::uint32_t value, std::uint32_t lanes);

    [[nodiscard]] const iface::register_spec* map() const { return m_map; }
    [[nodiscard]] std::size_t map_size() const { return m_map_size; }
    [[nodiscard]] std::uint32_t window() const { return static_cast<std::uint32_t>(m_words.size() * 4); }

  private:
    /// Bits by policy, and what the owner attached.
    struct behaviour {
        std::uint32_t rw = 0, w1c = 0, w1p = 0, mapped = 0, reset = 0;
        bool plain = false; ///< a write stores the whole word and has no effect beside
        write_hook write;
        sample_hook sample;
    };
    static constexpr std::uint16_t k_unmapped = 0xffff;

    [[nodiscard]] std::size_t spec_at(std::uint32_t offset) const;
    /// The word behind the last one of the mapped word's register.
    [[nodiscard]] std::size_t end_of_spec(std::size_t at) const;
    [[nodiscard]] std::uint32_t& word(std::uint32_t offset, std::uint32_t index);
    [[nodiscard]] const iface::field_spec& field_of(std::uint32_t offset, std::string_view name) const;
    [[nodiscard]] std::uint32_t value_at(std::size_t at) const;
    void write_word(std::size_t at, std::uint32_t value, std::uint32_t lanes);

    const iface::register_spec* m_map;
    std::size_t m_map_size;
    std::vector<behaviour> m_behaviour; ///< per spec
    std::vector<std::uint16_t> m_spec;  ///< per word: its spec, or k_unmapped
    std::vector<std::uint32_t> m_words; ///< per word: stored value
};

/// The bits that a field occupies.
[[nodiscard]] constexpr std::uint32_t mask_of(const iface::field_spec& f) {
    return (f.width >= 32 ? ~0u : (1u << f.width) - 1u) << f.lsb;
}

} // namespace kpu::hw
