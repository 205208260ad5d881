#include "compiler/dfx/leaves.h"
#include "compiler/object/encodings.h"
#include "compiler/object/sections.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/units.h"

#include <cstring>
#include <map>

namespace kpu::object {

namespace {

class byte_writer {
  public:
    template <class T>
    void number(T value) {
        auto rest = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8U)
            m_bytes += static_cast<char>(rest & 255U);
    }
    void count(std::size_t n) { number(static_cast<std::uint32_t>(n)); }
    template <class Enum>
    void code(Enum value) {
        number(static_cast<std::uint8_t>(value));
    }
    void text(const std::string& value) {
        count(value.size());
        m_bytes += value;
    }
    template <class T>
    void list(const std::vector<T>& values) {
        count(values.size());
        for (const T value : values)
            number(value);
    }
    void pad_to(std::uint64_t multiple) { m_bytes.resize(round_up(m_bytes.size(), multiple), '\0'); }
    void raw(const std::vector<std::byte>& data) {
        m_bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    [[nodiscard]] std::size_t size() const { return m_bytes.size(); }
    [[nodiscard]] std::string& bytes() { return m_bytes; }

  private:
    std::string m_bytes;
};

class program_writer {
  public:
    explicit program_writer(const dfx::program& p) : m_program(p), m_operators(dfx::has_operators(p.version)) {
        for (std::size_t i = 0; i < p.tensors.size(); ++i)
            m_tensors.emplace(p.tensors[i].name, static_cast<std::uint32_t>(i));
    }

    [[nodiscard]] std::string metadata() const {
        byte_writer out;
        out.text(m_program.version);
        out.text(m_program.graph_name);
        out.text(m_program.compiler);
        out.count(m_program.kernels.size());
        for (const dfx::kernel& k : m_program.kernels) {
            out.text(k.name);
            out.list(k.graph_nodes);
            out.code(k.flow);
            out.code(k.tiles);
        }
        return std::move(out.bytes());
    }

    [[nodiscard]] std::string tuning() const {
        byte_writer out;
        out.text(m_program.tuned_for);
        return std::move(out.bytes());
    }

    [[nodiscard]] std::string tensors() const {
        byte_writer out;
        out.count(m_program.tensors.size());
        for (const dfx::tensor_descriptor& t : m_program.tensors) {
            out.text(t.name);
            out.list(t.dims);
            out.code(t.type);
            out.code(t.role);
            out.count(t.keys.size());
            for (const std::string& key : t.keys)
                out.text(key);
            if (!m_operators)
                continue;
            out.text(t.view_of);
            out.number(static_cast<std::uint8_t>(t.host ? 1 : 0));
            if (t.host) {
                out.list(t.host->dims);
                out.list(t.host->permutation);
            }
        }
        return std::move(out.bytes());
    }

    [[nodiscard]] std::string operations() const {
        byte_writer out;
        for (const dfx::kernel& k : m_program.kernels)
            body(out, k.body);
        return std::move(out.bytes());
    }

    [[nodiscard]] std::string dependences() const {
        byte_writer entries;
        std::size_t count = 0;
        const auto add = [&](std::uint64_t op, std::uint64_t on, const std::vector<std::int64_t>& distance) {
            entries.number(op);
            entries.number(on);
            entries.list(distance);
            ++count;
        };
        for (const dfx::kernel& k : m_program.kernels) {
            for (const dfx::leaf& l : dfx::leaves_of(k, "")) {
                if (const auto* barrier = l.barrier())
                    for (const std::uint64_t on : barrier->wait_for)
                        add(barrier->op_id, on, {});
                else
                    for (const dfx::dependence& d :
                         l.move() != nullptr ? l.move()->depends_on : l.compute()->depends_on)
                        add(l.id(), d.op, d.distance);
            }
        }
        byte_writer out;
        out.count(count);
        return std::move(out.bytes()) + entries.bytes();
    }

    [[nodiscard]] std::string hints() const {
        byte_writer out;
        for (const dfx::kernel& k : m_program.kernels) {
            out.number(k.hints.estimated_dram_bytes);
            out.number(k.hints.estimated_compute_cycles);
            out.number(k.hints.parallelism_degree);
        }
        return std::move(out.bytes());
    }

    /// Table of (tensor, offset in this section, size), then the values.
    [[nodiscard]] std::string constants() const {
        byte_writer out;
        out.count(m_program.constants.size());
        std::uint64_t offset = round_up(4 + 20 * m_program.constants.size(), k_alignment);
        for (const auto& [name, value] : m_program.constants) {
            out.number(m_tensors.at(name));
            out.number(offset);
            out.number(static_cast<std::uint64_t>(value.data.size()));
            offset = round_up(offset + value.data.size(), k_alignment);
        }
        for (const auto& [name, value] : m_program.constants) {
            out.pad_to(k_alignment);
            out.raw(value.data);
        }
        return std::move(out.bytes());
    }

