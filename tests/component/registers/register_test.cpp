#include "hw/registers/register_file.h"
#include "tests/support/register_conformance.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <functional>

using namespace kpu;
using hw::register_bank;
using hw::register_file;
using hw::register_status;
using hw::register_write;
namespace er = iface::engine_reg;

int sc_main(int, char**) {
    return 0;
}

namespace {

constexpr std::array k_sample_registers = {
    iface::reg("mixed", 0x00, 1, "", iface::field_spec{"ro", 0, 4, iface::access::ro, 5, ""},
               iface::field_spec{"rw", 4, 8, iface::access::rw, 0x21, ""},
               iface::field_spec{"w1c", 16, 3, iface::access::w1c, 6, ""},
               iface::field_spec{"w1p", 31, 1, iface::access::w1p, 0, ""}),
    iface::reg("array", 0x10, 4, "", iface::whole(iface::access::rw, 7)),
    iface::reg("last", 0x2c, 1, "", iface::field_spec{"flag", 3, 1, iface::access::rw, 1, ""}),
};
constexpr std::uint32_t k_sample_window = 0x30;

/// The bus side of a register file, as the conformance check wants it.
class bus : public test::register_access {
  public:
    explicit bus(register_file& file) : m_file(file) {}
    int read(std::uint32_t offset, unsigned char* into, std::uint32_t length) override {
        return transport(tlm::TLM_READ_COMMAND, offset, into, length);
    }
    int write(std::uint32_t offset, const unsigned char* from, std::uint32_t length) override {
        return transport(tlm::TLM_WRITE_COMMAND, offset, const_cast<unsigned char*>(from), length);
    }
    int write_enabled(std::uint32_t offset, const unsigned char* from, std::uint32_t length) override {
        std::vector<unsigned char> enables(length, 0xff);
        m_payload.set_byte_enable_ptr(enables.data());
        m_payload.set_byte_enable_length(length);
        const int status = write(offset, from, length);
        m_payload.set_byte_enable_ptr(nullptr);
        return status;
    }
    std::uint32_t debug_read(std::uint32_t offset, unsigned char* into, std::uint32_t length) override {
        fill(tlm::TLM_READ_COMMAND, offset, into, length);
        return m_file.transport_dbg(m_payload);
    }
    std::uint32_t debug_write(std::uint32_t offset, unsigned char* from, std::uint32_t length) {
        fill(tlm::TLM_WRITE_COMMAND, offset, from, length);
        return m_file.transport_dbg(m_payload);
    }
    void set(std::uint32_t offset, std::uint32_t index, std::uint32_t value) override {
        m_file.set(offset, index, value);
    }
    void reset() override { m_file.reset(); }

