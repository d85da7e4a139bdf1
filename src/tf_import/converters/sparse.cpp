// Sparse tensors by their indices [n, rank], values [n] and shape, and ragged ones by their rows' splits. Where results
// have as many entries as the indices say, the indices must be known.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

struct Sparse {
  Array indices, values;
  Shape shape;

  std::int64_t rank() const { return static_cast<std::int64_t>(shape.size()); }
  std::int64_t count() const { return values.size(); }
  Array column(std::int64_t axis) const { return squeeze(slice_in_dim(indices, axis, axis + 1, 1, 1), {1}); }
};

Sparse checked(const Node& n, Sparse s) {
  check<ShapeError>(s.indices.rank() == 2 && s.values.rank() == 1 &&
                        identical(s.indices.shape()[0], s.values.shape()[0]) &&
                        identical(s.indices.shape()[1], Dim(s.rank())),
                    "{}: the indices must be rows of {} integers, one for each value. Got {} and {}.", n.op(), s.rank(),
                    s.indices.aval(), s.values.aval());
  return s;
}
// Inputs from `first`: indices, values, shape.
Sparse sparse(const Node& n, std::size_t first) {
  return checked(n, {n.indices(first), in_canonical_type(n.array(first + 1, 1, 1)), n.sizes(first + 2)});
}

// The number of each entry among the elements of the axes, row by row.
Array flat_positions(const Sparse& s, const Axes& axes) {
  Array flat = zeros({s.values.shape()[0]}, s.indices.dtype());
  for (const std::int64_t axis : axes) flat = add(mul(flat, s.shape[axis].value()), s.column(axis));
  return flat;
}

std::int64_t elements_of(const Sparse& s, const Axes& axes) {
  std::int64_t count = 1;
  for (const std::int64_t axis : axes) count *= s.shape[axis].value();
  check_sizes(Shape{Dim(count)}, "a sparse tensor");
  return count;
}

Values add_dense(Node& n) {
  n.ignore({"Tindices"});
  const Array dense = n.array(3);
  const Sparse s = sparse(n, 0);
  check<ShapeError>(identical(s.shape, dense.shape()), "{}: the shapes differ. Got {} and {}.", n.op(),
                    to_string(s.shape), dense.aval());
  return {scatter_windows(scatter_add, dense, s.indices, s.values)};
}

// The values joined with those of a dense operand, which broadcasts, at their places.
template <class F>
Converter with_dense(F f) {
  return [f](Node& n) -> Values {
    const Sparse s = sparse(n, 0);
    const Array dense = broadcast_to(n.array(3), s.shape);
    return {f(s.values, take(reshape(dense, {Dim(dense.size())}), flat_positions(s, iota_axes(s.rank())), 0))};
  };
}

Sparse in_row_major_order(const Sparse& s) {
  if (s.count() == 0) return s;
  const Array order = argsort(flat_positions(s, iota_axes(s.rank())));
  return {take(s.indices, order, 0), take(s.values, order, 0), s.shape};
}

Values reorder(Node& n) {
  const Sparse s = in_row_major_order(sparse(n, 0));
  return {s.indices, s.values};
}

// Inputs: indices, shape, new shape, in which one -1 is what is left.
Values sparse_reshape(Node& n) {
  const Array indices = n.indices(0);
  const Shape from = n.sizes(1);
  Dims to = n.integers(2, n.integers(2).size(), -1);
  const std::int64_t total = num_elements(from).value();
  Shape given;
  for (const std::int64_t d : to)
    if (d >= 0) given.emplace_back(d);
  const std::int64_t known = num_elements(given).value();
  for (std::int64_t& d : to)
    if (d < 0) d = known ? total / known : 0;
  check<ShapeError>(num_elements(symbolic(to)).value() == total, "{}: the shapes have different sizes. Got {} and {}.",
                    n.op(), to_string(from), tuple_string(to));
  check<ShapeError>(indices.rank() == 2, "the indices must be a matrix. Got {}.", indices.aval());
  const Sparse s = checked(n, {indices, zeros({indices.shape()[0]}), from});
  Array rest = flat_positions(s, iota_axes(s.rank()));
  Arrays columns;
  for (const std::int64_t stride : row_major_strides(to)) {
    const std::int64_t step = std::max<std::int64_t>(stride, 1);
    columns.push_back(expand_dims(floor_divide(rest, step), {1}));
    rest = mod(rest, step);
  }
  return {concatenate(columns, 1), Value(known_integers(to, {static_cast<std::int64_t>(to.size())}, DType::i64), true)};
}

