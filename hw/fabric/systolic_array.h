#pragma once
// The systolic array as an engine: reads A and B from its L1 row and column buffers, seeds and results from and to the
// result buffer, one command per fold, each in the dataflow that its command names. Timing is fold_timing's, arithmetic
// is fold_kernel's; see README.md.

#include "hw/control/command_engine.h"
#include "hw/control/news.h"
#include "hw/fabric/fold_kernel.h"
#include "hw/fabric/fold_timing.h"
#include "hw/fabric/l1_buffers.h"
#include "hw/tlm/initiator.h"
#include "platforms/common/ring.h"
#include "platforms/platform.h"

#include <array>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

class systolic_array final : public command_engine {
  public:
    tlm_utils::simple_initiator_socket<systolic_array> row_i;    ///< reads A
    tlm_utils::simple_initiator_socket<systolic_array> column_i; ///< reads B
    tlm_utils::simple_initiator_socket<systolic_array> result_i; ///< reads seeds, writes C

    systolic_array(sc_core::sc_module_name name, const engine_config& config, const platform::array_params& params,
                   const array_buffers& buffers = {});

    /// Folds take their time and their accesses but compute nothing, for runs that ask for times only.
    void skip_arithmetic() { m_computes = false; }

  private:
    /// A fold from its issue to the write of its results.
    struct fold_in_flight {
        command_ref ref;
        iface::fold_operands operands;
        array_fold shape;
        fold_entry entry;
        bool completes = true;           ///< the last one of its command
        std::vector<unsigned char> sums; ///< m×n of the accumulator's type; grows to its high-water mark
    };
    /// Results that are on their way to memory.
    struct completion {
        command_ref ref;
        picoseconds at;
    };
    /// How operands come in: when the first beat of the latest is there, and how long the longest flows from then on.
    struct stream {
        picoseconds first;
        picoseconds flowing;
    };
    /// Where the operands are, in the buffers' own storage or in m_a, m_b and the fold's sums.
    struct operand_data {
        const unsigned char* a = nullptr;
        const unsigned char* b = nullptr;
        const unsigned char* seed = nullptr;
    };

    iface::fault execute(const command& c) override;
    [[nodiscard]] bool supports(iface::opcode op) const override { return op == iface::opcode::fold; }
    void on_reset() override;

    [[nodiscard]] iface::fault refusal(const iface::fold_operands& fold) const;
    [[nodiscard]] bool exceeds_array(const iface::fold_operands& fold) const;
    [[nodiscard]] iface::fault run(const command_ref& ref, const iface::fold_operands& operands, bool is_last);
    [[nodiscard]] fold_in_flight& place_for(const command_ref& ref, const iface::fold_operands& operands);
    [[nodiscard]] bool pay_start_cost();
    [[nodiscard]] bool wait_to_begin(const array_fold& shape);
    [[nodiscard]] bool wait_to_enter(const array_fold& shape);
    [[nodiscard]] bool wait_until(picoseconds when);
    [[nodiscard]] iface::fault load(fold_in_flight& fold, operand_data& data, picoseconds& late);
    [[nodiscard]] iface::fault read_loaded(fold_in_flight& fold, operand_data& data, stream& slowest);
    [[nodiscard]] iface::fault read_streamed(fold_in_flight& fold, operand_data& data, picoseconds due,
                                             stream& slowest);
    [[nodiscard]] iface::fault read_a(const iface::fold_operands& x, operand_data& data, picoseconds due,
                                      stream& slowest);
    [[nodiscard]] iface::fault read_b(const iface::fold_operands& x, operand_data& data, picoseconds due,
                                      stream& slowest);
    [[nodiscard]] iface::fault read_seed(fold_in_flight& fold, operand_data& data, picoseconds due, stream& slowest);
    [[nodiscard]] iface::fault read(initiator& from, address where, bytes length, std::vector<unsigned char>& buffer,
                                    const unsigned char*& data, picoseconds due, stream& slowest);
    void compute(fold_in_flight& fold, const operand_data& data);
    [[nodiscard]] bool next_is_loaded(const fold_in_flight& fold) const;
    void pass_through(const fold_in_flight& fold);
    void account_for(const fold_in_flight& fold, picoseconds elapsed, picoseconds late, picoseconds flowing);

    void drain_loop();
    void drain_front();
    void complete_due();

    platform::array_params m_params;
    array_buffers m_buffers;
    fold_kernel m_kernel;
    bool m_computes = true;
    fold_timing m_timing;
    initiator m_rows, m_columns, m_seeds, m_results;
    std::vector<unsigned char> m_a, m_b; ///< where a target does not lend its storage
    picoseconds m_lead;                  ///< from the last request for operands to their first beat
    picoseconds m_load_time;             ///< that the last load took

    /// Folds that are issued and whose results are not yet on their way: one that has not entered, at most two that
    /// wait for their drain and one in it.
    std::array<fold_in_flight, 4> m_folds;
    std::size_t m_entered = 0, m_written = 0; ///< numbers of folds; modulo four their places in m_folds
    ring<completion> m_completions;
    picoseconds m_last_completion;

    news m_may_enter{"may_enter"}; ///< earlier folds have made way
    news m_may_drain{"may_drain"}; ///< a fold has entered
    sc_core::sc_event m_completion_due{"completion_due"};
};

} // namespace kpu::hw
