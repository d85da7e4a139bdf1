// ConvertedFunction: a TensorFlow function as a callable of this library.
#pragma once
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/tf_graph/structured_value.h"
#include "tf2jax/tf_import/variables.h"
#include "tf2jax/tree/tree.h"

namespace tf2jax {

namespace tf_import {
class ImportedFunction;
}

/// The random key of a call: f(x, rng(random::key(0))).
struct Rng {
  Array key;
};
inline Rng rng(Array key) { return {std::move(key)}; }

/// A named argument of a call: f(kw("x", x)).
struct KeywordArgument {
  std::string name;
  Tree value;
};
inline KeywordArgument kw(std::string name, Tree value) { return {std::move(name), std::move(value)}; }

/// How a function is called: its parameters and what it returns.
struct Signature {
  std::string name;
  std::vector<std::string> parameters;  ///< positional ones, then keyword-only ones
  std::size_t keyword_only = 0;         ///< how many at the end are keyword-only
  std::map<std::string, StructuredValue> defaults;
  StructuredValue inputs;  ///< (args, kwargs)
  StructuredValue outputs;
  std::string to_string() const;
};
std::ostream& operator<<(std::ostream& os, const Signature& signature);

/// Operations with their number of nodes, library functions included.
struct OpCounts : std::map<std::string, std::int64_t> {
  std::string to_string() const;
};
std::ostream& operator<<(std::ostream& os, const OpCounts& counts);

/// The arguments of one call. Arrays, trees, strings, vectors, maps, tuples and scalars are positional; kw() and rng()
/// are not. A single text is a string of rank 0, a vector of them a tensor of one axis.
class CallArguments {
 public:
  template <class... A>
  explicit CallArguments(const A&... args) {
    (add(args), ...);
  }
  Tree::List positional;
  Tree::Dict keywords;
  std::optional<Array> key;

 private:
  void add(const Rng& r) { key = r.key; }
  void add(const KeywordArgument& k) { keywords.insert_or_assign(k.name, k.value); }
  template <class T>
  void add(const T& x) {
    positional.push_back(to_tree(x));
  }

  template <class T>
  static Tree to_tree(const T& x) {
    if constexpr (std::is_convertible_v<const T&, Tree>) return Tree(x);
    else if constexpr (std::is_same_v<T, std::nullopt_t> || std::is_same_v<T, std::nullptr_t>) return Tree();
    else if constexpr (requires {
                         x.value();
                         x.trainable();
                       })
      return Tree(x.value());
    else if constexpr (std::is_convertible_v<const T&, std::string_view>)
      return StringTensor{{}, {std::string(std::string_view(x))}};
    else if constexpr (std::is_same_v<T, std::vector<std::string>>) return strings(x);
    else if constexpr (tree::detail::Mapping<const T>) {
      Tree::Dict dict;
      for (const auto& [name, value] : x) dict.insert_or_assign(name, to_tree(value));
      return dict;
    } else if constexpr (requires { std::tuple_size<T>::value; }) {
      return std::apply([](const auto&... y) { return Tree(Tree::List{to_tree(y)...}); }, x);
    } else {
      Tree::List list;
      for (const auto& y : x) list.push_back(to_tree(y));
      return list;
    }
  }
};

/// The functional form: apply(params, args…) -> (outputs, new params). Cheap to copy; calls from many threads at once
/// are safe.
class ApplyFunction {
 public:
  explicit ApplyFunction(std::shared_ptr<const tf_import::ImportedFunction> f) : f_(std::move(f)) {}
  /// Throws: MissingInputError, ValueError for missing params, wrong shapes or literals, TypeError for wrong arguments.
  template <class... A>
  std::pair<Tree, Variables> operator()(const Variables& params, const A&... args) const {
    return call(params, CallArguments(args...));
  }
  std::pair<Tree, Variables> call(const Variables& params, const CallArguments& args) const;

 private:
  std::shared_ptr<const tf_import::ImportedFunction> f_;
};

/// A TensorFlow function with its variables bound. Cheap to copy; calls from many threads at once are safe.
/// The graph is staged once per argument types and configuration; concrete arguments run the compiled program, traced
/// ones evaluate it under the current transform. A call with strings evaluates the graph node by node: what is computed
/// from strings alone is known, also under a transform, and what follows from it is differentiated and batched.
class ConvertedFunction {
 public:
  explicit ConvertedFunction(std::shared_ptr<const tf_import::ImportedFunction> f,
                             std::optional<std::string> output = {});

  /// Outputs in the structure of the TensorFlow function. Updates of variables are dropped.
  /// Throws: MissingInputError, ValueError for wrong shapes or literals, TypeError for wrong arguments.
  template <class... A>
  Tree operator()(const A&... args) const {
    return call(CallArguments(args...));
  }
  Tree call(const CallArguments& args) const;
  /// One output of several as a function of its own. Throws: LookupError listing the outputs.
  ConvertedFunction output(const std::string& name) const;

  const Signature& signature() const;
  const StructuredValue& structured_inputs() const { return signature().inputs; }
  const StructuredValue& structured_outputs() const { return signature().outputs; }
  const Variables& params() const;
  /// Operations that the outputs need.
  OpCounts op_counts() const;
  std::vector<std::string> ops() const;
  ApplyFunction apply() const { return ApplyFunction(f_); }

  /// auto [apply, params] = convert(…).
  template <std::size_t I>
  auto get() const {
    if constexpr (I == 0) return apply();
    else return params();
  }

 private:
  std::shared_ptr<const tf_import::ImportedFunction> f_;
  std::optional<std::string> output_;
};

}  // namespace tf2jax

template <>
struct std::tuple_size<tf2jax::ConvertedFunction> : std::integral_constant<std::size_t, 2> {};
template <>
struct std::tuple_element<0, tf2jax::ConvertedFunction> {
  using type = tf2jax::ApplyFunction;
};
template <>
struct std::tuple_element<1, tf2jax::ConvertedFunction> {
  using type = tf2jax::Variables;
};