  private:
    void body(byte_writer& out, const std::vector<dfx::statement>& statements) const {
        out.count(statements.size());
        for (const dfx::statement& s : statements)
            std::visit([&](const auto& one) { statement(out, one); }, s);
    }

    void statement(byte_writer& out, const dfx::loop_nest& nest) const {
        const dfx::tile_loop& l = nest.loop;
        out.code(tag::loop);
        out.text(l.induction_var);
        out.number(l.start);
        out.number(l.end);
        out.number(l.step);
        out.code(l.kind);
        out.code(l.order);
        out.list(l.sequence);
        body(out, nest.body);
    }

    void statement(byte_writer& out, const dfx::data_move_op& op) const {
        out.code(tag::move);
        out.number(op.op_id);
        out.code(op.type);
        region(out, op.source);
        region(out, op.destination);
        out.number(static_cast<std::uint8_t>((op.transpose ? 1 : 0) + (op.broadcast ? 2 : 0)));
        out.number(op.produces);
    }

    void statement(byte_writer& out, const dfx::compute_op& op) const {
        out.code(tag::compute);
        out.number(op.op_id);
        out.code(op.type);
        out.count(op.inputs.size());
        for (const dfx::tensor_region& r : op.inputs)
            region(out, r);
        region(out, op.output);
        out.code(op.accumulate.when);
        out.text(op.accumulate.loop);
        out.number(op.produces);
        if (m_operators)
            attributes(out, op);
    }

    static void attributes(byte_writer& out, const dfx::compute_op& op) {
        out.number(static_cast<std::uint8_t>(op.biased ? 1 : 0));
        out.code(op.combine);
        for (const auto* list : {&op.window.kernel, &op.window.stride, &op.window.dilation, &op.window.before,
                                 &op.window.after, &op.axes, &op.before})
            out.list(*list);
        out.number(op.along);
        out.count(op.steps.size());
        for (const dfx::element_step& s : op.steps) {
            out.code(s.function);
            out.number(static_cast<std::uint8_t>((s.operand ? 1 : 0) + (s.operand_first ? 2 : 0)));
            out.number(s.operand.value_or(0));
            out.number(bits_of(s.low));
            out.number(bits_of(s.high));
            out.code(s.result);
        }
    }

    static std::uint64_t bits_of(double value) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        return bits;
    }

    void statement(byte_writer& out, const dfx::barrier_op& op) const {
        out.code(tag::barrier);
        out.number(op.op_id);
        out.text(op.label);
    }

    void region(byte_writer& out, const dfx::tensor_region& r) const {
        out.number(m_tensors.at(r.tensor_name));
        out.code(r.level);
        out.count(r.tile_indices.size());
        for (const dfx::affine& form : r.tile_indices) {
            std::vector<std::int64_t> used = form.coefficients;
            while (!used.empty() && used.back() == 0)
                used.pop_back();
            out.list(used);
            out.number(form.offset);
        }
        out.list(r.tile_shape);
        out.number(r.element_size);
    }

    const dfx::program& m_program;
    bool m_operators; ///< the version has operators on whole tensors
    std::map<std::string, std::uint32_t> m_tensors;
};

} // namespace

std::string to_binary(const dfx::program& p) {
    const program_writer writer(p);
    std::vector<std::pair<std::uint32_t, std::string>> sections;
    const auto add = [&](section kind, std::string content) {
        sections.emplace_back(static_cast<std::uint32_t>(kind) | (is_optional(kind) ? k_optional : 0),
                              std::move(content));
    };
    add(section::metadata, writer.metadata());
    add(section::tensors, writer.tensors());
    add(section::operations, writer.operations());
    add(section::dependences, writer.dependences());
    add(section::hints, writer.hints());
    if (!p.constants.empty())
        add(section::constants, writer.constants());
    if (!p.tuned_for.empty())
        add(section::tuning, writer.tuning());

    const version v = read_version(p.version, "", "version");
    byte_writer out;
    out.bytes() = k_magic;
    out.number(v.major << 16U | v.minor);
    out.number(std::uint32_t{0});
    out.count(sections.size());
    std::uint64_t offset = k_header_bytes + k_table_entry_bytes * sections.size() + k_table_sum_bytes;
    for (const auto& [kind, content] : sections) {
        offset = round_up(offset, k_alignment);
        out.number(kind);
        out.number(offset);
        out.number(static_cast<std::uint64_t>(content.size()));
        out.number(crc32c(content));
        offset += content.size();
    }
    out.number(crc32c(out.bytes()));
    for (const auto& [kind, content] : sections) {
        out.pad_to(k_alignment);
        out.bytes() += content;
    }
    return std::move(out.bytes());
}

} // namespace kpu::object
