// Attributes that parsers and writers make.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/stablehlo/module.h"
#include "tf2jax/trace/array.h"

namespace tf2jax::stablehlo {

AttrPtr string_attribute(std::string text);
AttrPtr symbol_attribute(std::string name);
AttrPtr integer_attribute(std::int64_t value);
AttrPtr boolean_attribute(bool value);
AttrPtr array_attribute(std::vector<AttrPtr> items);
AttrPtr string_list(const std::vector<std::string>& words);
/// tensor<n x i64>
AttrPtr integers_attribute(const Dims& values);
/// tensor<n x 2 x i64>
AttrPtr pairs_attribute(const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs);
AttrPtr tensor_attribute(const Array& value);
TypePtr type_of(const Aval& aval);

}  // namespace tf2jax::stablehlo
