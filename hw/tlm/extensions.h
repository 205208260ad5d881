#pragma once
// The two extensions that travel with payloads. Both may be ignored by any component: a payload without them is a plain
// base-protocol transaction.

#include "platforms/common/units.h"

#include <tlm>

namespace kpu::hw {

/// Who asks. Set by the engine before the first transport call, read by observers and checkers, never changed on the
/// way.
struct origin : tlm::tlm_extension<origin> {
    engine_id engine;
    std::uint32_t command = 0; ///< number of the command within its engine's queue, 1 is the first
    std::uint32_t tag = 0;     ///< firmware's tag: the DFX operation

    tlm::tlm_extension_base* clone() const override { return new origin(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const origin&>(other); }
};

/// How a transfer's data flows in time, and where it lies.
///
/// The annotated delay of b_transport says when the *last* byte is delivered or accepted. A mover that forwards data as
/// it comes needs the first one too, and at whole-tile chunks a copy per hop would be most of the simulation's work.
struct flow : tlm::tlm_extension<flow> {
    /// Set by the target before it returns: delay, from now, until the first beat of a read is delivered. Reset by the
    /// initiator.
    sc_core::sc_time first;
    /// Set true by the initiator of a read that can use the target's storage in place of a copy.
    bool accept_loan = false;
    /// Set by the target instead of filling the data array: the bytes asked for, readable until they are next written.
    const unsigned char* loan = nullptr;

    tlm::tlm_extension_base* clone() const override { return new flow(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const flow&>(other); }
};

} // namespace kpu::hw
