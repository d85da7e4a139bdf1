// Printing and flattening of nested Python values.
#include "tf2jax/tf_graph/structured_value.h"

namespace tf2jax {

std::vector<TensorSpec> StructuredValue::tensors() const {
  if (kind == Kind::tensor) return {tensor};
  std::vector<TensorSpec> result;
  for (const auto& [key, value] : items) {
    const auto inner = value.tensors();
    result.insert(result.end(), inner.begin(), inner.end());
  }
  return result;
}

std::string StructuredValue::to_string() const {
  const auto list = [&](std::string_view open, std::string_view close, auto item) {
    std::string text(open);
    for (std::size_t i = 0; i < items.size(); ++i) text += (i ? ", " : "") + item(items[i]);
    return text + std::string(close);
  };
  const auto value_only = [](const auto& item) { return item.second.to_string(); };
  switch (kind) {
    case Kind::none: return "None";
    case Kind::boolean: return boolean ? "True" : "False";
    case Kind::integer: return fmt::format("{}", integer);
    case Kind::real: return fmt::format("{}", real);
    case Kind::string: return "'" + string + "'";
    case Kind::tensor: return tensor.to_string();
    case Kind::list: return list("[", "]", value_only);
    case Kind::tuple: return list("(", items.size() == 1 ? ",)" : ")", value_only);
    case Kind::dict:
      return list("{", "}", [](const auto& item) { return "'" + item.first + "': " + item.second.to_string(); });
    case Kind::named_tuple:
      return string + list("(", ")", [](const auto& item) { return item.first + "=" + item.second.to_string(); });
    case Kind::other: return "<" + string + ">";
  }
  return "?";
}

}  // namespace tf2jax
