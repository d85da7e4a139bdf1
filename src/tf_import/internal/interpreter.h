// Interpreter: evaluates planned graphs under whatever trace is current. One per evaluation; not thread-safe.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/tf_import/internal/model.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::tf_import {

class Interpreter {
 public:
  /// `variables` as in model.variables; an empty Array is a variable without value. `key`: the random key, if any.
  Interpreter(std::shared_ptr<const Model> model, Arrays variables, std::optional<Array> key);

  const Model& model() const { return *model_; }
  std::shared_ptr<const Model> shared_model() const { return model_; }
  Values run(const Body& body, const Values& arguments);
  /// The same, as an attempt: its nodes count for no budget.
  Values attempt(const Body& body, const Values& arguments);
  /// Throws: ValueError for unknown functions, wrong argument counts and functions that call themselves without end,
  /// ResourceExhaustedError for calls nested too deeply.
  /// A function with random nodes uses `key`, or takes one of its caller's.
  Values call(const std::string& function, const Values& arguments, const std::optional<Array>& key = {});

  /// Throws: ValueError when the variable has no value.
  Array read(const VariableRef& variable) const;
  void assign(const VariableRef& variable, Array value);
  const Arrays& variables() const { return variables_; }
  bool changed(std::size_t variable) const { return changed_[variable]; }
  std::size_t num_changes() const { return changes_; }
  /// Evaluates `f`, whose changes are undone afterwards. Returns its results and the variables as `f` left them, by
  /// position, where it changed them.
  std::pair<Values, std::map<std::size_t, Array>> undone(const std::function<Values()>& f);
  /// The variables that calls of functions were found to change, by function and variables given to it: conditions
  /// inside one another are looked into once each.
  std::map<std::string, std::set<std::size_t>>& branch_changes() { return branch_changes_; }

  /// The key of the next random node. Throws: ValueError when no key was given.
  Array next_key();
  const std::optional<Array>& key() const { return key_; }

  /// What is being evaluated is the condition or the body of a loop, whose turns may be many.
  bool in_loop() const { return loops_ > 0; }
  /// Notes that a program that is being traced takes for granted what `holds` gives, a bool: a call whose arguments are
  /// known is evaluated op by op where it is false. What loops, branches and other programs inside that one take for
  /// granted is not noted.
  void assume(const std::function<Array()>& holds);
  /// Whether all of that is so; nullopt where nothing was noted.
  std::optional<Array> assumptions() const;
  /// The function that is being evaluated; empty for the main graph.
  const std::string& scope_name() const { return frames_.back()->body->scope.name(); }
  /// The same of linear_position.h, of tensors of that function.
  std::optional<std::int64_t> constant_distance(TensorRef a, TensorRef b, int element) const;
  std::optional<std::int64_t> constant_element(TensorRef x, int element) const;
  /// The value of a tensor of the function `function` that is being evaluated; nullopt when it is not there.
  std::optional<Value> captured(const std::string& tensor, const std::string& function) const;

 private:
  struct Frame {
    const Body* body;
    const Values* arguments;
    std::vector<Values> env;
    std::vector<std::uint32_t> uses;  // of each node that are still to come; empty: not counted
    std::vector<Array> keys = {};     // one per random node, taken from the back
    bool keys_made = false;
  };

  Value value(const Frame& frame, TensorRef ref) const;
  /// The same for a step; values that no later one needs are let go.
  Value take(Frame& frame, TensorRef ref) const;
  void check_nesting(const Body& body) const;
  Values evaluate(Frame& frame, const PlanStep& step);

  std::shared_ptr<const Model> model_;
  Arrays variables_;
  std::vector<bool> changed_;
  std::size_t changes_ = 0;
  std::optional<Array> key_;
  std::vector<Frame*> frames_;
  std::int64_t evaluated_ = 0;  // nodes
  std::map<std::string, std::set<std::size_t>> branch_changes_;
  TracePtr trace_;  // that the interpreter was made under
  Arrays assumptions_;
  int loops_ = 0;  // that are being evaluated, one inside the other
};

}  // namespace tf2jax::tf_import