  protected:
    int transport(tlm::tlm_command command, std::uint32_t offset, unsigned char* data, std::uint32_t length) {
        fill(command, offset, data, length);
        sc_core::sc_time delay;
        m_file.b_transport(m_payload, delay);
        BOOST_TEST((delay == sc_core::SC_ZERO_TIME));
        return m_payload.get_response_status();
    }
    void fill(tlm::tlm_command command, std::uint32_t offset, unsigned char* data, std::uint32_t length) {
        m_payload.set_command(command);
        m_payload.set_address(offset);
        m_payload.set_data_ptr(data);
        m_payload.set_data_length(length);
        m_payload.set_streaming_width(length);
        m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }
    register_file& m_file;
    tlm::tlm_generic_payload m_payload;
};

template <std::size_t N>
void conforms(const std::array<iface::register_spec, N>& map, std::uint32_t window) {
    register_file file(map, window);
    bus access(file);
    for (const std::string& problem : test::check_registers(map.data(), N, window, access))
        BOOST_ERROR(problem);
}

/// A bus with one fault, of the kinds that have been seen in register models.
class faulty_bus final : public bus {
  public:
    std::function<int(faulty_bus&, std::uint32_t, const unsigned char*, std::uint32_t)> bad_write;
    std::function<std::uint32_t(std::uint32_t, std::uint32_t)> bad_value;
    bool debug_clears = false;
    using bus::bus;
    int good_write(std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        return bus::write(offset, from, length);
    }
    int write(std::uint32_t offset, const unsigned char* from, std::uint32_t length) override {
        return bad_write ? bad_write(*this, offset, from, length) : bus::write(offset, from, length);
    }
    int read(std::uint32_t offset, unsigned char* into, std::uint32_t length) override {
        const int status = bus::read(offset, into, length);
        if (bad_value && status == 1 && length == 4) {
            std::uint32_t value = 0;
            std::memcpy(&value, into, 4);
            value = bad_value(offset, value);
            std::memcpy(into, &value, 4);
        }
        return status;
    }
    std::uint32_t debug_read(std::uint32_t offset, unsigned char* into, std::uint32_t length) override {
        const std::uint32_t n = bus::debug_read(offset, into, length);
        if (debug_clears && n == 4 && offset == 0)
            m_file.set(0, 0);
        return n;
    }
    register_file& file() { return m_file; }
};

/// True if the check finds a problem that says `what`.
bool caught(faulty_bus& access, const std::string& what) {
    for (const std::string& problem :
         test::check_registers(k_sample_registers.data(), k_sample_registers.size(), k_sample_window, access))
        if (problem.find(what) != std::string::npos)
            return true;
    return false;
}

std::uint32_t word_of(const unsigned char* raw) {
    std::uint32_t value = 0;
    std::memcpy(&value, raw, 4);
    return value;
}

} // namespace

BOOST_AUTO_TEST_SUITE(conformance)

BOOST_AUTO_TEST_CASE(sample) {
    conforms(k_sample_registers, k_sample_window);
}
BOOST_AUTO_TEST_CASE(engine) {
    conforms(iface::k_engine_registers, iface::k_engine_window);
}
BOOST_AUTO_TEST_CASE(system) {
    conforms(iface::k_system_registers, iface::system_reg::window);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(conformance_finds)

struct fixture {
    register_file file{k_sample_registers, k_sample_window};
    faulty_bus access{file};
};

BOOST_FIXTURE_TEST_CASE(a_wrong_reset_value, fixture) {
    access.bad_value = [](std::uint32_t offset, std::uint32_t v) { return offset == 0x2c ? v ^ 8 : v; };
    BOOST_TEST(caught(access, "last[0]: wrong reset value"));
}

BOOST_FIXTURE_TEST_CASE(a_read_only_field_that_is_written, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        const int status = b.good_write(offset, from, length);
        if (status == 1 && length == 4 && offset == 0)
            b.file().set_field(0, "ro", word_of(from));
        return status;
    };
    BOOST_TEST(caught(access, "mixed[0]: software changed a read-only field"));
}

BOOST_FIXTURE_TEST_CASE(w1c_that_clears_on_any_write, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        const int status = b.good_write(offset, from, length);
        if (status == 1 && length == 4 && offset == 0)
            b.file().set_field(0, "w1c", 0);
        return status;
    };
    BOOST_TEST(caught(access, "writing zero cleared a w1c bit"));
}

BOOST_FIXTURE_TEST_CASE(w1c_that_clears_its_neighbours, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        const int status = b.good_write(offset, from, length);
        if (status == 1 && length == 4 && offset == 0 && (word_of(from) & 0x70000) != 0)
            b.file().set_field(0, "w1c", 0);
        return status;
    };
    BOOST_TEST(caught(access, "writing one did not clear just that w1c bit"));
}

BOOST_FIXTURE_TEST_CASE(reserved_bits_that_read_one, fixture) {
    access.bad_value = [](std::uint32_t offset, std::uint32_t v) { return offset == 0x2c ? v | 1 : v; };
    BOOST_TEST(caught(access, "last[0]: reserved bits do not read zero"));
}

BOOST_FIXTURE_TEST_CASE(a_pulse_that_stays, fixture) {
    access.bad_value = [](std::uint32_t offset, std::uint32_t v) { return offset == 0 ? v | 0x80000000 : v; };
    BOOST_TEST(caught(access, "mixed[0]: a pulse field does not read zero"));
}

