#include "tests/support/register_conformance.h"

#include "hw/registers/register_bank.h"

#include <array>
#include <cstring>

namespace kpu::test {

namespace {

using iface::access;
using iface::register_spec;

constexpr int k_ok = 1;
constexpr int k_address_error = -2;
constexpr int k_burst_error = -4;
constexpr int k_byte_enable_error = -5;
constexpr std::uint32_t k_patterns[] = {0xffffffff, 0x00000000, 0xa5a5a5a5, 0x5a5a5a5a, 0x01234567};

/// Bits of a register by policy.
struct masks {
    std::uint32_t ro = 0, rw = 0, w1c = 0, w1p = 0, all = 0, reset = 0;
    explicit masks(const register_spec& spec) {
        for (std::size_t f = 0; f < spec.field_count; ++f) {
            const std::uint32_t bits = hw::mask_of(spec.fields[f]);
            all |= bits;
            reset |= (spec.fields[f].reset << spec.fields[f].lsb) & bits;
            switch (spec.fields[f].policy) {
            case access::ro:
                ro |= bits;
                break;
            case access::rw:
                rw |= bits;
                break;
            case access::w1c:
                w1c |= bits;
                break;
            case access::w1p:
                w1p |= bits;
                break;
            }
        }
    }
};

class checker {
  public:
    checker(const register_spec* map, std::size_t count, std::uint32_t window, register_access& target)
        : m_map(map), m_count(count), m_window(window), m_target(target), m_mapped(window / 4, false) {
        for (std::size_t r = 0; r < count; ++r)
            for (std::uint32_t i = 0; i < map[r].count; ++i)
                m_mapped[map[r].offset / 4 + i] = true;
    }

    std::vector<std::string> run() {
        for (std::size_t r = 0; r < m_count; ++r)
            for (std::uint32_t i = 0; i < m_map[r].count; ++i)
                check_register(m_map[r], i);
        for (std::uint32_t at = 0; at < m_mapped.size(); ++at)
            if (!m_mapped[at])
                check_unmapped(4 * at);
        check_unmapped(m_window);
        check_bursts();
        return m_problems;
    }

  private:
    void problem(const register_spec& spec, std::uint32_t index, const std::string& what) {
        m_problems.push_back(std::string(spec.name) + "[" + std::to_string(index) + "]: " + what);
    }
    void expect(bool holds, const register_spec& spec, std::uint32_t index, const std::string& what) {
        if (!holds)
            problem(spec, index, what);
    }
    int write(std::uint32_t offset, std::uint32_t value) {
        std::array<unsigned char, 4> raw{};
        std::memcpy(raw.data(), &value, 4);
        return m_target.write(offset, raw.data(), 4);
    }
    std::uint32_t read(std::uint32_t offset) {
        std::array<unsigned char, 4> raw{};
        std::uint32_t value = 0xdeadbeef;
        if (m_target.read(offset, raw.data(), 4) == k_ok)
            std::memcpy(&value, raw.data(), 4);
        return value;
    }
    std::vector<std::uint32_t> everything() {
        std::vector<std::uint32_t> words(m_mapped.size(), 0);
        for (std::uint32_t at = 0; at < m_mapped.size(); ++at)
            if (m_mapped[at])
                words[at] = read(4 * at);
        return words;
    }
    /// Nothing but word `offset` (or nothing at all, if it is beyond the window) differs from `before`.
    bool untouched_but(std::uint32_t offset, const std::vector<std::uint32_t>& before) {
        const std::vector<std::uint32_t> after = everything();
        for (std::uint32_t at = 0; at < after.size(); ++at)
            if (4 * at != offset && after[at] != before[at])
                return false;
        return true;
    }

    void check_register(const register_spec& spec, std::uint32_t i) {
        const masks m(spec);
        const std::uint32_t offset = spec.offset + 4 * i;
        m_target.reset();
        expect(read(offset) == (m.reset & ~m.w1p), spec, i, "wrong reset value");
        const std::vector<std::uint32_t> before = everything();
        for (const std::uint32_t pattern : k_patterns) {
            m_target.reset();
            m_target.set(spec.offset, i, ~pattern);
            const std::uint32_t old = ~pattern & m.all & ~m.w1p;
            expect((read(offset) & ~m.w1p) == old, spec, i, "does not show what hardware set");
            expect(write(offset, pattern) == k_ok, spec, i, "write refused");
            const std::uint32_t now = read(offset);
            expect((now & m.ro) == (old & m.ro), spec, i, "software changed a read-only field");
            expect((now & m.rw) == (pattern & m.rw), spec, i, "a read-write field does not keep what was written");
            expect((now & m.w1p) == 0, spec, i, "a pulse field does not read zero");
            expect((now & ~m.all) == 0, spec, i, "reserved bits do not read zero");
            expect(untouched_but(offset, before), spec, i, "a write touched another register");
        }
        check_w1c(spec, i, m.w1c);
        check_debug(spec, i);
        check_shapes(spec, i);
    }

