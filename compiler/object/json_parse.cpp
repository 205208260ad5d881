#include "compiler/object/json_parse.h"

#include <algorithm>

namespace kpu::object {

namespace {

/// Nesting of lists and objects in the text itself.
constexpr int k_text_depth = 256;

/// Line and column (from 1) of a byte.
location place(std::string_view text, std::size_t byte, const std::string& name) {
    const std::string_view before = text.substr(0, std::min(byte, text.size()));
    location where;
    where.file = name;
    where.line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n')) + 1;
    const std::size_t line_start = before.rfind('\n');
    where.column =
        static_cast<unsigned>(before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1)) + 1;
    return where;
}

/// Follows nlohmann's parser, which says neither where it is nor that it has seen a key before.
class watcher {
  public:
    using event = json_value::parse_event_t;

    explicit watcher(json_errors& errors) : m_errors(errors) {}

    bool see(int depth, event what, const json_value& parsed) {
        if (depth > k_text_depth) {
            m_errors.add({}, "nested more than 256 deep");
            m_errors.problems.throw_if_errors();
        }
        if (what == event::key)
            enter_field(parsed.get_ref<const std::string&>());
        else if (what == event::object_end || what == event::array_end)
            m_open.pop_back();
        else if (!m_open.empty() && m_open.back().list)
            ++m_open.back().items;
        if (what == event::object_start || what == event::array_start)
            m_open.push_back({what == event::array_start, 0, {}, {}});
        return true;
    }

    /// Of the value that comes next.
    [[nodiscard]] std::string pointer() const {
        std::string at;
        for (std::size_t i = 0; i < m_open.size(); ++i) {
            const block& b = m_open[i];
            // the item of a list is counted when what it holds begins
            at = b.list ? join(at, b.items - (i + 1 < m_open.size() ? 1 : 0)) : join(at, b.field);
        }
        return at;
    }

  private:
    struct block {
        bool list;
        std::size_t items; ///< of a list, that have begun
        std::string field; ///< of an object, that has begun last
        std::set<std::string> fields;
    };

    void enter_field(const std::string& key) {
        block& b = m_open.back();
        b.field = key;
        if (!b.fields.insert(key).second)
            m_errors.add(pointer(), "field is given twice", key);
    }

    json_errors& m_errors;
    std::vector<block> m_open;
};

/// What nlohmann says of the text, without its own prefix and quotes.
std::string last_part(const std::string& what) {
    const std::size_t colon = what.rfind(": ");
    std::string part = what.substr(colon == std::string::npos ? 0 : colon + 2);
    if (part.size() > 2 && part.front() == '\'' && part.back() == '\'')
        part = part.substr(1, part.size() - 2);
    return part;
}

} // namespace

json_value parse_json(std::string_view text, const std::string& name) {
    json_errors errors{name, false, {}};
    watcher watch(errors);
    try {
        json_value value =
            json_value::parse(text.begin(), text.end(), [&](int depth, watcher::event what, const json_value& parsed) {
                return watch.see(depth, what, parsed);
            });
        errors.problems.throw_if_errors();
        return value;
    } catch (const json_value::parse_error& problem) {
        // nlohmann counts bytes from 1 and names the one that it stumbled over.
        throw input_error({severity::error, place(text, problem.byte == 0 ? 0 : problem.byte - 1, name),
                           "neither a binary .kpu file nor valid JSON", last_part(problem.what()), "", ""});
    } catch (const json_value::out_of_range&) {
        errors.add(watch.pointer(), "a number in the JSON is out of range");
        throw input_error(errors.problems);
    }
}

} // namespace kpu::object
