// Joining, stacking and splitting.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/shape_ops.h"

#include <utility>

namespace tf2jax::tf_import {
namespace {

bool any_symbolic(const Node& n, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    if (n.input(i).get_if<SymbolicInts>()) return true;
  }
  return false;
}

Values join(Node& n, std::size_t first, std::size_t count, std::int64_t axis) {
  if (any_symbolic(n, first, count)) {
    Shape all;
    for (std::size_t i = first; i < first + count; ++i) {
      const Shape part = n.shape(i);
      all.insert(all.end(), part.begin(), part.end());
    }
    checked_count(static_cast<std::int64_t>(all.size()), Node::kMaxOutputs, n.op() + ": symbolic sizes");
    return {Value(SymbolicInts{all, false})};
  }
  return {concatenate(n.arrays(first, count), axis)};
}

Values concat_v2(Node& n) {
  const std::size_t count = n.attr_integer("N", 1);
  if (n.num_inputs() != count + 1)
    raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs());
  const std::int64_t axis = n.integer(count);
  return join(n, 0, count, any_symbolic(n, 0, count) ? 0 : normalize_axis(axis, n.array(0).rank(), "ConcatV2"));
}

Values concat_v1(Node& n) {
  const std::size_t count = n.attr_integer("N", 1);
  if (n.num_inputs() != count + 1)
    raise<ValueError>("Concatenate expects {} args, received {}.", count, n.num_inputs() - 1);
  return join(n, 1, count, any_symbolic(n, 1, count) ? 0 : n.axis(0, n.array(1).rank()));
}

Values pack(Node& n) {
  const std::size_t count = n.attr_integer("N", 1);
  const auto axis = n.attr<std::int64_t>("axis");
  if (n.num_inputs() != count) raise<ValueError>("Pack expects {} inputs, found {}.", count, n.num_inputs());
  if (any_symbolic(n, 0, count)) return join(n, 0, count, 0);
  return {stack(n.arrays(), normalize_axis(axis, n.array(0).rank() + 1, "Pack"))};
}

Values unpack(Node& n) {
  const auto count = n.attr_integer("num", 0, Node::kMaxOutputs);
  Values out;
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    check(ints->values.size() == static_cast<std::size_t>(count),
          "num must be the number of sizes. Got {}; expected {}.", count, ints->values.size());
    for (const Dim d : ints->values) out.emplace_back(SymbolicInts{{d}, true});
    return out;
  }
  const Array x = n.array(0);
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), x.rank(), "Unpack");
  const Dim size = x.shape()[axis];
  check(identical(size, Dim(count)), "num must be the size of the axis. Got {} for axis {} of {}.", count, axis,
        x.aval());
  for (auto& piece : unstack(x, axis)) out.emplace_back(std::move(piece));
  return out;
}

Values pieces(const Array& x, const Axes& sizes, std::int64_t axis) {
  Values out;
  for (auto& piece : split(x, sizes, axis)) out.emplace_back(std::move(piece));
  return out;
}

Values split_node(Node& n) {
  const Array x = n.array(1);
  const auto axis = n.axis(0, x.rank());
  const auto count = n.attr_integer("num_split", 1, Node::kMaxOutputs);
  const auto size = x.shape()[axis].value();
  check(size % count == 0, "the axis does not divide into equal pieces. Got axis {} of size {} and {} pieces.", axis,
        size, count);
  return pieces(x, Axes(count, size / count), axis);
}

Values split_v(Node& n) {
  const Array x = n.array(0);
  const auto axis = n.axis(2, x.rank());
  const Axes sizes = n.integers(1);
  n.ignore({"num_split"});
  checked_count(static_cast<std::int64_t>(sizes.size()), Node::kMaxOutputs, "SplitV: pieces");
  const auto size = x.shape()[axis].value();
  Axes whole = sizes;
  auto rest = whole.end();
  std::int64_t left = size;
  for (auto s = whole.begin(); s != whole.end(); ++s) {
    if (*s == -1 && rest == whole.end()) {
      rest = s;
      continue;
    }
    check(*s >= 0 && *s <= left,
          "the sizes do not add to the axis. Got {} for size {} of axis {}; one of them may be -1.",
          tuple_string(sizes), size, axis);
    left -= *s;
  }
  if (rest != whole.end()) *rest = std::exchange(left, 0);
  check(left == 0, "the sizes do not add to the axis. Got {}, which add to {}, for axis {} of size {}.",
        tuple_string(sizes), size - left, axis, size);
  return pieces(x, whole, axis);
}

}  // namespace

void add_join_operations(ConverterTable& table) {
  table.add("ConcatV2", concat_v2);
  table.add("Concat", concat_v1);
  table.add("Pack", pack);
  table.add("ParallelConcat", [](Node& n) {
    n.ignore({"shape", "N"});
    return Values{concatenate(n.arrays(), 0)};
  });
  table.add("Unpack", unpack);
  table.add("Split", split_node);
  table.add("SplitV", split_v);
}

}  // namespace tf2jax::tf_import
