// Bands and diagonals of batches of matrices.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::tf_import {
namespace {

// Column index minus row index of every element of the last two axes.
Array offsets(Dim rows, Dim columns) { return sub(iota(i32, {rows, columns}, 1), iota(i32, {rows, columns}, 0)); }

Values band_part(Node& n) {
  n.ignore({"Tindex"});
  const Array x = n.array(0);
  if (x.rank() < 2) raise<ValueError>("Expected input of at least rank 2, found {}", x.rank());
  // Beyond the sizes of matrices, more is the same.
  const auto lower = std::min(n.integer(1), Node::kHighest), upper = std::min(n.integer(2), Node::kHighest);
  const Array d = offsets(x.shape()[x.shape().size() - 2], x.shape().back());
  Array keep = full(d.shape(), true);
  if (lower >= 0) keep = logical_and(keep, greater_equal(d, static_cast<int>(-lower)));
  if (upper >= 0) keep = logical_and(keep, less_equal(d, static_cast<int>(upper)));
  return {where(keep, x, zeros_like(x))};
}

void check_align(Node& n) {
  const auto align = n.attr<std::string>("align");
  if (align != "RIGHT_LEFT") raise<ValueError>("{} does not support `align={}` yet.", n.op(), align);
}

// A square matrix around each vector in the last axis, on diagonal k.
Array diagonal_matrix(const Array& v, std::int64_t k) {
  check<ShapeError>(v.rank() >= 1, "a scalar is no diagonal of a matrix");
  const auto length = v.shape().back();
  const Dim size = length + Dim(k < 0 ? -k : k);
  // Row i of the result holds v[i] (or v[i + k]) at column i + k.
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(v.rank()), {0, 0});
  widths.back() = k < 0 ? std::pair{-k, std::int64_t{0}} : std::pair{std::int64_t{0}, k};
  Shape shape = v.shape();
  shape.back() = size;
  shape.push_back(size);
  check_sizes(shape, "a matrix with this diagonal");
  const Array padded = pad(v, widths, zeros({}, v.dtype()));
  const Array rows = expand_dims(padded, {v.rank()});
  const Array on = equal(offsets(size, size), static_cast<int>(k));
  return where(on, broadcast_to(rows, shape), zeros(shape, v.dtype()));
}

// Which diagonal is meant: 0 is the main one, those above are positive.
std::int64_t one_diagonal(const Node& n, std::size_t input) {
  check<NotImplementedError>(n.integers(input).size() == 1, "{}: bands of several diagonals are not supported", n.op());
  return n.integer(input, Node::kLowest);
}

Values matrix_diag(Node& n) {
  if (n.op() == "MatrixDiag" || n.op() == "Diag") return {diagonal_matrix(n.array(0), 0)};
  check_align(n);
  const auto k = one_diagonal(n, 1);
  const auto rows = n.integer(2), columns = n.integer(3);
  if (rows != -1 || columns != -1) raise<ValueError>("MatrixDiagV3 does not yet support num_rows={} or num_cols={}.", rows, columns);
  const Array v = n.array(0);
  const Array m = diagonal_matrix(v, k);
  const Array padding = n.scalar(4);
  const Array on = equal(offsets(m.shape().back(), m.shape().back()), static_cast<int>(k));
  return {where(on, m, astype(padding, v.dtype()))};
}

Values matrix_set_diag(Node& n) {
  const bool v3 = n.op() == "MatrixSetDiagV3";
  if (v3) check_align(n);
  const Array x = n.array(0), diagonal = n.array(1);
  const auto k = v3 ? one_diagonal(n, 2) : 0;
  check<ShapeError>(x.rank() >= 2, "{}: expected at least rank 2, got {}", n.op(), x.aval());
  const auto rows = x.shape()[x.shape().size() - 2].value(), columns = x.shape().back().value();
  const auto length = std::min(rows + std::min<std::int64_t>(k, 0), columns - std::max<std::int64_t>(k, 0));
  check(length >= 0, "{}: there is no diagonal {} in {}", n.op(), k, x.aval());
  Shape expected(x.shape().begin(), x.shape().end() - 2);
  expected.emplace_back(length);
  if (!identical(expected, diagonal.shape())) {
    raise<ValueError>("Incompatible inputs shape ({}) and diagonals shape ({}).", to_string(x.shape()), to_string(diagonal.shape()));
  }
  // Element i of the diagonal stands in row i - min(k, 0).
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(diagonal.rank()), {0, 0});
  const auto before = std::max<std::int64_t>(-k, 0);
  widths.back() = {before, rows - before - length};
  const Array column = expand_dims(pad(diagonal, widths, zeros({}, diagonal.dtype())), {diagonal.rank()});
  return {where(equal(offsets(rows, columns), static_cast<int>(k)), broadcast_to(column, x.shape()), x)};
}

Values matrix_diag_part(Node& n) {
  const Array x = n.array(0);
  check<ShapeError>(x.rank() >= 2, "{}: expected at least rank 2, got {}", n.op(), x.aval());
  const Dim rows = x.shape()[x.shape().size() - 2], columns = x.shape().back();
  const Array on = equal(offsets(rows, columns), 0);
  const Array sums = reduce_sum(where(on, x, zeros_like(x)), {x.rank() - 1});
  Shape limit = sums.shape();
  limit.back() = min(rows, columns);
  return {slice(sums, Shape(limit.size(), Dim(0)), limit)};
}

Values cross(Node& n) {
  const Array a = n.array(0), b = n.array(1);
  check<ShapeError>(a.rank() > 0 && identical(a.shape().back(), Dim(3)) && identical(a.shape(), b.shape()),
                    "Cross: expected vectors of 3 elements in two equal shapes, got {} and {}", a.aval(), b.aval());
  const auto axis = a.rank() - 1;
  const auto turned = [&](const Array& v, std::int64_t by) { return roll(v, by, axis); };
  const Array forward = mul(turned(a, -1), turned(b, -2));
  const Array backward = mul(turned(a, -2), turned(b, -1));
  return {sub(forward, backward)};
}

}  // namespace

void add_matrix_operations(ConverterTable& table) {
  table.add("MatrixBandPart", band_part);
  table.add("MatrixDiag", matrix_diag);
  table.add("MatrixDiagV3", matrix_diag);
  table.add("MatrixSetDiag", matrix_set_diag);
  table.add("MatrixSetDiagV3", matrix_set_diag);
  table.add("MatrixDiagPart", matrix_diag_part);
  table.add("Cross", cross);
}

}  // namespace tf2jax::tf_import
