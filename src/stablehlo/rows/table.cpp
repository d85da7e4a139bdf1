// All rows, by name.
#include "tf2jax/stablehlo/internal/table.h"

#include <unordered_map>

namespace tf2jax::stablehlo {
namespace {

using Rows = std::unordered_map<std::string_view, const OpRow*>;

const Rows& rows() {
  static const Rows all = [] {
    Rows out;
    for (const auto family :
         {elementwise_rows(), movement_rows(), dynamic_rows(), contraction_rows(), indexing_rows(), reduction_rows(),
          window_rows(), control_rows(), linalg_rows(), special_rows(), random_rows(), custom_call_rows()})
      for (const OpRow& row : family) out.emplace(row.op, &row);
    return out;
  }();
  return all;
}

}  // namespace

const OpRow* find_row(std::string_view op) {
  const auto it = rows().find(op);
  return it == rows().end() ? nullptr : it->second;
}

ReadOp find_custom_call(std::string_view target) {
  static const auto all = [] {
    std::unordered_map<std::string_view, ReadOp> out;
    for (const auto family : {compiler_calls(), lapack_calls(), dynamic_calls(), old_calls()})
      for (const CustomCallRow& row : family) out.emplace(row.target, row.read);
    return out;
  }();
  const auto it = all.find(target);
  return it == all.end() ? nullptr : it->second;
}

Arrays apply(const OpRow& row, Call& call) {
  if (row.read) return row.read(call);
  const OperandCount& count = row.primitive().rules().operands;
  call.expect_operands(count.least, count.most);
  return row.primitive().bind(call.args);
}

}  // namespace tf2jax::stablehlo
