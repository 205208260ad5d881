#include "hw/observe/access_map.h"

#include <algorithm>

namespace kpu::hw {

namespace {

/// Equal but for times, which a merge joins: a command that is ordered after another is ordered after all of its
/// transactions.
bool mergeable(const access_state& a, const access_state& b) {
    return a.initialised == b.initialised && a.writer.same_command(b.writer) &&
           std::equal(a.readers.begin(), a.readers.end(), b.readers.begin(), b.readers.end(),
                      [](const access_stamp& x, const access_stamp& y) { return x.same_command(y); });
}

void merge_times(access_state& into, const access_state& other) {
    into.writer.widen(other.writer);
    for (std::size_t i = 0; i < into.readers.size(); ++i)
        into.readers[i].widen(other.readers[i]);
}

void add_reader(std::vector<access_stamp>& readers, const access_stamp& by, const access_map::reader_filter& implied) {
    std::size_t kept = 0;
    access_stamp mine = by;
    for (const access_stamp& old : readers) {
        if (old.same_command(by))
            mine.widen(old);
        else if (!implied(old))
            readers[kept++] = old;
    }
    readers.resize(kept);
    readers.push_back(mine);
}

} // namespace

access_map::iterator access_map::first_overlapping(std::uint64_t first) {
    iterator at = m_segments.upper_bound(first);
    if (at != m_segments.begin() && std::prev(at)->second.last >= first)
        --at;
    return at;
}

void access_map::split_before(std::uint64_t first) {
    const iterator at = first_overlapping(first);
    if (at == m_segments.end() || at->first >= first)
        return;
    segment tail = at->second;
    at->second.last = first - 1;
    m_segments.emplace_hint(std::next(at), first, std::move(tail));
}

access_map::iterator access_map::merge_with_previous(iterator at) {
    if (at == m_segments.end() || at == m_segments.begin())
        return at;
    const iterator before = std::prev(at);
    if (before->second.last + 1 != at->first || !mergeable(before->second.state, at->second.state))
        return at;
    merge_times(before->second.state, at->second.state);
    before->second.last = at->second.last;
    m_segments.erase(at);
    return before;
}

void access_map::replace(const byte_span& where, access_state state) {
    iterator at = first_overlapping(where.first);
    if (at != m_segments.end() && at->first == where.first && at->second.last == where.last) {
        at->second.state = std::move(state); // the common case: a buffer written again
    } else {
        split_before(where.first);
        if (where.last != UINT64_MAX)
            split_before(where.last + 1);
        at = m_segments.lower_bound(where.first);
        while (at != m_segments.end() && at->first <= where.last)
            at = m_segments.erase(at);
        at = m_segments.emplace_hint(at, where.first, segment{where.last, std::move(state)});
    }
    at = merge_with_previous(at);
    merge_with_previous(std::next(at));
}

void access_map::write(const byte_span& where, const access_stamp& by, const conflict_check& check) {
    for (iterator at = first_overlapping(where.first); at != m_segments.end() && at->first <= where.last; ++at)
        check({std::max(at->first, where.first), std::min(at->second.last, where.last)}, at->second.state);
    access_state written;
    written.initialised = true;
    written.writer = by;
    replace(where, std::move(written));
}

void access_map::read(const byte_span& where, const access_stamp& by, const conflict_check& check,
                      const reader_filter& implied) {
    split_before(where.first);
    if (where.last != UINT64_MAX)
        split_before(where.last + 1);
    iterator at = m_segments.lower_bound(where.first);
    std::uint64_t next = where.first; // first byte not yet visited
    for (bool more = true; more;) {
        if (at == m_segments.end() || at->first > next) { // a gap: bytes that nobody has touched
            const bool last_gap = at == m_segments.end() || at->first > where.last;
            at = m_segments.emplace_hint(at, next, segment{last_gap ? where.last : at->first - 1, {}});
        }
        check({at->first, at->second.last}, at->second.state);
        add_reader(at->second.state.readers, by, implied);
        more = at->second.last < where.last;
        next = at->second.last + 1;
        at = std::next(merge_with_previous(at));
    }
    merge_with_previous(at);
}

void access_map::initialise(const byte_span& where) {
    access_state given;
    given.initialised = true;
    replace(where, std::move(given));
}

void access_map::compact(const reader_filter& settled) {
    for (iterator at = m_segments.begin(); at != m_segments.end();) {
        access_state& state = at->second.state;
        if (state.writer.serial != 0 && settled(state.writer))
            state.writer = {};
        state.readers.erase(std::remove_if(state.readers.begin(), state.readers.end(), settled), state.readers.end());
        at = std::next(merge_with_previous(at));
    }
}

} // namespace kpu::hw
