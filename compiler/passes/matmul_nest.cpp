#include "compiler/passes/matmul_nest.h"

#include "platforms/common/units.h"

namespace kpu::passes {

namespace {

using dfx::memory_level;

constexpr memory_level k_levels[] = {memory_level::external, memory_level::l3, memory_level::l2, memory_level::l1,
                                     memory_level::reg};
constexpr std::size_t k_l1 = 3;

class nest_builder {
  public:
    nest_builder(const dfx::program& p, const dfx::contraction& c, std::uint64_t& next_id)
        : m_program(p), m_product(c), m_next_id(next_id), m_batched(p.find(c.c)->dims.size() == 3),
          m_columns_outer(c.flow == dfx::dataflow::weight_stationary) {}

    dfx::kernel build() {
        dfx::kernel k;
        k.flow = m_product.flow;
        k.tiles = m_product.tiles;
        dfx::tile_loop rows = loop("ti", m_product.m, m_product.tile[0], dfx::loop_kind::parallel);
        dfx::tile_loop columns = loop("tj", m_product.n, m_product.tile[1], dfx::loop_kind::parallel);
        dfx::tile_loop& outer = m_columns_outer ? columns : rows;
        dfx::tile_loop& inner = m_columns_outer ? rows : columns;
        if (outer.end > 1 && inner.end > 1) {
            if (m_product.flow == dfx::dataflow::output_stationary)
                outer.order = dfx::iteration_order::morton;
            else
                inner.order = dfx::iteration_order::snake;
        }
        dfx::loop_nest tiles{inner, output_tile()};
        dfx::loop_nest all{outer, {}};
        all.body.emplace_back(std::move(tiles));
        if (m_batched) {
            dfx::loop_nest batch{loop("tb", m_product.batch, 1, dfx::loop_kind::parallel), {}};
            batch.body.emplace_back(std::move(all));
            k.body.emplace_back(std::move(batch));
        } else {
            k.body.emplace_back(std::move(all));
        }
        return k;
    }

  private:
    static dfx::tile_loop loop(const char* name, std::uint64_t extent, std::uint64_t tile, dfx::loop_kind kind) {
        dfx::tile_loop l;
        l.induction_var = name;
        l.end = ceil_div(extent, tile);
        l.kind = kind;
        return l;
    }

    /// What happens for one (ti, tj).
    std::vector<dfx::statement> output_tile() {
        std::vector<dfx::statement> body;
        dfx::compute_op compute;
        if (m_product.seed)
            compute.depends_on.push_back({bring(body, *m_product.seed, row_index(), column_index(), 0, 1), {}});
        dfx::loop_nest depth{loop("tk", m_product.k, m_product.tile[2], dfx::loop_kind::reduction), {}};
        compute.depends_on.push_back({bring(depth.body, m_product.a, row_index(), depth_index(), 0, 2), {}});
        compute.depends_on.push_back({bring(depth.body, m_product.b, depth_index(), column_index(), 2, 1), {}});
        compute.op_id = compute.produces = m_next_id++;
        compute.inputs = {region(m_product.a, memory_level::l1, row_index(), depth_index(), 0, 2),
                          region(m_product.b, memory_level::l1, depth_index(), column_index(), 2, 1)};
        if (m_product.seed)
            compute.inputs.push_back(region(*m_product.seed, memory_level::l1, row_index(), column_index(), 0, 1));
        compute.output = region(m_product.c, memory_level::reg, row_index(), column_index(), 0, 1);
        compute.accumulate = {dfx::accumulate_rule::kind::after_first, "tk"};
        std::vector<std::int64_t> one_step_back(depth_loop() + 1, 0);
        one_step_back.back() = 1;
        compute.depends_on.push_back({compute.op_id, std::move(one_step_back)});
        const std::uint64_t last = compute.op_id;
        depth.body.emplace_back(std::move(compute));
        body.emplace_back(std::move(depth));
        take_back(body, last);
        return body;
    }

    [[nodiscard]] std::size_t first_loop() const { return m_batched ? 1 : 0; }
    [[nodiscard]] std::size_t depth_loop() const { return first_loop() + 2; }
    [[nodiscard]] dfx::affine row_index() const { return loop_index(first_loop() + (m_columns_outer ? 1 : 0)); }
    [[nodiscard]] dfx::affine column_index() const { return loop_index(first_loop() + (m_columns_outer ? 0 : 1)); }
    [[nodiscard]] dfx::affine depth_index() const { return loop_index(depth_loop()); }
    static dfx::affine loop_index(std::size_t loop) {
        dfx::affine form;
        form.coefficients.assign(loop + 1, 0);
        form.coefficients.back() = 1;
        return form;
    }

    /// A tile whose extents are tile[row_extent] x tile[column_extent].
    [[nodiscard]] dfx::tensor_region region(const std::string& tensor, memory_level level, dfx::affine row,
                                            dfx::affine column, std::size_t row_extent,
                                            std::size_t column_extent) const {
        dfx::tensor_region r;
        r.tensor_name = tensor;
        r.level = level;
        if (m_batched) {
            r.tile_indices.push_back(loop_index(0));
            r.tile_shape.push_back(1);
        }
        r.tile_indices.push_back(std::move(row));
        r.tile_indices.push_back(std::move(column));
        r.tile_shape.push_back(m_product.tile[row_extent]);
        r.tile_shape.push_back(m_product.tile[column_extent]);
        r.element_size = size_of(m_program.find(tensor)->type);
        return r;
    }

    /// Loads from EXTERNAL to L1; the id of the last.
    std::uint64_t bring(std::vector<dfx::statement>& body, const std::string& tensor, const dfx::affine& row,
                        const dfx::affine& column, std::size_t row_extent, std::size_t column_extent) {
        std::uint64_t before = 0;
        for (std::size_t level = 0; level < k_l1; ++level) {
            dfx::data_move_op op;
            op.op_id = op.produces = m_next_id++;
            op.type = dfx::data_move_type::load;
            op.source = region(tensor, k_levels[level], row, column, row_extent, column_extent);
            op.destination = region(tensor, k_levels[level + 1], row, column, row_extent, column_extent);
            if (before != 0)
                op.depends_on.push_back({before, {}});
            before = op.op_id;
            body.emplace_back(std::move(op));
        }
        return before;
    }

    /// Stores from REGISTER to EXTERNAL.
    void take_back(std::vector<dfx::statement>& body, std::uint64_t after) {
        for (std::size_t level = k_l1 + 1; level > 0; --level) {
            dfx::data_move_op op;
            op.op_id = op.produces = m_next_id++;
            op.type = dfx::data_move_type::store;
            op.source = region(m_product.c, k_levels[level], row_index(), column_index(), 0, 1);
            op.destination = region(m_product.c, k_levels[level - 1], row_index(), column_index(), 0, 1);
            op.depends_on.push_back({after, {}});
            after = op.op_id;
            body.emplace_back(std::move(op));
        }
    }

    const dfx::program& m_program;
    const dfx::contraction& m_product;
    std::uint64_t& m_next_id;
    bool m_batched;
    bool m_columns_outer;
};

} // namespace

dfx::kernel matmul_nest(const dfx::program& p, const dfx::contraction& c, std::uint64_t& next_id) {
    return nest_builder(p, c, next_id).build();
}

} // namespace kpu::passes
