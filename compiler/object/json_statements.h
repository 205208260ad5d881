#pragma once
// Reads operations and loops from JSON, for both forms of the file.

#include "compiler/object/json_fields.h"

#include <functional>
#include <string>
#include <vector>

namespace kpu::object {

class statement_reader {
  public:
    explicit statement_reader(json_errors& errors) : m_errors(errors) {}

    /// Regions without a shape or an element size keep these empty or 0.
    [[nodiscard]] std::vector<dfx::statement> body(const json_value::array_t& items, const std::string& pointer);

  private:
    [[nodiscard]] dfx::statement statement(const json_value& value, const std::string& pointer);
    [[nodiscard]] dfx::data_move_op move(const json_value& value, const std::string& pointer);
    [[nodiscard]] dfx::compute_op compute(const json_value& value, const std::string& pointer);
    void refuse_unused(const json_object& o, dfx::compute_type type);
    void attributes(const json_object& o, dfx::compute_op& op);
    [[nodiscard]] dfx::element_step step(const json_value& value, const std::string& pointer);
    [[nodiscard]] double bound(const json_object& o, const char* key);
    [[nodiscard]] dfx::barrier_op barrier(const json_value& value, const std::string& pointer);
    [[nodiscard]] dfx::loop_nest loop(const json_value& value, const std::string& pointer);
    [[nodiscard]] dfx::tensor_region region(const json_value* value, const std::string& pointer);
    [[nodiscard]] dfx::affine index(const json_value& value, const std::string& pointer);
    void add_term(dfx::affine& form, const std::string& loop_name, std::int64_t factor, const std::string& pointer);
    [[nodiscard]] std::vector<dfx::dependence> dependences(const json_object& o);
    [[nodiscard]] dfx::accumulate_rule accumulate(const json_object& o);

    json_errors& m_errors;
    std::vector<std::string> m_loops; ///< names of the enclosing loops
    bool m_loop_lost = false;         ///< a loop's name was refused: unknown names may be that loop's
};

} // namespace kpu::object
