#pragma once
// One contraction as a stream of commands, pulled piece by piece.

#include "compiler/dfx/contraction.h"
#include "fw/loader/emitter.h"
#include "fw/loader/input_ring.h"
#include "fw/loader/l3_store.h"
#include "fw/loader/lane.h"
#include "fw/loader/layout.h"
#include "platforms/common/ring.h"

#include <optional>
#include <utility>
#include <vector>

namespace kpu::fw {

/// An operand in DRAM and who wrote it.
struct dram_operand {
    placed_operand place;
    usage* use = nullptr; ///< of the whole tensor; outlives the stream
    point_set before;     ///< of a result: what used its memory earlier
};

struct contraction_operands {
    dram_operand a, b, c;
    std::optional<dram_operand> seed;
    std::vector<dram_operand> steps; ///< as in contraction::step_operands
};

class contraction_stream {
  public:
    /// Memory used by earlier work is taken over in order behind it.
    contraction_stream(const machine& chip, const dfx::contraction& work, const blocking& plan,
                       const contraction_operands& operands, emitter& out);

    /// Emits the next few commands: a fold, or folds that are one command, with what it needs. False when everything
    /// had been emitted already.
    bool advance();

  private:
    /// Where a fold lies in its block. Folds of a column of a strip make a group: their sums move as one. In the last
    /// strip of all every fold is a group, and rows follow each other, so that most results have left before the end.
    struct fold_place {
        std::uint64_t strip = 0, row = 0, column = 0; ///< row: in the strip
        std::uint64_t first_row = 0, rows = 0;        ///< of its group, in the strip
        std::uint64_t turn = 0;                       ///< groups of this strip, or row, before it
        bool backwards = false;                       ///< columns descend
        bool last_strip = false;                      ///< of all
        extent m, n;                                  ///< in elements of the block
        bool ends_group = false, ends_row = false, ends_strip = false, ends_step = false;
        bool in_last_column = false; ///< of a strip whose columns are groups
    };
    /// Folds of a group that are one command.
    struct fold_run {
        std::uint64_t count = 1;
        std::uint64_t a_stride = 0; ///< bytes from one's panel of A to the next one's
    };
    /// Cells in L3 that a DMA engine has to be told to store.
    struct pending_store {
        pending_cells cells;
        point_set written;
    };

    // the walk and the window of upcoming steps
    void fill_window();
    [[nodiscard]] tile_key a_key(const step& s) const { return {operand_role::a, s.batch, s.row, s.slice, 0}; }
    [[nodiscard]] tile_key b_key(const step& s) const { return {operand_role::b, s.batch, s.slice, s.column, 0}; }
    [[nodiscard]] static tile_key c_key(const step& s) { return {operand_role::c, s.batch, s.row, s.column, 0}; }
    /// A bias is the same for all rows.
    [[nodiscard]] tile_key seed_key(const step& s) const {
        return {operand_role::seed, s.batch, m_work.bias ? 0 : s.row, s.column, 0};
    }
    [[nodiscard]] extent rows_of(const step& s) const { return piece(m_work.m, m_plan.mb, s.row); }
    [[nodiscard]] extent columns_of(const step& s) const { return piece(m_work.n, m_plan.nb, s.column); }
    [[nodiscard]] extent depth_of(const step& s) const { return piece(m_work.k, m_plan.kb, s.slice); }
    [[nodiscard]] const dfx::contraction_ops& ids_of(const step& s) const;
    [[nodiscard]] bool complete_after(const step& s) const { return s.slice + 1 == m_plan.k_slices; }

    // cells of a block of C: where they lie is in layout.h
    [[nodiscard]] std::uint64_t cells_per_row() const { return ceil_div(m_plan.nb, m_plan.fold_columns); }
    [[nodiscard]] std::uint64_t fold_cells() const { return m_plan.fold_rows * m_plan.fold_columns; }
    [[nodiscard]] std::uint64_t strips_of(const step& s) const {
        return ceil_div(rows_of(s).count, m_plan.strip * m_plan.fold_rows);
    }
    [[nodiscard]] extent rows_of_strip(const step& s, std::uint64_t strip) const {
        return piece(rows_of(s).count, m_plan.strip * m_plan.fold_rows, strip);
    }
    [[nodiscard]] std::uint64_t cells_down(const step& s, std::uint64_t strip) const {
        return ceil_div(rows_of_strip(s, strip).count, m_plan.fold_rows);
    }
    /// A column of a strip, among those of the block.
    [[nodiscard]] std::size_t column_index(std::uint64_t strip, std::uint64_t column) const {
        return static_cast<std::size_t>(strip * cells_per_row() + column);
    }
    /// All cells of a strip, of elements of `element` bytes.
    [[nodiscard]] cell_strip strip_of(const step& s, std::uint64_t strip, std::uint64_t element) const {
        return {rows_of_strip(s, strip).count, columns_of(s).count, m_plan.fold_rows, m_plan.fold_columns, element};
    }
    /// Where they lie from that row and column of the strip on, in a block at `block` with room for elements of `full`
    /// bytes.
    [[nodiscard]] cell_place place_of(address block, std::uint64_t strip, std::uint64_t row, std::uint64_t column,
                                      std::uint64_t full) const;
    /// Where cells lie in L3 from the first of these on.
    [[nodiscard]] cell_place place_in_l3(const pending_cells& some) const;
    /// One row of them, that many columns wide.
    [[nodiscard]] cell_row row_of(const cell_strip& cells, const cell_place& place, std::uint64_t row) const;
    /// Those that leave together, as sums or as results.
    [[nodiscard]] cell_strip strip_of(const pending_cells& some) const;

