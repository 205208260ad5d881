#pragma once
// What DMA engines, block movers and streamers have in common: strided copies, cut-through, between the two sides of
// the chip that the mover lies between.

#include "hw/control/command_engine.h"
#include "hw/control/news.h"
#include "hw/memory/port_schedule.h"
#include "hw/movers/strided_walk.h"
#include "hw/tlm/initiator.h"
#include "platforms/platform.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

namespace kpu::hw {

/// How a mover is built into the chip.
struct mover_config {
    engine_config engine;
    platform::mover_params params;
    platform::address_range far_side; ///< addresses behind far_i; all others are behind near_i
    bytes alignment{64};              ///< of cuts between chunks, where it costs nothing
};

/// Executes `copy`, `fill` and `gather`. See hw/movers/README.md for the timing.
class mover : public command_engine {
  public:
    tlm_utils::simple_initiator_socket<mover> far_i;  ///< towards DRAM
    tlm_utils::simple_initiator_socket<mover> near_i; ///< towards the array

    /// For a chip without data: a gather takes one row after the other, whatever its indices would be.
    void skip_indices() { m_has_indices = false; }

  protected:
    mover(sc_core::sc_module_name name, const mover_config& config);

  private:
    /// A command whose bytes are under way: what the writing process needs of it.
    struct job {
        command_ref ref;
        strided_walk destination;
    };
    /// A piece of a copy, from the request of its read until the buffer space that it took has been used again.
    struct chunk {
        command_ref ref;
        const unsigned char* data = nullptr;
        bytes length;
        bool last = false;            ///< of its command
        std::uint64_t stream_end = 0; ///< position of its end in the stream of all bytes since the reset
        picoseconds requested;        ///< when its first byte was asked for
        picoseconds first, read_end;  ///< when its data reaches the engine
        picoseconds write_begin, write_end;
        iface::perf_counter slower = iface::perf_counter::stall_read; ///< the side that held it up
    };
    struct completion {
        command_ref ref;
        picoseconds when;
    };
    /// Outcome of the bus accesses of one chunk on one side.
    struct transfer {
        iface::fault error = iface::fault::none;
        picoseconds first, last; ///< absolute times of the first and the last byte
        picoseconds occupies;    ///< of the engine's own datapath: whole beats per segment
        picoseconds way; ///< of a write: from the engine until a beat has been accepted, where nothing holds it up
    };

    iface::fault execute(const command& c) override;
    [[nodiscard]] bool begin(const command& c);
    [[nodiscard]] iface::fault carry_out(const command& c, const iface::copy_operands& copy, bytes run);
    [[nodiscard]] iface::fault gather(const command& c, const iface::gather_operands& g);
    [[nodiscard]] iface::fault read_indices(const iface::gather_operands& g);
    [[nodiscard]] bool supports(iface::opcode op) const override {
        return op == iface::opcode::copy || op == iface::opcode::fill || op == iface::opcode::gather;
    }
    void on_reset() override;

    [[nodiscard]] bytes chunk_limit(bytes run) const;
    [[nodiscard]] bool make_room(bytes length);
    [[nodiscard]] picoseconds free_from(const chunk& oldest, std::uint64_t from, std::uint64_t to) const;
    [[nodiscard]] bool pause(picoseconds duration);
    [[nodiscard]] unsigned char* stage(bytes length);
    segment next_source(bytes limit);
    transfer read_segments(bytes length, unsigned char* into, const unsigned char*& data);
    void write_pattern(unsigned char* into, bytes length);
    transfer make_pattern(bytes length, unsigned char* into);
    [[nodiscard]] bool read_chunk(const command_ref& ref, bytes length);

    void write_loop();
    transfer write_segments(strided_walk& to, const chunk& c);
    void write_chunk(chunk& c);
    void wake_writer();
    void complete_at(const command_ref& ref, picoseconds when);
    void complete();

    [[nodiscard]] bool is_far(address where) const { return m_config.far_side.contains(where, bytes(1)); }
    [[nodiscard]] std::size_t unwritten() const { return m_chunks.size() - m_written; }

    mover_config m_config;
    transfer_rate m_rate; ///< of the engine
    bytes m_buffer;       ///< in_flight
    bytes m_chunk;        ///< largest chunk: an equal share of the buffer
    bytes m_alignment;
    initiator m_read_far, m_read_near, m_write_far, m_write_near;

    // the reading process: the issue thread
    strided_walk m_source;
    std::uint64_t m_position = 0; ///< bytes requested since the reset
    std::uint32_t m_begun_in = 0; ///< epoch of the command in execute()
    bool m_fills = false;         ///< it has no source: m_source walks the destination
    bool m_gathers = false;       ///< its source is m_rows: m_source walks the destination
    bool m_has_indices = true;
    row_walk m_rows;
    std::array<std::uint32_t, iface::k_most_indices> m_indices{};
    std::uint64_t m_pattern = 0, m_fill_run = 1, m_run_position = 0;
    picoseconds m_data_end; ///< when the last byte requested reaches the engine
    std::unique_ptr<unsigned char[]> m_staging;
    std::size_t m_staging_size = 0, m_staged = 0;

    // between the processes
    ring<job> m_jobs;
    ring<chunk> m_chunks; ///< oldest first; the first m_written of them are written and kept for their times
    std::size_t m_written = 0;
    picoseconds m_write_free; ///< when the engine's write side has accepted everything so far
    picoseconds m_write_end;  ///< when everything so far is written
    /// The shortest way of a beat that was seen: the one without contention, once there was none.
    picoseconds m_way_far{std::numeric_limits<std::uint64_t>::max()};
    picoseconds m_way_near{std::numeric_limits<std::uint64_t>::max()};
    ring<completion> m_completions;
    news m_room{"room"}; ///< a chunk has been written
    sc_core::sc_event m_write{"write"};
    sc_core::sc_event m_complete{"completion_due"};
};

} // namespace kpu::hw
