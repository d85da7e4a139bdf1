// Operations as MLIR text: short forms of those that have one, the general form for others.
#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/enumerators.h"
#include "tf2jax/stablehlo/internal/table.h"
#include "tf2jax/stablehlo/internal/text_printer.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tf2jax::stablehlo {
namespace {

using Entry = std::pair<std::string, AttrPtr>;

// Operands, then attributes as `word = value`, then types.
struct ShortForm {
  std::string_view op, words;  // "dims:broadcast_dimensions"
  bool one_type = false;       // where operands and results share it
};
constexpr std::array<ShortForm, 16> kForms{{{"broadcast_in_dim", "dims:broadcast_dimensions"},
                                            {"broadcast", "sizes:broadcast_sizes"},
                                            {"dynamic_broadcast_in_dim", "dims:broadcast_dimensions"},
                                            {"dynamic_iota", "dim:iota_dimension"},
                                            {"transpose", "dims:permutation"},
                                            {"reverse", "dims:dimensions", true},
                                            {"iota", "dim:iota_dimension", true},
                                            {"concatenate", "dim:dimension"},
                                            {"get_dimension_size", "dim:dimension"},
                                            {"set_dimension_size", "dim:dimension"},
                                            {"dynamic_slice", "sizes:slice_sizes"},
                                            {"pad",
                                             "low:edge_padding_low high:edge_padding_high "
                                             "interior:interior_padding"},
                                            {"fft", "type:fft_type length:fft_length"},
                                            {"rng_bit_generator", "algorithm:rng_algorithm"},
                                            {"cholesky", "lower:lower", true},
                                            {"dynamic_update_slice", ""}}};

// Attributes whose words are enumerators, by the name of the enumeration.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kEnumerators{
    {{"transpose_a", "transpose"},
     {"precision_config", "precision"},
     {"rng_distribution", "rng_distribution"},
     {"rng_algorithm", "rng_algorithm"}}};
// Lists of integers that are no tensors in texts.
constexpr std::array kArrays{"window_dimensions",
                             "window_strides",
                             "base_dilations",
                             "window_dilations",
                             "slice_sizes",
                             "lhs_dilation",
                             "rhs_dilation",
                             "broadcast_dimensions",
                             "known_expanding_dimensions",
                             "known_nonexpanding_dimensions"};
constexpr std::array kGather{"offset_dims",           "collapsed_slice_dims",
                             "operand_batching_dims", "start_indices_batching_dims",
                             "start_index_map",       "index_vector_dim"};
constexpr std::array kScatter{"update_window_dims",           "inserted_window_dims",
                              "input_batching_dims",          "scatter_indices_batching_dims",
                              "scatter_dims_to_operand_dims", "index_vector_dim"};

template <class List>
bool has(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::string value_text(std::string_view name, const Attr& a) {
  const auto it = std::ranges::find(kEnumerators, name, &std::pair<std::string_view, std::string_view>::first);
  if (it != kEnumerators.end()) {
    const auto word = [&](const Attr& w) { return fmt::format("#stablehlo<{} {}>", it->second, w.text); };
    if (a.kind != Attr::Kind::array) return word(a);
    std::string out;
    for (const AttrPtr& w : a.items) out += (out.empty() ? "" : ", ") + word(*w);
    return "[" + out + "]";
  }
  if (has(kArrays, name)) {
    const std::string list = list_text(a);
    return list == "[]" ? "array<i64>" : fmt::format("array<i64: {}>", list.substr(1, list.size() - 2));
  }
  return attribute_text(a);
}

// The numbers of a gather or a scatter; empty lists are left out.
template <class List>
std::string numbers_text(const Op& op, std::string_view kind, const List& names) {
  std::string out;
  for (const std::string_view name : names) {
    const Attr* a = op.find(name);
    if (!a) continue;
    const bool one = name == "index_vector_dim";
    const std::string value = one ? fmt::format("{}", a->integer) : list_text(*a);
    if (value == "[]" || value == "0") continue;
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, value);
  }
  return fmt::format("#stablehlo.{}<{}>", kind, out);
}

