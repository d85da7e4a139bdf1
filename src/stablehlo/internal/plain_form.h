// Operations of StableHLO's own dialect, which texts and bytecode hold, in the form that VHLO has them.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/module.h"

namespace tf2jax::stablehlo {

/// Makes attributes of the parts of one (`dimension_numbers`, …), and puts in what the dialect leaves out. `fail`
/// throws, and says where.
void complete_plain(Op& op, const std::function<void(const std::string&)>& fail);

/// What the properties of an operation are in bytecode, in order. Each takes one number.
struct PlainProperty {
  std::string_view attribute;
  bool is_optional = false;
};
using PlainForm = std::vector<PlainProperty>;

/// The forms that an operation (named with its dialect: "stablehlo.add") has had, of different lengths; empty when no
/// properties of it are known.
std::span<const PlainForm> plain_forms(std::string_view name);

}  // namespace tf2jax::stablehlo
