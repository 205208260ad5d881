#include "tests/component/control/engine_bench.h"
#include "tests/support/sim_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::test;
using iface::fault;
using iface::perf_counter;

namespace {

/// busy + stalls + idle is the time since the last reset.
void check_sum(engine_port& port, std::uint64_t elapsed) {
    std::uint64_t sum = 0;
    for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c)
        if (measures_time(static_cast<perf_counter>(c)))
            sum += port.perf(static_cast<perf_counter>(c));
    BOOST_TEST(sum == elapsed);
}

/// Writes down what it is told.
struct recorder : observer {
    std::vector<std::string> lines;
    void note(const std::string& what, const command_ref& c) {
        lines.push_back(std::to_string(cycle()) + " " + what + " " + std::to_string(c.engine.value()) + "." +
                        std::to_string(c.number) + " tag " + std::to_string(c.tag));
    }
    void on_push(const command_ref& c, const iface::command_header&, std::uint32_t) override { note("push", c); }
    void on_wait(const command_ref& c, const iface::wait_for&) override { note("wait", c); }
    void on_start(const command_ref& c, const iface::command_header&) override { note("start", c); }
    void on_complete(const command_ref& c) override { note("complete", c); }
    void on_fault(const command_ref& c, fault) override { note("fault", c); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(engine, sim_fixture)

BOOST_AUTO_TEST_CASE(identity) {
    engine_bench b;
    run([&] {
        BOOST_TEST(b.ports[1]->read(reg::id) == (4u | 5u << 8 | 1u << 16));
        BOOST_TEST(b.ports[1]->read(reg::queue_depth) == 4u);
        BOOST_TEST(b.ports[1]->read(reg::capability + 12) == 77u);
        BOOST_TEST(b.ports[1]->free() == 4u);
        BOOST_TEST(!b.ports[1]->busy());
    });
}

BOOST_AUTO_TEST_CASE(commands_run_in_order_and_signal) {
    engine_bench b;
    run([&] {
        b.ports[0]->push(10);
        b.ports[0]->push(20);
        cycles_pass(9);
        BOOST_TEST(b.completed(0) == 0u);
        BOOST_TEST(b.ports[0]->busy());
        cycles_pass(1);
        sc_core::wait(sc_core::SC_ZERO_TIME);
        BOOST_TEST(b.completed(0) == 1u);
        cycles_pass(19);
        BOOST_TEST(b.completed(0) == 1u);
        cycles_pass(2);
        BOOST_TEST(b.completed(0) == 2u);
        BOOST_TEST(!b.ports[0]->busy());
        BOOST_TEST(b.ports[0]->perf(perf_counter::commands) == 2u);
        BOOST_TEST(b.ports[0]->perf(perf_counter::busy) == 30u);
        BOOST_TEST(b.ports[0]->perf(perf_counter::idle) == 1u);
        check_sum(*b.ports[0], 31);
    });
}

BOOST_AUTO_TEST_CASE(full_queue_rejects_and_drops_nothing) {
    engine_bench b;
    run([&] {
        b.ports[0]->push(10);
        cycles_pass(1); // issued: the queue is empty again
        for (int i = 0; i < 4; ++i) {
            b.ports[0]->push(10);
            BOOST_TEST(!b.ports[0]->rejected());
        }
        BOOST_TEST(b.ports[0]->free() == 0u);
        b.ports[0]->push(10);
        BOOST_TEST(b.ports[0]->rejected());
        BOOST_TEST(b.ports[0]->free() == 0u);
        cycles_pass(10);
        BOOST_TEST(b.ports[0]->free() == 1u);
        b.ports[0]->push(10);
        BOOST_TEST(!b.ports[0]->rejected());
        cycles_pass(100);
        BOOST_TEST(b.completed(0) == 6u);
    });
}

BOOST_AUTO_TEST_CASE(four_waits_hold_until_the_last_is_satisfied) {
    engine_bench b;
    run([&] {
        b.ports[2]->push(5, {until(0, 1), until(0, 2), until(1, 1), until(1, 2)});
        b.ports[0]->push(10);
        b.ports[0]->push(10);
        b.ports[1]->push(30);
        b.ports[1]->push(30); // overlaps: ends at 40
        cycles_pass(44);
        BOOST_TEST(b.completed(2) == 0u);
        cycles_pass(2);
        BOOST_TEST(b.completed(2) == 1u);
        BOOST_TEST(b.ports[2]->perf(perf_counter::stall_dma) == 20u);
        BOOST_TEST(b.ports[2]->perf(perf_counter::stall_array) == 20u);
        BOOST_TEST(b.ports[2]->perf(perf_counter::busy) == 5u);
        check_sum(*b.ports[2], 46);
    });
}

BOOST_AUTO_TEST_CASE(satisfied_waits_and_count_zero_do_not_hold) {
    engine_bench b;
    run([&] {
        b.ports[0]->push(1);
        cycles_pass(2);
        b.ports[2]->push(1, {until(0, 1), {engine_id(999), 0}});
        cycles_pass(2);
        BOOST_TEST(b.completed(2) == 1u);
    });
}

BOOST_AUTO_TEST_CASE(join_completes_in_queue_order) {
    engine_bench b;
    run([&] {
        b.ports[1]->push(30); // next may be issued after 10, completes at 30
        b.ports[1]->push_join({until(0, 1)});
        b.ports[0]->push(15);
        cycles_pass(16);
        BOOST_TEST(b.ports[1]->free() == 4u); // the join was issued …
        BOOST_TEST(b.completed(1) == 0u);     // … but completes behind its predecessor
        cycles_pass(15);
        BOOST_TEST(b.completed(1) == 2u);
        b.ports[1]->push_join({});
        cycles_pass(1);
        BOOST_TEST(b.completed(1) == 3u);
    });
}

BOOST_AUTO_TEST_CASE(interrupts_are_sticky_levels) {
    engine_bench b;
    run([&] {
        engine_port& p = *b.ports[0];
        p.write(reg::irq_watermark, 1);
        p.write(reg::irq_enable, reg::irq_command);
        p.push(10);
        p.push(10, {}, true);
        p.push(10);
        cycles_pass(1);
        BOOST_TEST(p.read(reg::irq_status) == 0u); // 2 queued
        cycles_pass(10);
        BOOST_TEST(p.read(reg::irq_status) == reg::irq_queue_low); // fell to 1
        BOOST_TEST(!b.core_irq.read());                            // not enabled
        cycles_pass(10);
        BOOST_TEST(p.read(reg::irq_status) == (reg::irq_queue_low | reg::irq_command));
        BOOST_TEST(b.core_irq.read());
        BOOST_TEST(b.interrupts.pending(0) == 1u);
        p.write(reg::irq_status, reg::irq_queue_low);
        cycles_pass(1);
        BOOST_TEST(b.core_irq.read()); // still
        p.write(reg::irq_status, reg::irq_command);
        cycles_pass(1);
        BOOST_TEST(!b.core_irq.read());
        cycles_pass(10);
        BOOST_TEST(p.read(reg::irq_status) == reg::irq_idle);
        p.write(reg::irq_enable, reg::irq_idle); // enabling a pending cause raises the line
        cycles_pass(1);
        BOOST_TEST(b.core_irq.read());
    });
}

BOOST_AUTO_TEST_CASE(queue_low_fires_once_per_fall) {
    engine_bench b;
    run([&] {
        engine_port& p = *b.ports[0];
        p.push(10);
        cycles_pass(1);
        BOOST_TEST(p.read(reg::irq_status) == reg::irq_queue_low); // watermark 0: the queue ran empty
        p.write(reg::irq_status, reg::irq_queue_low);
        cycles_pass(4);
        BOOST_TEST(p.read(reg::irq_status) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(bad_commands_halt_and_are_named) {
    engine_bench b;
    run([&] {
        engine_port& p = *b.ports[0];
        p.write(reg::irq_enable, reg::irq_error);
        p.push(10);
        iface::command_header fold;
        fold.op = iface::opcode::fold;
        fold.tag = 42;
        p.push(iface::encode(fold));
        p.push(10);
        cycles_pass(11);
        BOOST_TEST(b.completed(0) == 1u);
        BOOST_TEST(p.halted());
        BOOST_TEST(p.read(reg::error_cause) == static_cast<std::uint32_t>(fault::bad_opcode));
        BOOST_TEST(p.read(reg::error_command) == 2u);
        BOOST_TEST(p.read(reg::error_tag) == 42u);
        BOOST_TEST(b.core_irq.read());
        BOOST_TEST(b.engines[0]->outstanding());
        cycles_pass(50);
        BOOST_TEST(b.completed(0) == 1u); // the third stays queued
        check_sum(p, 61);
    });
}

BOOST_AUTO_TEST_CASE(wait_for_an_engine_that_does_not_exist) {
    engine_bench b;
    run([&] {
        iface::command_header header;
        header.op = iface::opcode::copy;
        iface::descriptor_words words = iface::encode(header);
        words[2] = 0x10000; // would be engine 0 in 16 bits
        words[3] = 1;
        b.ports[0]->push(words);
        cycles_pass(1);
        BOOST_TEST(b.ports[0]->read(reg::error_cause) == static_cast<std::uint32_t>(fault::bad_wait));
        b.ports[2]->push(1, {until(3, 1)});
        cycles_pass(1);
        BOOST_TEST(b.ports[2]->read(reg::error_cause) == static_cast<std::uint32_t>(fault::bad_wait));
    });
}

BOOST_AUTO_TEST_CASE(refused_operands_halt) {
    engine_bench b;
    run([&] {
        b.engines[0]->refuse = fault::bad_operand;
        b.ports[0]->push(1, {}, false, 9);
        cycles_pass(1);
        BOOST_TEST(b.ports[0]->read(reg::error_cause) == static_cast<std::uint32_t>(fault::bad_operand));
        BOOST_TEST(b.ports[0]->read(reg::error_tag) == 9u);
        BOOST_TEST(b.completed(0) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(fault_in_flight_lets_earlier_commands_finish) {
    engine_bench b;
    run([&] {
        b.ports[1]->push(30); // completes at 30, next from 10
        b.ports[1]->push(30, {}, false, 5);
        b.ports[1]->push(30);
        cycles_pass(15);
        b.engines[1]->fail_in_flight({engine_id(1), 2, 5}, fault::bus_error);
        cycles_pass(100);
        BOOST_TEST(b.completed(1) == 1u);
        BOOST_TEST(b.ports[1]->read(reg::error_command) == 2u);
        // An earlier fault that is found later is the one to report.
        b.ports[1]->write(reg::control, 1);
        b.ports[1]->push(30, {}, false, 1);
        b.ports[1]->push(30, {}, false, 2);
        cycles_pass(15);
        b.engines[1]->fail_in_flight({engine_id(1), 2, 2}, fault::bus_error);
        b.engines[1]->fail_in_flight({engine_id(1), 1, 1}, fault::address_error);
        BOOST_TEST(b.ports[1]->read(reg::error_command) == 1u);
        BOOST_TEST(b.ports[1]->read(reg::error_cause) == static_cast<std::uint32_t>(fault::address_error));
        cycles_pass(100);
        BOOST_TEST(b.completed(1) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(reset_in_every_state_then_run_again) {
    engine_bench b;
    run([&] {
        engine_port& p = *b.ports[0];
        const auto runs_again = [&] {
            p.write(reg::control, 1);
            BOOST_TEST(p.free() == 4u);
            BOOST_TEST(!p.busy());
            BOOST_TEST(!p.halted());
            BOOST_TEST(b.completed(0) == 0u);
            BOOST_TEST(p.read(reg::irq_status) == 0u);
            const std::uint64_t begun = cycle();
            p.push(10, {}, false, 0, 4);
            cycles_pass(100);
            BOOST_TEST(b.completed(0) == 1u);
            BOOST_TEST(p.perf(perf_counter::commands) == 1u);
            BOOST_TEST(p.perf(perf_counter::stall_read) == 4u);
            check_sum(p, cycle() - begun);
        };
        runs_again(); // idle
        p.push(50);
        p.push(50);
        cycles_pass(20);
        runs_again(); // executing
        p.push(10, {until(2, 1)});
        cycles_pass(20);
        runs_again(); // waiting for a semaphore, and its wait is forgotten:
        b.ports[2]->push(1);
        cycles_pass(20);
        p.push(1, {until(3, 1)});
        cycles_pass(20);
        BOOST_TEST(p.halted());
        runs_again(); // halted
        BOOST_TEST(b.engines[0]->resets == 4u);
    });
}

BOOST_AUTO_TEST_CASE(reset_clears_the_line) {
    engine_bench b;
    run([&] {
        b.ports[0]->write(reg::irq_enable, reg::irq_idle);
        b.ports[0]->push(1);
        cycles_pass(2);
        BOOST_TEST(b.core_irq.read());
        b.ports[0]->write(reg::control, 1);
        cycles_pass(1);
        BOOST_TEST(!b.core_irq.read());
    });
}

BOOST_AUTO_TEST_CASE(counters_add_up_at_any_moment) {
    engine_bench b;
    run([&] {
        b.ports[0]->push(7, {until(1, 1)}, false, 0, 3);
        b.ports[1]->push(9);
        b.ports[0]->push(5, {until(2, 1)});
        b.ports[2]->push(40);
        for (std::uint64_t t = 0; t < 60; ++t) {
            for (const auto& p : b.ports)
                check_sum(*p, t);
            cycles_pass(1);
        }
    });
}

BOOST_AUTO_TEST_CASE(tail_of_overlapping_commands_is_busy) {
    engine_bench b;
    run([&] {
        b.ports[1]->push(30);
        cycles_pass(40);
        BOOST_TEST(b.ports[1]->perf(perf_counter::busy) == 30u); // 10 in execute, 20 until it completed
        BOOST_TEST(b.ports[1]->perf(perf_counter::idle) == 10u);
    });
}

BOOST_AUTO_TEST_CASE(blockage_names_command_and_wait) {
    engine_bench b;
    run([&] {
        b.ports[0]->push(1);
        b.ports[0]->push(1, {until(1, 7)}, false, 33);
        cycles_pass(5);
        command_engine::blockage where;
        BOOST_TEST(b.engines[0]->blocked(where));
        BOOST_TEST(where.head.number == 2u);
        BOOST_TEST(where.head.tag == 33u);
        BOOST_TEST(where.on.engine.value() == 1u);
        BOOST_TEST(where.on.count == 7u);
        BOOST_TEST(!b.engines[1]->blocked(where));
    });
}

BOOST_AUTO_TEST_CASE(observers_see_the_life_of_a_command) {
    engine_bench b;
    recorder r;
    b.engines[0]->watch(&r);
    run([&] {
        b.ports[0]->push(5, {until(2, 1)}, false, 8);
        b.ports[2]->push(10);
        cycles_pass(20);
    });
    const std::vector<std::string> expected = {"0 push 0.1 tag 8", "0 wait 0.1 tag 8", "10 start 0.1 tag 8",
                                               "15 complete 0.1 tag 8"};
    BOOST_TEST(r.lines == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
