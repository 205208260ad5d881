#pragma once
// Test initiators, a crossbar and four banks, a protocol monitor on every link.

#include "hw/interconnect/crossbar.h"
#include "hw/memory/memory_bank.h"
#include "hw/tlm/protocol_monitor.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

namespace kpu::test {

inline constexpr std::uint64_t k_period = 1000;
inline constexpr std::uint64_t k_latency = 3; ///< cycles
inline constexpr std::uint64_t k_hop = 2;     ///< cycles

inline platform::memory_params bank_params(std::uint64_t width) {
    platform::memory_params p;
    p.capacity = bytes(64 * 1024);
    p.port_width = bytes(width);
    p.latency = cycles(k_latency);
    return p;
}

inline platform::crossbar_params bar_params(std::uint64_t width) {
    platform::crossbar_params p;
    p.port_width = bytes(width);
    p.hop_latency = cycles(k_hop);
    return p;
}

/// `initiators` test initiators, one crossbar, four banks of 64 KiB: interleaved by 256 bytes at 0x10000, or
/// consecutive there.
struct crossbar_bench : sim_fixture {
    static constexpr std::uint64_t k_base = 0x10000;
    static constexpr std::uint32_t k_units = 4;
    std::vector<std::unique_ptr<test_initiator>> source;
    std::vector<std::unique_ptr<hw::protocol_monitor>> monitors;
    std::unique_ptr<hw::crossbar> bar;
    std::vector<std::unique_ptr<hw::memory_bank>> banks;

    void build(std::uint32_t initiators, bool interleaved, std::uint64_t bar_width = 16,
               std::uint64_t bank_width = 16) {
        hw::route_table routes;
        const platform::address_range range{address(k_base), bytes(k_units * 64 * 1024)};
        if (interleaved)
            routes.add_interleaved("banks", range, bytes(256), k_units);
        else
            routes.add_consecutive("banks", range, k_units);
        bar = std::make_unique<hw::crossbar>("bar", bar_params(bar_width), picoseconds(k_period), initiators, routes);
        for (std::uint32_t i = 0; i < initiators; ++i) {
            source.push_back(std::make_unique<test_initiator>(("source" + std::to_string(i)).c_str()));
            join(source.back()->socket_i, bar->from_t[i]);
        }
        for (std::uint32_t b = 0; b < k_units; ++b) {
            const hw::placement where{address(k_base), routes.routes()[0].map, b};
            banks.push_back(std::make_unique<hw::memory_bank>(("bank" + std::to_string(b)).c_str(),
                                                              bank_params(bank_width), picoseconds(k_period), where));
            join(bar->to_i[b], banks.back()->data_t);
        }
    }
    template <class From, class To>
    void join(From& from, To& to) {
        monitors.push_back(
            std::make_unique<hw::protocol_monitor>(("monitor" + std::to_string(monitors.size())).c_str()));
        from.bind(monitors.back()->up_t);
        monitors.back()->down_i.bind(to);
    }
    ~crossbar_bench() {
        for (const auto& m : monitors) {
            for (const auto& v : m->violations())
                BOOST_ERROR(v.rule << ' ' << v.message);
            BOOST_TEST(m->in_flight() == 0u);
        }
    }
    std::uint64_t bank_address(std::uint32_t bank, std::uint64_t local = 0) const {
        return k_base + bank * 64 * 1024 + local;
    }
};

constexpr std::uint64_t cycles_of(std::uint64_t n) {
    return n * k_period;
}

} // namespace kpu::test
