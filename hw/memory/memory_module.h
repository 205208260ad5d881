#pragma once
// What all memories have in common: a socket for any number of initiators, storage, bounds, loans, statistics,
// observers. A kind of memory adds its timing.

#include "hw/memory/interleave.h"
#include "hw/memory/paged_storage.h"
#include "hw/observe/observer.h"
#include "hw/tlm/extensions.h"

#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_target_socket.h>

namespace kpu::hw {

/// Since the start of simulation. "Bus" bytes are what the transfers occupied: whole bursts where the memory has any.
struct memory_stats {
    std::uint64_t reads = 0, writes = 0; ///< transactions
    bytes read_bytes, write_bytes;
    bytes read_bus_bytes, write_bus_bytes;
    picoseconds read_busy, write_busy; ///< summed over ports
    /// Banked DRAM: bursts that found their row open, their bank closed, another row open; activates; refreshes of all
    /// banks of a sub-channel.
    std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0, activations = 0, refreshes = 0;
};

/// Addresses on the socket are offsets within this memory; the crossbar in front subtracts the base. Accesses outside
/// it get TLM_ADDRESS_ERROR_RESPONSE, byte enables TLM_BYTE_ENABLE_ERROR_RESPONSE, streaming and empty ones
/// TLM_BURST_ERROR_RESPONSE; a refused access changes nothing and takes no time. b_transport never waits: it moves the
/// data at once, reserves the port and annotates delay and flow::first.
class memory_module : public sc_core::sc_module {
  public:
    tlm_utils::multi_passthrough_target_socket<memory_module> data_t;

    /// Observers are optional; null detaches.
    void watch(observer* who) { m_observer = who; }
    /// Keeps no bytes from now on, for runs that ask for times only: writes are dropped, reads leave the initiator's
    /// array as it is and lend nothing. Timing, bounds, statistics and observers are the same. Before the first access.
    void keep_no_data() { m_keeps_data = false; }
    /// From now on the bytes lie in `whole`, which the units of one memory share, at their offsets from where().base:
    /// what is consecutive in the address map can be lent in one piece. Before the first access.
    void share(std::shared_ptr<paged_storage> whole);
    [[nodiscard]] virtual memory_stats stats() const { return m_stats; }
    [[nodiscard]] bytes capacity() const { return m_capacity; }
    /// Its own, or the one that it shares.
    [[nodiscard]] const paged_storage& storage() const { return *m_storage; }
    [[nodiscard]] const placement& where() const { return m_where; }

  protected:
    /// The answer to a request: the port carries data in [start, end), `latency` before the initiator sees it; `beat`
    /// is the time of the first piece, `busy` that of all, without gaps between them.
    struct grant {
        picoseconds start, end, latency, beat;
        bytes bus;
        picoseconds busy;
    };
    memory_module(sc_core::sc_module_name name, bytes capacity, const placement& where);

    /// Reserves the port for an access at local address `local` that is requested at the absolute time `request`.
    virtual grant reserve(bool is_write, std::uint64_t local, bytes length, picoseconds request) = 0;

  private:
    [[nodiscard]] tlm::tlm_response_status check(const tlm::tlm_generic_payload& payload) const;
    /// access(offset in the storage, bytes of the access before it, length) for runs that lie together in the storage.
    template <class Access>
    void each_run(std::uint64_t local, std::uint64_t length, Access access) const;
    void read(std::uint64_t local, std::uint64_t length, unsigned char* into) const;
    void write(std::uint64_t local, std::uint64_t length, const unsigned char* from);
    [[nodiscard]] const unsigned char* loan(std::uint64_t local, std::uint64_t length) const;
    void move(tlm::tlm_generic_payload& payload, flow* timing);
    void account(const tlm::tlm_generic_payload& payload, const grant& granted);
    void b_transport(int id, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned int transport_dbg(int id, tlm::tlm_generic_payload& payload);

    std::string m_name;
    placement m_where;
    bytes m_capacity;
    interleave m_spread; ///< of the units over the storage
    std::shared_ptr<paged_storage> m_storage;
    memory_stats m_stats;
    observer* m_observer = nullptr;
    bool m_keeps_data = true;
};

} // namespace kpu::hw
