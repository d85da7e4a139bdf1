// Modules and functions of MLIR texts.
#include "tf2jax/stablehlo/internal/text_parser.h"

#include "tf2jax/base/error.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/stablehlo/read.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {

namespace {
constexpr int kMaxDepth = 200;
}

void TextParser::deeper() {
  if (++depth_ > kMaxDepth) in.fail("it is nested too deep.");
}

void TextParser::skip_location() {
  if (in.accept_word("loc")) {
    in.expect("(");
    (void)in.balanced('(', ')');
  }
}

ValueId TextParser::new_value(const TypePtr& t) {
  function_->types.push_back(t);
  return static_cast<ValueId>(function_->types.size() - 1);
}

void TextParser::define(const std::string& name, const std::vector<ValueId>& values) {
  auto& place = values_[name];
  shadowed_.emplace_back(name, place);
  place = values;
}

// %name is every result of an operation, %name#1 one of them.
std::vector<ValueId> TextParser::operand() {
  in.expect("%");
  const std::string name = in.name();
  const auto it = values_.find(name);
  if (it == values_.end() || it->second.empty()) in.fail(fmt::format("a value is not known. Got '%{}'.", name));
  if (in.position() >= in.text().size() || in.text()[in.position()] != '#') return it->second;
  in.expect("#");
  const std::string number(in.number());
  const std::int64_t i = in.integer(number);
  if (i < 0 || as_index(i) >= it->second.size())
    in.fail(fmt::format("a result is not known. Got '%{}#{}'.", name, number));
  return {it->second[as_index(i)]};
}

ValueId TextParser::one_operand() {
  const auto all = operand();
  if (all.size() != 1) in.fail("one value is expected, and this is several.");
  return all[0];
}

// func.func public @name(%arg0: type {…}, …) -> (type {…}, …) attributes {…} { … }
void TextParser::function() {
  Function f;
  f.types = TypeList(pool_);
  function_ = &f;
  values_.clear();
  shadowed_.clear();
  f.is_public = in.accept_word("public");
  const bool is_private = !f.is_public && in.accept_word("private");
  f.is_public = !is_private;
  in.expect("@");
  f.name = in.name();
  in.expect("(");
  std::vector<std::pair<std::string, TypePtr>> arguments;
  if (!in.accept(")")) {
    do {
      in.expect("%");
      std::string name = in.name();
      in.expect(":");
      arguments.emplace_back(std::move(name), type());
      f.inputs.push_back(arguments.back().second);
      f.input_attributes.push_back(in.looking_at("{") ? dictionary('}') : nullptr);
      skip_location();
    } while (in.accept(","));
    in.expect(")");
  }
  if (in.accept("->")) {
    if (in.accept("(")) {
      if (!in.accept(")")) {
        do {
          f.outputs.push_back(type());
          f.output_attributes.push_back(in.looking_at("{") ? dictionary('}') : nullptr);
        } while (in.accept(","));
        in.expect(")");
      }
    } else {
      f.outputs.push_back(type());
      f.output_attributes.push_back(nullptr);
    }
  }
  if (in.accept_word("attributes")) (void)dictionary('}');
  f.body = region_body(arguments);
  skip_location();
  function_ = nullptr;
  module_.functions.push_back(std::move(f));
}

Module TextParser::parse() {
  bool has_module = false;
  while (!in.at_end()) {
    if (in.accept("#")) {
      const std::string name = in.name();
      in.expect("=");
      if (in.looking_at("loc")) skip_location();
      else aliases_.emplace(name, attribute());
    } else if (in.accept_word("module") || in.accept_word("builtin.module")) {
      if (has_module) raise<NotImplementedError>("stablehlo: a text holds several modules, which is not supported.");
      has_module = true;
      if (in.accept("@")) module_.name = in.name();
      if (in.accept_word("attributes")) module_.attributes = dictionary('}')->entries;
      in.expect("{");
    } else if (in.accept_word("func.func")) {
      function();
    } else if (in.accept_word("sdy.mesh")) {
      in.expect("@");
      (void)in.name();
      in.expect("=");
      (void)in.word();
      if (in.accept("<")) (void)in.balanced('<', '>');
      if (in.looking_at("{")) (void)dictionary('}');
      skip_location();
    } else if (has_module && in.accept("}")) {
      skip_location();
    } else {
      in.fail("a function is expected.");
    }
  }
  if (module_.functions.empty()) in.fail("there is no function.");
  module_.index_functions();
  return std::move(module_);
}

Module parse_module(std::string_view text) {
  return with_errors("stablehlo", [&] { return TextParser(text).parse(); });
}

}  // namespace tf2jax::stablehlo
