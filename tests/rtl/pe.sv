// One multiply-accumulate a cycle. Output stationary the sum stays in an accumulator and both operands pass; weight and
// input stationary the weight stays and the sum passes downwards. The chain brings weights and seeds from above before
// their fold enters; pipelined, a second weight register frees it as the fold's first step passes.
module pe
  import array_types::*;
#(
    parameter int WIDTH = 8,
    parameter int SUM = 32,
    parameter bit PIPELINED = 1
) (
    input logic clk,
    input logic reset,

    input  step_t                   step,
    input  logic signed [WIDTH-1:0] left,
    output step_t                   step_right,
    output logic signed [WIDTH-1:0] right,

    input  logic                  top_valid,
    input  logic signed [SUM-1:0] top,
    output logic                  down_valid,
    output logic                  down_is_sum,
    output logic signed [SUM-1:0] down,

    input  logic                  load,
    input  logic                  above_used,
    input  logic signed [SUM-1:0] above_chain,
    output logic                  chain_used,
    output logic signed [SUM-1:0] chain,

    input  logic                  drain,
    input  logic                  drain_bank,
    input  logic signed [SUM-1:0] above_drained,
    output logic signed [SUM-1:0] drained
);

  logic signed [SUM-1:0] accumulators[2];  // not pipelined only the first is used
  logic signed [WIDTH-1:0] weight;
  logic weight_used;

  logic signed [WIDTH-1:0] kept;
  logic kept_used;
  logic signed [SUM-1:0] factor, product, begin_with, total;
  logic works;

  always_comb begin
    works = step.valid && top_valid;
    if (PIPELINED && !step.first) begin
      kept = weight;
      kept_used = weight_used;
    end else begin
      kept = chain[WIDTH-1:0];
      kept_used = chain_used;
    end
    factor = step.streams ? SUM'(kept) : SUM'(signed'(top[WIDTH-1:0]));
    product = (step.streams && !kept_used) ? '0 : SUM'(left) * factor;
    if (step.streams) begin_with = top;
    else if (!step.first) begin_with = accumulators[step.bank];
    else begin_with = step.seeded ? chain : '0;
    total = begin_with + product;
  end

  assign drained = accumulators[drain_bank];

  always_ff @(posedge clk) begin
    step_right <= reset ? '0 : step;
    right <= left;

    down_valid <= !reset && top_valid;
    down_is_sum <= !reset && works && step.streams;
    down <= (works && step.streams) ? total : top;

    if (load) begin
      chain <= above_chain;
      chain_used <= above_used;
    end
    if (step.valid && step.first && step.streams) begin
      weight <= chain[WIDTH-1:0];
      weight_used <= chain_used;
    end

    if (drain) accumulators[drain_bank] <= above_drained;
    if (works && !step.streams) accumulators[step.bank] <= total;
  end

endmodule
