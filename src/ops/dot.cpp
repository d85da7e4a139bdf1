// dot_general with its rules, and the contractions built on it.
#include "tf2jax/ops/dot.h"

#include <algorithm>
#include <limits>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

bool is_type_of(DType d, const Array& x, const Array& y) { return d == x.dtype() || d == y.dtype(); }

Axes free_axes(std::int64_t rank, const Axes& contract, const Axes& batch) {
  Axes out;
  for (std::int64_t i = 0; i < rank; ++i)
    if (!contains(contract, i) && !contains(batch, i)) out.push_back(i);
  return out;
}

// The axes of one operand by what becomes of them.
struct DotSide {
  Axes contract, batch, free;
};
DotSide lhs_of(const DotDims& d, std::int64_t rank) {
  return {d.lhs_contract, d.lhs_batch, free_axes(rank, d.lhs_contract, d.lhs_batch)};
}
DotSide rhs_of(const DotDims& d, std::int64_t rank) {
  return {d.rhs_contract, d.rhs_batch, free_axes(rank, d.rhs_contract, d.rhs_batch)};
}

Axes argsort(const Axes& v) {
  Axes order = iota_axes(static_cast<std::int64_t>(v.size()));
  std::ranges::sort(order, {}, [&](std::int64_t i) { return v[i]; });
  return order;
}

// The result type of mixed operands: complex before real before integer, then the wider one (XLA's rule).
DType higher_precision(DType a, DType b) {
  const auto category = [](DType d) { return is_complex(d) ? 3 : is_floating(d) ? 2 : is_integer(d) ? 1 : 0; };
  if (category(a) != category(b)) return category(a) > category(b) ? a : b;
  return itemsize(b) > itemsize(a) ? b : a;
}

// Each axis has one role.
void check_distinct(std::string_view name, const DotSide& side, std::span<const Aval> x) {
  constexpr std::int64_t any_rank = std::numeric_limits<std::int64_t>::max();
  const auto fail = [&](std::string_view what) {
    raise<AxisError>("dot_general: {} needs {}. Got contracting axes {} and batch axes {} for {}. Name each axis once.",
                     name, what, tuple_string(side.contract), tuple_string(side.batch), to_string(x));
  };
  if (!rules::are_axes(side.contract, any_rank)) [[unlikely]]
    fail("contracting dimensions to be distinct");
  if (!rules::are_axes(side.batch, any_rank)) [[unlikely]]
    fail("batch dimensions to be distinct");
  if (rules::overlap(side.contract, side.batch)) [[unlikely]]
    fail("batch dimensions to be disjoint from contracting dimensions");
}

Avals dot_aval(std::span<const Aval> x, const DotParams& p) {
  const DotDims& d = p.dimension_numbers;
  const Aval &lhs = x[0], &rhs = x[1];
  const DType promoted = higher_precision(lhs.dtype, rhs.dtype);
  const auto in_range = [](const Axes& axes, const Aval& a) {
    return std::ranges::all_of(axes, [&](auto i) { return i >= 0 && i < a.rank(); });
  };
  check<ShapeError>(in_range(d.lhs_contract, lhs) && in_range(d.lhs_batch, lhs) && in_range(d.rhs_contract, rhs) &&
                        in_range(d.rhs_batch, rhs) && d.lhs_contract.size() == d.rhs_contract.size() &&
                        d.lhs_batch.size() == d.rhs_batch.size(),
                    "dot_general: the dimension numbers do not fit the operands. Got {} for {}.", shown(d), shown(x));
  const DotSide of_lhs = lhs_of(d, lhs.rank()), of_rhs = rhs_of(d, rhs.rank());
  check_distinct("lhs", of_lhs, x);
  check_distinct("rhs", of_rhs, x);
  for (const Aval& a : x) rules::check_dtype("dot_general", a.dtype, kind::any);
  const auto sizes = [](const Axes& axes, const Aval& a) {
    Shape s;
    for (auto i : axes) s.push_back(a.shape[i]);
    return s;
  };
  const auto agree = [&](const Axes& l, const Axes& r, std::string_view what) {
    const Shape a = sizes(l, lhs), b = sizes(r, rhs);
    for (std::size_t i = 0; i < a.size(); ++i)
      check<ShapeError>(
          definitely_equal(a[i], b[i]).value_or(false),
          "dot_general requires {} dimensions to have the same shape, got {} and {}. Operands: {} with axes {} and "
          "{}.",
          what, shown(a), shown(b), shown(x), shown(l), shown(r));
    return a;
  };
  agree(of_lhs.contract, of_rhs.contract, "contracting");
  Shape out = agree(of_lhs.batch, of_rhs.batch, "batch");
  for (auto i : of_lhs.free) out.push_back(lhs.shape[i]);
  for (auto i : of_rhs.free) out.push_back(rhs.shape[i]);
  return {Aval{p.preferred_element_type.value_or(promoted), std::move(out), lhs.weak_type && rhs.weak_type}};
}

