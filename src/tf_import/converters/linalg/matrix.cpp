// Bands and diagonals of batches of matrices.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include <algorithm>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::tf_import {
namespace {

// Column index minus row index of every element of the last two axes.
Array offsets(Dim rows, Dim columns) { return sub(iota(i32, {rows, columns}, 1), iota(i32, {rows, columns}, 0)); }

Values band_part(Node& n) {
  n.ignore({"Tindex"});
  const Array x = n.array(0);
  if (x.rank() < 2) raise<ValueError>("Expected input of at least rank 2, found {}.", x.rank());
  // Beyond the sizes of matrices, more is the same.
  const auto lower = std::min(n.integer(1), Node::kHighest), upper = std::min(n.integer(2), Node::kHighest);
  const Array d = offsets(x.shape()[x.shape().size() - 2], x.shape().back());
  Array keep = full(d.shape(), true);
  if (lower >= 0) keep = logical_and(keep, greater_equal(d, static_cast<int>(-lower)));
  if (upper >= 0) keep = logical_and(keep, less_equal(d, static_cast<int>(upper)));
  return {where(keep, x, zeros_like(x))};
}

// The diagonals from `lowest` to `highest` of a matrix, as rows of `longest` elements with the highest first. Shorter
// ones lie at one end, which `align` says for those above and below the main one. Source: MatrixDiagPartV3 in
// array_ops.cc.
struct Band {
  std::int64_t lowest = 0, highest = 0, rows = 0, columns = 0, longest = 0;
  bool upper_left = true, lower_left = true;

