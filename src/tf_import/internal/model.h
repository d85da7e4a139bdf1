// Model: everything an imported function refers to, shared by its calls. Immutable but for lazily built plans.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/base/config.h"
#include "tf2jax/tf_graph/saved_model.h"
#include "tf2jax/tf_import/converter.h"
#include "tf2jax/tf_import/internal/scope.h"

namespace tf2jax::tf_import {

/// A function body with the order of its evaluation.
struct Body {
  Scope scope;
  Plan plan;
  std::size_t random_nodes = 0;          // that take one random key each
  std::vector<std::uint32_t> uses = {};  // of each node's outputs, by steps and as results; empty: not counted
};

/// What is known of a library function and those it calls before any of them runs.
struct FunctionFacts {
  bool has_effect = false, is_random = false, has_loop = false, grows_list = false, writes_array = false;
  std::int64_t nodes =
      0;  // when every call is replaced by what it calls, a call of itself by nothing; at most kManyNodes
};
constexpr std::int64_t kManyNodes = std::int64_t{1} << 60;

/// A variable the function may read: its name in params and its value at conversion (empty: not stored).
struct ImportedVariable {
  std::string name;
  Array initial;
  bool trainable = true;
  TensorSpec spec;
  std::string node_op;  // of a variable node of the graph for which no value is stored
};

/// A capture of a gradient function: a tensor of the function that holds the IdentityN, a constant, or a variable.
struct GradientCapture {
  std::string tensor, function;
  Value value;
};

/// The registered gradient of one `_gradient_op_type`.
struct GradientRule {
  std::string function;
  std::vector<GradientCapture> captures;
  std::size_t none_outputs = 0;  // leading inputs of IdentityN without gradient
};

class Model {
 public:
  Model(std::string source, const FunctionLibrary& library);

  std::string source;
  FunctionLibrary library;
  std::optional<SavedModel> saved;
  Config config;  // in force when the model was converted
  std::shared_ptr<const ConverterTable> converters;
  std::vector<ImportedVariable> variables;
  std::map<std::string, std::size_t> variable_nodes;  // by name or shared name of a variable node
  std::map<std::string, GradientRule> gradients;
  std::map<std::string, std::int64_t> sizes;                   // rows of results in programs, by node
  std::map<std::string, std::shared_ptr<LookupTable>> tables;  // of the graph itself, by their node

  /// The body of a library function; planned on first use. Throws: ValueError when there is none of that name.
  std::shared_ptr<const Body> body(const std::string& function) const;
  Body main(std::vector<std::string> outputs, const std::vector<std::string>& inputs) const;
  /// What a node of the main graph needs, and itself, for what it does.
  Body effect(const std::string& node) const;
  bool has_effect(const tensorflow::NodeDef& node) const;
  bool is_random(const tensorflow::NodeDef& node) const;
  /// The node and what it calls.
  FunctionFacts facts(const tensorflow::NodeDef& node) const;
  /// Of the steps of a body together.
  FunctionFacts facts(const Body& body) const;
  /// Throws: ResourceExhaustedError naming the node that has the largest part, for more than
  /// Config::max_expanded_nodes.
  void check_expansion(const Body& body) const;
  /// Throws: UnsupportedOpError naming every operation without converter that `body` needs, functions included.
  void check_supported(const Body& body) const;
  PlanQueries queries(const std::string& function) const;

 private:
  struct KnownFacts {
    FunctionFacts facts;
    std::vector<std::string> callees;  // once for each call
    bool done = false;
  };
  FunctionFacts own_facts(const tensorflow::NodeDef& node) const;
  const FunctionFacts& function_facts(const std::string& function) const;
  KnownFacts open_facts(const std::string& function) const;
  Body finished(Scope scope, Plan plan) const;

  mutable std::recursive_mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const Body>> bodies_;
  mutable std::map<std::string, KnownFacts> facts_;
};

}  // namespace tf2jax::tf_import