enum class Operand : std::uint8_t { lhs, rhs };

// The cotangent of x, the operand `which`: that of the result, contracted with the free axes of the other operand y,
// with the axes permuted back.
Array transpose_operand(const Array& ct, Operand which, const Aval& x, const Array& y, const DotParams& p) {
  const DotDims& d = p.dimension_numbers;
  const bool is_lhs = which == Operand::lhs;
  const DotSide of_x = is_lhs ? lhs_of(d, x.rank()) : rhs_of(d, x.rank());
  const DotSide of_y = is_lhs ? rhs_of(d, y.rank()) : lhs_of(d, y.rank());
  // The axes of ct: batch, free of lhs, free of rhs.
  const std::int64_t batch = std::ssize(of_x.batch), first_of_y = batch + (is_lhs ? std::ssize(of_x.free) : 0);
  DotParams q{{iota_axes(std::ssize(of_y.free), first_of_y), of_y.free, iota_axes(batch), of_y.batch}, p.precision, {}};
  if (ct.dtype() == x.dtype && p.preferred_element_type == x.dtype) q.preferred_element_type = x.dtype;
  const Array product = dot_general_p().bind1({ct, y}, q);
  Axes order = of_x.batch;
  order.insert(order.end(), of_x.free.begin(), of_x.free.end());
  for (auto i : argsort(of_y.contract)) order.push_back(of_x.contract[i]);
  return rules::as_dtype(transpose(product, argsort(order)), x.dtype);
}

BatchResult dot_batch(std::span<const Array> x, std::span<const Axis> axes, Dim, const DotParams& p) {
  DotParams out = p;
  DotDims& d = out.dimension_numbers;
  const auto bump = [](Axes& list, std::int64_t mapped) {
    for (auto& a : list) a += a >= mapped;
  };
  if (axes[0]) {
    bump(d.lhs_contract, *axes[0]);
    bump(d.lhs_batch, *axes[0]);
  }
  if (axes[1]) {
    bump(d.rhs_contract, *axes[1]);
    bump(d.rhs_batch, *axes[1]);
  }
  std::int64_t result = 0;
  if (axes[0] && axes[1]) {
    d.lhs_batch.insert(d.lhs_batch.begin(), *axes[0]);
    d.rhs_batch.insert(d.rhs_batch.begin(), *axes[1]);
  } else if (axes[0]) {  // the mapped axis of one side is one more free axis of it
    const DotSide lhs = lhs_of(d, x[0].rank());
    result = std::ssize(lhs.batch) + (std::ranges::find(lhs.free, *axes[0]) - lhs.free.begin());
  } else {
    const DotSide lhs = lhs_of(d, x[0].rank()), rhs = rhs_of(d, x[1].rank());
    result = std::ssize(lhs.batch) + std::ssize(lhs.free) + (std::ranges::find(rhs.free, *axes[1]) - rhs.free.begin());
  }
  return {dot_general_p().bind(x, out), {result}};
}

}  // namespace

std::string param_text(const DotDims& v) {
  const auto list = [](const Axes& a) {
    std::string s = "[";
    for (std::size_t i = 0; i < a.size(); ++i) s += (i ? ", " : "") + std::to_string(a[i]);
    return s + "]";
  };
  return fmt::format("(({}, {}), ({}, {}))", list(v.lhs_contract), list(v.rhs_contract), list(v.lhs_batch),
                     list(v.rhs_batch));
}
void read_param(const ParsedValue& v, DotDims& out) {
  check<ParseError>(
      v.items.size() == 2 && v.items[0].items.size() == 2 && v.items[1].items.size() == 2,
      "parse_jaxpr: dimension_numbers has another form. Got '{}'; expected ((contract, contract), (batch, batch)).",
      v.text.substr(0, 80));
  read_param(v.items[0].items[0], out.lhs_contract);
  read_param(v.items[0].items[1], out.rhs_contract);
  read_param(v.items[1].items[0], out.lhs_batch);
  read_param(v.items[1].items[1], out.rhs_batch);
}