    // tiles of A and B, and their panels: as many rows or columns as the array has
    [[nodiscard]] tile_key key_of(const step& s, operand_role role) const {
        return role == operand_role::a ? a_key(s) : b_key(s);
    }
    [[nodiscard]] extent across_of(const step& s, operand_role role) const {
        return role == operand_role::a ? rows_of(s) : columns_of(s);
    }
    [[nodiscard]] std::uint64_t panels_of(const step& s, operand_role role) const {
        return ceil_div(across_of(s, role).count, panel_width(role));
    }
    [[nodiscard]] extent panel_of(const step& s, operand_role role, std::uint64_t panel) const;
    /// Rows of a fold, among those of the block.
    [[nodiscard]] extent extent_of_row(const step& s, std::uint64_t strip, std::uint64_t row) const {
        return piece(rows_of(s).count, m_plan.fold_rows, strip * m_plan.strip + row);
    }
    [[nodiscard]] tile_key row_panel_key(const step& s, const fold_place& place, std::uint64_t row) const {
        tile_key key = a_key(s);
        key.panel = place.strip * m_plan.strip + row + 1;
        return key;
    }
    [[nodiscard]] std::uint64_t panel_width(operand_role role) const {
        return role == operand_role::a ? m_plan.fold_rows : m_plan.fold_columns;
    }
    [[nodiscard]] std::uint32_t load_tag(const step& s, operand_role role) const {
        return static_cast<std::uint32_t>(role == operand_role::a ? ids_of(s).load_a : ids_of(s).load_b);
    }

    // DRAM → L3
    /// A tile whose slot in L3 is taken and that comes panel by panel.
    struct arriving_tile {
        step at;
        operand_role role = operand_role::a;
        tile_slot* slot = nullptr;
        dependences after; ///< what used the slot before, and who wrote the operand
    };
    void open();
    void open_round(std::size_t round);
    void load_panel(const arriving_tile& tile, std::uint64_t panel, std::size_t parts);
    /// Calls use(copies, bytes to fill with zeros before them) for what brings rows of A from DRAM to `to`, packed.
    template <class Use>
    void with_loads_of_rows(const step& s, extent rows, address to, Use use) const;
    /// Brings what the windows of these rows of A need into the ring. Ahead of need, for the step at `position` of the
    /// window, it gives up (false) where that would displace what an earlier step needs.
    bool fetch_windows(const step& s, extent rows, std::optional<std::size_t> position);
    /// A and B of the step at that position of the window, as fetch_tile() ahead of need.
    bool fetch_ahead(std::size_t position);
    void prefetch();
    /// Brings a tile into L3 unless it is there. A fetch ahead of need gives up (false) where it would displace what is
    /// needed again: it would be loaded twice, and soon there is a tile that is not.
    bool fetch_tile(const step& s, operand_role role, bool ahead_of_need);
    tile_slot& fetch_seed(const step& s);
    tile_slot& fetch_steps(const step& s);
    /// Of a seed, or an operand of a step: cells like C's, or what is the same for all rows or columns.
    [[nodiscard]] operand_size seed_size() const { return {m_sizes.seed, !m_work.bias, true}; }
    [[nodiscard]] copies loads_of_part(const step& s, const operand_size& what, const placed_operand& from,
                                       address to) const;
    [[nodiscard]] copies moves_of_part(const step& s, const operand_size& what, address from, address to) const;
    template <class Moves>
    void load(tile_slot& slot, const Moves& moves, std::uint64_t zeros, const dram_operand& from, std::uint32_t tag);

    // L3 → L2
    [[nodiscard]] prepared_step prepare(const step& s);
    /// Its tiles are in L2, or on their way there: L3 is no longer asked for them.
    [[nodiscard]] bool is_prepared(const step& s) const {
        const std::optional<prepared_step>& ahead = m_lanes[s.lane].ahead;
        return ahead && ahead->at.number == s.number;
    }
    /// A tile on its way into a slot of L2; with no panels it is there already.
    struct tile_move {
        operand_role role = operand_role::a;
        tile_slot* slot = nullptr;
        tile_slot* source = nullptr; ///< null: it is gathered from the ring
        std::size_t panels = 0;      ///< that come one by one; 1: it comes as a whole; 0: it is there already
        bool whole = true;
        dependences free; ///< of the slot, before the first panel comes
    };
    [[nodiscard]] tile_move claim_tile(lane& to, const step& s, operand_role role);
    void gather_panel(const step& s, const tile_move& move, std::size_t panel);
    void move_panels(const step& s, const tile_move& move, std::size_t first, std::size_t end);
    tile_slot* move_seed(lane& to, const step& s);
    tile_slot* move_steps(lane& to, const step& s);
    [[nodiscard]] std::uint32_t steps_tag(const step& s) const { return static_cast<std::uint32_t>(ids_of(s).compute); }
    [[nodiscard]] static bool is_leaving(const lane& l, const c_block& block);
    void begin_sums(lane& to, prepared_step& p);
    void fetch_sums(const step& s, c_block& into);
    void prepare_ahead(const step& current);
    [[nodiscard]] const step* next_step_of(std::size_t lane_number) const;

