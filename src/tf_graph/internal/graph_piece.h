// Nodes on their way into functions.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/tf_graph/internal/protos.h"

namespace tf2jax::detail {

/// An input of a node: "node", "node:1" or "^node".
struct InputRef {
  std::string node;
  int output = 0;
  bool is_control = false;

  static InputRef parse(std::string_view text);
  /// "node:1"; output 0 is "node".
  std::string text() const;
};

/// Some nodes of a graph, by name. Inputs that name no node of the piece are its arguments.
class GraphPiece {
 public:
  std::map<std::string, tensorflow::NodeDef> nodes;

  const tensorflow::NodeDef* find(const std::string& name) const;
  bool is(const std::string& name, std::string_view op) const;
  /// The nodes so that each comes after those it reads; edges from NextIteration, which close loops, do not count.
  std::vector<std::string> in_order() const;
  /// A name that no node has, made of `base`.
  std::string fresh(const std::string& base) const;
  /// What a tensor is before it passes through Identity nodes.
  InputRef origin(InputRef ref) const;
};

/// The part of a piece that computes some tensors, as a function.
class FunctionMaker {
 public:
  explicit FunctionMaker(const GraphPiece& piece) : piece_(piece) {}

  /// What a tensor is in the function: an argument that the caller knows by `source`, or computed inside. Of a control
  /// edge: outside, where the caller waits for node `source` (none when empty), or inside.
  struct Stop {
    bool is_argument = false;
    std::string source;
  };
  using StopAt = std::function<Stop(const InputRef&)>;

  /// Adds an argument, or gives that of the same source: its name in the function.
  std::string argument(const std::string& source);
  /// Adds what `target` needs; gives its name in the function.
  std::string add(const std::string& target, const StopAt& stop);
  /// Adds what a control edge waits for: the function has its effects.
  void add_control(const InputRef& edge, const StopAt& stop);
  void add_node(tensorflow::NodeDef node) { inside_.nodes[node.name()] = std::move(node); }
  /// Sources of the arguments, in order.
  const std::vector<std::string>& arguments() const { return arguments_; }
  /// Nodes outside that control edges inside wait for.
  const std::set<std::string>& waits_for() const { return waits_for_; }
  GraphPiece& inside() { return inside_; }
  /// The function with these results. Arguments may be more than it uses: those of `all`, in order.
  tensorflow::FunctionDef finish(const std::string& name, const std::vector<std::string>& all,
                                 const std::vector<std::string>& results) const;

 private:
  void fill(std::vector<std::string> open, const StopAt& stop);
  bool is_inside(const InputRef& edge, const StopAt& stop);

  const GraphPiece& piece_;
  GraphPiece inside_;
  std::set<std::string> waits_for_, last_;
  std::vector<std::string> arguments_;
  std::map<std::string, std::string> names_;  // of arguments, by source
};

tensorflow::DataType type_attr(const tensorflow::NodeDef& node, const char* name = "T");
tensorflow::NodeDef identity_node(const std::string& name, const std::string& input, tensorflow::DataType type);

/// Loops of a piece, then conditions; functions go to `library`. Whether something has been changed.
bool functionalize_loops(GraphPiece& piece, tensorflow::FunctionDefLibrary& library);
bool functionalize_conditions(GraphPiece& piece, tensorflow::FunctionDefLibrary& library);

}  // namespace tf2jax::detail
