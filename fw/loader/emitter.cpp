#include "fw/loader/emitter.h"

#include <algorithm>

namespace kpu::fw {

emitter::emitter(const machine& chip)
    : m_last(chip.engines.size(), 0),
      m_observed(chip.engines.size(), std::vector<std::uint32_t>(chip.engines.size(), 0)) {}

point emitter::copy(engine_id engine, std::uint32_t tag, const iface::copy_operands& operands,
                    const dependences& after) {
    return push(engine, encode(header_for(engine, tag, iface::opcode::copy, after), operands));
}

point emitter::fold(engine_id engine, std::uint32_t tag, const iface::fold_operands& operands,
                    const dependences& after) {
    return push(engine, encode(header_for(engine, tag, iface::opcode::fold, after), operands));
}

point emitter::vector(engine_id engine, std::uint32_t tag, const iface::vector_operands& operands,
                      const dependences& after) {
    return push(engine, encode(header_for(engine, tag, iface::opcode::vector, after), operands));
}

point emitter::fill(engine_id engine, std::uint32_t tag, const iface::fill_operands& operands,
                    const dependences& after) {
    return push(engine, encode(header_for(engine, tag, iface::opcode::fill, after), operands));
}

point emitter::gather(engine_id engine, std::uint32_t tag, const iface::gather_operands& operands,
                      const dependences& after) {
    return push(engine, encode(header_for(engine, tag, iface::opcode::gather, after), operands));
}

point_set emitter::latest(const machine& chip, std::initializer_list<iface::engine_kind> kinds) const {
    point_set all;
    for (const engine_info& engine : chip.engines) {
        const point last_one = last(engine.id);
        if (last_one.number > 0 && std::find(kinds.begin(), kinds.end(), engine.kind) != kinds.end())
            all.add(last_one);
    }
    return all;
}

bound_command emitter::take() {
    const bound_command next = m_ready.front();
    m_ready.pop();
    return next;
}

void emitter::require(engine_id engine, point wanted) {
    std::uint32_t& observed = m_observed[engine.value()][wanted.engine.value()];
    if (observed >= wanted.number)
        return;
    observed = wanted.number;
    for (point& known : m_pending) {
        if (known.engine == wanted.engine) {
            known.number = wanted.number;
            return;
        }
    }
    m_pending.push_back(wanted);
}

iface::command_header emitter::header_for(engine_id engine, std::uint32_t tag, iface::opcode op,
                                          const dependences& after) {
    m_pending.clear();
    for (const point& p : after.read_after_write)
        require(engine, p);
    for (const point& p : after.write_after)
        if (p.engine != engine)
            require(engine, p);
    iface::command_header header;
    header.op = iface::opcode::join;
    header.tag = tag;
    std::size_t used = 0;
    for (const point& p : m_pending) {
        if (used == iface::k_waits) {
            push(engine, encode(header));
            header.waits = {};
            used = 0;
        }
        header.waits[used++] = {p.engine, p.number};
    }
    header.op = op;
    return header;
}

point emitter::push(engine_id engine, const iface::descriptor_words& words) {
    const std::uint32_t number = ++m_last[engine.value()];
    m_ready.push({engine, number, words});
    return {engine, number};
}

} // namespace kpu::fw