    // folds
    void begin_step();
    void emit_folds();
    void end_step();
    [[nodiscard]] fold_place place_of_fold(const step& s) const;
    /// A group of folds in L1.
    struct result_group {
        result_slot* slot = nullptr;
        cell_strip cells;   ///< sums
        dependences before; ///< of its folds
        bool begun = false; ///< by a first fold
    };
    void begin_group(lane& l, const prepared_step& current, const fold_place& place);
    [[nodiscard]] fold_run folds_together(lane& l, const step& s, const fold_place& place);
    point run_folds(lane& l, const prepared_step& current, const fold_place& place, const fold_run& run);
    void round_and_drain(lane& l, const prepared_step& current, const fold_place& place, point done);
    /// What a vector command does to cells.
    struct cell_function {
        iface::vector_function function = iface::vector_function::identity;
        dtype from, to;
        double low = 0, high = 0;
        const operand_size* operand = nullptr; ///< of a function of two arguments
        address argument = {};                 ///< where that is
        bool operand_first = false;
    };
    [[nodiscard]] point apply(lane& l, const cell_strip& cells, const cell_place& from, const cell_place& to,
                              const cell_function& what, std::uint32_t tag, const dependences& after);
    void finish_results(lane& l, pending_drain& drain, bool full_width);
    void bring_step_operands(lane& l, const prepared_step& p, const fold_place& place);
    [[nodiscard]] address step_operand_in_l1(const result_slot& slot, std::size_t number) const;
    tile_slot& panel(lane& l, tile_cache& cache, tile_slot& tile, const tile_key& key, std::uint64_t offset,
                     std::uint64_t size, stream_role role, std::uint32_t tag);
    void seed_group(lane& l, const prepared_step& p, const fold_place& place);
    void seed_from_sums(lane& l, const prepared_step& p, const fold_place& place);
    [[nodiscard]] cell_place in_l1(address first) const;
    result_slot& next_result(lane& l);

    // results: L1 → L2 → L3 → DRAM
    void drain_down_to(lane& l, std::size_t left);
    void drain_column_if_pending(lane& l, const c_block& block, std::size_t column);
    void plan_to_leave(lane& l, const fold_place& place);
    [[nodiscard]] bool is_closing(const step& s) const;
    [[nodiscard]] std::uint64_t columns_together(const step& s, const fold_place& place) const;
    [[nodiscard]] bool drained(const lane& l, const pending_cells& some) const;
    void leave_if_drained(lane& l);
    void leave(const pending_cells& some);
    void settle(lane& l);
    void settle_all();
    void flush_stores();
    void flush_last_stores();
    void store(const pending_store& some);
    void store_row(const pending_store& store, const cell_row& row, address matrix, address cells);

    /// DMA engines take loads, and stores, in turn. Where there are several, some keep to stores, by the share that
    /// stores have in the traffic, so that no load queues behind a store that waits for its sums.
    [[nodiscard]] bool all_loaded() const { return m_all_seen && m_prefetched >= m_window.size(); }
    [[nodiscard]] engine_id next_loader();
    [[nodiscard]] engine_id next_storer();
    // A lane's block movers, as far as there are as many: what each of them carries.
    static constexpr std::size_t k_mover_of_a = 0, k_mover_of_b = 1, k_mover_of_results = 2; ///< and of seeds
    [[nodiscard]] std::size_t movers_per_lane() const;
    [[nodiscard]] engine_id mover_of(std::size_t lane_number, std::size_t number) const;

    const machine& m_chip;
    dfx::contraction m_work;
    blocking m_plan;
    element_sizes m_sizes;
    contraction_operands m_operands;
    emitter& m_out;

    step_walk m_walk;
    ring<step> m_window; ///< the current step and those ahead
    std::size_t m_prefetched = 0;
    bool m_all_seen = false; ///< the walk is over: the window holds all that is left
    upcoming_uses m_uses;
    l3_store m_l3;
    std::optional<input_ring> m_ring; ///< instead of tiles of A in L3
    std::vector<lane> m_lanes;
    ring<pending_store> m_stores;
    std::vector<pending_store> m_last_stores; ///< of the lanes' last visits
    std::optional<prepared_step> m_current;
    result_group m_group;
    std::uint64_t m_fold = 0;
    std::size_t m_loads = 0, m_stored = 0;
    bool m_done = false;
};

} // namespace kpu::fw
