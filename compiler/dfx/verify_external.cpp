// EXTERNAL reads and writes over all kernels: single assignment, complete, before use.

#include "compiler/dfx/verify_parts.h"
#include "compiler/dfx/walk.h"

#include <algorithm>

namespace kpu::dfx::parts {

element_box hull_of(const leaf& l, const tensor_region& r, const shape& dims) {
    element_box box;
    for (std::size_t d = 0; d < dims.size(); ++d) {
        const auto range = *range_of(r.tile_indices[d], l.loops);
        box.low.push_back(static_cast<std::uint64_t>(range.first) * r.tile_shape[d]);
        // In tiles first: the last tile's end may lie beyond the tensor.
        const std::uint64_t last = static_cast<std::uint64_t>(range.second);
        box.high.push_back(last >= (dims[d] - 1) / r.tile_shape[d] ? dims[d] : (last + 1) * r.tile_shape[d]);
    }
    return box;
}

bool overlap(const element_box& a, const element_box& b) {
    for (std::size_t d = 0; d < a.low.size(); ++d)
        if (a.high[d] <= b.low[d] || b.high[d] <= a.low[d])
            return false;
    return true;
}

namespace {

/// What one store operation writes over all its instances.
struct stored_box {
    element_box box;
    std::string path;
};

std::uint64_t common_volume(const element_box& a, const element_box& b) {
    std::uint64_t volume = 1;
    for (std::size_t d = 0; d < a.low.size(); ++d) {
        const std::uint64_t low = std::max(a.low[d], b.low[d]);
        const std::uint64_t high = std::min(a.high[d], b.high[d]);
        if (high <= low)
            return 0;
        volume *= high - low;
    }
    return volume;
}

/// Stores of one tensor, in program order.
class external_data {
  public:
    external_data(const program& p, diagnostics& problems) : m_program(p), m_problems(problems) {}

    void read(const leaf& l, const tensor_region& r) {
        const tensor_descriptor& t = *m_program.find(r.tensor_name);
        if (!t.view_of.empty())
            return read_whole(l, storage_of(t));
        if (t.role == tensor_role::input || t.role == tensor_role::constant)
            return;
        const element_box wanted = hull_of(l, r, t.dims);
        std::uint64_t there = 0;
        for (const stored_box& s : m_stored[t.name])
            there += common_volume(wanted, s.box);
        if (there < wanted.volume())
            error(l.path, "reads elements of " + t.name + " that nothing has stored before");
    }

    void write(const leaf& l, const tensor_region& r) {
        const tensor_descriptor& t = *m_program.find(r.tensor_name);
        if (!t.view_of.empty())
            return error(l.path, "stores into " + t.name + ", a view");
        if (t.role == tensor_role::input || t.role == tensor_role::constant)
            return error(l.path, "stores into " + std::string(name_of(t.role)) + " " + t.name);
        if (!injective(l, r))
            return error(l.path, "cannot show that each tile of " + t.name + " is stored once and without gaps");
        m_stored[t.name].push_back({hull_of(l, r, t.dims), l.path});
    }

    void finish() {
        for (auto& [name, boxes] : m_stored)
            check_disjoint(name, boxes);
        const auto is_output = [](const tensor_descriptor& t) { return t.role == tensor_role::output; };
        if (std::none_of(m_program.tensors.begin(), m_program.tensors.end(), is_output))
            error("tensors", "the program has no output");
        for (const tensor_descriptor& t : m_program.tensors) {
            if (t.role != tensor_role::output || m_failed)
                continue;
            const tensor_descriptor& storage = storage_of(t);
            const std::uint64_t volume = stored_volume(storage);
            const bool given = storage.role == tensor_role::input || storage.role == tensor_role::constant;
            if (!given && volume != element_count(t.dims))
                error("tensors[" + t.name + "]", "output " + t.name + " is not stored completely",
                      std::to_string(volume) + " of " + std::to_string(element_count(t.dims)) + " elements");
        }
    }

