// What a program leaves open, found in its equations.
#include "open_results.h"

#include <algorithm>
#include <numeric>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

namespace conformance {

using namespace tf2jax;

namespace {

// The variables that hold eigenvectors: results of eigh, also through calls.
std::set<std::size_t> eigenvector_outputs(const Jaxpr& program) {
  std::set<VarId> found;
  for (const Equation& e : program->eqns) {
    if (e.primitive.name() == "eigh") found.insert(e.outputs[0]);
    if (e.primitive.name() == "eig") found.insert(e.outputs.begin() + 1, e.outputs.end());
    for (const Jaxpr& inner : nested_jaxprs(e.params))
      if (inner.num_outputs() == e.outputs.size())
        for (const std::size_t i : eigenvector_outputs(inner)) found.insert(e.outputs[i]);
  }
  std::set<std::size_t> out;
  for (std::size_t i = 0; i < program->outs.size(); ++i)
    if (!program->outs[i].is_literal() && found.contains(program->outs[i].var)) out.insert(i);
  return out;
}

std::optional<std::int64_t> unstable_sort_axis(const Jaxpr& program) {
  if (program->eqns.size() != 1 || program->eqns[0].primitive.name() != "sort") return std::nullopt;
  const SortParams& p = program->eqns[0].params.get<SortParams>();
  if (p.is_stable || program->eqns[0].outputs.size() < 2) return std::nullopt;
  for (std::size_t i = 0; i < program->outs.size(); ++i)
    if (program->outs[i].is_literal() || program->outs[i].var != program->eqns[0].outputs.at(i)) return std::nullopt;
  return p.dimension;
}

// Lines along `axis`, each ordered by all arrays in turn.
void order_lines(Arrays& arrays, std::int64_t axis) {
  Arrays rows;  // [lines, n]
  for (const Array& x : arrays) {
    const Array last = moveaxis(x, axis, -1);
    const std::int64_t n = last.shape().back().value();
    rows.push_back(reshape(last, {Dim(n ? last.size() / n : 0), Dim(n)}));
  }
  std::vector<std::vector<double>> values;
  for (const Array& r : rows) values.push_back(r.to_vector<double>());
  const std::int64_t lines = rows[0].shape()[0].value(), n = rows[0].shape()[1].value();
  std::vector<std::int32_t> order(lines * n);
  for (std::int64_t line = 0; line < lines; ++line) {
    const auto first = order.begin() + line * n;
    std::iota(first, first + n, static_cast<std::int32_t>(line * n));
    std::stable_sort(first, first + n, [&](std::int32_t a, std::int32_t b) {
      for (const auto& v : values)
        if (v[a] != v[b]) return v[a] < v[b];
      return false;
    });
  }
  const Array index = from_span<std::int32_t>(order, {lines * n});
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const Array ordered = reshape(take(reshape(rows[i], {lines * n}), index, 0), moveaxis(arrays[i], axis, -1).shape());
    arrays[i] = moveaxis(ordered, -1, axis);
  }
}

}  // namespace

namespace {

// What the columns are to be multiplied with; nothing where they cannot be compared.
std::optional<Array> phase_of(const Array& vectors, const Array& like) {
  if (!vectors.aval().matches(like.aval()) || vectors.size() == 0 || vectors.rank() < 2) return std::nullopt;
  const Array overlap = sum(conj(vectors) * like, -2, keepdims), size = abs(overlap);
  const Array is_same = greater(size, 0.5);  // another vector altogether keeps its phase, and fails
  const Array phase = where(is_same, overlap / where(is_same, size, ones_like(size)), ones_like(overlap));
  return astype(phase, vectors.dtype());
}

}  // namespace

Array in_phase_of(const Array& vectors, const Array& like) {
  const auto phase = phase_of(vectors, like);
  return phase ? vectors * *phase : vectors;
}

OpenResults::OpenResults(const Jaxpr& program)
    : eigenvectors_(eigenvector_outputs(program)), sorted_along_(unstable_sort_axis(program)) {}

void OpenResults::choose(const Arrays& got, const Arrays& want) {
  for (const std::size_t i : eigenvectors_) {
    if (i >= got.size() || i >= want.size()) continue;
    if (const auto phase = phase_of(got[i], want[i])) phases_[i] = *phase;
  }
}

Arrays OpenResults::in_phase(Arrays results, const Positions& at) const {
  for (std::size_t i = 0; i < results.size() && i < at.size(); ++i)
    if (const auto phase = phases_.find(at[i]); phase != phases_.end()) results[i] = results[i] * phase->second;
  return results;
}

void OpenResults::order(Arrays& got, Arrays& want, std::int64_t axis_shift) const {
  if (!sorted_along_ || got.size() != want.size()) return;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!got[i].aval().matches(want[i].aval())) return;  // a failure that the comparison will name
  order_lines(got, *sorted_along_ + axis_shift);
  order_lines(want, *sorted_along_ + axis_shift);
}

}  // namespace conformance
