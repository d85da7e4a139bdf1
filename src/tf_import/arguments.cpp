// Calling convention: from the arguments of a call to the tensors of a signature, and back for the outputs.
#include "tf2jax/tf_import/internal/imported_function.h"

#include "tf2jax/ops/elementwise.h"

#include <algorithm>
#include <functional>

namespace tf2jax::tf_import {

using Kind = StructuredValue::Kind;

namespace {

std::string path_text(const std::vector<std::string>& path) {
  std::string text = "(";
  for (std::size_t i = 0; i < path.size(); ++i) text += (i ? ", " : "") + path[i];
  return text + (path.size() == 1 ? ",)" : ")");
}

std::string step_text(const StructuredValue& container, std::size_t i) {
  const bool named = container.kind == Kind::dict || container.kind == Kind::named_tuple;
  return named ? "'" + container.items[i].first + "'" : fmt::format("{}", i);
}

void collect(const StructuredValue& v, std::vector<std::string>& path, std::vector<FlatInput>& out) {
  if (v.kind == Kind::tensor) {
    out.push_back({path_text(path), v.tensor.name, v.tensor});
    return;
  }
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    path.push_back(step_text(v, i));
    collect(v.items[i].second, path, out);
    path.pop_back();
  }
}

bool is_tensor(const Tree& given) { return given.is_leaf() || given.kind() == Tree::Kind::strings; }

double scalar_of(const Array& x) { return x.to_vector<double>().front(); }

// Literals are compared by value; a number given for another kind of number counts by its value.
void check_literal(const StructuredValue& expected, const Tree& given, const std::vector<std::string>& path) {
  const auto because =
      "This may be because the original TensorFlow function was traced with a literal value instead of a Tensor or "
      "Array.";
  if (given.kind() == Tree::Kind::strings) {
    const auto& values = given.strings().values;
    const bool same = expected.kind == Kind::string && values.size() == 1 && values[0] == expected.string;
    check(same, "call: Found unexpected literal value `{}`, expected `{}` for argument at {}. {}",
          values.size() == 1 ? "'" + values[0] + "'" : given.to_string(), expected.to_string(), path_text(path),
          because);
  }
  if (!given.is_leaf()) return;
  const Array& x = given.array();
  if (!x.is_concrete()) {
    raise<ValueError>("call: Found unexpected tracer `{}`, expected `{}` for argument at {}. {}", x.aval().to_string(),
                      expected.to_string(), path_text(path), because);
  }
  bool equal = x.size() == 1;
  if (equal && expected.kind == Kind::boolean) equal = scalar_of(x) == static_cast<double>(expected.boolean);
  if (equal && expected.kind == Kind::integer) equal = scalar_of(x) == static_cast<double>(expected.integer);
  if (equal && expected.kind == Kind::real)
    equal = scalar_of(x) == expected.real || static_cast<float>(scalar_of(x)) == static_cast<float>(expected.real);
  if (expected.kind == Kind::string || expected.kind == Kind::none || expected.kind == Kind::other) equal = false;
  check(equal, "call: Found unexpected literal value `{}`, expected `{}` for argument at {}. {}", to_string(x),
        expected.to_string(), path_text(path), because);
}

void match(const StructuredValue& expected, const Tree& given, std::vector<std::string>& path, std::vector<Tree>& out) {
  if (expected.kind == Kind::tensor) {
    if (given.kind() == Tree::Kind::none || is_tensor(given)) {
      out.push_back(given);
      return;
    }
    raise<TypeError>("call: the argument at {} is a container. Got {}; expected one tensor {}.", path_text(path),
                     given.to_string(), expected.tensor.to_string());
  }
  if (!expected.is_container()) return check_literal(expected, given, path);
  const bool named = expected.kind == Kind::dict || expected.kind == Kind::named_tuple;
  if (is_tensor(given)) {
    // One tensor stands for a container of one.
    if (expected.items.size() == 1) {
      path.push_back(step_text(expected, 0));
      match(expected.items[0].second, given, path, out);
      path.pop_back();
      return;
    }
    raise<TypeError>("call: the argument at {} is one tensor. Expected {}.", path_text(path), expected.to_string());
  }
  if (given.kind() == Tree::Kind::list && given.list().size() > expected.items.size()) {
    raise<TypeError>("call: the argument at {} has the wrong number of elements. Got {}; expected {}: {}.",
                     path_text(path), given.list().size(), expected.items.size(), expected.to_string());
  }
  if (given.kind() == Tree::Kind::dict) {
    for (const auto& key : given.keys()) {
      const bool known =
          named && std::ranges::find(expected.items, key, &StructuredItem::first) != expected.items.end();
      if (!known)
        raise<TypeError>("call: the argument at {} has an unexpected entry. Got '{}'; expected {}.", path_text(path),
                         key, expected.to_string());
    }
  }
  for (std::size_t i = 0; i < expected.items.size(); ++i) {
    Tree child;
    if (given.kind() == Tree::Kind::list && i < given.list().size()) child = given.list()[i];
    if (given.kind() == Tree::Kind::dict && given.contains(expected.items[i].first))
      child = given[expected.items[i].first];
    path.push_back(step_text(expected, i));
    match(expected.items[i].second, child, path, out);
    path.pop_back();
  }
}

const StructuredValue& positional_of(const Signature& s) { return s.inputs.items.at(0).second; }
const StructuredValue& keywords_of(const Signature& s) { return s.inputs.items.at(1).second; }

// What a parameter is when nothing is given for it; none where it has no default. Numbers take the type of the tensor,
// and are known under a trace too.
Tree default_of(const StructuredValue& value, const StructuredValue& expected) {
  if (expected.kind != Kind::tensor) return {};
  const TraceScope eval(eval_trace());
  const auto number = [&](const Array& x) {
    return Tree(astype(x, canonical_dtype(expected.tensor.dtype.value_or(x.dtype()))));
  };
  switch (value.kind) {
    case Kind::boolean: return number(Array(value.boolean));
    case Kind::integer: return number(Array(value.integer));
    case Kind::real: return number(Array(value.real));
    case Kind::string: return StringTensor{{}, {value.string}};
    default: return {};
  }
}

}  // namespace

