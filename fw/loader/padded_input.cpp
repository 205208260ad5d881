#include "fw/loader/padded_input.h"

#include "fw/loader/descriptor_field.h"

#include <algorithm>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_alignment = 64;
/// Bytes of a chunk at most, if it has more than one slab: long enough for DRAM, short enough for the first results not
/// to wait.
constexpr std::uint64_t k_chunk = 8192;
/// Small inputs come in as many parts, so that all DMA engines bring some.
constexpr std::uint64_t k_least_chunks = 8;
/// Of a border, that are worth a command.
constexpr std::uint64_t k_least_runs = 64;

std::uint64_t product_behind(const std::vector<std::uint64_t>& extents, std::size_t d) {
    std::uint64_t all = 1;
    for (++d; d < extents.size(); ++d)
        all *= extents[d];
    return all;
}

/// Indices of a box, and where its first one is in a range.
struct index_box {
    std::vector<extent> side;
    std::uint64_t at = 0;
};

/// Calls visit(index_box) for the boxes that a range of a row-major order is made of.
template <class Visit>
void for_each_box(const std::vector<std::uint64_t>& extents, extent range, Visit visit) {
    for (std::uint64_t at = 0; at < range.count;) {
        index_box b;
        b.at = at;
        std::uint64_t rest = range.first + at;
        for (std::size_t d = 0; d < extents.size(); ++d) {
            const std::uint64_t behind = product_behind(extents, d);
            b.side.push_back({rest / behind, 1});
            rest %= behind;
        }
        // the outermost dimension of which whole indices begin here
        std::size_t outer = 0;
        std::uint64_t start = range.first + at;
        while (start % product_behind(extents, outer) != 0 || product_behind(extents, outer) > range.count - at)
            ++outer;
        const std::uint64_t behind = product_behind(extents, outer);
        b.side[outer].count = std::min(extents[outer] - b.side[outer].first, (range.count - at) / behind);
        for (std::size_t d = outer + 1; d < extents.size(); ++d)
            b.side[d].count = extents[d];
        at += b.side[outer].count * behind;
        visit(b);
    }
}

/// A dimension of a copy.
struct dimension {
    std::uint64_t count = 1, from = 0, to = 0; ///< strides in bytes
};

/// Copies of any number of dimensions, outermost first.
void emit(std::vector<dimension> dims, std::uint64_t run, address from, address to,
          std::vector<iface::copy_operands>& out) {
    dims.erase(std::remove_if(dims.begin(), dims.end(), [](const dimension& d) { return d.count == 1; }), dims.end());
    for (; !dims.empty() && dims.back().from == run && dims.back().to == run; dims.pop_back())
        run *= dims.back().count;
    if (dims.size() > iface::k_copy_dims) {
        const dimension outer = dims.front();
        dims.erase(dims.begin());
        for (std::uint64_t i = 0; i < outer.count; ++i)
            emit(dims, run, from + bytes(i * outer.from), to + bytes(i * outer.to), out);
        return;
    }
    iface::copy_operands copy;
    copy.run = count_field(run);
    copy.source.base = from;
    copy.destination.base = to;
    const std::size_t unused = iface::k_copy_dims - dims.size();
    for (std::size_t d = 0; d < dims.size(); ++d) {
        copy.count[unused + d] = count_field(dims[d].count);
        copy.source.stride[unused + d] = stride_field(dims[d].count, static_cast<std::int64_t>(dims[d].from));
        copy.destination.stride[unused + d] = stride_field(dims[d].count, static_cast<std::int64_t>(dims[d].to));
    }
    out.push_back(copy);
}

/// Windows of a box of places, a box of each, in the ring: cut where the ring begins anew.
class box_copier {
  public:
    /// `places` and `taps`: their outermost dimension, whose steps are slabs; `inner`: all others.
    box_copier(const slab_ring& ring, std::uint64_t slab_bytes, std::vector<dimension> inner, std::uint64_t run,
               std::vector<iface::copy_operands>& out)
        : m_ring(ring), m_slab(slab_bytes), m_inner(std::move(inner)), m_run(run), m_out(out) {}

