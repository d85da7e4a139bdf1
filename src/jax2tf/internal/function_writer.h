// Writes TensorFlow functions node by node, with the types and output names that their operations declare.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/trace/aval.h"

namespace tf2jax::jax2tf {

/// A tensor of the function being written. Keys are u32 with a last axis of 2, as TensorFlow has no such type.
struct Tensor {
  std::string ref;  // "node:output:0", or the name of an argument
  DType dtype = DType::f32;
  Shape shape;
  Array known;  // the contents of a constant, else without value
};
using Tensors = std::vector<Tensor>;

struct FunctionName {
  std::string name;
};
using Attr = std::variant<bool, std::int64_t, float, std::string, DType, std::vector<std::int64_t>, std::vector<DType>,
                          std::vector<std::string>, std::vector<Shape>, FunctionName, std::vector<FunctionName>>;
using Attrs = std::vector<std::pair<std::string, Attr>>;

/// A name as TensorFlow compares some of them.
std::string lower_case(std::string text);

/// The functions of one graph, and the gradients registered for some of them.
class Library {
 public:
  /// `base`, or `base_1`, `base_2`, … where it is taken.
  std::string unique_name(const std::string& base);
  void add(tensorflow::FunctionDef function) { functions_.push_back(std::move(function)); }
  void register_gradient(std::string op_type, std::string function) {
    gradients_.emplace_back(std::move(op_type), std::move(function));
  }
  void fill(tensorflow::FunctionDefLibrary& library) const;

 private:
  std::map<std::string, int> names_;
  std::vector<tensorflow::FunctionDef> functions_;
  std::vector<std::pair<std::string, std::string>> gradients_;
};

/// One function. Names of nodes are unique; those that a scope names begin with it.
class FunctionWriter {
 public:
  explicit FunctionWriter(std::string name);

  const std::string& name() const { return function_.signature().name(); }
  /// An argument; sizes that are not numbers are unknown to TensorFlow.
  Tensor argument(const std::string& name, const Aval& aval);
  /// An argument that holds a variable of that type, and the value read from it.
  Tensor variable(const std::string& name, const Aval& aval);
  /// A node with one output of the given type.
  Tensor node(std::string_view op, const Tensors& inputs, const Aval& output, const Attrs& attrs = {});
  Tensors nodes(std::string_view op, const Tensors& inputs, const Avals& outputs, const Attrs& attrs = {});
  /// The same with a name of its own.
  Tensor named(const std::string& name, std::string_view op, const Tensors& inputs, const Aval& output,
               const Attrs& attrs = {});
  Tensor constant(const Array& value);
  /// Checks in the graph: what the function returns waits for it.
  void check_holds(const Tensor& condition, const std::string& message);
  /// Ends the function with these results, named "identity", "identity_1", ….
  tensorflow::FunctionDef finish(const Tensors& results, const std::vector<std::string>& names = {});

  /// The prefix of nodes written from now on; returns the one before.
  std::string set_scope(std::string scope) { return std::exchange(scope_, std::move(scope)); }
  const std::string& scope() const { return scope_; }
  /// Something that keeps the function from being called as one without effects.
  bool is_stateful() const { return !effects_.empty(); }
  void mark_stateful() { function_.mutable_signature()->set_is_stateful(true); }

 private:
  tensorflow::NodeDef& add(std::string_view op, const std::string& name);
  std::string fresh(const std::string& base);

  tensorflow::FunctionDef function_;
  std::map<std::string, int> names_;
  std::string scope_;
  std::map<std::string, Tensor> constants_;
  std::vector<std::string> effects_;  // nodes that must run
};

/// How an operation names its outputs and derives the attributes that say its types.
struct OpRow {
  std::vector<std::string> outputs;  // "output+" is a list
  std::vector<std::string> types;    // see op_rows.cpp
};
/// Throws: InternalError for an operation that is not in the table.
const OpRow& op_row(std::string_view op);
std::vector<std::string> known_ops();

}  // namespace tf2jax::jax2tf