  std::int64_t count() const { return highest - lowest + 1; }
  bool is_one() const { return lowest == highest; }
  /// The element of the rows that stands at (row, column), of `longest * count()`; -1: none does.
  std::int64_t element(std::int64_t row, std::int64_t column) const {
    const std::int64_t d = column - row;
    if (d < lowest || d > highest) return -1;
    const std::int64_t length = std::min(rows + std::min<std::int64_t>(d, 0), columns - std::max<std::int64_t>(d, 0));
    const bool left = (d >= 0 && upper_left) || (d <= 0 && lower_left);
    return (highest - d) * longest + std::min(row, column) + (left ? 0 : longest - length);
  }
};

// Input `input` is one diagonal, or the lowest and the highest.
Band band(Node& n, std::size_t input) {
  const auto k = n.integers(input, n.integers(input).size());
  check(k.size() == 1 || k.size() == 2, "one diagonal or the lowest and the highest are expected. Got {}.",
        tuple_string(k));
  Band b{.lowest = k.front(), .highest = k.back()};
  check(b.lowest <= b.highest, "the lowest diagonal is above the highest. Got {}.", tuple_string(k));
  if (!n.has_attr("align")) return b;
  const auto align = n.attr<std::string>("align");
  const auto split = align.find('_');
  const auto first = align.substr(0, split), second = split == std::string::npos ? "" : align.substr(split + 1);
  const auto is_side = [](const std::string& s) { return s == "LEFT" || s == "RIGHT"; };
  if (!is_side(first) || !is_side(second))
    raise<ValueError>("this alignment is unknown. Got '{}'; expected RIGHT_LEFT or another pair of LEFT and RIGHT.",
                      align);
  b.upper_left = first == "LEFT";
  b.lower_left = second == "LEFT";
  return b;
}

Band of_matrix(Band b, const Array& x) {
  check<ShapeError>(x.rank() >= 2, "the rank is too low. Got {}; expected at least 2.", x.aval());
  b.rows = x.shape()[x.shape().size() - 2].value();
  b.columns = x.shape().back().value();
  b.longest = std::min(b.rows + std::min<std::int64_t>(b.highest, 0), b.columns - std::max<std::int64_t>(b.lowest, 0));
  const bool is_empty = b.rows == 0 || b.columns == 0;
  check(is_empty || (b.lowest > -b.rows && b.highest < b.columns),
        "the matrix has no such diagonal. Got {} to {} for {}.", b.lowest, b.highest, x.aval());
  b.longest = std::max<std::int64_t>(b.longest, 0);
  return b;
}

// The last `axes` axes as one, with `padding` behind them.
Array padded_row(const Array& x, std::int64_t axes, const Array& padding) {
  Shape shape(x.shape().begin(), x.shape().end() - axes);
  shape.emplace_back(num_elements(Shape(x.shape().end() - axes, x.shape().end())));
  const Array row = reshape(x, shape);
  shape.back() = Dim(1);
  return concatenate({row, broadcast_to(astype(padding, x.dtype()), shape)}, -1);
}

// Elements of padded rows by a table of places, which has the last axes of the result.
Array by_table(const Array& row, const std::vector<std::int64_t>& table, const Dims& axes) {
  const Array taken = take(row, known_integers(table, {static_cast<std::int64_t>(table.size())}, i32), -1);
  Shape shape(row.shape().begin(), row.shape().end() - 1);
  for (const auto d : axes) shape.emplace_back(d);
  return reshape(taken, shape);
}

// For each place of the matrix, the element of the diagonals there, or the one behind them.
std::vector<std::int64_t> matrix_table(const Band& b) {
  check_sizes({Dim(b.rows), Dim(b.columns)}, "a matrix of these diagonals");
  std::vector<std::int64_t> table;
  for (std::int64_t r = 0; r < b.rows; ++r) {
    for (std::int64_t c = 0; c < b.columns; ++c) {
      const auto e = b.element(r, c);
      table.push_back(e < 0 ? b.count() * b.longest : e);
    }
  }
  return table;
}

// A square matrix around each vector in the last axis, on diagonal k.
Array diagonal_matrix(const Array& v, std::int64_t k) {
  check<ShapeError>(v.rank() >= 1, "a diagonal needs an axis. Got a scalar; expected rank 1 or more.");
  const auto length = v.shape().back();
  const Dim size = length + Dim(k < 0 ? -k : k);
  // Row i of the result holds v[i] (or v[i + k]) at column i + k.
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(v.rank(), {0, 0});
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

// Inputs: diagonals, which they are, rows, columns (-1: as few as hold them), and what stands elsewhere.
Values matrix_diag(Node& n) {
  if (n.op() == "MatrixDiag") return {diagonal_matrix(n.array(0), 0)};
  Band b = band(n, 1);
  const Array v = n.array(0, b.is_one() ? 1 : 2), padding = n.scalar(4);
  b.rows = n.integer(2, -1);
  b.columns = n.integer(3, -1);
  if (b.is_one() && b.rows < 0 && b.columns < 0) {
    const Array m = diagonal_matrix(v, b.lowest);
    const Array on = equal(offsets(m.shape().back(), m.shape().back()), static_cast<int>(b.lowest));
    return {where(on, m, astype(padding, v.dtype()))};
  }
  b.longest = v.shape().back().value();
  check<ShapeError>(b.is_one() || identical(v.shape()[v.shape().size() - 2], Dim(b.count())),
                    "there must be {} diagonals. Got {}.", b.count(), v.aval());
  const auto least_rows = b.longest - std::min<std::int64_t>(b.highest, 0),
             least_columns = b.longest + std::max<std::int64_t>(b.lowest, 0);
  const bool is_square = b.rows < 0 && b.columns < 0;
  if (b.rows < 0) b.rows = is_square ? std::max(least_rows, least_columns) : least_rows;
  if (b.columns < 0) b.columns = is_square ? b.rows : least_columns;
  check<ShapeError>(
      (b.rows == least_rows || b.columns == least_columns) && b.rows >= least_rows && b.columns >= least_columns,
      "the diagonals do not fit the matrix. Got {} for {} by {}.", v.aval(), b.rows, b.columns);
  return {by_table(padded_row(v, b.is_one() ? 1 : 2, padding), matrix_table(b), {b.rows, b.columns})};
}

Values matrix_set_diag(Node& n) {
  const Array x = n.array(0), diagonal = n.array(1);
  const Band b = of_matrix(n.op() == "MatrixSetDiag" ? Band{} : band(n, 2), x);
  Shape expected(x.shape().begin(), x.shape().end() - 2);
  if (!b.is_one()) expected.emplace_back(b.count());
  expected.emplace_back(b.longest);
  if (!identical(expected, diagonal.shape())) {
    raise<ValueError>("Incompatible inputs shape ({}) and diagonals shape ({}).", to_string(x.shape()),
                      to_string(diagonal.shape()));
  }
  if (!b.is_one()) {
    const Array all = by_table(padded_row(diagonal, 2, zeros({}, x.dtype())), matrix_table(b), {b.rows, b.columns});
    const Array d = offsets(b.rows, b.columns);
    const Array on =
        logical_and(greater_equal(d, static_cast<int>(b.lowest)), less_equal(d, static_cast<int>(b.highest)));
    return {where(on, all, x)};
  }
  const std::int64_t k = b.lowest, rows = b.rows, columns = b.columns, length = b.longest;
  // Element i of the diagonal stands in row i - min(k, 0).
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(diagonal.rank(), {0, 0});
  const auto before = std::max<std::int64_t>(-k, 0);
  widths.back() = {before, rows - before - length};
  const Array column = expand_dims(pad(diagonal, widths, zeros({}, diagonal.dtype())), {diagonal.rank()});
  return {where(equal(offsets(rows, columns), static_cast<int>(k)), broadcast_to(column, x.shape()), x)};
}

// Inputs: matrices, which diagonals, and what stands behind the shorter ones.
Values band_of_diagonals(Node& n) {
  const Array x = n.array(0), padding = n.scalar(2);
  const Band b = of_matrix(band(n, 1), x);
  std::vector<std::int64_t> table(b.count() * b.longest, b.rows * b.columns);
  for (std::int64_t r = 0; r < b.rows; ++r)
    for (std::int64_t c = std::max<std::int64_t>(r + b.lowest, 0); c < std::min(b.columns, r + b.highest + 1); ++c)
      table[b.element(r, c)] = r * b.columns + c;
  const Dims axes = b.is_one() ? Dims{b.longest} : Dims{b.count(), b.longest};
  return {by_table(padded_row(x, 2, padding), table, axes)};
}

Values matrix_diag_part(Node& n) {
  const Array x = n.array(0);
  check<ShapeError>(x.rank() >= 2, "the rank is too low. Got {}; expected at least 2.", x.aval());
  const Dim rows = x.shape()[x.shape().size() - 2], columns = x.shape().back();
  const Array on = equal(offsets(rows, columns), 0);
  const Array sums = reduce_sum(where(on, x, zeros_like(x)), {x.rank() - 1});
  Shape limit = sums.shape();
  limit.back() = min(rows, columns);
  return {slice(sums, Shape(limit.size(), Dim(0)), limit)};
}

// Arrays of any rank as the diagonal of one of twice the rank, and back.
Values tensor_diag(Node& n) {
  const Array x = n.array(0, 1, Node::kMaxRank / 2);
  Shape shape = x.shape();
  shape.insert(shape.end(), x.shape().begin(), x.shape().end());
  check_sizes(shape, n.op());
  return {reshape(diagonal_matrix(reshape(x, {num_elements(x.shape())}), 0), shape)};
}
Values tensor_diag_part(Node& n) {
  const Array x = n.array(0, 2);
  const auto half = x.shape().begin() + x.rank() / 2;
  const Shape shape(x.shape().begin(), half);
  check<ShapeError>(x.rank() % 2 == 0 && identical(shape, Shape(half, x.shape().end())),
                    "the second half of the axes must repeat the first. Got {}.", x.aval());
  const Dim size = num_elements(shape);
  const Array matrix = reshape(x, {size, size});
  return {reshape(reduce_sum(where(equal(offsets(size, size), 0), matrix, zeros_like(matrix)), {1}), shape)};
}

Values cross(Node& n) {
  const Array a = n.array(0), b = n.array(1);
  check<ShapeError>(a.rank() > 0 && identical(a.shape().back(), Dim(3)) && identical(a.shape(), b.shape()),
                    "the operands must be vectors of 3 elements in one shape. Got {} and {}.", a.aval(), b.aval());
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
  for (const char* op : {"MatrixDiagV2", "MatrixDiagV3"}) table.add(op, matrix_diag);
  for (const char* op : {"MatrixDiagPartV2", "MatrixDiagPartV3"}) table.add(op, band_of_diagonals);
  table.add("MatrixSetDiag", matrix_set_diag);
  for (const char* op : {"MatrixSetDiagV2", "MatrixSetDiagV3"}) table.add(op, matrix_set_diag);
  table.add("MatrixDiagPart", matrix_diag_part);
  table.add("Diag", tensor_diag);
  table.add("DiagPart", tensor_diag_part);
  table.add("Cross", cross);
}

}  // namespace tf2jax::tf_import
