// MLIR text of StableHLO into a module.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/text_scanner.h"
#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

class TextParser {
 public:
  explicit TextParser(std::string_view text) : in(text) {}
  Module parse();

 private:
  // text_types.cpp
  TypePtr type();
  TypePtr tensor();
  std::vector<TypePtr> type_list();  // with or without parentheses
  std::string element();
  // text_attributes.cpp
  AttrPtr attribute();
  AttrPtr array_attribute();
  AttrPtr dictionary(char close);
  AttrPtr dense();
  AttrPtr dense_array();
  AttrPtr number_attribute();
  AttrPtr dialect_attribute();
  AttrPtr integers();
  void dense_elements(std::vector<std::string>& written);
  // text_ops.cpp
  Region region();
  Region region_body(const std::vector<std::pair<std::string, TypePtr>>& arguments);
  Op operation();
  std::size_t result_count();
  void generic(Op& op);
  void pretty(Op& op);
  void items(Op& op);
  void item(Op& op);
  void attribute_dictionary(Op& op);
  void signature_of(Op& op);
  // text_forms.cpp
  bool special(Op& op);
  void constant_op(Op& op);
  void slice_op(Op& op);
  void while_op(Op& op);
  void reduce_op(Op& op);
  void convolution_op(Op& op);
  void call_op(Op& op);
  void custom_call_op(Op& op);
  void composite_op(Op& op);
  void sharding_op(Op& op);
  void finish(Op& op);
  // text_parser.cpp
  void function();
  void skip_location();
  std::vector<ValueId> operand();
  ValueId one_operand();
  void define(const std::string& name, const std::vector<ValueId>& values);
  ValueId new_value(const TypePtr& type);
  void deeper();

  TextScanner in;
  Module module_;
  PoolPtr pool_ = make_pool();
  std::map<std::string_view, TypePtr> tensors_;  // by what is written
  Function* function_ = nullptr;
  std::unordered_map<std::string, std::vector<ValueId>> values_;
  std::vector<std::pair<std::string, std::vector<ValueId>>> shadowed_;  // to be put back at the end of regions
  std::map<std::string, AttrPtr, std::less<>> aliases_;
  std::vector<TypePtr> result_types_;
  int depth_ = 0;
};

}  // namespace tf2jax::stablehlo
