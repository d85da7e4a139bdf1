// Texts, hashes and readers of the parameter types that primitives share.
#include "tf2jax/trace/params.h"

#include <algorithm>

#include "tf2jax/trace/internal/number_text.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {
namespace {

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

[[noreturn]] void wrong_kind(const ParsedValue& v, std::string_view wanted) {
  raise<ParseError>("parse_jaxpr: a parameter has the wrong kind of value. Got '{}'; expected {}.",
                    v.text.substr(0, 80), wanted);
}
bool is_sequence(const ParsedValue& v) {
  return v.kind == ParsedValue::Kind::tuple || v.kind == ParsedValue::Kind::list;
}

}  // namespace

std::string param_text(bool v) { return v ? "True" : "False"; }
std::string param_text(std::int64_t v) { return std::to_string(v); }
std::string param_text(double v) { return detail::float_text(v); }
std::string param_text(const std::string& v) { return v; }
std::string param_text(DType v) { return std::string(numpy_name(v)); }
std::string param_text(Dim v) { return v.to_string(); }
std::string param_text(const Axes& v) { return tuple_string(v); }
std::string param_text(const Shape& v) { return to_string(v); }
std::string param_text(const Pairs& v) {
  std::string s = "(";
  for (std::size_t i = 0; i < v.size(); ++i) s += fmt::format("{}({}, {})", i ? ", " : "", v[i].first, v[i].second);
  return s + (v.size() == 1 ? ",)" : ")");
}

void read_param(const ParsedValue& v, bool& out) {
  if (v.kind != ParsedValue::Kind::boolean) wrong_kind(v, "True or False");
  out = v.integer != 0;
}
void read_param(const ParsedValue& v, std::int64_t& out) {
  // np.int64(3) is how NumPy integers print.
  if (v.kind == ParsedValue::Kind::call && v.text.starts_with("np.") && v.items.size() == 1)
    return read_param(v.items[0], out);
  if (v.kind != ParsedValue::Kind::integer) wrong_kind(v, "an integer");
  out = v.integer;
}
void read_param(const ParsedValue& v, double& out) {
  if (v.kind == ParsedValue::Kind::integer) out = static_cast<double>(v.integer);
  else if (v.kind == ParsedValue::Kind::floating) out = v.floating;
  else wrong_kind(v, "a number");
}
void read_param(const ParsedValue& v, std::string& out) { out = v.text; }
void read_param(const ParsedValue& v, DType& out) {
  const std::optional<DType> d = parse_dtype(v.text);
  if (!d) wrong_kind(v, "a dtype");
  out = *d;
}
void read_param(const ParsedValue& v, Dim& out) {
  if (v.kind == ParsedValue::Kind::integer) {
    out = v.integer;
  } else if (v.kind == ParsedValue::Kind::call && v.text.starts_with("np.")) {
    std::int64_t i = 0;
    read_param(v, i);
    out = i;
  } else if (v.kind == ParsedValue::Kind::none || is_sequence(v) || !v.jaxprs.empty()) {
    wrong_kind(v, "a dimension");
  } else {
    out = Dim::parse(v.text);
  }
}
void read_param(const ParsedValue& v, Axes& out) {
  if (!is_sequence(v)) wrong_kind(v, "a tuple of integers");
  out.clear();
  for (const ParsedValue& item : v.items) read_param(item, out.emplace_back());
}
void read_param(const ParsedValue& v, Shape& out) {
  if (!is_sequence(v)) wrong_kind(v, "a shape");
  out.clear();
  for (const ParsedValue& item : v.items) read_param(item, out.emplace_back());
}
void read_param(const ParsedValue& v, Pairs& out) {
  if (!is_sequence(v)) wrong_kind(v, "a tuple of pairs");
  out.clear();
  for (const ParsedValue& item : v.items) {
    if (!is_sequence(item) || item.items.size() != 2) wrong_kind(item, "a pair of integers");
    auto& [a, b] = out.emplace_back();
    read_param(item.items[0], a);
    read_param(item.items[1], b);
  }
}
void read_param(const ParsedValue& v, Jaxpr& out) {
  if (v.jaxprs.size() != 1) wrong_kind(v, "a program");
  out = v.jaxprs[0];
}
void read_param(const ParsedValue& v, std::vector<Jaxpr>& out) {
  out.clear();
  if (v.kind == ParsedValue::Kind::jaxprs) {
    out = v.jaxprs;
    return;
  }
  if (!is_sequence(v)) wrong_kind(v, "a tuple of programs");
  for (const ParsedValue& item : v.items) read_param(item, out.emplace_back());
}

