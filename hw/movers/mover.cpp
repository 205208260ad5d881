#include "hw/movers/mover.h"

#include "hw/interface/capabilities.h"
#include "hw/tlm/time.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

using iface::fault;
using iface::perf_counter;

namespace {

/// Equal shares of the buffer of at most `wanted` bytes, at least two: space that one chunk releases is then exactly
/// what a later one needs, so that timing does not depend on the size of chunks.
bytes equal_share(bytes buffer, bytes wanted, bytes alignment) {
    const std::uint64_t parts =
        std::max<std::uint64_t>(2, ceil_div(buffer.value(), std::max<std::uint64_t>(1, wanted.value())));
    const std::uint64_t share = buffer.value() / parts;
    return bytes(std::max<std::uint64_t>(1, share >= alignment.value() ? share - share % alignment.value() : share));
}

fault fault_of(tlm::tlm_response_status status) {
    if (status == tlm::TLM_OK_RESPONSE)
        return fault::none;
    return status == tlm::TLM_ADDRESS_ERROR_RESPONSE ? fault::address_error : fault::bus_error;
}

/// What the capability registers say beside what the kind of mover has set.
engine_config describe(const mover_config& config) {
    engine_config engine = config.engine;
    engine.capabilities[iface::mover_cap::bytes_cycle] = static_cast<std::uint32_t>(config.params.width.value());
    engine.capabilities[iface::mover_cap::start_cost] = static_cast<std::uint32_t>(config.params.start_cost.value());
    engine.capabilities[iface::mover_cap::in_flight] = static_cast<std::uint32_t>(config.params.in_flight.value());
    return engine;
}

} // namespace

mover::mover(sc_core::sc_module_name name, const mover_config& config)
    : command_engine(name, describe(config)), far_i("far_i"), near_i("near_i"), m_config(config),
      m_rate(transfer_rate::clocked(config.params.width, config.engine.period)),
      m_buffer(std::max<std::uint64_t>(2, config.params.in_flight.value())),
      m_chunk(equal_share(m_buffer, config.params.chunk, config.alignment)),
      m_alignment(m_chunk < config.alignment ? bytes(1) : config.alignment), m_read_far(far_i), m_read_near(near_i),
      m_write_far(far_i), m_write_near(near_i), m_staging_size(m_buffer.value() + 2 * m_chunk.value()) {
    m_staging.reset(
        new unsigned char[m_staging_size]); // not cleared: pages that loans make unnecessary are never touched
    SC_HAS_PROCESS(mover);
    SC_THREAD(write_loop);
    SC_METHOD(complete);
    sensitive << m_complete;
    dont_initialize();
}

void mover::on_reset() {
    m_jobs.clear();
    m_chunks.clear();
    m_completions.clear();
    m_written = 0;
    m_position = 0;
    m_staged = 0;
    m_data_end = m_write_free = m_write_end = picoseconds();
    m_write.cancel();
    m_complete.cancel();
    m_room.tell();
}

// ---- reading: the issue thread ------------------------------------------------------------------------------------

fault mover::execute(const command& c) {
    m_fills = c.header.op == iface::opcode::fill;
    m_gathers = c.header.op == iface::opcode::gather;
    if (m_gathers)
        return gather(c, iface::decode_gather(c.words));
    iface::copy_operands copy;
    if (m_fills) {
        const iface::fill_operands fill = iface::decode_fill(c.words);
        m_pattern = fill.pattern;
        m_fill_run = std::max<std::uint64_t>(1, fill.run);
        m_run_position = 0;
        copy = {fill.count, fill.run, fill.destination, fill.destination};
    } else {
        copy = iface::decode_copy(c.words);
    }
    if (total_bytes(copy) == bytes(0))
        return fault::bad_operand;
    return begin(c) ? carry_out(c, copy, strided_walk(copy, copy.source).run()) : fault::none;
}

