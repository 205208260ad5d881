// When a fold loads, enters and drains. One fold waits in `next`, one is `held` while it loads and until it enters, one
// streams, and output stationary up to two wait in their accumulators for their drain.
module sequencer
  import array_types::*;
#(
    parameter int ROWS = 4,
    parameter int COLS = 4,
    parameter bit PIPELINED = 1
) (
    input logic clk,
    input logic reset,

    input  fold_t offer,
    input  logic  offered,
    output logic  accepted,
    input  logic  streams_offered,  // what streams of the fold that enters next is there
    input  logic  room,             // the results that leave next find room

    output shift_t load,
    output count_t load_row,  // the row whose weights or seeds enter the chain in this cycle

    output step_t            step,
    output count_t           step_number,
    output logic  [ROWS-1:0] rows,     // that operands enter
    output logic  [COLS-1:0] columns,

    output shift_t           drain,
    output logic  [COLS-1:0] drained_columns
);

  localparam count_t Height = count_t'(ROWS);

  function automatic logic [COLS-1:0] first_columns(count_t count);
    for (int j = 0; j < COLS; ++j) first_columns[j] = count_t'(j) < count;
  endfunction

  // ---- what is where

  fold_t next, held;
  logic next_valid, held_valid;
  flow_t last_flow;
  logic enters, begins;

  count_t load_left, gap, steps_left, tail;

  logic enter_bank;  // that the next output stationary fold takes
  logic waiting[2];  // for its drain, in this accumulator
  count_t waiting_rows[2], waiting_columns[2];
  count_t wait_left[2];

  logic next_drain_bank, drain_starts;
  count_t shifts_left;

  logic empty;
  assign empty = !waiting[0] && !waiting[1] && tail == 0;

  // ---- load and entry

  logic bank_free;
  assign bank_free = !waiting[enter_bank] || (drain_starts && next_drain_bank == enter_bank);

  // weights or seeds shift in before it enters
  logic next_loaded;
  assign next_loaded = next.flow != output_stationary || next.seeded;

  always_comb begin
    enters = held_valid && load_left == 0 && gap == 0 && streams_offered;
    if (!empty && !(PIPELINED && held.flow == last_flow)) enters = 0;
    if (!(held.flow == output_stationary ? bank_free : room)) enters = 0;

    begins = next_valid && (!held_valid || enters);
    if (next_loaded) begin
      if (enters) begins = begins && PIPELINED && next.flow == held.flow;
      else if (!empty) begins = begins && PIPELINED && next.flow == last_flow;
    end
  end
  assign accepted = offered && (!next_valid || begins);

  always_ff @(posedge clk) begin
    next_valid <= !reset && (accepted || (next_valid && !begins));
    if (accepted) next <= offer;
    held_valid <= !reset && (begins || (held_valid && !enters));
    if (begins) held <= next;
    if (enters) last_flow <= held.flow;
  end

  logic load_begins;
  assign load_begins = begins && next_loaded;
  countdown loading (.clk, .reset, .set(load_begins), .value(Height - 1), .left(load_left));
  // output stationary a column has to shift out before the next fold's does
  count_t period;
  assign period = (held.flow == output_stationary && held.steps < Height) ? Height : held.steps;
  countdown spacing (.clk, .reset, .set(enters), .value(period - 1), .left(gap));
  countdown streaming (.clk, .reset, .set(enters), .value(held.steps - 1), .left(steps_left));

  always_comb begin
    load.shift = load_begins || load_left != 0;
    load.first = load_begins;
    load_row   = load_begins ? Height - 1 : load_left - 1;
    load.live  = load_row < (begins ? next.k : held.k);
    load.bank  = 0;
  end

  step_t current;
  count_t next_step;
  logic [ROWS-1:0] current_rows;
  logic [COLS-1:0] current_columns;
  always_comb begin
    step = current;
    step.valid = enters || steps_left != 0;
    step.first = enters;
    step_number = enters ? 0 : next_step;
    rows = current_rows;
    columns = current_columns;
    if (enters) begin
      step.streams = held.flow != output_stationary;
      step.seeded = held.seeded;
      step.bank = enter_bank;
      for (int i = 0; i < ROWS; ++i) rows[i] = step.streams || count_t'(i) < held.m;
      columns = first_columns(held.columns);
    end
  end
  always_ff @(posedge clk) begin
    current <= step;
    next_step <= step_number + 1;
    current_rows <= rows;
    current_columns <= columns;
  end

  // ---- drain: column 0 has done its last step k + m - 1 cycles after the entry

  logic enters_bank[2];
  for (genvar b = 0; b < 2; ++b) begin : accumulator
    assign enters_bank[b] = enters && held.flow == output_stationary && enter_bank == 1'(b);
    countdown waits (
        .clk,
        .reset,
        .set (enters_bank[b]),
        .value(held.k + held.m - 2),
        .left(wait_left[b])
    );
    always_ff @(posedge clk) begin
      if (enters_bank[b]) begin
        waiting_rows[b] <= held.m;
        waiting_columns[b] <= held.columns;
      end
      waiting[b] <= !reset && (enters_bank[b] || (waiting[b] && !(drain_starts && next_drain_bank == 1'(b))));
    end
  end

  assign drain_starts = waiting[next_drain_bank] && wait_left[next_drain_bank] == 0 && shifts_left == 0 && room;
  countdown shifting (.clk, .reset, .set(drain_starts), .value(Height - 1), .left(shifts_left));

  count_t leaving, drained_rows, current_drained_rows;
  logic current_drain_bank;
  logic [COLS-1:0] current_drained_columns;
  always_comb begin
    drain.shift = drain_starts || shifts_left != 0;
    drain.first = drain_starts;
    drain.bank = drain_starts ? next_drain_bank : current_drain_bank;
    leaving = drain_starts ? Height - 1 : shifts_left - 1;
    drained_rows = drain_starts ? waiting_rows[next_drain_bank] : current_drained_rows;
    drain.live = leaving < drained_rows;
    drained_columns = drain_starts ? first_columns(waiting_columns[next_drain_bank]) : current_drained_columns;
  end

  always_ff @(posedge clk)
    if (reset) begin
      enter_bank <= 0;
      next_drain_bank <= 0;
    end else begin
      if (enters_bank[0] || enters_bank[1]) enter_bank <= PIPELINED ? ~enter_bank : 0;
      if (drain_starts) next_drain_bank <= PIPELINED ? ~next_drain_bank : 0;
    end
  always_ff @(posedge clk) begin
    current_drain_bank <= drain.bank;
    current_drained_rows <= drained_rows;
    current_drained_columns <= drained_columns;
  end

  // ---- cycles until everything whose way out is known has left

  count_t until_gone;
  always_comb begin
    until_gone = 0;
    if (enters && held.flow != output_stationary) until_gone = held.steps + Height + held.columns - 3;
    if (drain_starts) until_gone = Height + waiting_columns[next_drain_bank] - 2;
  end
  countdown emptying (.clk, .reset, .set(until_gone >= tail), .value(until_gone), .left(tail));

endmodule
