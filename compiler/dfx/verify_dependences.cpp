// Dependences between operations, and on-chip data, which must follow them.

#include "compiler/dfx/verify_parts.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace kpu::dfx::parts {

namespace {

using positions = std::unordered_map<std::uint64_t, std::size_t>;

positions index_by_id(const context& c) {
    positions at;
    for (std::size_t i = 0; i < c.leaves.size(); ++i)
        at.emplace(c.leaves[i].id(), i);
    return at;
}

/// What an operation waits for, barriers' lists as dependences at distance 0.
std::vector<dependence> dependences_of(const leaf& l) {
    if (const data_move_op* m = l.move())
        return m->depends_on;
    if (const compute_op* op = l.compute())
        return op->depends_on;
    std::vector<dependence> out;
    for (const std::uint64_t id : l.barrier()->wait_for)
        out.push_back({id, {}});
    return out;
}

bool is_zero(const std::vector<std::int64_t>& distance) {
    return std::all_of(distance.begin(), distance.end(), [](std::int64_t v) { return v == 0; });
}

bool lexicographically_negative(const std::vector<std::int64_t>& distance) {
    const auto first = std::find_if(distance.begin(), distance.end(), [](std::int64_t v) { return v != 0; });
    return first != distance.end() && *first < 0;
}

/// The outermost loop of which another iteration is meant; nullptr where it is the same iteration of all.
const tile_loop* carrying_loop(const leaf& l, const std::vector<std::int64_t>& distance) {
    for (std::size_t d = 0; d < distance.size(); ++d)
        if (distance[d] != 0)
            return l.loops[d];
    return nullptr;
}

/// edges[i] = positions on which leaf i depends at distance 0.
using graph = std::vector<std::vector<std::size_t>>;

graph check_each(const context& c) {
    const positions at = index_by_id(c);
    graph edges(c.leaves.size());
    for (std::size_t i = 0; i < c.leaves.size(); ++i) {
        const std::vector<dependence> all = dependences_of(c.leaves[i]);
        for (std::size_t d = 0; d < all.size(); ++d) {
            const std::string here = c.leaves[i].path + ".depends_on[" + std::to_string(d) + "]";
            const auto found = at.find(all[d].op);
            if (found == at.end()) {
                c.error(here, "no operation of this kernel has this id", std::to_string(all[d].op));
                continue;
            }
            if (all[d].distance.size() > common_loops(c.leaves[i], c.leaves[found->second]))
                c.error(here, "distance has more components than loops enclose both operations",
                        std::to_string(all[d].distance.size()));
            else if (lexicographically_negative(all[d].distance))
                c.error(here, "depends on a later iteration of operation " + std::to_string(all[d].op));
            else if (const tile_loop* carrier = carrying_loop(c.leaves[i], all[d].distance);
                     carrier != nullptr && carrier->kind == loop_kind::parallel)
                c.error(here, "iterations of a parallel loop depend on each other", carrier->induction_var);
            else if (is_zero(all[d].distance))
                edges[i].push_back(found->second);
        }
    }
    return edges;
}

/// Reports one cycle at distance 0 if there is any. Depth-first search with an explicit stack: a program may be a long
/// chain.
bool check_acyclic(const context& c, const graph& edges) {
    enum class mark { fresh, open, done };
    std::vector<mark> marks(edges.size(), mark::fresh);
    for (std::size_t root = 0; root < edges.size(); ++root) {
        std::vector<std::pair<std::size_t, std::size_t>> stack;
        if (marks[root] == mark::fresh)
            stack.emplace_back(root, 0);
        while (!stack.empty()) {
            auto& [at, next] = stack.back();
            marks[at] = mark::open;
            if (next == edges[at].size()) {
                marks[at] = mark::done;
                stack.pop_back();
                continue;
            }
            const std::size_t to = edges[at][next++];
            if (marks[to] == mark::open) {
                std::string cycle;
                for (const auto& [node, edge] : stack)
                    if (!cycle.empty() || node == to)
                        cycle += std::to_string(c.leaves[node].id()) + " -> ";
                c.error(c.leaves[to].path + ".depends_on", "cyclic dependence",
                        cycle + std::to_string(c.leaves[to].id()));
                return false;
            }
            if (marks[to] == mark::fresh)
                stack.emplace_back(to, 0);
        }
    }
    return true;
}

void check_textual_order(const context& c, const graph& edges) {
    for (std::size_t i = 0; i < edges.size(); ++i)
        for (const std::size_t to : edges[i])
            if (to > i)
                c.error(c.leaves[i].path + ".depends_on",
                        "operation " + std::to_string(c.leaves[i].id()) + " depends on a later one in the list",
                        std::to_string(c.leaves[to].id()));
}

/// On-chip tiles in the textual order of a kernel: who wrote a tile last, and whether a reader waits for it.
class on_chip_tiles {
  public:
    explicit on_chip_tiles(const context& c) : m_context(c), m_seen(c.leaves.size(), 0), m_edges(c.leaves.size()) {
        const positions at = index_by_id(c);
        for (std::size_t i = 0; i < c.leaves.size(); ++i)
            for (const dependence& d : dependences_of(c.leaves[i]))
                if (is_zero(d.distance))
                    m_edges[i].push_back(at.at(d.op));
    }