/// False if the command is not to be continued.
bool mover::begin(const command& c) {
    m_read_far.act_for(c.ref);
    m_read_near.act_for(c.ref);
    m_begun_in = epoch();
    const picoseconds start_cost = config().period * m_config.params.start_cost.value();
    return start_cost == picoseconds() || pause(start_cost);
}

fault mover::gather(const command& c, const iface::gather_operands& g) {
    iface::copy_operands copy; // its destination
    copy.count[3] = g.count;
    copy.run = g.run;
    copy.destination = {g.destination, {0, 0, 0, g.run}};
    copy.source = copy.destination;
    if (g.count > iface::k_most_indices || g.indices.value() % sizeof(std::uint32_t) != 0 ||
        total_bytes(copy) == bytes(0))
        return fault::bad_operand;
    if (!begin(c))
        return fault::none;
    const fault failed = read_indices(g);
    if (failed != fault::none || m_begun_in != epoch())
        return failed;
    m_rows = row_walk(g, m_indices.data());
    return carry_out(c, copy, bytes(g.run));
}

/// All indices of a command come first, and the time until the last of them is there.
fault mover::read_indices(const iface::gather_operands& g) {
    const bytes length(std::uint64_t{g.count} * sizeof(std::uint32_t));
    initiator& side = is_far(g.indices) ? m_read_far : m_read_near;
    sc_core::sc_time delay;
    const fault failed =
        fault_of(side.read(g.indices, length, reinterpret_cast<unsigned char*>(m_indices.data()), delay));
    if (failed != fault::none)
        return failed;
    count(perf_counter::read_bytes, length.value());
    count_as(perf_counter::stall_read);
    if (!pause(to_ps(delay)))
        return fault::none;
    count_as(perf_counter::busy);
    for (std::uint32_t i = 0; !m_has_indices && i < g.count; ++i)
        m_indices[i] = i % g.rows;
    const auto end = m_indices.begin() + g.count;
    const bool in_range = std::all_of(m_indices.begin(), end, [&](std::uint32_t index) {
        return index < g.rows && index <= std::uint32_t{std::numeric_limits<std::int32_t>::max()};
    });
    return in_range ? fault::none : fault::index_error;
}

/// `run`: bytes that are contiguous at the source.
fault mover::carry_out(const command& c, const iface::copy_operands& copy, bytes run) {
    const bytes total = total_bytes(copy);
    m_source = strided_walk(copy, copy.source);
    job& own = m_jobs.append(); // stays until its last chunk is written
    own.ref = c.ref;
    own.destination = strided_walk(copy, copy.destination);
    const strided_walk& cut = is_far(copy.source.base) ? m_source : own.destination;
    const bytes limit = chunk_limit(std::min(run, own.destination.run()));
    while (m_source.left() > bytes(0)) {
        const bytes length = chunk_length(cut, total - m_source.left(), m_source.left(), limit, m_alignment);
        if (!make_room(length) || !read_chunk(c.ref, length))
            return fault::none;
    }
    return fault::none;
}

/// Each run takes a beat of the engine at least. Where runs are short, a chunk takes the engine no longer than one of
/// long runs does, but is a full beat.
bytes mover::chunk_limit(bytes run) const {
    const bytes width = m_config.params.width;
    return std::min(m_chunk, std::max(width, run * (m_chunk / width)));
}

/// False if the command is not to be continued: the engine was reset, or an earlier command failed.
bool mover::pause(picoseconds duration) {
    wait(to_time(duration));
    return m_begun_in == epoch() && !halted();
}

