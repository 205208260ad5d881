#include "compiler/object/byte_reader.h"
#include "compiler/object/encodings.h"
#include "compiler/object/object.h"
#include "compiler/object/sections.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <unordered_map>

namespace kpu::object {

namespace {

/// Smallest encodings, by which counts are checked before anything is reserved.
constexpr std::size_t k_smallest_statement = 13;
constexpr std::size_t k_smallest_region = 21;
constexpr std::size_t k_smallest_step = 27;

using dependence_lists = std::unordered_map<std::uint64_t, std::vector<dfx::dependence>>;

class program_reader {
  public:
    program_reader(std::string_view bytes, const std::string& name) : m_bytes(bytes), m_name(name) {}

    dfx::program run() {
        read_table();
        check_places();
        read_metadata(open(section::metadata, "metadata"));
        read_tensors(open(section::tensors, "tensors"));
        read_dependences(open(section::dependences, "dependences"));
        read_operations(open(section::operations, "operations"));
        if (m_sections.count(section::hints) != 0)
            read_hints(open(section::hints, "hints"));
        if (m_sections.count(section::constants) != 0)
            read_constants();
        if (m_sections.count(section::tuning) != 0)
            read_tuning(open(section::tuning, "tuning"));
        return std::move(m_program);
    }

  private:
    struct extent {
        std::uint64_t offset, size;
    };

    void read_table() {
        byte_reader in(m_bytes, 0, m_name);
        (void)in.number<std::uint32_t>(); // the magic number, by which the encoding was recognised
        const auto packed = in.number<std::uint32_t>();
        m_version =
            read_version(std::to_string(packed >> 16U) + "." + std::to_string(packed & 0xffffU), m_name, "header");
        if (const auto flags = in.number<std::uint32_t>(); flags != 0)
            in.refuse("unknown flags in the header", std::to_string(flags));
        const auto n = in.number<std::uint32_t>();
        if (n > k_max_sections)
            in.refuse("more than 64 sections", std::to_string(n));
        m_table_end = k_header_bytes + k_table_entry_bytes * n + k_table_sum_bytes;
        if (m_table_end > m_bytes.size())
            in.refuse("the file ends within its section table");
        const std::size_t summed = m_table_end - k_table_sum_bytes;
        if (byte_reader(m_bytes.substr(summed), summed, m_name).number<std::uint32_t>() !=
            crc32c(m_bytes.substr(0, summed)))
            in.refuse("header and section table are damaged: their CRC-32C does not match");
        for (std::uint32_t i = 0; i < n; ++i)
            read_entry(in);
    }

    void read_entry(byte_reader& in) {
        const auto coded = in.number<std::uint32_t>();
        const auto offset = in.number<std::uint64_t>();
        const auto size = in.number<std::uint64_t>();
        const auto sum = in.number<std::uint32_t>();
        const std::uint32_t kind = coded & ~k_optional;
        if (!fits(offset, size, m_bytes.size()))
            in.refuse("section " + std::to_string(kind) + " lies outside the file",
                      "offset " + std::to_string(offset) + ", size " + std::to_string(size));
        if (crc32c(m_bytes.substr(offset, size)) != sum)
            in.refuse("section " + std::to_string(kind) + " is damaged: its CRC-32C does not match");
        m_places.push_back({offset, size});
        const bool known = kind >= static_cast<std::uint32_t>(section::metadata) &&
                           kind <= static_cast<std::uint32_t>(section::tuning);
        if (!known && (coded & k_optional) != 0)
            return;
        if (!known)
            in.refuse("unknown section that is not optional (file version " + std::to_string(m_version.major) + "." +
                          std::to_string(m_version.minor) + ", this tool reads up to " + std::to_string(k_major) + "." +
                          std::to_string(k_minor) + ")",
                      std::to_string(kind));
        if (const bool optional = (coded & k_optional) != 0; optional != is_optional(static_cast<section>(kind)))
            in.refuse("section " + std::to_string(kind) +
                      (optional ? " says that it is optional, which it is not" : " does not say that it is optional"));
        if (!m_sections.emplace(static_cast<section>(kind), extent{offset, size}).second)
            in.refuse("section is given twice", std::to_string(kind));
    }