std::vector<FlatInput> flat_inputs(const StructuredValue& inputs) {
  std::vector<FlatInput> out;
  std::vector<std::string> path;
  collect(inputs, path, out);
  return out;
}

std::vector<Tree> match_arguments(const Signature& signature, const CallArguments& arguments) {
  const auto& args = positional_of(signature);
  const auto& kwargs = keywords_of(signature);
  std::vector<Tree> positional(args.items.size());
  Tree::Dict keywords = arguments.keywords;
  // One dictionary with the names of a signature is its keyword arguments.
  Tree::List given = arguments.positional;
  if (args.items.empty() && given.size() == 1 && given[0].kind() == Tree::Kind::dict && keywords.empty()) {
    keywords = given[0].dict();
    given.clear();
  }
  std::size_t next = 0;
  for (; next < given.size() && next < positional.size(); ++next) positional[next] = given[next];
  // Further ones fill the keyword arguments in order of their names.
  for (const auto& [name, spec] : kwargs.items) {
    if (next == given.size()) break;
    if (!keywords.contains(name)) keywords[name] = given[next++];
  }
  if (next < given.size()) {
    raise<TypeError>("{}: there are too many positional arguments. Got {}; expected at most {}.", signature.name,
                     given.size(), next);
  }
  for (auto it = keywords.begin(); it != keywords.end();) {
    const bool known = std::ranges::find(kwargs.items, it->first, &StructuredItem::first) != kwargs.items.end();
    const auto at = std::ranges::find(signature.parameters, it->first);
    const std::size_t position = at - signature.parameters.begin();
    if (known) {
      ++it;
      continue;
    }
    if (at == signature.parameters.end() || position >= positional.size()) {
      raise<TypeError>("{}: got an unexpected keyword argument '{}'.", signature.name, it->first);
    }
    if (positional[position].kind() != Tree::Kind::none)
      raise<TypeError>("{}: got multiple values for argument '{}'.", signature.name, it->first);
    positional[position] = it->second;
    it = keywords.erase(it);
  }
  const auto add_default = [&](Tree& to, const std::string& name, const StructuredValue& expected) {
    const auto value = signature.defaults.find(name);
    if (value != signature.defaults.end() && to.kind() == Tree::Kind::none) to = default_of(value->second, expected);
  };
  for (std::size_t i = 0; i < std::min(positional.size(), signature.parameters.size()); ++i)
    add_default(positional[i], signature.parameters[i], args.items[i].second);
  for (const auto& [name, spec] : kwargs.items) add_default(keywords[name], name, spec);
  std::vector<Tree> leaves;
  std::vector<std::string> path{"0"};
  for (std::size_t i = 0; i < positional.size(); ++i) {
    path.push_back(fmt::format("{}", i));
    match(args.items[i].second, positional[i], path, leaves);
    path.pop_back();
  }
  path = {"1"};
  match(kwargs, Tree(std::move(keywords)), path, leaves);
  return leaves;
}

