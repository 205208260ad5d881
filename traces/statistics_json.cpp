#include "traces/statistics.h"

#include "platforms/common/diagnostic.h"

#include <nlohmann/json.hpp>

namespace kpu::trace {

namespace {

using nlohmann::json;

/// Both directions from one list of members: `visit` is called with every key and the member that it names.
template <class Stalls, class Visit>
void members_of_stalls(Stalls& s, Visit&& visit) {
    visit("array", s.array);
    visit("block_mover", s.block_mover);
    visit("dma", s.dma);
    visit("read", s.read);
    visit("streamer", s.streamer);
    visit("vector", s.vector);
    visit("write", s.write);
}

template <class Engine, class Visit>
void members_of_engine(Engine& e, Visit&& visit) {
    visit("busy", e.busy);
    visit("commands", e.commands);
    visit("idle", e.idle);
    visit("kind", e.kind);
    visit("macs", e.macs);
    visit("name", e.name);
    visit("read_bytes", e.read_bytes);
    visit("total", e.total);
    visit("write_bytes", e.write_bytes);
}

template <class Kernel, class Visit>
void members_of_kernel(Kernel& k, Visit&& visit) {
    visit("arrays", k.arrays);
    visit("best_blocking_bytes", k.best_blocking_bytes);
    visit("bound_cycles", k.bound_cycles);
    visit("cycles", k.cycles);
    visit("dram", k.dram);
    visit("dram_bytes", k.dram_bytes);
    visit("estimated_cycles", k.estimated_cycles);
    visit("estimated_dram_bytes", k.estimated_dram_bytes);
    visit("lower_bound_bytes", k.lower_bound_bytes);
    visit("macs", k.macs);
    visit("name", k.name);
    visit("vector", k.vector);
}

template <class Resource, class Visit>
void members_of_resource(Resource& r, Visit&& visit) {
    visit("name", r.name);
    visit("peak_per_cycle", r.peak_per_cycle);
    visit("unit", r.unit);
    visit("used", r.used);
}

template <class Part, class Visit>
void members_of_path(Part& p, Visit&& visit) {
    visit("cycles", p.cycles);
    visit("of", p.of);
}

template <class Energy, class Visit>
void members_of_energy(Energy& e, Visit&& visit) {
    visit("/energy/average_w", e.average_w);
    for (std::size_t c = 0; c < k_components; ++c)
        visit("/energy/components/" + std::string(name_of(static_cast<component>(c))), e.joules[c]);
    visit("/energy/edp_js", e.edp_js);
    visit("/energy/pj_per_mac", e.pj_per_mac);
    visit("/energy/static_j", e.static_j);
    visit("/energy/total_j", e.total_j);
}

template <class Run, class Visit>
void members_of_run(Run& run, Visit&& visit) {
    visit("/bounds/compute_cycles", run.bounds.compute_cycles);
    visit("/bounds/cycles", run.bounds.cycles);
    visit("/bounds/dram_cycles", run.bounds.dram_cycles);
    visit("/cycles", run.cycles);
    visit("/dram/activations", run.dram.banks.activations);
    visit("/dram/best_blocking_bytes", run.dram.best_blocking_bytes);
    visit("/dram/lower_bound_bytes", run.dram.lower_bound_bytes);
    visit("/dram/read_bytes", run.dram.read_bytes);
    visit("/dram/refreshes", run.dram.banks.refreshes);
    visit("/dram/row_conflicts", run.dram.banks.row_conflicts);
    visit("/dram/row_hits", run.dram.banks.row_hits);
    visit("/dram/row_misses", run.dram.banks.row_misses);
    visit("/dram/write_bytes", run.dram.write_bytes);
    visit("/efficiency", run.efficiency);
    visit("/fusion/bytes_not_read", run.fusion.bytes_not_read);
    visit("/fusion/bytes_not_written", run.fusion.bytes_not_written);
    visit("/fusion/kernels_not_launched", run.fusion.kernels_not_launched);
    visit("/macs", run.macs);
    visit("/peak_rss_bytes", run.peak_rss_bytes);
    visit("/platform", run.platform);
    visit("/program", run.program);
    visit("/program_hash", run.program_hash);
    visit("/time_ps", run.time_ps);
    visit("/tool", run.tool);
    visit("/wall/elaborate_s", run.wall.elaborate_s);
    visit("/wall/simulate_s", run.wall.simulate_s);
}

template <class T>
bool has_type(const json& value) {
    if constexpr (std::is_same_v<T, std::string>)
        return value.is_string();
    else if constexpr (std::is_same_v<T, double>)
        return value.is_number();
    else
        return value.is_number_unsigned();
}

template <class T>
constexpr const char* type_name() {
    return std::is_same_v<T, std::string> ? "a text"
           : std::is_same_v<T, double>    ? "a number"
                                          : "a whole number, not negative";
}

/// Reads members by pointer below a base and collects what is missing.
class reader {
  public:
    reader(const json& root, std::string file) : m_root(root), m_file(std::move(file)) {}

