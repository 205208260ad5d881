// What the array's parts say to each other.
package array_types;

  typedef logic [15:0] count_t;

  typedef enum logic [1:0] {
    output_stationary = 0,
    weight_stationary = 1,
    input_stationary  = 2
  } flow_t;

  typedef struct packed {
    flow_t  flow;
    logic   seeded;
    count_t steps;   // cycles in which a PE takes operands
    count_t columns; // of the array that give results
    count_t m, k;
  } fold_t;

  // Travels to the right with the operands of a row: what a PE does in this cycle.
  typedef struct packed {
    logic valid;
    logic first;   // the fold's first step
    logic streams; // weight or input stationary: the sum passes, the weight stays
    logic seeded;  // output stationary: the chain holds where the sum begins
    logic bank;    // output stationary: which accumulator
  } step_t;

  // A column shifts in this cycle: weights or seeds in, or results out.
  typedef struct packed {
    logic shift;
    logic first; // of as many shifts as there are rows
    logic live;  // in: the row that this value is for uses it; out: what leaves is a result
    logic bank;  // out: which accumulator
  } shift_t;

endpackage
