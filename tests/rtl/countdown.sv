// A counter that runs down to zero and stays there.
module countdown
  import array_types::*;
(
    input  logic   clk,
    input  logic   reset,
    input  logic   set,
    input  count_t value,
    output count_t left
);

  always_ff @(posedge clk)
    if (reset) left <= '0;
    else if (set) left <= value;
    else if (left != 0) left <= left - 1;

endmodule
