#include "fw/loader/resident_tensors.h"

#include "compiler/dfx/leaves.h"

#include <algorithm>
#include <set>
#include <vector>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_alignment = 64;

/// From the kernel that makes a tensor to the last one that needs it.
struct life {
    std::string tensor;
    std::uint64_t size = 0;
    std::size_t first = 0, last = 0;
};

/// The tensor that has the storage.
const dfx::tensor_descriptor& storage_of(const dfx::program& p, const std::string& name) {
    const dfx::tensor_descriptor* t = p.find(name);
    while (!t->view_of.empty())
        t = p.find(t->view_of);
    return *t;
}

std::set<std::string> tensors_of(const dfx::program& p, const dfx::kernel& k) {
    std::set<std::string> names;
    const auto add = [&](const dfx::tensor_region& r) { names.insert(storage_of(p, r.tensor_name).name); };
    for (const dfx::leaf& l : dfx::leaves_of(k, "")) {
        if (const dfx::data_move_op* move = l.move()) {
            add(move->source);
            add(move->destination);
        } else if (const dfx::compute_op* compute = l.compute()) {
            for (const dfx::tensor_region& r : compute->inputs)
                add(r);
            add(compute->output);
        }
    }
    return names;
}

/// An output that is a view keeps the storage that it shows in DRAM.
std::set<std::string> seen_outside(const dfx::program& p) {
    std::set<std::string> names;
    for (const dfx::tensor_descriptor& t : p.tensors)
        if (t.role != dfx::tensor_role::intermediate)
            names.insert(storage_of(p, t.name).name);
    return names;
}

std::vector<life> lives_of(const dfx::program& p) {
    const std::set<std::string> outside = seen_outside(p);
    std::vector<life> all;
    for (std::size_t k = 0; k < p.kernels.size(); ++k) {
        for (const std::string& name : tensors_of(p, p.kernels[k])) {
            const auto known = std::find_if(all.begin(), all.end(), [&](const life& l) { return l.tensor == name; });
            if (known != all.end()) {
                known->last = k;
            } else if (outside.count(name) == 0) {
                const dfx::tensor_descriptor& t = *p.find(name);
                all.push_back({name, round_up(element_count(t.dims) * size_of(t.type), k_alignment), k, k});
            }
        }
    }
    return all;
}

/// A range of the reserved memory while a tensor lives.
struct occupied {
    life whose;
    std::uint64_t first = 0;
    [[nodiscard]] std::uint64_t end() const { return first + whose.size; }
    [[nodiscard]] bool meets(const life& other) const { return whose.first <= other.last && other.first <= whose.last; }
};

/// The lowest place where the tensor meets no other.
std::uint64_t lowest_place(const std::vector<occupied>& taken, const life& tensor) {
    std::uint64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (const occupied& o : taken) {
            if (o.meets(tensor) && o.first < at + tensor.size && at < o.end()) {
                at = o.end();
                moved = true;
            }
        }
    }
    return at;
}

} // namespace

resident_tensors place_intermediates(const memory_info& l3, const dfx::program& program, bytes capacity) {
    std::vector<occupied> taken;
    std::uint64_t used = 0;
    for (const life& tensor : lives_of(program)) {
        const std::uint64_t at = lowest_place(taken, tensor);
        if (at + tensor.size > capacity.value())
            continue;
        taken.push_back({tensor, at});
        used = std::max(used, at + tensor.size);
    }
    resident_tensors residents;
    residents.reserved = bytes(used);
    const address base = l3.base + (l3.size - residents.reserved);
    for (const occupied& o : taken)
        residents.place[o.whose.tensor] = base + bytes(o.first);
    return residents;
}

machine beside(const machine& chip, const resident_tensors& residents) {
    machine left = chip;
    left.l3.size = chip.l3.size - residents.reserved;
    return left;
}

} // namespace kpu::fw
