// A column's way out: results that shift down from the accumulators, or that the last row finishes, one per cycle into
// the array's output register. A result leaves in the cycle at whose end that register takes it.
module drain_column #(
    parameter int ROWS = 4,
    parameter int SUM = 32
) (
    input logic clk,
    input logic reset,

    input  logic            shift,
    input  logic            first,
    input  logic            live,  // what leaves is a result
    output logic [ROWS-1:0] take,  // rows that take over the value from above

    input logic           [SUM-1:0] last_drained,
    input logic                     last_is_sum,
    input logic           [SUM-1:0] last_sum,

    output logic           valid,
    output logic [SUM-1:0] result
);

  logic [ROWS-1:0] reached;
  shift_wave #(.ROWS(ROWS)) wave (.clk, .shift, .first, .reached);
  // what the shifts have reached is empty and may be taken by another fold
  assign take = shift ? ~reached : '0;

  logic drained_valid;
  logic [SUM-1:0] drained;
  always_ff @(posedge clk) begin
    drained_valid <= !reset && shift && live;
    drained <= last_drained;
  end

  // the last row's register is the output register of a sum that passes
  assign valid  = drained_valid || last_is_sum;
  assign result = drained_valid ? drained : last_sum;

endmodule