    /// Sections share no byte, what lies between them is zero, and the last ends the file: no byte is without a
    /// meaning.
    void check_places() {
        std::sort(m_places.begin(), m_places.end(), [](const extent& a, const extent& b) {
            return std::tie(a.offset, a.size) < std::tie(b.offset, b.size);
        });
        std::uint64_t end = m_table_end;
        for (const extent& place : m_places) {
            const byte_reader in(m_bytes.substr(0, 0), place.offset, m_name);
            if (place.offset < end)
                in.refuse("section overlaps the table or another section");
            const std::string_view gap = m_bytes.substr(end, place.offset - end);
            if (gap.find_first_not_of('\0') != std::string_view::npos)
                in.refuse("the bytes before this are part of no section, but not zero");
            end = place.offset + place.size;
        }
        if (end != m_bytes.size())
            byte_reader(m_bytes.substr(0, 0), end, m_name)
                .refuse("the file goes on behind its last section", std::to_string(m_bytes.size() - end) + " bytes");
    }

    [[nodiscard]] byte_reader open(section kind, const char* what) const {
        const auto found = m_sections.find(kind);
        if (found == m_sections.end())
            byte_reader(m_bytes, 0, m_name).refuse(std::string("the file has no section ") + what);
        return {m_bytes.substr(found->second.offset, found->second.size), found->second.offset, m_name};
    }

    void read_metadata(byte_reader in) {
        m_program.version = in.text();
        const version own = read_version(m_program.version, m_name, "metadata");
        if (own.major != m_version.major || own.minor != m_version.minor)
            in.refuse("version differs from the one in the header", m_program.version);
        m_operators = dfx::has_operators(m_program.version);
        m_program.graph_name = in.text();
        m_program.compiler = in.text();
        m_program.kernels.resize(in.count(10, "kernels"));
        for (dfx::kernel& k : m_program.kernels) {
            k.name = in.text();
            k.graph_nodes = in.list<std::uint64_t>("graph nodes");
            k.flow = in.code<dfx::dataflow>("dataflow");
            k.tiles = in.code<dfx::tile_policy>("tile policy");
        }
        in.finish("metadata");
    }

    void read_tensors(byte_reader in) {
        m_program.tensors.resize(in.count(14, "tensors"));
        for (dfx::tensor_descriptor& t : m_program.tensors) {
            t.name = in.text();
            t.dims = in.list<std::uint64_t>("dimensions");
            t.type = in.code<dtype>("element type");
            t.role = in.code<dfx::tensor_role>("tensor role");
            t.keys.resize(in.count(4, "keys"));
            for (std::string& key : t.keys)
                key = in.text();
            if (!m_operators)
                continue;
            t.view_of = in.text();
            if (flag(in, "host layout"))
                t.host = dfx::host_layout{in.list<std::uint64_t>("dimensions"), in.list<std::uint64_t>("permutation")};
        }
        in.finish("tensors");
    }

    void read_dependences(byte_reader in) {
        const std::size_t n = in.count(20, "dependences");
        for (std::size_t i = 0; i < n; ++i) {
            const auto op = in.number<std::uint64_t>();
            const auto on = in.number<std::uint64_t>();
            m_dependences[op].push_back({on, in.list<std::int64_t>("distance components")});
        }
        in.finish("dependences");
    }

    void read_operations(byte_reader in) {
        for (dfx::kernel& k : m_program.kernels)
            k.body = body(in, 0);
        in.finish("operations");
        if (!m_dependences.empty())
            in.refuse("section dependences names an operation that does not exist, or one twice",
                      std::to_string(m_dependences.begin()->first));
    }

