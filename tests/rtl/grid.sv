// ROWS × COLS PEs, their chains and their ways out. All inputs are skewed already.
module grid
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

    input step_t             steps    [ROWS],
    input logic  [WIDTH-1:0] left     [ROWS],
    input logic              top_valid[COLS],
    input logic  [  SUM-1:0] top      [COLS],
    input shift_t            loads    [COLS],
    input logic  [  SUM-1:0] load_data[COLS],
    input shift_t            drains   [COLS],

    output logic [COLS-1:0] result_valid,
    output logic [ SUM-1:0] result      [COLS]
);

  // [i][j] is what PE(i,j) gets; [ROWS] and [COLS] are what the last ones put out
  step_t step[ROWS][COLS+1];
  logic [WIDTH-1:0] across[ROWS][COLS+1];
  logic down_valid[ROWS+1][COLS];
  logic is_sum[ROWS+1][COLS];
  logic [SUM-1:0] down[ROWS+1][COLS];
  logic chain_used[ROWS+1][COLS];
  logic [SUM-1:0] chain[ROWS+1][COLS];
  logic [SUM-1:0] drained[ROWS+1][COLS];

  for (genvar i = 0; i < ROWS; ++i) begin : row_input
    assign step[i][0] = steps[i];
    assign across[i][0] = left[i];
  end

  for (genvar j = 0; j < COLS; ++j) begin : column
    logic [ROWS-1:0] load, take;
    shift_wave #(.ROWS(ROWS)) load_wave (
        .clk,
        .shift(loads[j].shift),
        .first(loads[j].first),
        .reached(load)
    );
    assign down_valid[0][j] = top_valid[j];
    assign is_sum[0][j] = 1'b0;
    assign down[0][j] = top[j];
    assign chain_used[0][j] = loads[j].live;
    assign chain[0][j] = load_data[j];
    assign drained[0][j] = '0;

    for (genvar i = 0; i < ROWS; ++i) begin : row
      pe #(
          .WIDTH(WIDTH),
          .SUM(SUM),
          .PIPELINED(PIPELINED)
      ) cell_ (
          .clk,
          .reset,
          .step(step[i][j]),
          .left(across[i][j]),
          .step_right(step[i][j+1]),
          .right(across[i][j+1]),
          .top_valid(down_valid[i][j]),
          .top(down[i][j]),
          .down_valid(down_valid[i+1][j]),
          .down_is_sum(is_sum[i+1][j]),
          .down(down[i+1][j]),
          .load(load[i]),
          .above_used(chain_used[i][j]),
          .above_chain(chain[i][j]),
          .chain_used(chain_used[i+1][j]),
          .chain(chain[i+1][j]),
          .drain(take[i]),
          .drain_bank(drains[j].bank),
          .above_drained(drained[i][j]),
          .drained(drained[i+1][j])
      );
    end

    drain_column #(
        .ROWS(ROWS),
        .SUM (SUM)
    ) way_out (
        .clk,
        .reset,
        .shift(drains[j].shift),
        .first(drains[j].first),
        .live(drains[j].live),
        .take,
        .last_drained(drained[ROWS][j]),
        .last_is_sum(is_sum[ROWS][j]),
        .last_sum(down[ROWS][j]),
        .valid(result_valid[j]),
        .result(result[j])
    );
  end

endmodule