// What the operation says in the general form, by name.
std::string properties_text(const Op& op) {
  std::vector<std::pair<std::string, std::string>> all;
  const bool gather = op.name == "gather" || op.name == "dynamic_gather", scatter = op.name == "scatter";
  for (const auto& [name, value] : op.attributes) {
    const bool part = (gather && has(kGather, name)) || (scatter && has(kScatter, name));
    constexpr std::array kGathered{"dimension_numbers", "scatter_dimension_numbers", "result_accuracy"};
    if (part || has(kGathered, name) || value->kind == Attr::Kind::none) continue;
    const bool known = std::ranges::find(all, name, &std::pair<std::string, std::string>::first) != all.end();
    if (!known) all.emplace_back(name, value_text(name, *value));
  }
  if (gather) all.emplace_back("dimension_numbers", numbers_text(op, "gather", kGather));
  if (scatter) all.emplace_back("scatter_dimension_numbers", numbers_text(op, "scatter", kScatter));
  std::ranges::sort(all);
  std::string out;
  for (const auto& [name, value] : all) out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, value);
  return out.empty() ? "" : " <{" + out + "}>";
}

std::string words(const Attr& list) {
  std::string out;
  for (const AttrPtr& w : list.items) out += (out.empty() ? "" : ", ") + w->text;
  return "[" + out + "]";
}

const Attr& need(const Op& op, std::string_view name) {
  const Attr* a = op.find(name);
  check<ValueError>(a, "stablehlo text: operation '{}' lacks an attribute. Expected '{}'.", op.name, name);
  return *a;
}

// "[b, 0, f]" of an array of a convolution.
std::string layout_text(const Op& op, const std::string& who, const char* first, char first_letter, const char* second,
                        char second_letter) {
  const auto spatial = integers_of(need(op, who + "_spatial_dimensions")).value_or(Axes{});
  std::vector<std::string> letters(spatial.size() + 2);
  const auto put = [&](std::int64_t at, std::string text) { letters.at(as_index(at)) = std::move(text); };
  put(need(op, who + first).integer, std::string(1, first_letter));
  put(need(op, who + second).integer, std::string(1, second_letter));
  for (std::size_t i = 0; i < spatial.size(); ++i) put(spatial[i], fmt::format("{}", i));
  return fmt::format("[{}]", fmt::join(letters, ", "));
}

std::string convolution_text(const Op& op) {
  const std::string dims = fmt::format(
      "dim_numbers = {}x{}->{}", layout_text(op, "input", "_batch_dimension", 'b', "_feature_dimension", 'f'),
      layout_text(op, "kernel", "_input_feature_dimension", 'i', "_output_feature_dimension", 'o'),
      layout_text(op, "output", "_batch_dimension", 'b', "_feature_dimension", 'f'));
  std::string window;
  const auto add = [&](const char* word, const std::string& value) {
    window += fmt::format("{}{} = {}", window.empty() ? "" : ", ", word, value);
  };
  const std::pair<const char*, const char*> lists[] = {
      {"stride", "window_strides"}, {"pad", "padding"}, {"lhs_dilate", "lhs_dilation"}, {"rhs_dilate", "rhs_dilation"}};
  for (const auto& [word, name] : lists) {
    const Attr* a = op.find(name);
    if (!a) continue;
    if (std::string_view(word) != "pad") {
      add(word, list_text(*a));
      continue;
    }
    const Axes flat = integers_of(*a).value_or(Axes{});
    std::string pairs;
    for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
      pairs += fmt::format("{}[{}, {}]", i ? ", " : "", flat[i], flat[i + 1]);
    add(word, "[" + pairs + "]");
  }
  if (const Attr* reversal = op.find("window_reversal")) {
    std::string flags;
    for (const auto v : integers_of(*reversal).value_or(Axes{}))
      flags += fmt::format("{}{}", flags.empty() ? "" : ", ", v != 0);
    add("reverse", "[" + flags + "]");
  }
  std::string rest;
  for (const char* name : {"batch_group_count", "feature_group_count", "precision_config"})
    if (const Attr* a = op.find(name))
      rest += fmt::format("{}{} = {}", rest.empty() ? "" : ", ", name, value_text(name, *a));
  return fmt::format("{}, window = {{{}}}{}", dims, window, rest.empty() ? "" : " {" + rest + "}");
}

