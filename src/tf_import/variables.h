// The variables of an imported model by name: its params.
#pragma once
#include <map>
#include <string>

#include "tf2jax/tree/tree.h"

namespace tf2jax {

/// A variable's value with its name. Converts to Array.
class Variable {
 public:
  Variable() = default;
  Variable(std::string name, Array value, bool trainable = true)
      : name_(std::move(name)), value_(std::move(value)), trainable_(trainable) {}

  const std::string& name() const { return name_; }
  bool trainable() const { return trainable_; }
  const Array& value() const { return value_; }
  Array& value() { return value_; }
  const Aval& aval() const { return value_.aval(); }
  operator const Array&() const { return value_; }  // NOLINT: a variable is used like its value
  /// Replaces the value.
  void assign(Array value) { value_ = std::move(value); }
  Variable& operator=(Array value) {
    assign(std::move(value));
    return *this;
  }

 private:
  std::string name_;
  Array value_;
  bool trainable_ = true;
};

/// Variables by name: a tree with one leaf per variable, ordered by name.
class Variables {
 public:
  using Map = std::map<std::string, Variable>;

  Variables() = default;
  explicit Variables(Map variables) : variables_(std::move(variables)) {}

  Map::const_iterator begin() const { return variables_.begin(); }
  Map::const_iterator end() const { return variables_.end(); }
  Map::iterator begin() { return variables_.begin(); }
  Map::iterator end() { return variables_.end(); }
  std::size_t size() const { return variables_.size(); }
  bool empty() const { return variables_.empty(); }
  bool contains(const std::string& name) const { return variables_.count(name) > 0; }
  /// Throws: LookupError listing the names.
  const Variable& at(const std::string& name) const;
  const Variable& operator[](const std::string& name) const { return at(name); }
  void set(Variable variable) { variables_[variable.name()] = std::move(variable); }
  void erase(const std::string& name) { variables_.erase(name); }
  /// The variables with (without) the trainable mark.
  Variables trainable() const;
  Variables frozen() const;
  /// Both; entries of `other` win.
  Variables merged(const Variables& other) const;

 private:
  Map variables_;
};

template <class F>
void tree_visit(Variables& p, F&& f) {
  for (auto& [name, v] : p) f(v.value());
}
template <class F>
void tree_visit(const Variables& p, F&& f) {
  for (const auto& [name, v] : p) f(v.value());
}
void tree_key(const Variables& p, std::string& key);

/// What the functional form of a model takes and returns.
using Params = Variables;

}  // namespace tf2jax
