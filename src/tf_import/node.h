// Node: one operation of an imported graph, as a converter sees it.
#pragma once
#include <limits>
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
}  // namespace tf_import

/// A library function named by an attribute.
struct FunctionRef {
  std::string name;
};

/// Typed, checked access to a node's inputs and attributes. An attribute that the converter does not read is an error,
/// unless it only repeats types. Valid during the call of its converter.
class Node {
 public:
  static constexpr std::int64_t kMaxRank = 254;
  /// Integers that are not data lie within these, so that sums and products of two cannot overflow.
  static constexpr std::int64_t kHighest = std::numeric_limits<std::int32_t>::max(), kLowest = -kHighest;
  static constexpr std::int64_t kMaxOutputs = std::int64_t{1} << 20;

  Node(tf_import::Interpreter& interpreter, const tensorflow::NodeDef& proto, const tf_import::PlanStep& step,
       Values inputs);

  const std::string& name() const;
  const std::string& op() const;
  std::size_t num_inputs() const { return inputs_.size(); }
  const Value& input(std::size_t i) const;
  /// All inputs are known when the graph is staged.
  bool on_host() const { return on_host_; }

  /// Input `i` as an array, variables read. Throws: ImportError when it is something else or missing.
  Array array(std::size_t i) const;
  /// The same with a rank of at least `lowest` and at most `highest`. Throws: ImportError.
  Array array(std::size_t i, std::int64_t lowest, std::int64_t highest = kMaxRank) const;
  Array scalar(std::size_t i) const { return array(i, 0, 0); }
  /// Input `i` as indices: integers, 32 bits wide or wider, so that sizes of axes fit in them. Throws: ImportError.
  Array indices(std::size_t i) const;
  Arrays arrays(std::size_t first, std::size_t count) const;
  Arrays arrays() const { return arrays(0, num_inputs()); }
  const StringTensor& strings(std::size_t i) const;
  const VariableRef& variable(std::size_t i) const;
  /// Input `i` as integers that are known when the graph is staged.
  /// Throws: ConcretizationError when it depends on traced values.
  std::vector<std::int64_t> integers(std::size_t i) const;
  /// `count` integers in [lowest, highest]. Throws: ImportError for others.
  std::vector<std::int64_t> integers(std::size_t i, std::size_t count, std::int64_t lowest = kLowest,
                                     std::int64_t highest = kHighest) const;
  std::int64_t integer(std::size_t i) const;
  std::int64_t integer(std::size_t i, std::int64_t lowest, std::int64_t highest = kHighest) const;
  double real(std::size_t i) const;
  /// Input `i` as an axis of an array of that rank, or several different ones; negative ones count from the end.
  /// Throws: ImportError when one is out of range or repeated.
  std::int64_t axis(std::size_t i, std::int64_t rank) const;
  Axes axes(std::size_t i, std::int64_t rank) const;
  /// Input `i` as integers, some of which may be symbolic.
  Shape shape(std::size_t i) const;
  /// Input `i` as the sizes of an array. Throws: ImportError for negative ones, ResourceExhaustedError for too many
  /// elements.
  Shape sizes(std::size_t i) const;
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
  /// An integer attribute, or `count` of them, in [lowest, highest]. Throws: ImportError for others.
  std::int64_t attr_integer(std::string_view name, std::int64_t lowest, std::int64_t highest = kHighest) const;
  std::vector<std::int64_t> attr_integers(std::string_view name, std::size_t count, std::int64_t lowest,
                                          std::int64_t highest = kHighest) const;
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
  void check_range(const std::string& what, std::span<const std::int64_t> values, std::int64_t lowest,
                   std::int64_t highest) const;

  tf_import::Interpreter& interpreter_;
  const tensorflow::NodeDef& proto_;
  const tf_import::PlanStep& step_;
  Values inputs_;
  bool on_host_ = false;
  mutable std::set<std::string, std::less<>> read_;
};

template <>
bool Node::attr(std::string_view) const;
template <>
int Node::attr(std::string_view) const;
template <>
std::int64_t Node::attr(std::string_view) const;
template <>
float Node::attr(std::string_view) const;
template <>
std::string Node::attr(std::string_view) const;
template <>
DType Node::attr(std::string_view) const;
template <>
FunctionRef Node::attr(std::string_view) const;
template <>
std::optional<Dims> Node::attr(std::string_view) const;
template <>
TensorData Node::attr(std::string_view) const;
template <>
std::vector<bool> Node::attr(std::string_view) const;
template <>
std::vector<std::int64_t> Node::attr(std::string_view) const;
template <>
std::vector<float> Node::attr(std::string_view) const;
template <>
std::vector<std::string> Node::attr(std::string_view) const;
template <>
std::vector<DType> Node::attr(std::string_view) const;
template <>
std::vector<FunctionRef> Node::attr(std::string_view) const;

}  // namespace tf2jax