    std::vector<dfx::statement> body(byte_reader& in, unsigned depth) {
        if (depth > k_read_depth)
            in.refuse("loops are nested more than " + std::to_string(k_read_depth) + " deep");
        const std::size_t n = in.count(k_smallest_statement, "statements");
        std::vector<dfx::statement> out;
        for (std::size_t i = 0; i < n; ++i)
            out.push_back(statement(in, depth));
        return out;
    }

    dfx::statement statement(byte_reader& in, unsigned depth) {
        switch (const auto what = in.number<std::uint8_t>(); static_cast<tag>(what)) {
        case tag::loop:
            return loop(in, depth);
        case tag::move:
            return move(in);
        case tag::compute:
            return compute(in);
        case tag::barrier:
            return barrier(in);
        default:
            in.refuse("unknown kind of statement", std::to_string(what));
        }
    }

    dfx::loop_nest loop(byte_reader& in, unsigned depth) {
        dfx::loop_nest nest;
        nest.loop.induction_var = in.text();
        nest.loop.start = in.number<std::uint64_t>();
        nest.loop.end = in.number<std::uint64_t>();
        nest.loop.step = in.number<std::uint64_t>();
        nest.loop.kind = in.code<dfx::loop_kind>("loop kind");
        nest.loop.order = in.code<dfx::iteration_order>("iteration order");
        nest.loop.sequence = in.list<std::uint64_t>("values of a sequence");
        nest.body = body(in, depth + 1);
        return nest;
    }

    dfx::data_move_op move(byte_reader& in) {
        dfx::data_move_op op;
        op.op_id = in.number<std::uint64_t>();
        op.type = in.code<dfx::data_move_type>("move");
        op.source = region(in);
        op.destination = region(in);
        const auto flags = in.number<std::uint8_t>();
        if (flags > 3)
            in.refuse("unknown flags of a move", std::to_string(flags));
        op.transpose = (flags & 1U) != 0;
        op.broadcast = (flags & 2U) != 0;
        op.produces = in.number<std::uint64_t>();
        op.depends_on = dependences_of(op.op_id);
        return op;
    }

    dfx::compute_op compute(byte_reader& in) {
        dfx::compute_op op;
        op.op_id = in.number<std::uint64_t>();
        op.type = in.code<dfx::compute_type>("compute");
        op.inputs.resize(in.count(k_smallest_region, "inputs"));
        for (dfx::tensor_region& r : op.inputs)
            r = region(in);
        op.output = region(in);
        op.accumulate.when = in.code<dfx::accumulate_rule::kind>("accumulate rule");
        op.accumulate.loop = in.text();
        op.produces = in.number<std::uint64_t>();
        op.depends_on = dependences_of(op.op_id);
        if (m_operators)
            attributes(in, op);
        return op;
    }

    static bool flag(byte_reader& in, const char* what) {
        const auto value = in.number<std::uint8_t>();
        if (value > 1)
            in.refuse(std::string("unknown flag of a ") + what, std::to_string(value));
        return value == 1;
    }

    static void attributes(byte_reader& in, dfx::compute_op& op) {
        op.biased = flag(in, "compute");
        op.combine = in.code<dfx::element_function>("function");
        for (auto* list : {&op.window.kernel, &op.window.stride, &op.window.dilation, &op.window.before,
                           &op.window.after, &op.axes, &op.before})
            *list = in.list<std::uint64_t>("numbers");
        op.along = in.number<std::uint64_t>();
        op.steps.resize(in.count(k_smallest_step, "steps"));
        for (dfx::element_step& s : op.steps) {
            s.function = in.code<dfx::element_function>("function");
            const auto flags = in.number<std::uint8_t>();
            const auto operand = in.number<std::uint64_t>();
            if (flags > 3 || ((flags & 1U) == 0 && operand != 0))
                in.refuse("unknown flags of a step", std::to_string(flags));
            if ((flags & 1U) != 0)
                s.operand = operand;
            s.operand_first = (flags & 2U) != 0;
            s.low = double_of(in.number<std::uint64_t>());
            s.high = double_of(in.number<std::uint64_t>());
            s.result = in.code<dtype>("element type");
        }
    }