/// Waits until a request for the next `length` bytes finds room in the buffer. Space is counted by the byte: the
/// request for byte x may be made once byte x - in_flight has been written, and requests are made at the engine's rate.
bool mover::make_room(bytes length) {
    const std::uint64_t end = m_position + length.value();
    if (end <= m_buffer.value())
        return true;
    const std::uint64_t to = end - m_buffer.value();
    const std::uint64_t from = to > length.value() ? to - length.value() : 0;
    picoseconds ready;
    perf_counter cause = perf_counter::stall_read;
    for (bool enough = false; !enough;) {
        while (m_written == 0) {
            count_as(perf_counter::stall_read); // the oldest data has not even arrived
            m_room.await();
            if (m_begun_in != epoch() || halted())
                return false;
        }
        const chunk& oldest = m_chunks.front();
        const picoseconds free = free_from(oldest, from, to);
        if (free > ready) {
            ready = free;
            cause = oldest.slower;
        }
        enough = oldest.stream_end >= to;
        if (oldest.stream_end <= to) {
            m_chunks.pop();
            --m_written;
        }
    }
    if (ready > now_ps()) {
        count_as(cause);
        if (!pause(ready - now_ps()))
            return false;
    }
    count_as(perf_counter::busy);
    return true;
}

/// The earliest time of a request whose bytes need the space of stream bytes [from, to), as far as `oldest` holds them.
picoseconds mover::free_from(const chunk& oldest, std::uint64_t from, std::uint64_t to) const {
    const std::uint64_t until = std::min(oldest.stream_end, to);
    const std::uint64_t begin = oldest.stream_end - oldest.length.value();
    const picoseconds writing =
        oldest.write_end - oldest.write_begin; // 64 bits hold its product with any chunk's length
    const picoseconds written = oldest.write_begin + writing * (until - begin) / oldest.length.value();
    const picoseconds ahead = m_rate.duration(bytes(until > from ? until - from : 0));
    return written > ahead ? written - ahead : picoseconds();
}

unsigned char* mover::stage(bytes length) {
    if (m_staged + length.value() > m_staging_size)
        m_staged = 0;
    unsigned char* const at = m_staging.get() + m_staged;
    m_staged += length.value();
    return at;
}

void mover::write_pattern(unsigned char* into, bytes length) {
    if (m_pattern == 0) {
        std::memset(into, 0, length.value());
        return;
    }
    for (std::uint64_t i = 0; i < length.value(); ++i) {
        const std::uint64_t byte = m_run_position++ % m_fill_run % sizeof m_pattern;
        into[i] = static_cast<unsigned char>(m_pattern >> 8 * byte);
    }
}

/// What a fill has instead of data from a memory: it is there as soon as it is asked for, a beat at a time.
mover::transfer mover::make_pattern(bytes length, unsigned char* into) {
    transfer done;
    for (bytes got; got < length;) {
        const segment s = m_source.next(length - got);
        write_pattern(into + got.value(), s.length);
        done.occupies += m_rate.duration(s.length);
        got += s.length;
    }
    done.first = now_ps() + m_rate.beat();
    done.last = now_ps() + done.occupies;
    return done;
}

segment mover::next_source(bytes limit) {
    if (!m_gathers)
        return m_source.next(limit);
    const segment s = m_rows.next(limit);
    (void)m_source.next(s.length);
    return s;
}

mover::transfer mover::read_segments(bytes length, unsigned char* into, const unsigned char*& data) {
    transfer done;
    const picoseconds now = now_ps();
    bytes got;
    data = into;
    while (got < length && done.error == fault::none) {
        const segment s = next_source(length - got);
        initiator& side = is_far(s.where) ? m_read_far : m_read_near;
        sc_core::sc_time delay;
        // A chunk that is one segment can stay where it is; others are gathered.
        done.error = fault_of(s.length == length ? side.read_loan(s.where, s.length, into, data, delay)
                                                 : side.read(s.where, s.length, into + got.value(), delay));
        if (got == bytes(0))
            done.first = now + to_ps(side.first());
        done.last = std::max(done.last, now + to_ps(delay));
        done.occupies += m_rate.duration(s.length);
        got += s.length;
    }
    return done;
}

