// Node: one operation of an imported graph, as a converter sees it.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/tf_import/value.h"

namespace tensorflow {
class NodeDef;
class AttrValue;
}  // namespace tensorflow

namespace tf2jax {

namespace tf_import {
class Interpreter;
struct PlanStep;
}

/// A library function named by an attribute.
struct FunctionRef {
  std::string name;
};

/// Typed, checked access to a node's inputs and attributes. An attribute that the converter does not read is an error,
/// unless it only repeats types. Valid during the call of its converter.
class Node {
 public:
  Node(tf_import::Interpreter& interpreter, const tensorflow::NodeDef& proto, const tf_import::PlanStep& step, Values inputs);

  const std::string& name() const;
  const std::string& op() const;
  std::size_t num_inputs() const { return inputs_.size(); }
  const Value& input(std::size_t i) const;
  /// All inputs are known when the graph is staged.
  bool on_host() const { return on_host_; }

  /// Input `i` as an array, variables read. Throws: ImportError when it is something else or missing.
  Array array(std::size_t i) const;
  Arrays arrays(std::size_t first, std::size_t count) const;
  Arrays arrays() const { return arrays(0, num_inputs()); }
  const StringTensor& strings(std::size_t i) const;
  const VariableRef& variable(std::size_t i) const;
  /// Input `i` as integers that are known when the graph is staged.
  /// Throws: ConcretizationError when it depends on traced values.
  std::vector<std::int64_t> integers(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;
  double real(std::size_t i) const;
  /// Input `i` as sizes, some of which may be symbolic.
  Shape shape(std::size_t i) const;
  /// The rank or the sizes of input `i`.
  const Shape& shape_of(std::size_t i) const;

  /// The attribute, or its default. Types: bool, int, std::int64_t, float, std::string, DType, FunctionRef,
  /// std::optional<Dims> (a shape; nullopt: unknown rank), TensorData, and std::vector of bool, std::int64_t, float,
  /// std::string, DType, FunctionRef.
  /// Throws: ImportError when it is absent without default or of another type.
  template <class T>
  T attr(std::string_view name) const;
  template <class T>
  T attr_or(std::string_view name, T fallback) const {
    return has_attr(name) ? attr<T>(name) : fallback;
  }
  /// Present in the file or through a default.
  bool has_attr(std::string_view name) const;
  /// Declares attributes that change nothing here.
  void ignore(std::initializer_list<std::string_view> names) const;

  /// Evaluates a library function.
  Values call(const FunctionRef& function, const Values& arguments) const;
  tf_import::Interpreter& interpreter() const { return interpreter_; }
  const tf_import::PlanStep& step() const { return step_; }
  const tensorflow::NodeDef& proto() const { return proto_; }

  /// An error that names this node.
  [[noreturn]] void fail(const std::string& message) const;
  /// Throws: ImportError for attributes nobody read.
  void check_attributes(std::span<const std::string> allowed) const;

 private:
  const tensorflow::AttrValue* find(std::string_view name) const;
  const tensorflow::AttrValue& need(std::string_view name, int kind, const char* kind_name) const;

  tf_import::Interpreter& interpreter_;
  const tensorflow::NodeDef& proto_;
  const tf_import::PlanStep& step_;
  Values inputs_;
  bool on_host_ = false;
  mutable std::set<std::string, std::less<>> read_;
};

template <> bool Node::attr(std::string_view) const;
template <> int Node::attr(std::string_view) const;
template <> std::int64_t Node::attr(std::string_view) const;
template <> float Node::attr(std::string_view) const;
template <> std::string Node::attr(std::string_view) const;
template <> DType Node::attr(std::string_view) const;
template <> FunctionRef Node::attr(std::string_view) const;
template <> std::optional<Dims> Node::attr(std::string_view) const;
template <> TensorData Node::attr(std::string_view) const;
template <> std::vector<bool> Node::attr(std::string_view) const;
template <> std::vector<std::int64_t> Node::attr(std::string_view) const;
template <> std::vector<float> Node::attr(std::string_view) const;
template <> std::vector<std::string> Node::attr(std::string_view) const;
template <> std::vector<DType> Node::attr(std::string_view) const;
template <> std::vector<FunctionRef> Node::attr(std::string_view) const;

}  // namespace tf2jax