// Inputs: indices, values, shape, axes. Maxima of nothing are 0.
template <bool kMax>
Values sparse_reduce(Node& n) {
  const Sparse s = sparse(n, 0);
  const Axes over = normalize_axes(n.integers(3), s.rank(), n.op());
  const bool keeps = n.attr_or<bool>("keep_dims", false);
  Axes kept;
  Shape result;
  for (std::int64_t axis = 0; axis < s.rank(); ++axis) {
    const bool reduced = over.empty() || std::ranges::find(over, axis) != over.end();
    if (!reduced) kept.push_back(axis);
    if (!reduced) result.push_back(s.shape[axis]);
    else if (keeps) result.emplace_back(1);
  }
  const std::int64_t count = elements_of(s, kept);
  const Array at = expand_dims(flat_positions(s, kept), {1});
  Array out;
  if (kMax) {
    const Array lowest = broadcast_to(rules::extreme(s.values.dtype(), true), {Dim(count)});
    const Array met = scatter_windows(scatter_add, zeros({Dim(count)}, i32), at, ones(s.values.shape(), i32));
    out = where(greater(met, 0), scatter_windows(scatter_max, lowest, at, s.values), zeros_like(lowest));
  } else {
    out = scatter_windows(scatter_add, zeros({Dim(count)}, s.values.dtype()), at, s.values);
  }
  return {reshape(out, result)};
}

// Over the entries of each row of the last axis.
Values sparse_softmax(Node& n) {
  const Sparse s = sparse(n, 0);
  check<ShapeError>(s.rank() >= 2, "the operand must have at least two axes. Got {}.", to_string(s.shape));
  const Axes rows = iota_axes(s.rank() - 1);
  const Dim count(elements_of(s, rows));
  const Array row = flat_positions(s, rows), at = expand_dims(row, {1});
  const Array lowest = broadcast_to(rules::extreme(s.values.dtype(), true), {count});
  const Array largest = take(scatter_windows(scatter_max, lowest, at, stop_gradient(s.values)), row, 0);
  const Array powers = exp(sub(s.values, largest));
  const Array total = scatter_windows(scatter_add, zeros({count}, powers.dtype()), at, powers);
  return {divide(powers, take(total, row, 0))};
}

// ---- entries that are counted while tracing

using Position = std::vector<std::int64_t>;

std::vector<Position> known_positions(const Node& n, const Array& indices) {
  if (!indices.is_concrete())
    raise<ConcretizationError>(
        "import '{}' ({}): how many entries the result has depends on the indices, {}, which are traced. Call without "
        "jit, or pass them as a constant.",
        n.name(), n.op(), indices.aval());
  const auto flat = indices.to_vector<std::int64_t>();
  const std::int64_t width = indices.shape()[1].value();
  std::vector<Position> out(indices.shape()[0].value());
  for (std::int64_t i = 0; i < std::ssize(out); ++i)
    out[i].assign(flat.begin() + i * width, flat.begin() + (i + 1) * width);
  return out;
}

Array indices_of(const std::vector<Position>& positions, std::int64_t rank) {
  std::vector<std::int64_t> flat;
  for (const auto& p : positions) flat.insert(flat.end(), p.begin(), p.end());
  return known_integers(flat, {static_cast<std::int64_t>(positions.size()), rank}, DType::i64);
}

Value sizes_of(const Shape& shape) { return sizes_value(shape, false, i64); }

// Inputs: two sparse tensors and a threshold; sums below it are left out.
Values sparse_add(Node& n) {
  n.ignore({"Treal"});
  const Sparse a = sparse(n, 0), b = sparse(n, 3);
  check<ShapeError>(identical(a.shape, b.shape), "{}: the shapes differ. Got {} and {}.", n.op(), to_string(a.shape),
                    to_string(b.shape));
  const double least = n.real(6);
  const auto of_a = known_positions(n, a.indices), of_b = known_positions(n, b.indices);
  std::map<Position, std::int64_t> place;
  for (const auto* positions : {&of_a, &of_b})
    for (const auto& p : *positions) place.try_emplace(p, 0);
  std::vector<Position> all;
  for (auto& [p, at] : place) {
    at = static_cast<std::int64_t>(all.size());
    all.push_back(p);
  }
  std::vector<std::int64_t> to;
  for (const auto* positions : {&of_a, &of_b})
    for (const auto& p : *positions) to.push_back(place.at(p));
  const Array zero = zeros({Dim(all.size())}, a.values.dtype());
  Array sums =
      scatter_windows(scatter_add, zero, expand_dims(known_vector(to, i32), {1}), concatenate({a.values, b.values}, 0));
  if (least > 0) {
    check<ConcretizationError>(sums.is_concrete(),
                               "which sums reach the threshold depends on traced values. Got {}. Call without jit.",
                               sums.aval());
    const auto large = astype(greater_equal(abs(sums), least), DType::u8).to_vector<std::uint8_t>();
    std::vector<Position> kept;
    std::vector<std::int64_t> from;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (large[i]) kept.push_back(all[i]), from.push_back(static_cast<std::int64_t>(i));
    all = kept;
    sums = take(sums, known_vector(from, i32), 0);
  }
  return {indices_of(all, a.rank()), sums, sizes_of(a.shape)};
}

