// Operations of MLIR texts: the general form, and the short one that most operations share.
#include "tf2jax/stablehlo/internal/text_parser.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tf2jax::stablehlo {
namespace {

constexpr std::int64_t kMaxResults = 65536;  // of one operation

// Short names of attributes in the short form.
struct Spelling {
  std::string_view op, word, attribute;
};
constexpr std::array<Spelling, 24> kSpellings{{
    {"broadcast_in_dim", "dims", "broadcast_dimensions"},
    {"dynamic_broadcast_in_dim", "dims", "broadcast_dimensions"},
    {"broadcast", "sizes", "broadcast_sizes"},
    {"transpose", "dims", "permutation"},
    {"reverse", "dims", "dimensions"},
    {"iota", "dim", "iota_dimension"},
    {"dynamic_iota", "dim", "iota_dimension"},
    {"concatenate", "dim", "dimension"},
    {"get_dimension_size", "dim", "dimension"},
    {"set_dimension_size", "dim", "dimension"},
    {"dynamic_slice", "sizes", "slice_sizes"},
    {"pad", "low", "edge_padding_low"},
    {"pad", "high", "edge_padding_high"},
    {"pad", "interior", "interior_padding"},
    {"fft", "type", "fft_type"},
    {"fft", "length", "fft_length"},
    {"rng_bit_generator", "algorithm", "rng_algorithm"},
    {"dot", "precision", "precision_config"},
    {"dot_general", "precision", "precision_config"},
    {"rng", "distribution", "rng_distribution"},
    {"reduce_precision", "format", "format"},
    {"cholesky", "lower", "lower"},
    {"batch_norm_inference", "epsilon", "epsilon"},
    {"chlo.top_k", "k", "k"},
}};

std::string_view attribute_name(std::string_view op, std::string_view word) {
  for (const Spelling& s : kSpellings)
    if (s.op == op && s.word == word) return s.attribute;
  return word;
}

// "stablehlo.add" -> "add".
std::string plain(std::string_view name) {
  for (const std::string_view dialect : {"stablehlo.", "func."})
    if (name.starts_with(dialect)) return std::string(name.substr(dialect.size()));
  return std::string(name);
}

}  // namespace

Region TextParser::region() {
  (void)in.peek();
  const std::size_t begin = in.position();
  in.expect("{");
  std::vector<std::pair<std::string, TypePtr>> arguments;
  if (!in.accept("^")) {
    in.go_to(begin);
  } else {
    (void)in.name();
    if (in.accept("(")) {
      do {
        in.expect("%");
        std::string name = in.name();
        in.expect(":");
        arguments.emplace_back(std::move(name), type());
        skip_location();
      } while (in.accept(","));
      in.expect(")");
    }
    if (!in.looking_at(":")) in.expect(":");
  }
  return region_body(arguments);
}

// Behind "{", or behind ":" of a block's arguments.
Region TextParser::region_body(const std::vector<std::pair<std::string, TypePtr>>& arguments) {
  deeper();
  if (!in.accept(":")) in.expect("{");
  const std::size_t outer = shadowed_.size();
  Region r;
  r.ops = OpList(pool_);
  for (const auto& [name, t] : arguments) {
    r.arguments.push_back(new_value(t));
    define(name, {r.arguments.back()});
  }
  while (!in.accept("}")) {
    if (in.looking_at("^"))
      raise<NotImplementedError>("stablehlo text: line {}: a region has several blocks, which is not supported.",
                                 in.line());
    r.ops.push_back(operation());
  }
  while (shadowed_.size() > outer) {
    values_[shadowed_.back().first] = std::move(shadowed_.back().second);
    shadowed_.pop_back();
  }
  --depth_;
  return r;
}

std::size_t TextParser::result_count() {
  const std::int64_t n = in.integer(in.number());
  if (n < 0 || n > kMaxResults) in.fail(fmt::format("this is no number of results. Got {}.", n));
  return as_index(n);
}

Op TextParser::operation() {
  Op op;
  op.offset = in.line();
  std::vector<std::pair<std::string, std::size_t>> names;
  if (in.looking_at("%")) {
    do {
      in.expect("%");
      std::string name = in.name();
      std::size_t count = 1;
      if (in.accept(":")) count = result_count();
      names.emplace_back(std::move(name), count);
    } while (in.accept(","));
    in.expect("=");
  }
  result_types_.clear();
  if (in.peek() == '"') {
    op.name = plain(in.quoted());
    generic(op);
  } else {
    op.name = plain(in.need_word("an operation"));
    pretty(op);
  }
  skip_location();
  finish(op);
  std::size_t results = 0;
  for (const auto& [name, count] : names) results += count;
  if (results != result_types_.size() && !names.empty())
    in.fail(fmt::format("operation '{}' has {} results; expected {}.", op.name, results, result_types_.size()));
  for (const TypePtr& t : result_types_) op.results.push_back(new_value(t));
  std::size_t next = 0;
  for (const auto& [name, count] : names) {
    define(name, {op.results.begin() + static_cast<std::ptrdiff_t>(next),
                  op.results.begin() + static_cast<std::ptrdiff_t>(next + count)});
    next += count;
  }
  return op;
}

