// How far a column's shifts have come: the first reaches row 0, every further one the next row.
module shift_wave #(
    parameter int ROWS = 4
) (
    input  logic            clk,
    input  logic            shift,
    input  logic            first,
    output logic [ROWS-1:0] reached
);

  logic [ROWS-1:0] earlier;

  always_comb
    if (!shift) reached = '0;
    else if (first) reached = ROWS'(1);
    else reached = (earlier << 1) | ROWS'(1);

  always_ff @(posedge clk) earlier <= reached;

endmodule