// Inputs: indices, values, shape, start, size.
Values sparse_slice(Node& n) {
  const Sparse s = sparse(n, 0);
  const std::size_t rank = s.rank();
  const Dims start = n.integers(3, rank, 0), size = n.integers(4, rank, 0);
  Shape shape;
  for (std::size_t i = 0; i < rank; ++i)
    shape.emplace_back(std::clamp<std::int64_t>(s.shape[i].value() - start[i], 0, size[i]));
  std::vector<Position> kept;
  std::vector<std::int64_t> from;
  const auto positions = known_positions(n, s.indices);
  for (std::size_t e = 0; e < positions.size(); ++e) {
    Position p = positions[e];
    bool inside = true;
    for (std::size_t i = 0; i < rank; ++i) {
      p[i] -= start[i];
      inside = inside && p[i] >= 0 && p[i] < shape[i].value();
    }
    if (inside) kept.push_back(p), from.push_back(static_cast<std::int64_t>(e));
  }
  return {indices_of(kept, s.rank()), take(s.values, known_vector(from, i32), 0), sizes_of(shape)};
}

// Inputs: indices of each, values of each, shapes of each.
Values sparse_concat(Node& n) {
  const std::size_t count = n.attr_integer("N", 1, Node::kMaxOutputs);
  std::vector<Sparse> parts;
  for (std::size_t i = 0; i < count; ++i)
    parts.push_back(checked(n, {n.indices(i), in_canonical_type(n.array(count + i, 1, 1)), n.sizes(2 * count + i)}));
  const std::int64_t rank = parts[0].rank(),
                     axis = normalize_axes({n.attr<std::int64_t>("concat_dim")}, rank, n.op())[0];
  Arrays indices, values;
  std::int64_t offset = 0;
  for (const Sparse& s : parts) {
    check<ShapeError>(s.rank() == rank, "{}: the ranks differ. Got {} and {}.", n.op(), rank, s.rank());
    const Array on_axis = equal(iota(s.indices.dtype(), {Dim(rank)}, 0), axis);
    const Array shift = mul(offset, astype(on_axis, s.indices.dtype()));
    indices.push_back(add(s.indices, shift));
    values.push_back(s.values);
    offset += s.shape[axis].value();
  }
  Sparse all{concatenate(indices, 0), concatenate(values, 0), parts[0].shape};
  all.shape[axis] = Dim(offset);
  all = in_row_major_order(all);
  return {all.indices, all.values, sizes_of(all.shape)};
}

// Rows of the first axis without an entry get one, at its beginning.
Values fill_empty_rows(Node& n) {
  const Sparse s = sparse(n, 0);
  const Array fallback = in_canonical_type(n.scalar(3));
  const std::int64_t rows = s.shape.at(0).value();
  const auto positions = known_positions(n, s.indices);
  std::vector<std::vector<std::int64_t>> of_row(rows);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    check(positions[i][0] >= 0 && positions[i][0] < rows, "{}: a row is out of range. Got {} of {}.", n.op(),
          positions[i][0], rows);
    of_row[positions[i][0]].push_back(static_cast<std::int64_t>(i));
  }
  std::vector<Position> filled;
  std::vector<std::int64_t> from, empty, back(positions.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    empty.push_back(of_row[row].empty());
    for (const std::int64_t i : of_row[row]) {
      back[i] = static_cast<std::int64_t>(filled.size());
      filled.push_back(positions[i]);
      from.push_back(i);
    }
    if (!of_row[row].empty()) continue;
    Position p(s.shape.size());
    p[0] = row;
    filled.push_back(p);
    from.push_back(s.count());
  }
  const Array values = concatenate({s.values, broadcast_to(astype(fallback, s.values.dtype()), {1})}, 0);
  return {indices_of(filled, s.rank()), take(values, known_vector(from, i32), 0),
          astype(known_vector(empty, DType::i32), DType::bool_), known_vector(back, DType::i64)};
}