std::string dot_text(const Op& op) {
  std::string out;
  const auto sides = [&](const char* word, const std::string& name) {
    const Attr *lhs = op.find("lhs_" + name), *rhs = op.find("rhs_" + name);
    if (!lhs || !rhs || (list_text(*lhs) == "[]" && std::string_view(word) == "batching_dims")) return;
    out += fmt::format(", {} = {} x {}", word, list_text(*lhs), list_text(*rhs));
  };
  sides("batching_dims", "batching_dimensions");
  sides("contracting_dims", "contracting_dimensions");
  const Attr* precision = op.find("precision_config");
  if (precision && !precision->items.empty()) out += ", precision = " + words(*precision);
  return out;
}

std::string slice_text(const Op& op) {
  const auto list = [&](const char* name) { return integers_of(need(op, name)).value_or(Axes{}); };
  const Axes start = list("start_indices"), limit = list("limit_indices"), strides = list("strides");
  std::string out;
  for (std::size_t i = 0; i < start.size(); ++i) {
    out += fmt::format("{}{}:{}", i ? ", " : "", start[i], limit.at(i));
    if (strides.at(i) != 1) out += fmt::format(":{}", strides[i]);
  }
  return "[" + out + "]";
}

AttrPtr narrow_integer(std::int64_t value) {
  Attr a = *integer_attribute(value);
  Type t;
  t.kind = Type::Kind::scalar;
  t.element = "i32";
  a.type = std::make_shared<const Type>(std::move(t));
  return std::make_shared<const Attr>(std::move(a));
}

// Versions are numbers of 32 bits, functions are symbols. null for what is the default.
AttrPtr respelled(const Entry& e) {
  const Attr& a = *e.second;
  if (e.first == "version" && a.kind == Attr::Kind::integer) return narrow_integer(a.integer);
  if (e.first == "api_version" && a.kind == Attr::Kind::string) {
    const auto number = find_enumeration("custom_call_api_version")->value(a.text);
    if (!number || *number == 1) return nullptr;
    return narrow_integer(static_cast<std::int64_t>(*number));
  }
  if (e.first == "decomposition") return symbol_attribute(a.text);
  if (e.first != "called_computations") return e.second;
  std::vector<AttrPtr> symbols;
  for (const AttrPtr& item : a.items) symbols.push_back(symbol_attribute(item->text));
  return array_attribute(std::move(symbols));
}

// An attribute of calls that is not said elsewhere.
std::string call_attributes(const Op& op, std::initializer_list<std::string_view> said) {
  std::vector<Entry> rest;
  for (const Entry& e : op.attributes) {
    const Attr& a = *e.second;
    const bool nothing = a.kind == Attr::Kind::none || (a.kind == Attr::Kind::array && a.items.empty()) ||
                         (a.kind == Attr::Kind::dictionary && a.entries.empty() && e.first == "composite_attributes") ||
                         (a.kind == Attr::Kind::string && a.text.empty() && e.first == "backend_config") ||
                         (a.kind == Attr::Kind::boolean && !a.integer && e.first == "has_side_effect");
    if (nothing || std::ranges::find(said, std::string_view(e.first)) != said.end()) continue;
    if (const AttrPtr spelled = respelled(e)) rest.emplace_back(e.first, spelled);
  }
  if (rest.empty()) return "";
  std::ranges::sort(rest, {}, [](const Entry& e) { return e.first; });
  return " " + dictionary_text(rest);
}

}  // namespace