const Primitive& dot_general_p() {
  static const Primitive p = make_primitive<DotParams>({
      .name = "dot_general",
      .operands = 2,
      .aval = dot_aval,
      .jvp = rules::jvp_bilinear(dot_general_p),
      .transpose =
          rules::transpose_bilinear([](const Array& ct, const Aval& x, const Array& y,
                                       const DotParams& p) { return transpose_operand(ct, Operand::lhs, x, y, p); },
                                    [](const Array& ct, const Array& x, const Aval& y, const DotParams& p) {
                                      return transpose_operand(ct, Operand::rhs, y, x, p);
                                    }),
      .batch = dot_batch,
  });
  return p;
}

void append_dot_primitives(std::vector<Primitive>& out) { out.push_back(dot_general_p()); }

Array dot_general(const Array& lhs, const Array& rhs, const DotDims& dims,
                  std::optional<DType> preferred_element_type) {
  const auto normal = [](Axes axes, std::int64_t rank) {
    for (auto& a : axes) a = normalize_axis(a, rank, "dot_general");
    return axes;
  };
  const DotDims d{normal(dims.lhs_contract, lhs.rank()), normal(dims.rhs_contract, rhs.rank()),
                  normal(dims.lhs_batch, lhs.rank()), normal(dims.rhs_batch, rhs.rank())};
  if (preferred_element_type && !is_type_of(*preferred_element_type, lhs, rhs))
    preferred_element_type = requested_dtype("dot_general", *preferred_element_type);
  return dot_general_p().bind1({lhs, rhs}, DotParams{d, {}, preferred_element_type});
}

namespace {
std::pair<Array, Array> common(const Array& x, const Array& y) {
  const Array pair[] = {x, y};
  const PromotedType t = result_type(pair);
  if (t.weak_type) return {rules::converted(x, t.dtype, true), rules::converted(y, t.dtype, true)};
  return {rules::as_dtype(x, t.dtype), rules::as_dtype(y, t.dtype)};
}
Array contract(const Array& x, const Array& y, const DotDims& dims) { return dot_general(x, y, dims, x.dtype()); }
}  // namespace

Array matmul(const Array& x, const Array& y) {
  const auto [a, b] = common(x, y);
  check<ShapeError>(a.rank() > 0 && b.rank() > 0, "matmul: operands must have at least one axis. Got {} and {}.",
                    x.aval(), y.aval());
  const std::int64_t ra = a.rank(), rb = b.rank();
  const std::int64_t ca = ra - 1, cb = rb == 1 ? 0 : rb - 2;
  check<ShapeError>(definitely_equal(a.shape()[ca], b.shape()[cb]).value_or(false),
                    "matmul: contracting sizes differ. Got {} and {}; expected the last axis of the first to equal the "
                    "{} axis of the second.",
                    x.aval(), y.aval(), rb == 1 ? "only" : "second to last");
  if (ra <= 2 && rb <= 2) return contract(a, b, {{ca}, {cb}, {}, {}});
  if (rb <= 2) return contract(a, b, {{ca}, {cb}, {}, {}});  // lhs batch axes are free axes
  // Batch axes of size 1, or missing, on one side are free there; the rest are batch axes of both.
  const Shape batch_a(a.shape().begin(), a.shape().begin() + std::max<std::int64_t>(ra - 2, 0)),
      batch_b(b.shape().begin(), b.shape().end() - 2);
  const Shape shapes[] = {batch_a, batch_b};
  const Shape batch = broadcast_shapes(shapes, "matmul");
  const auto widen = [&](const Array& v, std::int64_t core) {
    Shape s = batch;
    s.insert(s.end(), v.shape().end() - core, v.shape().end());
    return broadcast_to(v, s);
  };
  const Array wide_a = ra == 1 ? a : widen(a, 2), wide_b = widen(b, 2);
  const auto n = static_cast<std::int64_t>(batch.size());
  if (ra == 1) return contract(wide_b, a, {{n}, {0}, {}, {}});
  return contract(wide_a, wide_b, {{n + 1}, {n}, iota_axes(n), iota_axes(n)});
}

Array dot(const Array& x, const Array& y) {
  if (x.rank() == 0 || y.rank() == 0) return mul(x, y);
  const auto [a, b] = common(x, y);
  return contract(a, b, {{a.rank() - 1}, {b.rank() == 1 ? 0 : b.rank() - 2}, {}, {}});
}
Array tensordot(const Array& x, const Array& y, const Axes& x_axes, const Axes& y_axes) {
  const auto [a, b] = common(x, y);
  return contract(a, b, {x_axes, y_axes, {}, {}});
}
Array outer(const Array& x, const Array& y) {
  const auto [a, b] = common(ravel(x), ravel(y));
  return mul(expand_dims(a, {1}), expand_dims(b, {0}));
}

}  // namespace tf2jax
