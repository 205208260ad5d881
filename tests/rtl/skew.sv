// Lane i comes i cycles later: a triangle of registers.
module skew #(
    parameter int LANES = 4,
    parameter int WIDTH = 8
) (
    input  logic             clk,
    input  logic             reset,
    input  logic [WIDTH-1:0] straight[LANES],
    output logic [WIDTH-1:0] skewed  [LANES]
);

  for (genvar i = 0; i < LANES; ++i) begin : lane
    if (i == 0) begin : direct
      assign skewed[i] = straight[i];
    end else begin : delayed
      logic [WIDTH-1:0] stages[i];
      always_ff @(posedge clk)
        for (int s = 0; s < i; ++s)
          if (reset) stages[s] <= '0;
          else if (s == 0) stages[s] <= straight[i];
          else stages[s] <= stages[s-1];
      assign skewed[i] = stages[i-1];
    end
  end

endmodule
