// Attributes that parsers and writers make.
#include "tf2jax/stablehlo/internal/attributes.h"

namespace tf2jax::stablehlo {
namespace {

AttrPtr made(Attr a) { return std::make_shared<const Attr>(std::move(a)); }
AttrPtr of_text(Attr::Kind kind, std::string text) {
  Attr a;
  a.kind = kind;
  a.text = std::move(text);
  return made(std::move(a));
}
AttrPtr of_integer(Attr::Kind kind, std::int64_t value) {
  Attr a;
  a.kind = kind;
  a.integer = value;
  return made(std::move(a));
}

}  // namespace

AttrPtr string_attribute(std::string text) { return of_text(Attr::Kind::string, std::move(text)); }
AttrPtr symbol_attribute(std::string name) { return of_text(Attr::Kind::symbol, std::move(name)); }
AttrPtr integer_attribute(std::int64_t value) { return of_integer(Attr::Kind::integer, value); }
AttrPtr boolean_attribute(bool value) { return of_integer(Attr::Kind::boolean, value ? 1 : 0); }

AttrPtr integers_attribute(const Dims& values) {
  Attr a;
  a.kind = Attr::Kind::tensor;
  a.type = tensor_type("i64", {static_cast<std::int64_t>(values.size())});
  a.text.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int64_t));
  return made(std::move(a));
}

AttrPtr pairs_attribute(const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs) {
  Attr a;
  a.kind = Attr::Kind::tensor;
  a.type = tensor_type("i64", {static_cast<std::int64_t>(pairs.size()), 2});
  for (const auto& [low, high] : pairs) {
    a.text.append(reinterpret_cast<const char*>(&low), sizeof low);
    a.text.append(reinterpret_cast<const char*>(&high), sizeof high);
  }
  return made(std::move(a));
}

AttrPtr array_attribute(std::vector<AttrPtr> items) {
  Attr a;
  a.kind = Attr::Kind::array;
  a.items = std::move(items);
  return made(std::move(a));
}

AttrPtr string_list(const std::vector<std::string>& words) {
  std::vector<AttrPtr> items;
  for (const std::string& w : words) items.push_back(string_attribute(w));
  return array_attribute(std::move(items));
}

AttrPtr tensor_attribute(const Array& value) {
  Attr a;
  a.kind = Attr::Kind::tensor;
  a.type = type_of(value.aval());
  const auto bytes = value.bytes();
  a.text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return made(std::move(a));
}

}  // namespace tf2jax::stablehlo