// The general form of MLIR.
void TextPrinter::generic(const Op& op) {
  const std::string dialect = op.name.find('.') == std::string::npos ? "stablehlo." : "";
  const std::string head =
      fmt::format("{}\"{}{}\"({}){}", results(op), dialect, op.name, operand_list(op.operands), properties_text(op));
  if (op.regions.empty()) return line(fmt::format("{} : {}", head, signature(op)));
  line(head + " ({");
  for (std::size_t i = 0; i < op.regions.size(); ++i) {
    if (i > 0) line("}, {");
    block(op.regions[i], op.name);
  }
  line("}) : " + signature(op));
}

void TextPrinter::while_op(const Op& op) {
  const Scope outer = scope_;
  name_region(op.regions.at(0), "while");
  std::string values;
  for (std::size_t i = 0; i < op.operands.size(); ++i)
    values += fmt::format("{}{} = {}", i ? ", " : "", name(op.regions[0].arguments.at(i)), name(op.operands[i]));
  scope_ = outer;
  line(fmt::format("{}stablehlo.while({}) : {}", results(op), values, types(op.operands)));
  line("cond {");
  block(op.regions[0], "while");
  line("} do {");
  block(op.regions.at(1), "while");
  line("}");
}

// "(%x init: %c) applies stablehlo.add across dimensions = […]", or with a reducer.
bool TextPrinter::reduce_op(const Op& op) {
  const std::size_t n = op.operands.size() / 2;
  if (op.regions.size() != 1 || n == 0) return false;
  const Region& body = op.regions[0];
  std::string inputs;
  for (std::size_t i = 0; i < n; ++i)
    inputs += fmt::format("{}({} init: {})", i ? ", " : "", name(op.operands[i]), name(op.operands[n + i]));
  const auto combine = n == 1 && body.ops.size() == 2 ? std::optional(body.ops[0]) : std::nullopt;
  const bool applies = combine && combine->operands == body.arguments && combine->attributes.empty() &&
                       combine->regions.empty() && body.ops[1].operands == combine->results &&
                       combine->results.size() == 1;
  const std::string dims = list_text(need(op, "dimensions"));
  if (applies) {
    line(fmt::format("{}stablehlo.reduce{} applies stablehlo.{} across dimensions = {} : {}", results(op), inputs,
                     combine->name, dims, signature(op)));
    return true;
  }
  line(fmt::format("{}stablehlo.reduce{} across dimensions = {} : {}", results(op), inputs, dims, signature(op)));
  const Scope outer = scope_;
  name_region(body, "reduce");
  std::string arguments;
  for (std::size_t i = 0; i < n; ++i) {
    const ValueId a = body.arguments.at(i), b = body.arguments.at(n + i);
    arguments += fmt::format("({}: {}, {}: {}) ", name(a), type(a).to_string(), name(b), type(b).to_string());
  }
  scope_ = outer;
  line(fmt::format(" reducer{} {{", arguments));
  block(body, "reduce");
  line("}");
  return true;
}