    static double double_of(std::uint64_t bits) {
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }

    dfx::barrier_op barrier(byte_reader& in) {
        dfx::barrier_op op;
        op.op_id = in.number<std::uint64_t>();
        op.label = in.text();
        for (const dfx::dependence& d : dependences_of(op.op_id)) {
            if (!d.distance.empty())
                in.refuse("a barrier waits within one iteration only");
            op.wait_for.push_back(d.op);
        }
        return op;
    }

    dfx::tensor_region region(byte_reader& in) {
        dfx::tensor_region r;
        const auto index = in.number<std::uint32_t>();
        if (index >= m_program.tensors.size())
            in.refuse("reference to a tensor that does not exist", std::to_string(index));
        r.tensor_name = m_program.tensors[index].name;
        r.level = in.code<dfx::memory_level>("memory level");
        r.tile_indices.resize(in.count(12, "tile indices"));
        for (dfx::affine& form : r.tile_indices) {
            form.coefficients = in.list<std::int64_t>("coefficients");
            form.offset = in.number<std::int64_t>();
        }
        r.tile_shape = in.list<std::uint64_t>("tile extents");
        r.element_size = in.number<std::uint64_t>();
        return r;
    }

    /// Taken out of the map, so that what is left over names no operation.
    std::vector<dfx::dependence> dependences_of(std::uint64_t op) {
        const auto found = m_dependences.find(op);
        if (found == m_dependences.end())
            return {};
        std::vector<dfx::dependence> out = std::move(found->second);
        m_dependences.erase(found);
        return out;
    }

    void read_tuning(byte_reader in) {
        m_program.tuned_for = in.text();
        if (m_program.tuned_for.empty())
            in.refuse("the platform that the program is tuned for has no name");
        in.finish("tuning");
    }

    void read_hints(byte_reader in) {
        for (dfx::kernel& k : m_program.kernels) {
            k.hints.estimated_dram_bytes = in.number<std::uint64_t>();
            k.hints.estimated_compute_cycles = in.number<std::uint64_t>();
            k.hints.parallelism_degree = in.number<std::uint64_t>();
        }
        in.finish("hints");
    }

    void read_constants() {
        byte_reader in = open(section::constants, "constants");
        const extent place = m_sections.at(section::constants);
        const std::size_t n = in.count(20, "constants");
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const auto index = in.number<std::uint32_t>();
            const auto offset = in.number<std::uint64_t>();
            const auto size = in.number<std::uint64_t>();
            if (index >= m_program.tensors.size())
                in.refuse("constant of a tensor that does not exist", std::to_string(index));
            // The sum too, or a short file could ask for the same bytes many times over.
            total += std::min(size, place.size);
            if (!fits(offset, size, place.size) || total > place.size || (place.offset + offset) % k_alignment != 0)
                in.refuse("value of a constant lies outside its section or is not aligned");
            const dfx::tensor_descriptor& t = m_program.tensors[index];
            tensor value;
            value.type = t.type;
            value.dims = dfx::file_dims(t);
            const auto* first = reinterpret_cast<const std::byte*>(m_bytes.data()) + place.offset + offset;
            value.data.assign(first, first + size);
            if (!m_program.constants.emplace(t.name, std::move(value)).second)
                in.refuse("constant " + t.name + " is given twice");
        }
    }

    std::string_view m_bytes;
    const std::string& m_name;
    version m_version{};
    bool m_operators = false; ///< the version has operators on whole tensors
    dfx::program m_program;
    std::map<section, extent> m_sections;
    std::vector<extent> m_places; ///< of all sections, those that are skipped too
    std::size_t m_table_end = 0;
    dependence_lists m_dependences;
};

} // namespace

dfx::program from_binary(std::string_view bytes, const std::string& name) {
    return program_reader(bytes, name).run();
}

} // namespace kpu::object
