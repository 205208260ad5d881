// The array with its sequencer. Folds are offered; the array says in every cycle which row of weights or seeds and which
// step of the streams it takes, and these must stand at its inputs, unskewed, in that cycle.
module systolic_array
  import array_types::*;
#(
    parameter int ROWS = 4,
    parameter int COLS = 4,
    parameter int WIDTH = 8,
    parameter int SUM = 32,
    parameter bit PIPELINED = 1
) (
    input logic clk,
    input logic reset,

    input  logic         offered,
    input  logic   [1:0] flow,
    input  logic         seeded,
    input  logic  [15:0] m,
    input  logic  [15:0] n,
    input  logic  [15:0] k,
    output logic         accepted,
    input  logic         streams_offered,
    input  logic         room,

    output logic        loads,
    output logic        load_first,
    output logic [15:0] load_row,
    output logic        streams,
    output logic        stream_first,
    output logic [15:0] step_number,

    input logic [  SUM-1:0] load_data[COLS],
    input logic [WIDTH-1:0] left     [ROWS],
    input logic [  SUM-1:0] top      [COLS],

    output logic [COLS-1:0] result_valid,
    output logic [ SUM-1:0] result      [COLS]
);

  shift_t load, drain;
  step_t step;
  logic [ROWS-1:0] rows;
  logic [COLS-1:0] columns, drained_columns;
  fold_t offer;
  always_comb begin
    offer.flow = flow_t'(flow);
    offer.seeded = seeded;
    offer.m = m;
    offer.k = k;
    offer.columns = offer.flow == input_stationary ? m : n;
    case (offer.flow)
      weight_stationary: offer.steps = m;
      input_stationary: offer.steps = n;
      default: offer.steps = k;
    endcase
  end

  sequencer #(
      .ROWS(ROWS),
      .COLS(COLS),
      .PIPELINED(PIPELINED)
  ) control (
      .clk,
      .reset,
      .offer,
      .offered,
      .accepted,
      .streams_offered,
      .room,
      .load,
      .load_row,
      .step,
      .step_number,
      .rows,
      .columns,
      .drain,
      .drained_columns
  );
  assign loads = load.shift;
  assign load_first = load.first;
  assign streams = step.valid;
  assign stream_first = step.first;

  localparam int FromLeft = $bits(step_t) + WIDTH;
  localparam int FromTop = 1 + SUM;
  localparam int Loaded = $bits(shift_t) + SUM;
  logic [FromLeft-1:0] left_straight[ROWS], left_skewed[ROWS];
  logic [FromTop-1:0] top_straight[COLS], top_skewed[COLS];
  logic [Loaded-1:0] load_straight[COLS], load_skewed[COLS];
  logic [$bits(shift_t)-1:0] drain_straight[COLS], drain_skewed[COLS];
  skew #(.LANES(ROWS), .WIDTH(FromLeft)) left_skew (.clk, .reset, .straight(left_straight), .skewed(left_skewed));
  skew #(.LANES(COLS), .WIDTH(FromTop)) top_skew (.clk, .reset, .straight(top_straight), .skewed(top_skewed));
  skew #(.LANES(COLS), .WIDTH(Loaded)) load_skew (.clk, .reset, .straight(load_straight), .skewed(load_skewed));
  skew #(.LANES(COLS), .WIDTH($bits(shift_t))) drain_skew (
      .clk, .reset, .straight(drain_straight), .skewed(drain_skewed)
  );

  step_t grid_steps[ROWS];
  logic [WIDTH-1:0] grid_left[ROWS];
  logic grid_top_valid[COLS];
  logic [SUM-1:0] grid_top[COLS], grid_load_data[COLS];
  shift_t grid_loads[COLS], grid_drains[COLS];

  for (genvar i = 0; i < ROWS; ++i) begin : row
    step_t mine;
    always_comb begin
      mine = step;
      mine.valid = step.valid && rows[i];
    end
    assign left_straight[i] = {mine, left[i]};
    assign {grid_steps[i], grid_left[i]} = left_skewed[i];
  end
  for (genvar j = 0; j < COLS; ++j) begin : column
    shift_t mine;
    always_comb begin
      mine = drain;
      mine.live = drain.live && drained_columns[j];
    end
    assign top_straight[j] = {step.valid && columns[j], top[j]};
    assign {grid_top_valid[j], grid_top[j]} = top_skewed[j];
    assign load_straight[j] = {load, load_data[j]};
    assign {grid_loads[j], grid_load_data[j]} = load_skewed[j];
    assign drain_straight[j] = mine;
    assign grid_drains[j] = shift_t'(drain_skewed[j]);
  end

  grid #(
      .ROWS(ROWS),
      .COLS(COLS),
      .WIDTH(WIDTH),
      .SUM(SUM),
      .PIPELINED(PIPELINED)
  ) pes (
      .clk,
      .reset,
      .steps(grid_steps),
      .left(grid_left),
      .top_valid(grid_top_valid),
      .top(grid_top),
      .loads(grid_loads),
      .load_data(grid_load_data),
      .drains(grid_drains),
      .result_valid,
      .result
  );

endmodule