// ---- sets in the rows of the last axis

Values dense_sets(Node& n) {
  n.ignore({"validate_indices"});
  const Array a = n.array(0, 2), b = n.array(1, 2);
  const std::string operation = n.attr<std::string>("set_operation");
  check<ConcretizationError>(
      a.is_concrete() && b.is_concrete(),
      "how many elements the sets have depends on traced values. Got {} and {}. Call without jit.", a.aval(), b.aval());
  check<ShapeError>(
      identical(Shape(a.shape().begin(), a.shape().end() - 1), Shape(b.shape().begin(), b.shape().end() - 1)),
      "{}: the leading axes differ. Got {} and {}.", n.op(), a.aval(), b.aval());
  const auto of_a = a.to_vector<std::int64_t>(), of_b = b.to_vector<std::int64_t>();
  const std::int64_t width_a = a.shape().back().value(), width_b = b.shape().back().value();
  Dims leading = a.dims();
  leading.pop_back();
  const Dims strides = row_major_strides(leading);
  const std::int64_t rows = num_elements(symbolic(leading)).value();
  std::vector<Position> positions;
  std::vector<std::int64_t> values;
  std::int64_t widest = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::set<std::int64_t> x(of_a.begin() + row * width_a, of_a.begin() + (row + 1) * width_a),
        y(of_b.begin() + row * width_b, of_b.begin() + (row + 1) * width_b);
    std::vector<std::int64_t> result;
    const auto into = std::back_inserter(result);
    if (operation == "a-b") std::ranges::set_difference(x, y, into);
    else if (operation == "b-a") std::ranges::set_difference(y, x, into);
    else if (operation == "intersection") std::ranges::set_intersection(x, y, into);
    else if (operation == "union") std::ranges::set_union(x, y, into);
    else n.fail(fmt::format("the set operation is unknown. Got '{}'.", operation));
    for (std::size_t i = 0; i < result.size(); ++i) {
      Position p;
      std::int64_t rest = row;
      for (const std::int64_t stride : strides) {
        p.push_back(rest / stride);
        rest %= stride;
      }
      p.push_back(static_cast<std::int64_t>(i));
      positions.push_back(p);
    }
    values.insert(values.end(), result.begin(), result.end());
    widest = std::max(widest, static_cast<std::int64_t>(result.size()));
  }
  Shape shape = symbolic(leading);
  shape.emplace_back(widest);
  return {indices_of(positions, a.rank()), known_vector(values, a.dtype()), sizes_of(shape)};
}

// How many entries each row of the last axis has.
Values set_size(Node& n) {
  n.ignore({"validate_indices"});
  const Sparse s = sparse(n, 0);
  const Axes rows = iota_axes(s.rank() - 1);
  const Array at = expand_dims(flat_positions(s, rows), {1});
  const Array counts =
      scatter_windows(scatter_add, zeros({Dim(elements_of(s, rows))}, i32), at, ones({s.values.shape()[0]}, i32));
  return {reshape(counts, Shape(s.shape.begin(), s.shape.end() - 1))};
}

}  // namespace

void add_sparse_operations(ConverterTable& table) {
  table.add("SparseTensorDenseAdd", add_dense);
  table.add("SparseDenseCwiseAdd", with_dense([](const Array& a, const Array& b) { return add(a, b); }));
  table.add("SparseDenseCwiseMul", with_dense([](const Array& a, const Array& b) { return mul(a, b); }));
  table.add("SparseDenseCwiseDiv", with_dense([](const Array& a, const Array& b) { return divide(a, b); }));
  table.add("SparseReorder", reorder);
  table.add("SparseReshape", sparse_reshape);
  table.add("SparseReduceSum", sparse_reduce<false>);
  table.add("SparseReduceMax", sparse_reduce<true>);
  table.add("SparseSoftmax", sparse_softmax);
  table.add("SparseAdd", sparse_add);
  table.add("SparseSlice", sparse_slice);
  table.add("SparseConcat", sparse_concat);
  table.add("SparseFillEmptyRows", fill_empty_rows);
  table.add("DenseToDenseSetOperation", dense_sets);
  table.add("SetSize", set_size);
}

}  // namespace tf2jax::tf_import
