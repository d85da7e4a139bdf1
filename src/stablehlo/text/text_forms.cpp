// Operations of MLIR texts with a form of their own: constants, loops, reductions, convolutions, calls.
#include "tf2jax/stablehlo/internal/plain_form.h"
#include "tf2jax/stablehlo/internal/text_parser.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <array>

namespace tf2jax::stablehlo {
namespace {

void set(Op& op, std::string_view name, AttrPtr value) {
  op.attributes.emplace_back(std::string(name), std::move(value));
}

// The axes of one array, such as [b, 0, 1, f]: letters name two of them.
void layout(TextScanner& in, Op& op, std::string_view who, std::string_view first, std::string_view second) {
  Dims spatial;
  in.expect("[");
  std::int64_t at = 0;
  do {
    const std::string w(in.need_word("an axis"));
    if (w == first.substr(0, 1)) {
      set(op, fmt::format("{}_{}_dimension", who, first.substr(2)), integer_attribute(at));
    } else if (w == second.substr(0, 1)) {
      set(op, fmt::format("{}_{}_dimension", who, second.substr(2)), integer_attribute(at));
    } else {
      const auto i = as_index(in.integer(w));
      if (i > 16) in.fail("an axis is not known.");
      spatial.resize(std::max(spatial.size(), i + 1), -1);
      spatial[i] = at;
    }
    ++at;
  } while (in.accept(","));
  in.expect("]");
  set(op, fmt::format("{}_spatial_dimensions", who), integers_attribute(spatial));
}

// [b, 0, f]x[0, i, o]->[b, 0, f]
void dimension_numbers(TextScanner& in, Op& op) {
  layout(in, op, "input", "b:batch", "f:feature");
  in.expect("x");
  layout(in, op, "kernel", "i:input_feature", "o:output_feature");
  in.expect("->");
  layout(in, op, "output", "b:batch", "f:feature");
}

}  // namespace

bool TextParser::special(Op& op) {
  const std::string& n = op.name;
  if (n == "constant") constant_op(op);
  else if (n == "slice") slice_op(op);
  else if (n == "while") while_op(op);
  else if (n == "reduce") reduce_op(op);
  else if (n == "convolution") convolution_op(op);
  else if (n == "call") call_op(op);
  else if (n == "custom_call") custom_call_op(op);
  else if (n == "composite") composite_op(op);
  else if (n == "sdy.sharding_constraint") sharding_op(op);
  else return false;
  return true;
}

void TextParser::constant_op(Op& op) {
  attribute_dictionary(op);
  const AttrPtr value = attribute();
  if (!value->type) in.fail("a constant has no type.");
  result_types_ = {value->type};
  set(op, "value", value);
}

// %x [0:3, 0:3:2] : (type) -> type
void TextParser::slice_op(Op& op) {
  op.operands.push_back(one_operand());
  Dims start, limit, strides;
  in.expect("[");
  if (!in.accept("]")) {
    do {
      start.push_back(in.integer(in.number()));
      in.expect(":");
      limit.push_back(in.integer(in.number()));
      strides.push_back(in.accept(":") ? in.integer(in.number()) : 1);
    } while (in.accept(","));
    in.expect("]");
  }
  set(op, "start_indices", integers_attribute(start));
  set(op, "limit_indices", integers_attribute(limit));
  set(op, "strides", integers_attribute(strides));
  attribute_dictionary(op);
  signature_of(op);
}

// (%a = %x, …) : types cond { … } do { … }
void TextParser::while_op(Op& op) {
  std::vector<std::string> names;
  in.expect("(");
  if (!in.accept(")")) {
    do {
      in.expect("%");
      names.push_back(in.name());
      in.expect("=");
      op.operands.push_back(one_operand());
    } while (in.accept(","));
    in.expect(")");
  }
  signature_of(op);
  const std::vector<TypePtr> types = result_types_;
  if (types.size() != names.size()) in.fail("a loop has as many types as values.");
  if (in.accept_word("attributes")) attribute_dictionary(op);
  std::vector<std::pair<std::string, TypePtr>> arguments;
  for (std::size_t i = 0; i < names.size(); ++i) arguments.emplace_back(names[i], types[i]);
  if (!in.accept_word("cond")) in.fail("the condition of a loop is missing.");
  op.regions.push_back(region_body(arguments));
  if (!in.accept_word("do")) in.fail("the body of a loop is missing.");
  op.regions.push_back(region_body(arguments));
  result_types_ = types;
}

// (%x init: %c), … applies stablehlo.add across dimensions = […] : …, or the same with a region behind the types.
void TextParser::reduce_op(Op& op) {
  std::vector<ValueId> inits;
  std::string applied;
  do {
    in.expect("(");
    op.operands.push_back(one_operand());
    if (!in.accept_word("init")) in.fail("an initial value is missing.");
    in.expect(":");
    inits.push_back(one_operand());
    in.expect(")");
  } while (in.accept(","));
  const std::size_t count = inits.size();
  op.operands.insert(op.operands.end(), inits.begin(), inits.end());
  if (in.accept_word("applies")) applied = in.need_word("an operation");
  if (!in.accept_word("across")) in.fail("the dimensions of a reduction are missing.");
  if (!in.accept_word("dimensions")) in.fail("the dimensions of a reduction are missing.");
  in.expect("=");
  set(op, "dimensions", integers());
  attribute_dictionary(op);
  signature_of(op);
  const std::vector<TypePtr> types = result_types_;
  if (!applied.empty()) {
    const auto dot = applied.find('.');
    if (types.empty()) in.fail("a reduction has no results.");
    const TypePtr scalar = tensor_type(types[0]->element, {});
    Region r;
    r.arguments = {new_value(scalar), new_value(scalar)};
    Op combine;
    combine.name = applied.starts_with("stablehlo.") ? applied.substr(dot + 1) : applied;
    combine.operands = r.arguments;
    combine.results = {new_value(scalar)};
    Op end;
    end.name = "return";
    end.operands = combine.results;
    r.ops = OpList(pool_, std::array{combine, end});
    op.regions.push_back(std::move(r));
  } else {
    // reducer(%a: type, %b: type) (…) { … }: the pairs of one operand each.
    if (!in.accept_word("reducer")) in.fail("the function of a reduction is missing.");
    std::vector<std::pair<std::string, TypePtr>> first, second;
    const auto argument = [&](auto& list) {
      in.expect("%");
      std::string name = in.name();
      in.expect(":");
      list.emplace_back(std::move(name), type());
      skip_location();
    };
    for (std::size_t i = 0; i < count; ++i) {
      in.expect("(");
      argument(first);
      in.expect(",");
      argument(second);
      in.expect(")");
    }
    first.insert(first.end(), second.begin(), second.end());
    op.regions.push_back(region_body(first));
  }
  result_types_ = types;
}

// (%x, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = […], pad = [[…]], …} {…} : …
void TextParser::convolution_op(Op& op) {
  in.expect("(");
  op.operands.push_back(one_operand());
  in.expect(",");
  op.operands.push_back(one_operand());
  in.expect(")");
  if (!in.accept_word("dim_numbers")) in.fail("the dimension numbers of a convolution are missing.");
  in.expect("=");
  dimension_numbers(in, op);
  if (in.accept(",")) {
    if (!in.accept_word("window")) in.fail("the window of a convolution is missing.");
    in.expect("=");
    in.expect("{");
    while (!in.accept("}")) {
      const std::string w(in.need_word("a setting of the window"));
      in.expect("=");
      const std::string_view name = w == "stride"       ? "window_strides"
                                    : w == "pad"        ? "padding"
                                    : w == "lhs_dilate" ? "lhs_dilation"
                                    : w == "rhs_dilate" ? "rhs_dilation"
                                                        : "window_reversal";
      const AttrPtr value = attribute();
      Dims flat;
      for (const AttrPtr& i : value->items) {
        if (i->kind != Attr::Kind::array) flat.push_back(i->integer);
        else
          for (const AttrPtr& k : i->items) flat.push_back(k->integer);
      }
      set(op, name, integers_attribute(flat));
      (void)in.accept(",");
    }
  }
  attribute_dictionary(op);
  signature_of(op);
}

void TextParser::call_op(Op& op) {
  in.expect("@");
  set(op, "callee", string_attribute(in.name()));
  items(op);
  attribute_dictionary(op);
  signature_of(op);
}

void TextParser::custom_call_op(Op& op) {
  in.expect("@");
  set(op, "call_target_name", string_attribute(in.name()));
  items(op);
  attribute_dictionary(op);
  signature_of(op);
}

// "name" %a, %b {…} : …
void TextParser::composite_op(Op& op) {
  set(op, "name", string_attribute(in.quoted()));
  items(op);
  attribute_dictionary(op);
  signature_of(op);
}

// %x <@mesh, [{"x"}, {}]> : type, which says nothing on one device.
void TextParser::sharding_op(Op& op) {
  op.operands.push_back(one_operand());
  in.expect("<");
  (void)in.balanced('<', '>');
  attribute_dictionary(op);
  signature_of(op);
}

// What texts leave out or write together, as VHLO has it.
void TextParser::finish(Op& op) {
  if (op.name == "dynamic_conv" || op.name == "convolution") {
    const Attr* written = op.find("dimension_numbers");
    if (written && written->text.starts_with("#stablehlo.conv<")) {
      const std::string text = written->text;
      TextScanner part(text);
      part.expect("#stablehlo.conv<");
      dimension_numbers(part, op);
    }
  }
  complete_plain(op, [&](const std::string& message) { in.fail(message); });
  if (const Attr* format = op.name == "reduce_precision" ? op.find("format") : nullptr) {
    const std::string text = format->text;  // e5m10
    const auto m = text.find('m');
    if (!text.starts_with("e") || m == std::string::npos) in.fail("a format of floats is not known.");
    set(op, "exponent_bits", integer_attribute(in.integer(text.substr(1, m - 1))));
    set(op, "mantissa_bits", integer_attribute(in.integer(text.substr(m + 1))));
  }
}

}  // namespace tf2jax::stablehlo