  private:
    /// The tensor whose elements a view shows.
    [[nodiscard]] const tensor_descriptor& storage_of(const tensor_descriptor& t) const {
        const tensor_descriptor* storage = &t;
        while (!storage->view_of.empty())
            storage = m_program.find(storage->view_of);
        return *storage;
    }

    [[nodiscard]] std::uint64_t stored_volume(const tensor_descriptor& t) {
        std::uint64_t volume = 0;
        for (const stored_box& s : m_stored[t.name])
            volume += s.box.volume();
        return volume;
    }

    void read_whole(const leaf& l, const tensor_descriptor& t) {
        const bool given = t.role == tensor_role::input || t.role == tensor_role::constant;
        if (!given && stored_volume(t) != element_count(t.dims))
            error(l.path, "reads " + t.name + " through a view before it is stored completely");
    }

    void error(const std::string& at, const std::string& message, const std::string& text = {}) {
        location where;
        where.path = at;
        m_problems.error(std::move(where), message, text);
        m_failed = true;
    }

    /// Each loop of more than one iteration drives one index only, and the loops of one index count through consecutive
    /// tiles like the digits of a number: then the instances tile their hull without overlap.
    static bool injective(const leaf& l, const tensor_region& r) {
        std::vector<int> uses(l.loops.size(), 0);
        for (const affine& form : r.tile_indices) {
            std::vector<std::pair<std::uint64_t, std::uint64_t>> digits; // stride, count
            for (std::size_t d = 0; d < l.loops.size(); ++d) {
                const std::int64_t v = coefficient(form, d);
                if (v == 0 || trip_count(*l.loops[d]) == 1)
                    continue;
                ++uses[d];
                const auto size = static_cast<std::uint64_t>(v < 0 ? -v : v);
                digits.emplace_back(size * l.loops[d]->step, trip_count(*l.loops[d]));
            }
            std::sort(digits.begin(), digits.end());
            std::uint64_t next = 1;
            for (const auto& [stride, count] : digits) {
                if (stride != next)
                    return false;
                next = stride * count;
            }
        }
        for (std::size_t d = 0; d < l.loops.size(); ++d)
            if (trip_count(*l.loops[d]) > 1 && uses[d] != 1)
                return false;
        return true;
    }

    /// Sweep along dimension 0 over boxes sorted by where they begin.
    void check_disjoint(const std::string& name, std::vector<stored_box>& boxes) {
        std::sort(boxes.begin(), boxes.end(),
                  [](const stored_box& a, const stored_box& b) { return a.box.low < b.box.low; });
        std::vector<const stored_box*> active;
        for (const stored_box& s : boxes) {
            active.erase(std::remove_if(active.begin(), active.end(),
                                        [&](const stored_box* a) { return a->box.high[0] <= s.box.low[0]; }),
                         active.end());
            for (const stored_box* a : active)
                if (overlap(a->box, s.box))
                    return error(s.path, "stores elements of " + name + " again", "first stored by " + a->path);
            active.push_back(&s);
        }
    }

    const program& m_program;
    diagnostics& m_problems;
    std::map<std::string, std::vector<stored_box>> m_stored;
    bool m_failed = false;
};

} // namespace

void check_external_data(const program& p, diagnostics& problems) {
    external_data data(p, problems);
    for (std::size_t i = 0; i < p.kernels.size(); ++i) {
        for (const leaf& l : leaves_of(p.kernels[i], "kernels[" + std::to_string(i) + "]")) {
            if (const compute_op* whole = whole_tensor_operator(p.kernels[i])) {
                for (const tensor_region& r : whole->inputs)
                    data.read(l, r);
                data.write(l, whole->output);
                continue;
            }
            const data_move_op* move = l.move();
            if (move != nullptr && move->source.level == memory_level::external)
                data.read(l, move->source);
            if (move != nullptr && move->destination.level == memory_level::external)
                data.write(l, move->destination);
        }
    }
    data.finish();
}

} // namespace kpu::dfx::parts