/// Requests a chunk, hands it to the writing process, and waits until the engine can make the next request.
bool mover::read_chunk(const command_ref& ref, bytes length) {
    unsigned char* const staged = stage(length);
    const unsigned char* data = staged;
    const transfer read = m_fills ? make_pattern(length, staged) : read_segments(length, staged, data);
    if (read.error != fault::none) {
        raise_fault(ref, read.error);
        return false;
    }
    if (!m_fills)
        count(perf_counter::read_bytes, length.value());
    m_position += length.value();
    const picoseconds beat = m_rate.beat();
    chunk& c = m_chunks.append();
    c.ref = ref;
    c.data = data;
    c.length = length;
    c.last = m_source.left() == bytes(0);
    c.stream_end = m_position;
    c.requested = now_ps();
    c.first = std::max(read.first, m_data_end + beat);
    c.read_end = std::max(read.last, c.first + read.occupies - beat);
    m_data_end = c.read_end;
    if (unwritten() == 1)
        wake_writer();
    return pause(read.occupies);
}

// ---- writing ------------------------------------------------------------------------------------------------------

void mover::wake_writer() {
    const picoseconds due = std::max(m_chunks[m_written].first, m_write_free);
    const picoseconds now = now_ps();
    m_write.notify(due > now ? to_time(due - now) : sc_core::SC_ZERO_TIME);
}

void mover::write_loop() {
    for (;;) {
        wait(m_write);
        while (unwritten() > 0 && std::max(m_chunks[m_written].first, m_write_free) <= now_ps()) {
            write_chunk(m_chunks[m_written]);
            ++m_written;
        }
        if (unwritten() > 0)
            wake_writer();
        if (m_written > 0)
            m_room.tell();
    }
}

mover::transfer mover::write_segments(strided_walk& to, const chunk& c) {
    transfer done;
    m_write_far.act_for(c.ref);
    m_write_near.act_for(c.ref);
    const picoseconds now = now_ps();
    bytes put;
    while (put < c.length && done.error == fault::none) {
        const segment s = to.next(c.length - put);
        initiator& side = is_far(s.where) ? m_write_far : m_write_near;
        sc_core::sc_time delay;
        done.error = fault_of(side.write(s.where, s.length, c.data + put.value(), delay));
        picoseconds& way = is_far(s.where) ? m_way_far : m_way_near;
        way = std::min(way, to_ps(side.first()));
        done.way = way;
        done.last = std::max(done.last, now + to_ps(delay));
        done.occupies += m_rate.duration(s.length);
        put += s.length;
    }
    return done;
}

/// Runs when the chunk's first data reaches the engine. It is written when the memory has accepted it, but not before
/// its last byte has come and gone the way from the engine to the memory.
void mover::write_chunk(chunk& c) {
    const picoseconds now = now_ps();
    c.write_begin = std::max(now, m_write_end);
    if (halted() && c.ref.number >= faulty_command().number) { // not to be written: only releases its space
        m_write_end = c.write_end = c.write_begin;
        return;
    }
    job& of = m_jobs.front();
    const transfer write = write_segments(of.destination, c);
    if (write.error != fault::none) {
        raise_fault(c.ref, write.error);
    } else {
        count(perf_counter::write_bytes, c.length.value());
        m_write_free = std::max(m_write_free, now) + write.occupies;
    }
    c.write_end = std::max({write.last, m_write_free, c.read_end + write.way, m_write_end});
    m_write_end = c.write_end;
    const picoseconds read_late =
        c.read_end - c.requested - std::min(m_rate.duration(c.length), c.read_end - c.requested);
    c.slower = c.write_end - c.read_end > read_late ? perf_counter::stall_write : perf_counter::stall_read;
    drain_as(c.slower);
    if (c.last) {
        m_jobs.pop();
        complete_at(c.ref, c.write_end);
    }
}

// ---- completion ---------------------------------------------------------------------------------------------------

void mover::complete_at(const command_ref& ref, picoseconds when) {
    m_completions.push({ref, when});
    if (m_completions.size() == 1)
        m_complete.notify(to_time(when - now_ps()));
}

void mover::complete() {
    while (!m_completions.empty() && m_completions.front().when <= now_ps()) {
        const command_ref done = m_completions.front().ref;
        m_completions.pop();
        finish(done);
    }
    if (!m_completions.empty())
        m_complete.notify(to_time(m_completions.front().when - now_ps()));
}

} // namespace kpu::hw