    struct outer {
        std::uint64_t count = 1, slabs = 0, to = 0; ///< one step: slabs in the ring, bytes at the destination
    };
    /// From slab `first` on; `offset`: within the slab.
    void copy(outer places, outer taps, std::uint64_t first, std::uint64_t offset, address to) {
        const std::uint64_t window = (taps.count - 1) * taps.slabs;
        const std::uint64_t room = m_ring.slabs - 1 - first % m_ring.slabs; // behind `first`, this time round
        if ((places.count - 1) * places.slabs + window <= room)
            return whole(places, taps, first, offset, to);
        if (places.count > 1) { // those that lie before the end as a whole, or the one that does not
            const std::uint64_t before = window <= room ? (room - window) / places.slabs + 1 : 1;
            return in_two(places, before, taps, first, offset, to);
        }
        in_two(taps, room / std::max<std::uint64_t>(1, taps.slabs) + 1, places, first, offset, to);
    }

  private:
    void in_two(outer cut, std::uint64_t at, outer other, std::uint64_t first, std::uint64_t offset, address to) {
        outer rest = cut;
        cut.count = at;
        rest.count -= at;
        copy(cut, other, first, offset, to);
        copy(rest, other, first + at * cut.slabs, offset, to + bytes(at * cut.to));
    }

    void whole(const outer& places, const outer& taps, std::uint64_t first, std::uint64_t offset, address to) {
        std::vector<dimension> dims{{places.count, places.slabs * m_slab, places.to},
                                    {taps.count, taps.slabs * m_slab, taps.to}};
        dims.insert(dims.end(), m_inner.begin(), m_inner.end());
        // ascending at the destination, which so is written in long runs
        std::stable_sort(dims.begin(), dims.end(), [](const dimension& a, const dimension& b) { return a.to > b.to; });
        emit(dims, m_run, m_ring.first + bytes(first % m_ring.slabs * m_slab + offset), to, m_out);
    }

    slab_ring m_ring;
    std::uint64_t m_slab;
    std::vector<dimension> m_inner;
    std::uint64_t m_run;
    std::vector<iface::copy_operands>& m_out;
};

} // namespace

padded_input::padded_input(const dfx::window_rows& windows, std::uint64_t element, std::uint64_t slice,
                           std::uint64_t padding)
    : m_windows(windows), m_element(element), m_slice(slice), m_padding(padding), m_images(windows.input.front()),
      m_slices(ceil_div(windows.input.back(), slice)), m_spatial(windows.window.kernel.size()) {
    const dfx::sliding_window& w = windows.window;
    for (std::size_t d = 0; d < m_spatial; ++d)
        m_padded.push_back((windows.places[d + 1] - 1) * w.stride[d] + (w.kernel[d] - 1) * w.dilation[d] + 1);
    m_pitch.resize(m_spatial);
    std::uint64_t pitch = slice * element;
    for (std::size_t d = m_spatial; d-- > 0; pitch *= m_padded[d])
        m_pitch[d] = pitch;
    m_kernel.assign(w.kernel.begin(), w.kernel.end());
    // the innermost dimension's taps lie side by side, unless they are slabs of their own
    if (m_spatial > 1 && w.dilation.back() == 1)
        m_kernel.back() *= windows.input.back();
    else
        m_kernel.push_back(windows.input.back());
}

extent padded_input::slabs_of(extent rows) const {
    const dfx::sliding_window& w = m_windows.window;
    const std::uint64_t places = m_windows.places[1];
    const std::uint64_t per_place = product_behind(m_windows.places, 1);
    const auto first_below = [&](std::uint64_t row) {
        const std::uint64_t place = row / per_place;
        return place / places * m_padded.front() + place % places * w.stride.front();
    };
    const std::uint64_t first = first_below(rows.first);
    const std::uint64_t last = first_below(rows.first + rows.count - 1) + (w.kernel.front() - 1) * w.dilation.front();
    return {first, last + 1 - first};
}