ParamText jaxpr_param(std::string_view name, const Jaxpr& v) { return {std::string(name), {}, {v}, true, false}; }
ParamText jaxpr_param(std::string_view name, const std::optional<Jaxpr>& v) {
  return v ? jaxpr_param(name, *v) : ParamText{std::string(name), "None", {}, false, false};
}
ParamText jaxpr_param(std::string_view name, const std::vector<Jaxpr>& v) {
  return {std::string(name), {}, v, false, true};
}

void ParamPrinter::add_text(std::string_view name, std::string text) {
  fields.push_back({std::string(name), std::move(text), {}, false, false});
}

std::string detail::call_text(std::string_view name, const std::vector<ParamText>& fields) {
  std::string s(name);
  for (const ParamText& f : fields) s += fmt::format("{}{}={}", s.size() == name.size() ? "(" : ", ", f.name, f.text);
  return s + ")";
}
ParamReader detail::call_reader(const ParsedValue& v, std::string_view name) {
  check<ParseError>(v.kind == ParsedValue::Kind::call && v.text.starts_with(name),
                    "parse_jaxpr: a parameter is no {0}. Got '{1}'; expected {0}(…).", name, v.text.substr(0, 40));
  std::map<std::string, ParsedValue> values;
  for (const auto& [key, value] : v.fields) values.insert_or_assign(key, value);
  return ParamReader(std::move(values), {}, std::string(name));
}

void ParamReader::ignored(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) values_.erase(std::string(name));
}

ParsedValue ParamReader::take(std::string_view name) {
  const auto it = values_.find(std::string(name));
  if (it == values_.end()) raise<ParseError>("parse_jaxpr: {} has no parameter '{}'. Add it.", primitive_, name);
  ParsedValue v = std::move(it->second);
  values_.erase(it);
  return v;
}

void ParamReader::fixed(std::string_view name, std::string_view text) {
  const auto it = values_.find(std::string(name));
  if (it == values_.end()) return;
  if (it->second.text != text)
    raise<NotImplementedError>("parse_jaxpr: {}: only {}={} is supported. Got {}.", primitive_, name, text,
                               it->second.text.substr(0, 80));
  values_.erase(it);
}

void ParamReader::finish() const {
  if (!values_.empty())
    raise<ParseError>("parse_jaxpr: {} has no parameter named '{}'. Remove it.", primitive_, values_.begin()->first);
}

std::map<std::string, ParsedValue> ParamReader::take_all() { return std::exchange(values_, {}); }

void EquationParams::wrong_type(const std::type_info& wanted) const {
  raise<InternalError>("EquationParams: asked for {}, holds {}. A rule was given another primitive's params.",
                       wanted.name(), box_->type->name());
}

namespace {
// Leaves of a nested structure: `None` in ft_in/ft_out, `*` in a PyTreeDef. Wrappers such as RightsOnly(…) are seen
// through.
std::int64_t count_leaves(const ParsedValue& v, bool in_tree) {
  if (in_tree) return std::ranges::count(v.text, '*');  // dicts and nodes of users print in many ways
  if (v.kind == ParsedValue::Kind::none) return 1;
  if (v.kind == ParsedValue::Kind::call && v.text.starts_with("Pytree(")) {
    for (const auto& [key, field] : v.fields)
      if (key == "vals") return count_leaves(field, false);
    return 0;
  }
  std::int64_t n = 0;
  for (const ParsedValue& item : v.items) n += count_leaves(item, in_tree);
  for (const auto& [key, field] : v.fields) n += count_leaves(field, in_tree);
  return n;
}
}  // namespace

std::vector<std::int64_t> count_group_leaves(const ParsedValue& groups) {
  const ParsedValue* parts = &groups;
  bool in_tree = false;
  if (groups.kind == ParsedValue::Kind::call && groups.text.starts_with("Pytree(")) {
    for (const auto& [key, field] : groups.fields)
      if (key == "tree" && field.items.size() == 1) {
        parts = &field.items[0];
        in_tree = true;
      }
  }
  if (!is_sequence(*parts)) wrong_kind(groups, "a tuple of groups or a Pytree");
  std::vector<std::int64_t> counts;
  for (const ParsedValue& item : parts->items) counts.push_back(count_leaves(item, in_tree));
  return counts;
}

}  // namespace tf2jax
