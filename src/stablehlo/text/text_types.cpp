// Types in MLIR texts: tensor<2x?xf32>, tuple<…>, (…) -> ….
#include "tf2jax/stablehlo/internal/text_parser.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {

std::string TextParser::element() {
  if (in.accept_word("complex")) {
    deeper();
    in.expect("<");
    std::string part = element();
    in.expect(">");
    --depth_;
    return fmt::format("complex<{}>", part);
  }
  if (in.accept("!")) {
    std::string name = "!" + in.name();
    if (in.accept("<")) name += fmt::format("<{}>", in.balanced('<', '>'));
    return name;
  }
  return std::string(in.need_word("an element type"));
}

// Sizes and element type are written without space between: "2x?xf32".
TypePtr TextParser::tensor() {
  in.expect("<");
  const std::size_t begin = in.position();
  Type t;
  t.kind = Type::Kind::tensor;
  for (;;) {
    const char c = in.peek();
    if (c == '?') {
      in.expect("?");
      in.expect("x");
      t.dims.push_back(kDynamic);
      continue;
    }
    if (c < '0' || c > '9') break;
    std::int64_t size = 0;
    const auto text = in.text();
    std::size_t at = in.position();
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      if (size > (std::int64_t{1} << 55)) in.fail("a size is too large.");
      size = 10 * size + (text[at] - '0');
    }
    in.go_to(at);
    in.expect("x");
    t.dims.push_back(size);
  }
  t.element = element();
  if (in.accept(",")) (void)in.balanced('<', '>');  // what compilers know about it
  else in.expect(">");
  TypePtr& known = tensors_[in.text().substr(begin, in.position() - begin)];
  if (!known) known = std::make_shared<const Type>(std::move(t));
  return known;
}

TypePtr TextParser::type() {
  deeper();
  Type t;
  if (in.accept_word("tensor")) {
    auto out = tensor();
    --depth_;
    return out;
  }
  if (in.looking_at("(")) {
    t.kind = Type::Kind::function;
    t.inputs = type_list();
    in.expect("->");
    t.outputs = type_list();
  } else if (in.accept_word("tuple")) {
    t.kind = Type::Kind::tuple;
    in.expect("<");
    if (!in.accept(">")) {
      do t.inputs.push_back(type());
      while (in.accept(","));
      in.expect(">");
    }
  } else {
    t.element = element();
    const bool foreign = t.element.starts_with("!");
    t.kind = t.element == "!stablehlo.token" ? Type::Kind::token : foreign ? Type::Kind::other : Type::Kind::scalar;
    if (t.element == "none") t.kind = Type::Kind::none;
  }
  --depth_;
  return std::make_shared<const Type>(std::move(t));
}

std::vector<TypePtr> TextParser::type_list() {
  std::vector<TypePtr> out;
  if (!in.accept("(")) return {type()};
  if (in.accept(")")) return out;
  do {
    out.push_back(type());
    if (in.looking_at("{")) (void)dictionary('}');
  } while (in.accept(","));
  in.expect(")");
  return out;
}

}  // namespace tf2jax::stablehlo