std::uint64_t padded_input::most_slabs_of(std::uint64_t rows) const {
    const dfx::sliding_window& w = m_windows.window;
    const std::uint64_t per_place = product_behind(m_windows.places, 1);
    const std::uint64_t places = ceil_div(rows - 1, per_place) + 1;
    const std::uint64_t images = ceil_div(places - 1, m_windows.places[1]) + 1;
    const std::uint64_t window = (w.kernel.front() - 1) * w.dilation.front() + 1;
    return std::min(slabs(), places * w.stride.front() + images * window);
}

padded_input::inside padded_input::inside_of(std::size_t d) const {
    const std::uint64_t first = std::min(m_windows.window.before[d], m_padded[d]);
    return {first, std::min(m_windows.input[d + 1], m_padded[d] - first)};
}

bool padded_input::has_elements() const {
    for (std::size_t d = 0; d < m_spatial; ++d)
        if (inside_of(d).count == 0)
            return false;
    return true;
}

std::uint64_t padded_input::room_before() const {
    std::uint64_t most = 0;
    for (std::size_t d = 1; d < m_spatial; ++d)
        most = std::max(most, after_bytes(d));
    return most;
}

std::uint64_t padded_input::room_behind() const {
    std::uint64_t most = 0;
    for (std::size_t d = 1; d < m_spatial; ++d)
        most = std::max(most, before_bytes(d));
    return most;
}

address padded_input::first_slab(address region) const {
    return region + bytes(round_up(room_before(), k_alignment));
}

std::vector<std::vector<iface::fill_operands>> padded_input::border(const slab_ring& ring,
                                                                    std::uint64_t fillers) const {
    std::vector<std::vector<iface::fill_operands>> lists;
    for (std::size_t d = 1; d < m_spatial; ++d) {
        // what lies behind one index of the dimension around it touches what lies before the next one
        const std::uint64_t run = after_bytes(d) + before_bytes(d);
        if (run == 0)
            continue;
        const std::uint64_t pitch = m_pitch[d - 1];
        const std::uint64_t runs = ring.slabs * slab_bytes() / pitch + 1;
        const std::uint64_t per_list = m_spatial == 2 ? std::max(k_least_runs, ceil_div(runs, fillers)) : runs;
        for (std::uint64_t first = 0; first < runs; first += per_list) {
            iface::fill_operands fill;
            fill.run = count_field(run);
            fill.pattern = m_padding;
            fill.count.back() = count_field(std::min(per_list, runs - first));
            fill.destination.base = address(ring.first.value() - after_bytes(d)) + bytes(first * pitch);
            fill.destination.stride.back() = stride_field(runs, static_cast<std::int64_t>(pitch));
            if (lists.empty() || m_spatial == 2)
                lists.emplace_back();
            lists.back().push_back(fill);
        }
    }
    return lists;
}

/// Of successive slabs what the tensor has, from its first element there on; without addresses.
iface::copy_operands padded_input::elements_of_slabs(std::uint64_t slabs, std::uint64_t channels) const {
    std::vector<dimension> dims;
    std::uint64_t line = m_windows.input.back() * m_element;
    for (std::size_t d = m_spatial; d-- > 0; line *= m_windows.input[d + 1])
        dims.insert(dims.begin(), {d == 0 ? slabs : inside_of(d).count, line, m_pitch[d]});
    std::vector<iface::copy_operands> one;
    emit(dims, channels * m_element, address(), address(), one);
    return one.front();
}

