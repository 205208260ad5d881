#include "fw/loader/tensor_table.h"

#include "platforms/common/diagnostic.h"

#include <fmt/format.h>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_tensor_alignment = 4096;

[[noreturn]] void refuse(std::string message, std::string expected) {
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = std::move(message);
    problem.expected = std::move(expected);
    throw input_error(std::move(problem));
}

} // namespace

tensor_table::tensor_table(const dfx::program& program, const memory_info& dram, const resident_tensors& residents) {
    std::uint64_t next = 0;
    std::uint64_t total = 0;
    bool fits_in = true;
    for (const dfx::tensor_descriptor& tensor : program.tensors) {
        if (!tensor.view_of.empty()) { // of an earlier tensor
            placed_tensor view = at(tensor.view_of);
            view.what = &tensor;
            m_tensors[tensor.name] = view;
            continue;
        }
        const std::uint64_t size = element_count(tensor.dims) * size_of(tensor.type);
        if (const auto resident = residents.place.find(tensor.name); resident != residents.place.end()) {
            m_tensors[tensor.name] = {&tensor, resident->second, bytes(size), &m_uses.emplace_back(), true};
            continue;
        }
        total += size;
        fits_in = fits_in && fits(next, size, dram.size.value());
        m_tensors[tensor.name] = {&tensor, dram.base + bytes(next), bytes(size), &m_uses.emplace_back(), false};
        next = round_up(next + size, k_tensor_alignment);
    }
    if (!fits_in)
        refuse(fmt::format("the program's {} tensors take {} bytes", program.tensors.size(), total),
               fmt::format("at most {} bytes of DRAM", dram.size.value()));
}

const placed_tensor& tensor_table::at(const std::string& name) const {
    const auto found = m_tensors.find(name);
    if (found == m_tensors.end())
        refuse("the program has no tensor named '" + name + "'", "a tensor of its tensor list");
    return found->second;
}

point_set earlier_uses(const placed_tensor& tensor, const machine& chip, const emitter& out) {
    return tensor.on_chip ? out.latest(chip, {iface::engine_kind::dma}) : point_set();
}

placed_operand view_of(const placed_tensor& tensor, std::uint64_t batch, std::uint64_t row, std::uint64_t column) {
    const shape& dims = tensor.what->dims;
    const std::size_t rank = dims.size();
    placed_operand view;
    view.element = size_of(tensor.what->type);
    view.pitch = rank == 0 ? view.element : dims[rank - 1] * view.element;
    view.batch_stride = rank < 2 ? view.pitch : dims[rank - 2] * view.pitch;
    view.first = tensor.base;
    view.first = view.at(batch, row, column);
    return view;
}

} // namespace kpu::fw
