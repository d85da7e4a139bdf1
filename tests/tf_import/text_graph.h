// Graphs written as text.
#pragma once
#include <string>
#include <vector>

#include "tf2jax/tf_import/convert.h"

namespace tf2jax {

inline std::string placeholder(const std::string& name, const std::string& dims, const std::string& type = "DT_FLOAT") {
  return "node { name: \"" + name + "\" op: \"Placeholder\" attr { key: \"dtype\" value { type: " + type +
         " } } attr { key: \"shape\" value { shape { " + dims + " } } } }\n";
}
inline std::string constant(const std::string& name, const std::string& tensor) {
  return "node { name: \"" + name + "\" op: \"Const\" attr { key: \"value\" value { tensor { " + tensor + " } } } }\n";
}
inline std::string node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
                        const std::string& attrs = "") {
  std::string text = "node { name: \"" + name + "\" op: \"" + op + "\"";
  for (const auto& i : inputs) text += " input: \"" + i + "\"";
  return text + " " + attrs + " }\n";
}
inline ConvertedFunction import(const std::string& text, const std::vector<std::string>& outputs = {"y"},
                                std::vector<std::string> inputs = {}) {
  return convert(Graph::parse_text(text, "test graph"), {.inputs = std::move(inputs), .outputs = outputs});
}
/// The same as a function of arrays to the outputs in order.
inline auto import_flat(const std::string& text, const std::vector<std::string>& outputs,
                        const std::vector<std::string>& inputs) {
  return [f = import(text, outputs, inputs), outputs](const Arrays& arguments) {
    CallArguments call;
    for (const Array& x : arguments) call.positional.push_back(Tree(x));
    const Tree out = f.call(call);
    Arrays all;
    for (const auto& name : outputs) all.push_back(outputs.size() == 1 ? Array(out) : Array(out[name]));
    return all;
  };
}
inline const std::string kScalarX = placeholder("x", "");
inline const std::string kVectorX = placeholder("x", "dim { size: 3 }");

}  // namespace tf2jax