// "name"(%a, %b) <{properties}> ({regions}) {attributes} : (types) -> types
void TextParser::generic(Op& op) {
  in.expect("(");
  if (!in.accept(")")) {
    do op.operands.push_back(one_operand());
    while (in.accept(","));
    in.expect(")");
  }
  if (in.accept("<")) {
    const AttrPtr properties = dictionary('}');
    op.attributes = properties->entries;
    in.expect(">");
  }
  if (in.accept("(")) {
    std::vector<TypePtr> mine;
    do {
      op.regions.push_back(region());
    } while (in.accept(","));
    in.expect(")");
  }
  attribute_dictionary(op);
  signature_of(op);
}

void TextParser::attribute_dictionary(Op& op) {
  if (!in.looking_at("{")) return;
  const AttrPtr all = dictionary('}');
  op.attributes.insert(op.attributes.end(), all->entries.begin(), all->entries.end());
}

// ": (types) -> types", ": type -> type", or ": types" of results alone.
void TextParser::signature_of(Op& op) {
  result_types_.clear();
  if (!in.accept(":")) return;
  std::vector<TypePtr> first;
  const bool listed = in.looking_at("(");
  if (listed) {
    first = type_list();
  } else {
    do first.push_back(type());
    while (in.accept(","));
  }
  if (in.accept("->")) {
    result_types_ = type_list();
    return;
  }
  result_types_ = first;
  if (op.name == "return") result_types_.clear();
  if (op.name == "select" && first.size() == 2) result_types_ = {first[1]};
}

void TextParser::pretty(Op& op) {
  if (special(op)) return;
  items(op);
  attribute_dictionary(op);
  signature_of(op);
}

void TextParser::items(Op& op) {
  const bool braced = in.accept("(");
  do {
    const char c = in.peek();
    if (c == ':' || c == '{' || c == ')' || c == '}' || c == '\0') break;
    item(op);
  } while (in.accept(","));
  if (braced) in.expect(")");
}

// %operand, name = attribute, or a word that says something by itself.
void TextParser::item(Op& op) {
  if (in.looking_at("%")) {
    const auto values = operand();
    op.operands.insert(op.operands.end(), values.begin(), values.end());
    return;
  }
  const std::size_t before = in.position();
  const std::string word(in.word());
  if (word.empty()) in.fail(fmt::format("operation '{}' is written in a way that is not known.", op.name));
  if (!in.accept("=")) {
    if (op.name == "compare") {
      const bool first = op.find("comparison_direction") == nullptr;
      op.attributes.emplace_back(first ? "comparison_direction" : "compare_type", string_attribute(word));
      return;
    }
    if (op.name == "return" || !op.results.empty()) in.go_to(before);
    in.fail(fmt::format("a word of operation '{}' is not known. Got '{}'.", op.name, word));
  }
  const bool pairs = op.name == "dot_general" && (word == "batching_dims" || word == "contracting_dims");
  if (pairs) {
    const std::string kind = word == "batching_dims" ? "batching_dimensions" : "contracting_dimensions";
    op.attributes.emplace_back("lhs_" + kind, integers());
    in.expect("x");
    op.attributes.emplace_back("rhs_" + kind, integers());
    return;
  }
  const std::string name(attribute_name(op.name, word));
  if (in.looking_at("[") && name != "precision_config") {
    op.attributes.emplace_back(name, integers());
  } else if (name == "algorithm") {
    in.expect("<");
    (void)in.balanced('<', '>');
  } else if (const char c = in.peek(); (c >= 'A' && c <= 'Z') || name == "format") {
    op.attributes.emplace_back(name, string_attribute(std::string(in.word())));
  } else if (name == "precision_config") {
    Attr a;
    a.kind = Attr::Kind::array;
    in.expect("[");
    do a.items.push_back(string_attribute(std::string(in.word())));
    while (in.accept(","));
    in.expect("]");
    op.attributes.emplace_back(name, std::make_shared<const Attr>(std::move(a)));
  } else if (const char d = in.peek(); d == '-' || (d >= '0' && d <= '9')) {  // the type behind it is the result's
    op.attributes.emplace_back(name, integer_attribute(in.integer(in.number())));
  } else {
    op.attributes.emplace_back(name, attribute());
  }
}

}  // namespace tf2jax::stablehlo
