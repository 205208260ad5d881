#pragma once
// What every register file must do, checked from its table: run it over a bank on its own or over a whole block's
// window.

#include "hw/interface/registers.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::test {

/// How the check reaches the registers. `status` of an access is the TLM response: 1 ok, -2 address, -4 burst error, -5
/// byte enable.
class register_access {
  public:
    virtual ~register_access() = default;
    virtual int read(std::uint32_t offset, unsigned char* into, std::uint32_t length) = 0;
    virtual int write(std::uint32_t offset, const unsigned char* from, std::uint32_t length) = 0;
    /// As write, with byte enables on every byte.
    virtual int write_enabled(std::uint32_t offset, const unsigned char* from, std::uint32_t length) = 0;
    /// Bytes moved.
    virtual std::uint32_t debug_read(std::uint32_t offset, unsigned char* into, std::uint32_t length) = 0;
    /// Hardware side.
    virtual void set(std::uint32_t offset, std::uint32_t index, std::uint32_t value) = 0;
    virtual void reset() = 0;
};

/// Everything that is wrong, in words; empty if nothing is.
[[nodiscard]] std::vector<std::string> check_registers(const iface::register_spec* map, std::size_t count,
                                                       std::uint32_t window, register_access& target);

} // namespace kpu::test
