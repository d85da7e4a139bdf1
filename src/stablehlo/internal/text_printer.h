// A module as MLIR text.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// An attribute as MLIR writes it: `1 : i64`, `dense<[1, 2]> : tensor<2xi32>`. Throws: NotImplementedError where there
/// is no text for it.
std::string attribute_text(const Attr& a);
/// "[1, 2]" of a list of integers.
std::string list_text(const Attr& a);
/// "{name = value, …}".
std::string dictionary_text(const std::vector<std::pair<std::string, AttrPtr>>& entries);
/// A name behind '@', in quotes where it needs them.
std::string symbol_text(const std::string& name);

/// Prints functions. Values are named as MLIR names them: %arg0, %0, %c and %cst for constants, numbers told apart by
/// the region they are in.
class TextPrinter {
 public:
  explicit TextPrinter(const Module& module) : module_(module) {}
  std::string print();

 private:
  // What names are taken; regions return to what was before them.
  struct Scope {
    std::size_t next_value = 0, next_argument = 0, next_suffix = 0;
    std::set<std::string> taken;
  };
  // print_module.cpp
  void function(const Function& f);
  void name_region(const Region& r, std::string_view kind);
  std::string unique(const std::string& base);
  void line(const std::string& text);
  void block(const Region& r, std::string_view kind);
  void ops(const Region& r);

  const Type& type(ValueId v) const { return *function_->types[as_index(v)]; }
  std::string name(ValueId v) const { return names_[as_index(v)]; }
  std::string operand_list(const std::vector<ValueId>& values) const;
  std::string types(const std::vector<ValueId>& values) const;
  /// "(types) -> types"
  std::string signature(const Op& op) const;
  /// One type where operands and results share it, else the signature.
  std::string short_signature(const Op& op) const;
  std::string results(const Op& op) const;
  // print_ops.cpp
  void operation(const Op& op);
  bool special(const Op& op);
  void generic(const Op& op);
  void while_op(const Op& op);
  bool reduce_op(const Op& op);
  void regions(const Op& op, std::string open, const std::string& end);
  std::string short_form(const Op& op) const;

  const Module& module_;
  const Function* function_ = nullptr;
  std::vector<std::string> names_;
  Scope scope_;
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace tf2jax::stablehlo