    void read(std::size_t reader, const tensor_region& r, const std::string& at) {
        if (r.level == memory_level::external)
            return read_back(reader, r, at);
        const std::string what = "tile of " + r.tensor_name + " at " + std::string(name_of(r.level));
        const auto found = m_writer.find(tile_key(r, true));
        if (found == m_writer.end() || !visible(found->second, reader, r))
            return m_context.error(at, "no earlier operation brings this " + what);
        if (!reaches(reader, found->second))
            m_context.error(at, "reads a " + what + " without depending on the operation that brings it",
                            std::to_string(m_context.leaves[found->second].id()));
    }

    /// Sums leave REGISTER once and whole.
    void leave(const tensor_region& r, const std::string& at) {
        if (r.level != memory_level::reg)
            return;
        const std::string key = tile_key(r, true);
        m_writer.erase(key);
        if (const auto sum = m_sums.find(key); sum != m_sums.end() && sum->second.next != sum->second.k)
            m_context.error(at, "the sum leaves REGISTER before all of k is in it", std::to_string(sum->second.next),
                            std::to_string(sum->second.k) + " elements");
    }

    void write(std::size_t writer, const tensor_region& r) {
        if (r.level != memory_level::external)
            m_writer[tile_key(r, true)] = writer;
        else
            m_stores[r.tensor_name].push_back({writer, &r, hull(writer, r)});
    }

    /// All sums into one tensor are of one type, whichever operations form them.
    void sum(const compute_op& op, const std::string& at) {
        const dtype type = accumulator_of(m_context.whole.find(op.inputs[0].tensor_name)->type);
        const auto [known, fresh] = m_sum_type.emplace(op.output.tensor_name, type);
        if (!fresh && known->second != type)
            m_context.error(at + ".inputs", "sums of " + op.output.tensor_name + " are formed in two types",
                            std::string(name_of(known->second)) + " and " + std::string(name_of(type)));
    }

    /// In a flat kernel: the operations on one output tile sum the same operands, k element after element from 0.
    void chain(const compute_op& op, const std::string& at) {
        const tensor_region& a = op.inputs[0];
        const std::uint64_t k = m_context.whole.find(a.tensor_name)->dims.back();
        const std::uint64_t first = static_cast<std::uint64_t>(a.tile_indices.back().offset) * a.tile_shape.back();
        const auto [found, fresh] =
            m_sums.emplace(tile_key(op.output, true), running_sum{a.tensor_name, op.inputs[1].tensor_name, 0, k});
        running_sum& sum = found->second;
        if (sum.a != a.tensor_name || sum.b != op.inputs[1].tensor_name)
            m_context.error(at + ".inputs", "accumulates other tensors than the operations before on the same tile");
        else if (first != sum.next)
            m_context.error(at + ".inputs", "k does not follow on from the operations before on the same tile",
                            std::to_string(first), std::to_string(sum.next));
        sum.next = std::min(first + a.tile_shape.back(), k);
    }

    [[nodiscard]] bool summed(const tensor_region& r) const { return m_computed.count(tile_key(r, true)) != 0; }
    void note_sum(const tensor_region& r) { m_computed.insert(tile_key(r, true)); }

  private:
    struct running_sum {
        std::string a, b;
        std::uint64_t next, k; ///< elements that are in it, elements in all
    };

    /// What this kernel itself writes to EXTERNAL.
    struct stored {
        std::size_t writer;
        const tensor_region* region;
        element_box hull;
    };

    [[nodiscard]] element_box hull(std::size_t at, const tensor_region& r) const {
        return hull_of(m_context.leaves[at], r, m_context.whole.find(r.tensor_name)->dims);
    }

