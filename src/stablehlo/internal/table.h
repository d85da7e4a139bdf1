// The table of operations: a row says how an operation of StableHLO is applied, and which primitive writes it.
#pragma once
#include <string_view>
#include <vector>

#include "tf2jax/stablehlo/internal/translator.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax::stablehlo {

using ReadOp = Arrays (*)(Call&);

/// Of one operation. Without `read` it is `primitive` without params, on operands as they are.
struct OpRow {
  std::string_view op;
  const Primitive& (*primitive)() = nullptr;
  ReadOp read = nullptr;
};

/// null when the operation is not known.
const OpRow* find_row(std::string_view op);
/// null when custom calls of that target are not known.
ReadOp find_custom_call(std::string_view target);
/// Applies a row.
Arrays apply(const OpRow& row, Call& call);

/// The families, in files of their own.
std::span<const OpRow> elementwise_rows();
std::span<const OpRow> movement_rows();
std::span<const OpRow> dynamic_rows();
std::span<const OpRow> contraction_rows();
std::span<const OpRow> indexing_rows();
std::span<const OpRow> reduction_rows();
std::span<const OpRow> window_rows();
std::span<const OpRow> control_rows();
std::span<const OpRow> linalg_rows();
std::span<const OpRow> special_rows();
std::span<const OpRow> random_rows();
std::span<const OpRow> custom_call_rows();

/// Custom calls by target.
struct CustomCallRow {
  std::string_view target;
  ReadOp read;
};
std::span<const CustomCallRow> compiler_calls();
std::span<const CustomCallRow> lapack_calls();
std::span<const CustomCallRow> dynamic_calls();
std::span<const CustomCallRow> old_calls();

}  // namespace tf2jax::stablehlo