    template <class T>
    void get(const std::string& pointer, T& into) {
        const json::json_pointer at(pointer);
        if (!m_root.contains(at))
            return problem(pointer, "missing", "", type_name<T>());
        const json& value = m_root.at(at);
        if (!has_type<T>(value))
            return problem(pointer, "has the wrong type", value.dump(-1, ' ', false, json::error_handler_t::replace),
                           type_name<T>());
        into = value.get<T>();
    }
    /// Calls `read(item, "/list/i/")` for every element of the array at `pointer`.
    template <class T, class Read>
    void list(const std::string& pointer, std::vector<T>& into, Read&& read) {
        const json::json_pointer at(pointer);
        if (!m_root.contains(at) || !m_root.at(at).is_array())
            return problem(pointer, "missing", "", "a list");
        for (std::size_t i = 0; i < m_root.at(at).size(); ++i)
            read(into.emplace_back(), pointer + "/" + std::to_string(i) + "/");
    }
    void finish() const { m_problems.throw_if_errors(); }

  private:
    void problem(const std::string& pointer, std::string message, std::string text, std::string expected) {
        location where;
        where.file = m_file;
        where.path = pointer;
        m_problems.error(std::move(where), std::move(message), std::move(text), std::move(expected));
    }
    const json& m_root;
    std::string m_file;
    diagnostics m_problems;
};

} // namespace

std::string to_json(const run_statistics& run) {
    json root = json::object();
    members_of_run(run, [&](const char* key, const auto& value) { root[json::json_pointer(key)] = value; });
    if (run.energy)
        members_of_energy(*run.energy,
                          [&](const std::string& key, const auto& value) { root[json::json_pointer(key)] = value; });
    for (const path_statistics& p : run.critical_path) {
        json& item = root["critical_path"].emplace_back(json::object());
        members_of_path(p, [&](const char* key, const auto& value) { item[key] = value; });
    }
    root["dram"]["channel_busy_ps"] = run.dram.channel_busy_ps;
    root["engines"] = json::array();
    for (const engine_statistics& e : run.engines) {
        json& item = root["engines"].emplace_back(json::object());
        members_of_engine(e, [&](const char* key, const auto& value) { item[key] = value; });
        members_of_stalls(e.stalled, [&](const char* key, const auto& value) { item["stalled"][key] = value; });
    }
    root["kernels"] = json::array();
    for (const kernel_statistics& k : run.kernels) {
        json& item = root["kernels"].emplace_back(json::object());
        members_of_kernel(k, [&](const char* key, const auto& value) { item[key] = value; });
    }
    root["resources"] = json::array();
    for (const resource_statistics& r : run.resources) {
        json& item = root["resources"].emplace_back(json::object());
        members_of_resource(r, [&](const char* key, const auto& value) { item[key] = value; });
    }
    return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

run_statistics from_json(const std::string& text, const std::string& file) {
    json root;
    try {
        root = json::parse(text);
    } catch (const json::parse_error& problem) {
        diagnostic d;
        d.where.file = file;
        d.where.byte_offset = problem.byte;
        d.message = "is not JSON";
        throw input_error(std::move(d));
    }
    run_statistics run;
    reader in(root, file);
    members_of_run(run, [&](const char* key, auto& value) { in.get(key, value); });
    if (root.contains("energy"))
        members_of_energy(run.energy.emplace(), [&](const std::string& key, auto& value) { in.get(key, value); });
    if (root.contains("critical_path"))
        in.list("/critical_path", run.critical_path, [&](path_statistics& p, const std::string& at) {
            members_of_path(p, [&](const char* key, auto& value) { in.get(at + key, value); });
        });
    in.list("/dram/channel_busy_ps", run.dram.channel_busy_ps,
            [&](std::uint64_t& busy, const std::string& at) { in.get(at.substr(0, at.size() - 1), busy); });
    in.list("/engines", run.engines, [&](engine_statistics& e, const std::string& at) {
        members_of_engine(e, [&](const char* key, auto& value) { in.get(at + key, value); });
        members_of_stalls(e.stalled, [&](const char* key, auto& value) { in.get(at + "stalled/" + key, value); });
    });
    in.list("/kernels", run.kernels, [&](kernel_statistics& k, const std::string& at) {
        members_of_kernel(k, [&](const char* key, auto& value) { in.get(at + key, value); });
    });
    in.list("/resources", run.resources, [&](resource_statistics& r, const std::string& at) {
        members_of_resource(r, [&](const char* key, auto& value) { in.get(at + key, value); });
    });
    in.finish();
    return run;
}

} // namespace kpu::trace