BOOST_FIXTURE_TEST_CASE(a_write_that_touches_every_element, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        const int status = b.good_write(offset, from, length);
        if (status == 1 && length == 4 && offset >= 0x10 && offset < 0x20)
            for (std::uint32_t i = 0; i < 4; ++i)
                b.file().set(0x10, i, word_of(from));
        return status;
    };
    BOOST_TEST(caught(access, "a write touched another register"));
}

BOOST_FIXTURE_TEST_CASE(a_debug_read_with_a_side_effect, fixture) {
    access.debug_clears = true;
    BOOST_TEST(caught(access, "mixed[0]: debug read changed something"));
}

BOOST_FIXTURE_TEST_CASE(a_refused_burst_that_takes_effect, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        if (length == 8)
            (void)b.good_write(offset, from, 4);
        return b.good_write(offset, from, length);
    };
    BOOST_TEST(caught(access, "refused, but changed something"));
}

BOOST_FIXTURE_TEST_CASE(unmapped_words_that_answer, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        const int status = b.good_write(offset, from, length);
        return status == -2 ? 1 : status;
    };
    BOOST_TEST(caught(access, "offset 4: unmapped write not refused"));
}

BOOST_FIXTURE_TEST_CASE(odd_sizes_that_are_taken, fixture) {
    access.bad_write = [](faulty_bus& b, std::uint32_t offset, const unsigned char* from, std::uint32_t length) {
        return b.good_write(offset, from, length == 2 ? 4 : length);
    };
    BOOST_TEST(caught(access, "odd size not refused"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bank)

BOOST_AUTO_TEST_CASE(a_hook_sees_each_write_once_in_address_order) {
    register_bank bank(k_sample_registers, k_sample_window);
    std::vector<register_write> seen;
    bank.on_write(0x10, [&](const register_write& w) { seen.push_back(w); });
    const std::array<std::uint32_t, 3> words{10, 11, 12};
    BOOST_TEST((bank.write(0x14, 12, words.data()) == register_status::ok));
    BOOST_TEST_REQUIRE(seen.size() == 3u);
    for (std::uint32_t i = 0; i < 3; ++i) {
        BOOST_TEST(seen[i].index == i + 1);
        BOOST_TEST(seen[i].before == 7u);
        BOOST_TEST(seen[i].after == 10 + i);
        BOOST_TEST(seen[i].written == ~0u);
        BOOST_TEST(seen[i].pulses == 0u);
    }
}

BOOST_AUTO_TEST_CASE(the_doorbell_behind_the_window_sees_the_whole_descriptor) {
    register_bank bank(iface::k_engine_registers, iface::k_engine_window);
    std::vector<std::uint32_t> pushed;
    std::uint32_t pulses = 0;
    bank.on_write(er::doorbell, [&](const register_write& w) {
        pulses = w.pulses;
        pushed.assign(bank.words(er::descriptor), bank.words(er::descriptor) + iface::k_descriptor_words);
    });
    std::vector<std::uint32_t> burst(iface::k_descriptor_words + 1);
    for (std::uint32_t i = 0; i < burst.size(); ++i)
        burst[i] = 100 + i;
    burst.back() = 1;
    BOOST_TEST((bank.write(er::descriptor, 4 * burst.size(), burst.data()) == register_status::ok));
    burst.pop_back();
    BOOST_TEST(pushed == burst);
    BOOST_TEST(pulses == 1u);
}

BOOST_AUTO_TEST_CASE(policies_apply_only_to_the_lanes_written) {
    register_bank bank(k_sample_registers, k_sample_window);
    std::uint32_t pulses = 0;
    bank.on_write(0, [&](const register_write& w) { pulses |= w.pulses; });
    bank.set_field(0, "w1c", 7);
    BOOST_TEST((bank.write_lanes(0, 0xffffffff, 0x000000ff) == register_status::ok));
    BOOST_TEST(bank.get_field(0, "w1c") == 7u);
    BOOST_TEST(bank.get_field(0, "rw") == 0x2fu); // only its low nibble lies in the lane
    BOOST_TEST(pulses == 0u);
    BOOST_TEST((bank.write_lanes(0, 0xffffffff, 0xff010000) == register_status::ok));
    BOOST_TEST(bank.get_field(0, "w1c") == 6u);
    BOOST_TEST(pulses == 0x80000000u);
}

BOOST_AUTO_TEST_CASE(sampled_registers_show_the_sampled_value_in_every_read) {
    register_file file(k_sample_registers, k_sample_window);
    bus access(file);
    file.on_sample(0x10, [](std::uint32_t i) { return 1000 + i; });
    file.on_sample(0x2c, [](std::uint32_t) { return ~0u; });
    std::array<unsigned char, 4> raw{};
    BOOST_TEST(access.read(0x18, raw.data(), 4) == 1);
    BOOST_TEST(word_of(raw.data()) == 1002u);
    BOOST_TEST(access.debug_read(0x1c, raw.data(), 4) == 4u);
    BOOST_TEST(word_of(raw.data()) == 1003u);
    BOOST_TEST(access.read(0x2c, raw.data(), 4) == 1);
    BOOST_TEST(word_of(raw.data()) == 8u); // reserved bits stay zero
    BOOST_TEST(file.get(0x10, 2) == 7u);
}

BOOST_AUTO_TEST_CASE(debug_writes_are_refused) {
    register_file file(k_sample_registers, k_sample_window);
    bus access(file);
    std::array<unsigned char, 4> raw{1, 2, 3, 4};
    BOOST_TEST(access.debug_write(0x10, raw.data(), 4) == 0u);
    BOOST_TEST(file.get(0x10) == 7u);
}

BOOST_AUTO_TEST_CASE(a_hook_may_access_its_own_block) {
    register_file file(k_sample_registers, k_sample_window);
    bus outer(file);
    bus inner(file);
    std::uint32_t seen = 0;
    file.on_write(0x10, [&](const register_write& w) {
        std::array<unsigned char, 4> raw{};
        if (w.index == 0 && inner.read(0x2c, raw.data(), 4) == 1)
            seen = word_of(raw.data());
    });
    std::array<std::uint32_t, 4> words{1, 2, 3, 4};
    std::array<unsigned char, 16> raw{};
    std::memcpy(raw.data(), words.data(), 16);
    BOOST_TEST(outer.write(0x10, raw.data(), 16) == 1);
    BOOST_TEST(seen == 8u);
    BOOST_TEST(file.get(0x10, 3) == 4u);
}

BOOST_AUTO_TEST_CASE(wrapping_offsets_are_unmapped) {
    register_bank bank(k_sample_registers, k_sample_window);
    std::array<std::uint32_t, 2> words{};
    BOOST_TEST((bank.read(~std::uint64_t{3}, 8, words.data()) == register_status::unmapped));
    BOOST_TEST((bank.read(0x2c, 8, words.data()) == register_status::unmapped));
    BOOST_TEST((bank.read(0x10, 0, words.data()) == register_status::bad_burst));
}

BOOST_AUTO_TEST_CASE(the_owner_s_mistakes_are_told) {
    register_bank bank(k_sample_registers, k_sample_window);
    BOOST_CHECK_THROW(bank.set(0x14, 0), std::logic_error);    // inside an array, not its start
    BOOST_CHECK_THROW(bank.set(0x10, 4, 0), std::logic_error); // beyond its count
    BOOST_CHECK_THROW((void)bank.get(0x04), std::logic_error);
    BOOST_CHECK_THROW((void)bank.get_field(0x00, "nothing"), std::logic_error);
    BOOST_CHECK_THROW(bank.on_write(0x30, nullptr), std::logic_error);
    static constexpr std::array k_overlapping = {iface::reg("one", 0, 2, "", iface::whole(iface::access::rw)),
                                                 iface::reg("two", 4, 1, "", iface::whole(iface::access::rw))};
    BOOST_CHECK_THROW(register_bank(k_overlapping, 0x10), std::logic_error);
    static constexpr std::array k_outside = {iface::reg("one", 0x10, 1, "", iface::whole(iface::access::rw))};
    BOOST_CHECK_THROW(register_bank(k_outside, 0x10), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