padded_input::load padded_input::load_slabs(extent slabs, address tensor, const slab_ring& ring) const {
    load all;
    std::uint64_t offset = 0; // of the first element in its slab
    for (std::size_t d = 1; d < m_spatial; ++d)
        offset += before_bytes(d);
    const std::uint64_t slab_of_tensor = product_behind(m_windows.input, 1) * m_element;
    const inside lines = inside_of(0);
    for (std::uint64_t done = 0; done < slabs.count;) {
        const std::uint64_t at = slabs.first + done;
        const std::uint64_t image = at / m_padded.front();
        const std::uint64_t line = at % m_padded.front();
        const bool has = line >= lines.first && line < lines.first + lines.count;
        const std::uint64_t end = has ? lines.first + lines.count : line < lines.first ? lines.first : m_padded.front();
        const std::uint64_t count = std::min(end - line, slabs.count - done);
        const std::uint64_t channel = image / m_images * m_slice;
        iface::copy_operands copy = elements_of_slabs(count, std::min(m_slice, m_windows.input.back() - channel));
        copy.destination.base = ring.first + bytes(at % ring.slabs * slab_bytes() + offset);
        if (has) {
            const std::uint64_t slab = image % m_images * m_windows.input[1] + line - lines.first;
            copy.source.base = tensor + bytes(slab * slab_of_tensor + channel * m_element);
            all.moves.push_back(copy);
        } else {
            all.fills.push_back({copy.count, copy.run, m_padding, copy.destination});
        }
        done += count;
    }
    return all;
}

std::vector<iface::copy_operands> padded_input::gather(extent rows, extent depth, const slab_ring& ring,
                                                       address to) const {
    const dfx::sliding_window& w = m_windows.window;
    const std::uint64_t line = depth.count * m_element;
    std::vector<iface::copy_operands> all;
    // dimension 0 of places is the image
    for_each_box(m_windows.places, rows, [&](const index_box& places) {
        for_each_box(m_kernel, depth, [&](const index_box& taps) {
            std::vector<dimension> inner;
            std::uint64_t offset = 0;
            for (std::size_t d = 1; d < m_spatial; ++d) {
                const extent p = places.side[d + 1];
                inner.push_back({p.count, w.stride[d] * m_pitch[d], product_behind(m_windows.places, d + 1) * line});
                offset += p.first * w.stride[d] * m_pitch[d];
            }
            for (std::size_t d = 1; d + 1 < m_kernel.size(); ++d) {
                const extent t = taps.side[d];
                inner.push_back({t.count, w.dilation[d] * m_pitch[d], product_behind(m_kernel, d) * m_element});
                offset += t.first * w.dilation[d] * m_pitch[d];
            }
            offset += taps.side.back().first * m_element;
            box_copier copier(ring, slab_bytes(), inner, taps.side.back().count * m_element, all);
            const std::uint64_t per_place = product_behind(m_windows.places, 1) * line;
            for (std::uint64_t image = 0; image < places.side[0].count; ++image) {
                const std::uint64_t first = (places.side[0].first + image) * m_padded.front() +
                                            places.side[1].first * w.stride.front() +
                                            taps.side[0].first * w.dilation.front();
                const std::uint64_t row = image * product_behind(m_windows.places, 0) + places.at;
                copier.copy({places.side[1].count, w.stride.front(), per_place},
                            {taps.side[0].count, w.dilation.front(), product_behind(m_kernel, 0) * m_element}, first,
                            offset, to + bytes(row * line + taps.at * m_element));
            }
        });
    });
    return all;
}

std::vector<iface::copy_operands> padded_input::box(extent slabs, extent line, std::uint64_t channels,
                                                    const slab_ring& ring, address to) const {
    std::vector<iface::copy_operands> all;
    const std::uint64_t pixel = channels * m_element;
    box_copier copier(ring, slab_bytes(), {{line.count, m_pitch[1], pixel}}, pixel, all);
    copier.copy({slabs.count, 1, line.count * pixel}, {}, slabs.first, line.first * m_pitch[1], to);
    return all;
}

ring_plan ring_for(const padded_input& input, std::uint64_t slabs) {
    ring_plan ring;
    const std::uint64_t all = input.slabs();
    ring.chunk = std::clamp<std::uint64_t>(k_chunk / input.slab_bytes(), 1, ceil_div(all, k_least_chunks));
    // successive slabs touch a chunk more than they fill
    ring.slabs = std::min(round_up(slabs, ring.chunk) + ring.chunk, round_up(all, ring.chunk));
    ring.whole = ring.slabs >= all;
    ring.size = bytes(input.first_slab(address()).value() +
                      round_up(ring.slabs * input.slab_bytes() + input.room_behind(), k_alignment));
    return ring;
}

} // namespace kpu::fw
