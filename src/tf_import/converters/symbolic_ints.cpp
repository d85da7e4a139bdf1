// Arithmetic on sizes of which some are symbolic: what shape computations of graphs do with unknown batch sizes.
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

using DimFunction = Dim (*)(Dim, Dim);
struct Row {
  const char* op;
  DimFunction f;
};

Dim plus(Dim a, Dim b) { return a + b; }
Dim minus(Dim a, Dim b) { return a - b; }
Dim times(Dim a, Dim b) { return a * b; }

constexpr Row kRows[] = {{"Add", plus},          {"AddV2", plus},          {"Sub", minus},   {"Mul", times},
                         {"FloorDiv", floordiv}, {"FloorMod", mod},        {"Maximum", max}, {"Minimum", min},
                         {"Div", floordiv},      {"TruncateDiv", floordiv}};

bool is_scalar(const Value& v) {
  if (const auto* ints = v.get_if<SymbolicInts>()) return ints->scalar;
  const auto* x = v.get_if<Array>();
  return x && x->rank() == 0;
}

Converter elementwise(Converter otherwise, DimFunction f) {
  return [otherwise = std::move(otherwise), f](Node& n) -> Values {
    const bool symbolic =
        n.num_inputs() == 2 && (n.input(0).get_if<SymbolicInts>() || n.input(1).get_if<SymbolicInts>());
    if (!symbolic) return otherwise(n);
    const Shape a = n.shape(0), b = n.shape(1);
    const std::size_t size = std::max(a.size(), b.size());
    if (a.empty() || b.empty() || (a.size() != size && a.size() != 1) || (b.size() != size && b.size() != 1)) {
      n.fail(fmt::format("sizes {} and {} do not broadcast.", to_string(a), to_string(b)));
    }
    SymbolicInts result{{}, is_scalar(n.input(0)) && is_scalar(n.input(1))};
    for (std::size_t i = 0; i < size; ++i)
      result.values.push_back(f(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]));
    return {Value(std::move(result))};
  };
}

}  // namespace

void add_symbolic_arithmetic(ConverterTable& table) {
  for (const auto& row : kRows) {
    const auto* entry = table.find(row.op);
    check<InternalError>(entry != nullptr, "symbolic sizes: there is no converter for '{}' to extend.", row.op);
    table.add(row.op, elementwise(entry->convert, row.f), entry->traits);
  }
}

}  // namespace tf2jax::tf_import
