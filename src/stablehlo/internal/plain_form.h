// Operations of StableHLO's own dialect, which texts and bytecode hold, in the form that VHLO has them.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// Makes attributes of the parts of one (`dimension_numbers`, …), and puts in what the dialect leaves out. `fail`
/// throws, and says where.
void complete_plain(Op& op, const std::function<void(const std::string&)>& fail);

/// What the properties of an operation are in bytecode.
struct PlainOp {
  std::string_view name;  ///< with its dialect: "stablehlo.add"
  struct Property {
    std::string_view attribute;
    bool is_optional = false;
    bool is_later = false;  ///< files of earlier versions end before it
  };
  std::vector<Property> properties;
};

/// null when no properties of that operation are known.
const PlainOp* find_plain_op(std::string_view name);

}  // namespace tf2jax::stablehlo