    /// Reads from EXTERNAL what the kernel itself may have stored there.
    void read_back(std::size_t reader, const tensor_region& r, const std::string& at) {
        const auto found = m_stores.find(r.tensor_name);
        if (found == m_stores.end())
            return;
        const element_box wanted = hull(reader, r);
        for (const stored& s : found->second) {
            if (!overlap(wanted, s.hull))
                continue;
            const std::string id = std::to_string(m_context.leaves[s.writer].id());
            if (!of_one_iteration(reader, r, s))
                m_context.error(at, "cannot show that what is read of " + r.tensor_name + " was stored before", id);
            else if (!reaches(reader, s.writer))
                m_context.error(at, "reads " + r.tensor_name + " without depending on the operation that stores it",
                                id);
        }
    }

    /// Whatever the reader finds was stored in its own iteration of the loops that both share: each of these shows in
    /// an index that both have in common.
    [[nodiscard]] bool of_one_iteration(std::size_t reader, const tensor_region& r, const stored& s) const {
        const leaf& from = m_context.leaves[reader];
        const std::size_t common = common_loops(from, m_context.leaves[s.writer]);
        const auto shared = [&](std::size_t d) {
            const affine& form = r.tile_indices[d];
            for (std::size_t loop = common; loop < form.coefficients.size(); ++loop)
                if (form.coefficients[loop] != 0)
                    return false;
            return form == s.region->tile_indices[d] && r.tile_shape[d] == s.region->tile_shape[d];
        };
        for (std::size_t loop = 0; loop < common; ++loop) {
            bool shows = trip_count(*from.loops[loop]) == 1;
            for (std::size_t d = 0; d < r.tile_indices.size(); ++d)
                shows = shows || (coefficient(r.tile_indices[d], loop) != 0 && shared(d));
            if (!shows)
                return false;
        }
        return true;
    }

    /// The tile that the writer's last iteration leaves is the reader's: its index uses only loops around both.
    [[nodiscard]] bool visible(std::size_t writer, std::size_t reader, const tensor_region& r) const {
        const std::size_t common = common_loops(m_context.leaves[writer], m_context.leaves[reader]);
        return std::all_of(r.tile_indices.begin(), r.tile_indices.end(), [&](const affine& form) {
            for (std::size_t d = common; d < form.coefficients.size(); ++d)
                if (form.coefficients[d] != 0)
                    return false;
            return true;
        });
    }

    bool reaches(std::size_t from, std::size_t to) {
        ++m_stamp;
        std::vector<std::size_t> open = {from};
        while (!open.empty()) {
            const std::size_t at = open.back();
            open.pop_back();
            for (const std::size_t next : m_edges[at]) {
                if (next == to)
                    return true;
                if (next > to && m_seen[next] != m_stamp) {
                    m_seen[next] = m_stamp;
                    open.push_back(next);
                }
            }
        }
        return false;
    }

    const context& m_context;
    std::unordered_map<std::string, std::size_t> m_writer;
    std::unordered_map<std::string, std::vector<stored>> m_stores;
    std::unordered_map<std::string, dtype> m_sum_type;
    std::unordered_map<std::string, running_sum> m_sums;
    std::unordered_set<std::string> m_computed;
    std::vector<std::size_t> m_seen;
    std::size_t m_stamp = 0;
    graph m_edges;
};

void check_compute_data(const context& c, on_chip_tiles& tiles, std::size_t i) {
    const leaf& l = c.leaves[i];
    const compute_op& op = *l.compute();
    for (std::size_t n = 0; n < op.inputs.size(); ++n)
        tiles.read(i, op.inputs[n], l.path + ".inputs[" + std::to_string(n) + "]");
    if (op.accumulate.when == accumulate_rule::kind::always)
        tiles.read(i, op.output, l.path + ".accumulate");
    else if (tiles.summed(op.output))
        return c.error(l.path + ".output", "overwrites sums of an earlier operation on the same tile");
    tiles.note_sum(op.output);
    tiles.sum(op, l.path);
    if (c.flat)
        tiles.chain(op, l.path);
    tiles.write(i, op.output);
}

} // namespace

void check_dependences(const context& c) {
    const graph edges = check_each(c);
    if (check_acyclic(c, edges))
        check_textual_order(c, edges);
}

void check_on_chip_data(const context& c) {
    on_chip_tiles tiles(c);
    for (std::size_t i = 0; i < c.leaves.size(); ++i) {
        if (const data_move_op* move = c.leaves[i].move()) {
            tiles.read(i, move->source, c.leaves[i].path + ".source");
            tiles.leave(move->source, c.leaves[i].path + ".source");
            tiles.write(i, move->destination);
        } else if (c.leaves[i].compute() != nullptr) {
            check_compute_data(c, tiles, i);
        }
    }
}

} // namespace kpu::dfx::parts