// Behind the name of the operation; empty where there is no short form.
std::string TextPrinter::short_form(const Op& op) const {
  const std::string operands = operand_list(op.operands);
  if (op.name == "constant") return attribute_text(need(op, "value"));
  if (op.name == "slice") return fmt::format("{} {} : {}", operands, slice_text(op), signature(op));
  if (op.name == "dot_general") return fmt::format("{}{} : {}", operands, dot_text(op), signature(op));
  if (op.name == "convolution") return fmt::format("({}) {} : {}", operands, convolution_text(op), signature(op));
  if (op.name == "select" && op.operands.size() == 3)
    return fmt::format("{} : {}, {}", operands, type(op.operands[0]).to_string(), types(op.results));
  if (op.name == "complex") return fmt::format("{} : {}", operands, types(op.results));
  if (op.name == "chlo.top_k")
    return fmt::format("({}, k = {}) : {} -> ({})", operands, need(op, "k").integer, types(op.operands),
                       types(op.results));
  if (op.name == "optimization_barrier") return fmt::format("{} : {}", operands, types(op.results));
  if (op.name == "reduce_precision")
    return fmt::format("{}, format = e{}m{} : {}", operands, need(op, "exponent_bits").integer,
                       need(op, "mantissa_bits").integer, short_signature(op));
  if (op.name == "compare") {
    const Attr* kind = op.find("compare_type");
    const bool typed = kind && !kind->text.empty() && kind->text != "NOTYPE";
    return fmt::format("{}, {}{} : {}", need(op, "comparison_direction").text, operands, typed ? ", " + kind->text : "",
                       signature(op));
  }
  const auto form = std::ranges::find(kForms, std::string_view(op.name), &ShortForm::op);
  if (form == kForms.end()) return "";
  std::string out = operands, left(form->words);
  for (std::size_t at = 0; at < left.size();) {
    const std::size_t end = std::min(left.find(' ', at), left.size()), colon = left.find(':', at);
    const Attr& a = need(op, left.substr(colon + 1, end - colon - 1));
    const bool list = a.kind == Attr::Kind::tensor || a.kind == Attr::Kind::array;
    const std::string value = list                            ? list_text(a)
                              : a.kind == Attr::Kind::string  ? a.text
                              : a.kind == Attr::Kind::boolean ? attribute_text(a)
                                                              : fmt::format("{}", a.integer);
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", left.substr(at, colon - at), value);
    at = end + 1;
  }
  const bool same = form->one_type || op.name == "dynamic_iota";
  return fmt::format("{} : {}", out, same ? short_signature(op) : signature(op));
}

bool TextPrinter::special(const Op& op) {
  if (op.name == "return") {
    const std::string dialect = depth_ == 2 ? "" : "stablehlo.";
    line(op.operands.empty() ? dialect + "return"
                             : fmt::format("{}return {} : {}", dialect, operand_list(op.operands), types(op.operands)));
    return true;
  }
  if (op.name == "while" && op.regions.size() == 2) return while_op(op), true;
  if (op.name == "reduce") return reduce_op(op);
  if (op.name == "call") {
    line(fmt::format("{}{}call {}({}) : {}", results(op), depth_ == 2 ? "" : "func.",
                     symbol_text(need(op, "callee").text), operand_list(op.operands), signature(op)));
    return true;
  }
  if (op.name == "composite") {
    line(fmt::format("{}stablehlo.composite \"{}\" {}{} : {}", results(op), need(op, "name").text,
                     operand_list(op.operands), call_attributes(op, {"name"}), signature(op)));
    return true;
  }
  if (op.name == "custom_call") {
    line(fmt::format("{}stablehlo.custom_call {}({}){} : {}", results(op),
                     symbol_text(need(op, "call_target_name").text), operand_list(op.operands),
                     call_attributes(op, {"call_target_name"}), signature(op)));
    return true;
  }
  return false;
}

void TextPrinter::operation(const Op& op) {
  if (special(op)) return;
  const std::string dialect = op.name.find('.') == std::string::npos ? "stablehlo." : "";
  const std::string form = short_form(op);
  if (!form.empty()) {
    const std::string_view space = form.starts_with('(') ? "" : " ";
    return line(fmt::format("{}{}{}{}{}", results(op), dialect, op.name, space, form));
  }
  // One operand or more, nothing else: what applies to each element.
  const bool plain = std::ranges::all_of(op.attributes, [](const Entry& e) { return e.first == "result_accuracy"; });
  if (!find_row(op.name) || !plain || !op.regions.empty() || op.results.size() != 1) return generic(op);
  const std::string types_of =
      dialect.empty() ? fmt::format("{} -> {}", types(op.operands), types(op.results)) : short_signature(op);
  line(fmt::format("{}{}{} {} : {}", results(op), dialect, op.name, operand_list(op.operands), types_of));
}

}  // namespace tf2jax::stablehlo
