#include "compiler/tensor/host_memory.h"

#include <fmt/format.h>
#include <unistd.h>

namespace kpu {

void require_host_memory(double needed, const location& where) {
    const double present = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (needed <= present)
        return;
    diagnostic problem;
    problem.where = where;
    problem.message = "tensors do not fit in this machine's memory";
    problem.text = fmt::format("{:.3g} bytes", needed);
    problem.expected = fmt::format("at most {:.3g} bytes", present);
    throw input_error(std::move(problem));
}

} // namespace kpu
