#include "hw/registers/register_bank.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace kpu::hw {

using iface::access;
using iface::field_spec;
using iface::register_spec;

namespace {

[[noreturn]] void misuse(const std::string& what, std::uint32_t offset) {
    throw std::logic_error("register bank: " + what + " at offset " + std::to_string(offset));
}

} // namespace

register_bank::register_bank(const register_spec* map, std::size_t count, std::uint32_t window)
    : m_map(map), m_map_size(count), m_behaviour(count), m_spec(window / 4, k_unmapped), m_words(window / 4, 0) {
    for (std::size_t r = 0; r < count; ++r) {
        const register_spec& spec = map[r];
        behaviour& b = m_behaviour[r];
        for (std::size_t f = 0; f < spec.field_count; ++f) {
            const field_spec& field = spec.fields[f];
            const std::uint32_t mask = mask_of(field);
            b.mapped |= mask;
            b.reset |= (field.reset << field.lsb) & mask;
            b.rw |= field.policy == access::rw ? mask : 0;
            b.w1c |= field.policy == access::w1c ? mask : 0;
            b.w1p |= field.policy == access::w1p ? mask : 0;
        }
        b.plain = b.rw == ~0u;
        for (std::uint32_t i = 0; i < spec.count; ++i) {
            const std::size_t at = spec.offset / 4 + i;
            if (spec.offset % 4 != 0 || at >= m_spec.size())
                misuse(std::string(spec.name) + " is misaligned or outside the window", spec.offset);
            if (m_spec[at] != k_unmapped)
                misuse(std::string(spec.name) + " overlaps " + std::string(map[m_spec[at]].name), spec.offset);
            m_spec[at] = static_cast<std::uint16_t>(r);
        }
    }
    reset();
}

void register_bank::reset() {
    for (std::size_t at = 0; at < m_words.size(); ++at)
        m_words[at] = m_spec[at] == k_unmapped ? 0 : m_behaviour[m_spec[at]].reset & ~m_behaviour[m_spec[at]].w1p;
}

std::size_t register_bank::spec_at(std::uint32_t offset) const {
    const std::size_t at = offset / 4;
    if (offset % 4 != 0 || at >= m_spec.size() || m_spec[at] == k_unmapped || m_map[m_spec[at]].offset != offset)
        misuse("no register starts", offset);
    return m_spec[at];
}

void register_bank::on_write(std::uint32_t offset, write_hook hook) {
    behaviour& b = m_behaviour[spec_at(offset)];
    b.plain = false;
    b.write = std::move(hook);
}

void register_bank::on_sample(std::uint32_t offset, sample_hook hook) {
    m_behaviour[spec_at(offset)].sample = std::move(hook);
}

std::uint32_t& register_bank::word(std::uint32_t offset, std::uint32_t index) {
    if (index >= m_map[spec_at(offset)].count)
        misuse("index " + std::to_string(index) + " out of range", offset);
    return m_words[offset / 4 + index];
}

std::uint32_t register_bank::get(std::uint32_t offset, std::uint32_t index) const {
    if (index >= m_map[spec_at(offset)].count)
        misuse("index " + std::to_string(index) + " out of range", offset);
    return m_words[offset / 4 + index];
}

void register_bank::set(std::uint32_t offset, std::uint32_t index, std::uint32_t value) {
    const behaviour& b = m_behaviour[spec_at(offset)];
    word(offset, index) = value & b.mapped & ~b.w1p;
}

const field_spec& register_bank::field_of(std::uint32_t offset, std::string_view name) const {
    const register_spec& spec = m_map[spec_at(offset)];
    for (std::size_t f = 0; f < spec.field_count; ++f)
        if (spec.fields[f].name == name)
            return spec.fields[f];
    misuse("no field " + std::string(name), offset);
}

std::uint32_t register_bank::get_field(std::uint32_t offset, std::string_view field) const {
    const field_spec& f = field_of(offset, field);
    return (get(offset) & mask_of(f)) >> f.lsb;
}

void register_bank::set_field(std::uint32_t offset, std::string_view field, std::uint32_t value) {
    const field_spec& f = field_of(offset, field);
    set(offset, (get(offset) & ~mask_of(f)) | ((value << f.lsb) & mask_of(f)));
}

const std::uint32_t* register_bank::words(std::uint32_t offset) const {
    return &m_words[m_map[spec_at(offset)].offset / 4];
}

register_status register_bank::check(std::uint64_t offset, std::uint64_t length) const {
    if (offset % 4 != 0 || length % 4 != 0 || length == 0)
        return register_status::bad_burst;
    if (!fits(offset, length, window()))
        return register_status::unmapped;
    for (std::size_t at = offset / 4; at < (offset + length) / 4; at = end_of_spec(at))
        if (m_spec[at] == k_unmapped)
            return register_status::unmapped;
    return register_status::ok;
}

std::size_t register_bank::end_of_spec(std::size_t at) const {
    return m_map[m_spec[at]].offset / 4 + m_map[m_spec[at]].count;
}

std::uint32_t register_bank::value_at(std::size_t at) const {
    const behaviour& b = m_behaviour[m_spec[at]];
    if (!b.sample)
        return m_words[at];
    return b.sample(static_cast<std::uint32_t>(at - m_map[m_spec[at]].offset / 4)) & b.mapped;
}

register_status register_bank::read(std::uint64_t offset, std::uint64_t length, void* into) const {
    const register_status status = check(offset, length);
    if (status != register_status::ok)
        return status;
    auto* const to = static_cast<unsigned char*>(into);
    for (std::uint64_t i = 0; i < length / 4; ++i) {
        const std::uint32_t value = value_at(offset / 4 + i);
        std::memcpy(to + 4 * i, &value, 4);
    }
    return status;
}

void register_bank::write_word(std::size_t at, std::uint32_t value, std::uint32_t lanes) {
    const behaviour& b = m_behaviour[m_spec[at]];
    register_write what;
    what.index = static_cast<std::uint32_t>(at - m_map[m_spec[at]].offset / 4);
    what.before = m_words[at];
    what.written = lanes;
    const std::uint32_t set = lanes & b.rw;
    const std::uint32_t clear = lanes & b.w1c & value;
    what.after = ((what.before & ~set) | (value & set)) & ~clear;
    what.pulses = lanes & b.w1p & value;
    m_words[at] = what.after;
    if (b.write)
        b.write(what);
}

register_status register_bank::write(std::uint64_t offset, std::uint64_t length, const void* from) {
    const register_status status = check(offset, length);
    if (status != register_status::ok)
        return status;
    const auto* words = static_cast<const unsigned char*>(from);
    const std::size_t end = (offset + length) / 4;
    for (std::size_t at = offset / 4; at < end;) {
        const bool plain = m_behaviour[m_spec[at]].plain;
        const std::size_t next = plain ? std::min(end, end_of_spec(at)) : at + 1;
        if (plain) {
            std::memcpy(&m_words[at], words, 4 * (next - at));
        } else {
            std::uint32_t value = 0;
            std::memcpy(&value, words, 4);
            write_word(at, value, ~0u);
        }
        words += 4 * (next - at);
        at = next;
    }
    return status;
}

register_status register_bank::write_lanes(std::uint64_t offset, std::uint32_t value, std::uint32_t lanes) {
    const register_status status = check(offset, 4);
    if (status == register_status::ok)
        write_word(offset / 4, value, lanes);
    return status;
}

} // namespace kpu::hw