    void check_w1c(const register_spec& spec, std::uint32_t i, std::uint32_t w1c) {
        const std::uint32_t offset = spec.offset + 4 * i;
        for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
            if ((w1c & bit) == 0)
                continue;
            m_target.reset();
            m_target.set(spec.offset, i, w1c);
            write(offset, 0);
            expect((read(offset) & w1c) == w1c, spec, i, "writing zero cleared a w1c bit");
            write(offset, bit);
            expect((read(offset) & w1c) == (w1c & ~bit), spec, i, "writing one did not clear just that w1c bit");
        }
    }

    void check_debug(const register_spec& spec, std::uint32_t i) {
        m_target.reset();
        m_target.set(spec.offset, i, 0x3c3c3c3c);
        const std::vector<std::uint32_t> before = everything();
        std::array<unsigned char, 4> raw{};
        expect(m_target.debug_read(spec.offset + 4 * i, raw.data(), 4) == 4, spec, i, "debug read refused");
        std::uint32_t value = 0;
        std::memcpy(&value, raw.data(), 4);
        expect(value == before[spec.offset / 4 + i], spec, i, "debug read differs from a read");
        expect(untouched_but(m_window, before), spec, i, "debug read changed something");
    }

    void check_shapes(const register_spec& spec, std::uint32_t i) {
        m_target.reset();
        const std::vector<std::uint32_t> before = everything();
        const std::uint32_t offset = spec.offset + 4 * i;
        std::array<unsigned char, 8> raw{};
        raw.fill(0xff);
        for (const std::uint32_t length : {1U, 2U, 3U, 5U, 6U, 7U}) {
            expect(m_target.write(offset, raw.data(), length) == k_burst_error, spec, i, "odd size not refused");
            expect(m_target.read(offset, raw.data(), length) == k_burst_error, spec, i, "odd size not refused");
            raw.fill(0xff);
        }
        expect(m_target.write(offset + 1, raw.data(), 4) == k_burst_error, spec, i, "misaligned write not refused");
        expect(m_target.write(offset + 2, raw.data(), 4) == k_burst_error, spec, i, "misaligned write not refused");
        expect(m_target.write_enabled(offset, raw.data(), 4) == k_byte_enable_error, spec, i,
               "byte enables not refused");
        expect(untouched_but(m_window, before), spec, i, "a refused access changed something");
    }

    void check_unmapped(std::uint32_t offset) {
        std::array<unsigned char, 4> raw{};
        if (m_target.read(offset, raw.data(), 4) != k_address_error)
            m_problems.push_back("offset " + std::to_string(offset) + ": unmapped read not refused");
        if (m_target.write(offset, raw.data(), 4) != k_address_error)
            m_problems.push_back("offset " + std::to_string(offset) + ": unmapped write not refused");
    }

    /// Every burst of two words: legal if both are registers, otherwise refused without effect.
    void check_bursts() {
        std::array<unsigned char, 8> ones{};
        ones.fill(0xff);
        for (std::uint32_t at = 0; at < m_mapped.size(); ++at) {
            m_target.reset();
            const std::vector<std::uint32_t> before = everything();
            const bool legal = m_mapped[at] && at + 1 < m_mapped.size() && m_mapped[at + 1];
            const int status = m_target.write(4 * at, ones.data(), 8);
            if (status != (legal ? k_ok : k_address_error))
                m_problems.push_back("burst at " + std::to_string(4 * at) + ": wrong response");
            if (!legal && !untouched_but(m_window, before))
                m_problems.push_back("burst at " + std::to_string(4 * at) + ": refused, but changed something");
        }
    }

    const register_spec* m_map;
    std::size_t m_count;
    std::uint32_t m_window;
    register_access& m_target;
    std::vector<bool> m_mapped;
    std::vector<std::string> m_problems;
};

} // namespace

std::vector<std::string> check_registers(const register_spec* map, std::size_t count, std::uint32_t window,
                                         register_access& target) {
    return checker(map, count, window, target).run();
}

} // namespace kpu::test