std::string missing_inputs_text(const Signature& signature, const std::vector<Tree>& leaves) {
  std::size_t next = 0;
  const std::function<std::string(const StructuredValue&, int)> print = [&](const StructuredValue& v,
                                                                            int depth) -> std::string {
    const std::string indent(static_cast<std::size_t>(depth) * 4, ' ');
    if (v.kind == Kind::tensor) {
      const bool present = leaves[next++].kind() != Tree::Kind::none;
      return present ? "\".\"" : "\"" + v.tensor.to_string() + "\"";
    }
    if (!v.is_container()) return "\".\"";
    const bool named = v.kind == Kind::dict || v.kind == Kind::named_tuple;
    std::string text = named ? "{" : "[";
    for (std::size_t i = 0; i < v.items.size(); ++i) {
      text += (i ? ",\n" : "\n") + indent + "    ";
      if (named) text += "\"" + v.items[i].first + "\": ";
      text += print(v.items[i].second, depth + 1);
    }
    return text + (v.items.empty() ? "" : "\n" + indent) + (named ? "}" : "]");
  };
  // Parameters by name, in order; keyword arguments after them.
  std::string text = "{";
  bool first = true;
  const auto entry = [&](const std::string& name, const StructuredValue& v) {
    text += (first ? "\n    \"" : ",\n    \"") + name + "\": ";
    text += print(v, 1);
    first = false;
  };
  const auto& args = positional_of(signature);
  for (std::size_t i = 0; i < args.items.size(); ++i) {
    entry(i < signature.parameters.size() ? signature.parameters[i] : fmt::format("args_{}", i), args.items[i].second);
  }
  for (const auto& [name, v] : keywords_of(signature).items) entry(name, v);
  return text + "\n}";
}

Tree build_tree(const StructuredValue& structure, const std::vector<Tree>& tensors, std::size_t& next) {
  switch (structure.kind) {
    case Kind::tensor: return tensors.at(next++);
    case Kind::list:
    case Kind::tuple: {
      Tree::List list;
      for (const auto& [key, child] : structure.items) list.push_back(build_tree(child, tensors, next));
      return Tree(std::move(list));
    }
    case Kind::dict:
    case Kind::named_tuple: {
      Tree::Dict dict;
      for (const auto& [key, child] : structure.items) dict[key] = build_tree(child, tensors, next);
      return Tree(std::move(dict));
    }
    default: return Tree();
  }
}

}  // namespace tf2jax::tf_import
