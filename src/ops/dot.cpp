// dot_general with its rules, and the contractions built on it.
#include "tf2jax/ops/dot.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

std::size_t u(std::int64_t i) { return static_cast<std::size_t>(i); }
bool is_type_of(DType d, const Array& x, const Array& y) { return d == x.dtype() || d == y.dtype(); }

Axes free_axes(std::int64_t rank, const Axes& contract, const Axes& batch) {
  Axes out;
  for (std::int64_t i = 0; i < rank; ++i)
    if (!contains(contract, i) && !contains(batch, i)) out.push_back(i);
  return out;
}

Axes argsort(const Axes& v) {
  Axes order = iota_axes(static_cast<std::int64_t>(v.size()));
  std::ranges::sort(order, {}, [&](std::int64_t i) { return v[u(i)]; });
  return order;
}

// The result type of mixed operands: complex before real before integer, then the wider one (XLA's rule).
DType higher_precision(DType a, DType b) {
  const auto category = [](DType d) { return is_complex(d) ? 3 : is_floating(d) ? 2 : is_integer(d) ? 1 : 0; };
  if (category(a) != category(b)) return category(a) > category(b) ? a : b;
  return itemsize(b) > itemsize(a) ? b : a;
}

// Each axis has one role.
void check_distinct(std::string_view side, const Axes& contract, const Axes& batch, std::span<const Aval> x) {
  constexpr std::int64_t any_rank = std::numeric_limits<std::int64_t>::max();
  const auto fail = [&](std::string_view what) {
    raise<AxisError>("dot_general requires {} {}, got {}_contracting {} and {}_batch {} for operands {}. Name each axis once.", side, what, side,
                     tuple_string(contract), side, tuple_string(batch), to_string(x));
  };
  if (!rules::are_axes(contract, any_rank)) [[unlikely]] fail("contracting dimensions to be distinct");
  if (!rules::are_axes(batch, any_rank)) [[unlikely]] fail("batch dimensions to be distinct");
  if (rules::overlap(contract, batch)) [[unlikely]] fail("batch dimensions to be disjoint from contracting dimensions");
}

Avals dot_aval(std::span<const Aval> x, const DotParams& p) {
  const DotDims& d = p.dimension_numbers;
  const Aval &lhs = x[0], &rhs = x[1];
  const DType promoted = higher_precision(lhs.dtype, rhs.dtype);
  const auto in_range = [](const Axes& axes, const Aval& a) { return std::ranges::all_of(axes, [&](auto i) { return i >= 0 && i < a.rank(); }); };
  if (!(in_range(d.lhs_contract, lhs) && in_range(d.lhs_batch, lhs) && in_range(d.rhs_contract, rhs) && in_range(d.rhs_batch, rhs) &&
                        d.lhs_contract.size() == d.rhs_contract.size() && d.lhs_batch.size() == d.rhs_batch.size())) [[unlikely]]
  raise<ShapeError>("dot_general: dimension numbers {} do not fit operands {}.", param_text(d), to_string(x));
  check_distinct("lhs", d.lhs_contract, d.lhs_batch, x);
  check_distinct("rhs", d.rhs_contract, d.rhs_batch, x);
  for (const Aval& a : x) rules::check_dtype("dot_general", a.dtype, kind::any);
  const auto sizes = [](const Axes& axes, const Aval& a) {
    Shape s;
    for (auto i : axes) s.push_back(a.shape[u(i)]);
    return s;
  };
  const auto agree = [&](const Axes& l, const Axes& r, std::string_view what) {
    const Shape a = sizes(l, lhs), b = sizes(r, rhs);
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!(definitely_equal(a[i], b[i]).value_or(false))) [[unlikely]]
  raise<ShapeError>("dot_general requires {} dimensions to have the same shape, got {} and {}. Operands: {} with axes {} and {}.", what, to_string(a),
                        to_string(b), to_string(x), tuple_string(l), tuple_string(r));
    return a;
  };
  agree(d.lhs_contract, d.rhs_contract, "contracting");
  Shape out = agree(d.lhs_batch, d.rhs_batch, "batch");
  for (auto i : free_axes(lhs.rank(), d.lhs_contract, d.lhs_batch)) out.push_back(lhs.shape[u(i)]);
  for (auto i : free_axes(rhs.rank(), d.rhs_contract, d.rhs_batch)) out.push_back(rhs.shape[u(i)]);
  return {Aval{p.preferred_element_type.value_or(promoted), std::move(out), lhs.weak_type && rhs.weak_type}};
}

// Contracts the cotangent with the other operand's free axes, then undoes the permutation of x's axes.
Array transpose_operand(const Array& ct, const Aval& x, const Array& y, const Axes& x_contract, const Axes& y_contract, const Axes& x_batch,
                        const Axes& y_batch, bool y_is_lhs, const DotParams& p) {
  const Axes x_free = free_axes(x.rank(), x_contract, x_batch), y_free = free_axes(y.rank(), y_contract, y_batch);
  const auto batch = static_cast<std::int64_t>(x_batch.size());
  const auto first = static_cast<std::int64_t>(y_is_lhs ? 0 : x_free.size());
  DotParams q{{iota_axes(static_cast<std::int64_t>(y_free.size()), batch + first), y_free, iota_axes(batch), y_batch}, p.precision, {}};
  if (ct.dtype() == x.dtype && p.preferred_element_type == x.dtype) q.preferred_element_type = x.dtype;
  const Array product = dot_general_p().bind1({ct, y}, q);
  Axes order = x_batch;
  order.insert(order.end(), x_free.begin(), x_free.end());
  for (auto i : argsort(y_contract)) order.push_back(x_contract[u(i)]);
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
  } else if (axes[0]) {   // the mapped axis of one side is one more free axis of it
    const Axes free = free_axes(x[0].rank(), d.lhs_contract, d.lhs_batch);
    result = static_cast<std::int64_t>(d.lhs_batch.size()) + (std::ranges::find(free, *axes[0]) - free.begin());
  } else {
    const Axes lhs_free = free_axes(x[0].rank(), d.lhs_contract, d.lhs_batch), free = free_axes(x[1].rank(), d.rhs_contract, d.rhs_batch);
    result = static_cast<std::int64_t>(d.lhs_batch.size() + lhs_free.size()) + (std::ranges::find(free, *axes[1]) - free.begin());
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
  return fmt::format("(({}, {}), ({}, {}))", list(v.lhs_contract), list(v.rhs_contract), list(v.lhs_batch), list(v.rhs_batch));
}
std::size_t param_hash(const DotDims& v) {
  return ((param_hash(v.lhs_contract) * 31 + param_hash(v.rhs_contract)) * 31 + param_hash(v.lhs_batch)) * 31 + param_hash(v.rhs_batch);
}
void read_param(const ParsedValue& v, DotDims& out) {
  check<ParseError>(v.items.size() == 2 && v.items[0].items.size() == 2 && v.items[1].items.size() == 2, "dimension_numbers: expected ((contract, contract), (batch, batch)).");
  read_param(v.items[0].items[0], out.lhs_contract);
  read_param(v.items[0].items[1], out.rhs_contract);
  read_param(v.items[1].items[0], out.lhs_batch);
  read_param(v.items[1].items[1], out.rhs_batch);
}

const Primitive& dot_general_p() {
  static const Primitive p = make_primitive<DotParams>({
      .name = "dot_general", .operands = 2,
      .aval = dot_aval,
      .jvp = rules::jvp_bilinear(dot_general_p),
      .transpose = rules::transpose_bilinear(
          [](const Array& ct, const Aval& x, const Array& y, const DotParams& p) {
            const DotDims& d = p.dimension_numbers;
            return transpose_operand(ct, x, y, d.lhs_contract, d.rhs_contract, d.lhs_batch, d.rhs_batch, false, p);
          },
          [](const Array& ct, const Array& x, const Aval& y, const DotParams& p) {
            const DotDims& d = p.dimension_numbers;
            return transpose_operand(ct, y, x, d.rhs_contract, d.lhs_contract, d.rhs_batch, d.lhs_batch, true, p);
          }),
      .batch = dot_batch,
  });
  return p;
}

void append_dot_primitives(std::vector<Primitive>& out) { out.push_back(dot_general_p()); }

Array dot_general(const Array& lhs, const Array& rhs, const DotDims& dims, std::optional<DType> preferred_element_type) {
  const auto normal = [](Axes axes, std::int64_t rank) {
    for (auto& a : axes) a = normalize_axis(a, rank, "dot_general");
    return axes;
  };
  const DotDims d{normal(dims.lhs_contract, lhs.rank()), normal(dims.rhs_contract, rhs.rank()), normal(dims.lhs_batch, lhs.rank()), normal(dims.rhs_batch, rhs.rank())};
  if (preferred_element_type && !is_type_of(*preferred_element_type, lhs, rhs)) preferred_element_type = requested_dtype("dot_general", *preferred_element_type);
  return dot_general_p().bind1({lhs, rhs}, DotParams{d, {}, preferred_element_type});
}

namespace {
std::pair<Array, Array> common(const Array& x, const Array& y) {
  const Array pair[] = {x, y};
  const DType d = result_type(pair).dtype;
  return {rules::as_dtype(x, d), rules::as_dtype(y, d)};
}
Array contract(const Array& x, const Array& y, const DotDims& dims) { return dot_general(x, y, dims, x.dtype()); }
}  // namespace

Array matmul(const Array& x, const Array& y) {
  const auto [a, b] = common(x, y);
  check<ShapeError>(a.rank() > 0 && b.rank() > 0, "matmul: operands must have at least one axis. Got {} and {}.", x.aval(), y.aval());
  const std::int64_t ra = a.rank(), rb = b.rank();
  const std::int64_t ca = ra - 1, cb = rb == 1 ? 0 : rb - 2;
  check<ShapeError>(definitely_equal(a.shape()[u(ca)], b.shape()[u(cb)]).value_or(false),
                    "matmul: contracting sizes differ. Got {} and {}; expected the last axis of the first to equal the {} axis of the second.", x.aval(), y.aval(),
                    rb == 1 ? "only" : "second to last");
  if (ra <= 2 && rb <= 2) return contract(a, b, {{ca}, {cb}, {}, {}});
  if (rb <= 2) return contract(a, b, {{ca}, {cb}, {}, {}});   // lhs batch axes are free axes
  // Batch axes of size 1, or missing, on one side are free there; the rest are batch axes of both.
  const Shape batch_a(a.shape().begin(), a.shape().begin() + std::max<std::int64_t>(ra - 2, 0)), batch_b(b.shape().begin(), b.shape().end() - 2);
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

// ---- einsum

namespace {

// An operand with one label per axis.
struct Labelled {
  Array value;
  std::string labels;
};

// Sums over labels that neither the output nor another operand needs, and takes diagonals of repeated labels.
Labelled simplify(Labelled x, const std::set<char>& needed) {
  for (std::size_t i = 0; i < x.labels.size();) {
    const std::size_t j = x.labels.find(x.labels[i], i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    const auto a = static_cast<std::int64_t>(i), b = static_cast<std::int64_t>(j);
    const Shape& s = x.value.shape();
    check<ShapeError>(identical(s[i], s[j]), "einsum: label '{}' has sizes {} and {} in one operand.", x.labels[i], s[i], s[j]);
    const Array on = equal(iota(DType::i32, s, a), iota(DType::i32, s, b));
    x.value = reduce_sum(select(on, x.value, zeros_like(x.value)), {b});
    x.labels.erase(j, 1);
  }
  Axes summed;
  std::string kept;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (needed.count(x.labels[i])) kept += x.labels[i];
    else summed.push_back(static_cast<std::int64_t>(i));
  }
  if (!summed.empty()) x.value = reduce_sum(x.value, summed);
  return {x.value, kept};
}

Labelled contract_pair(const Labelled& x, const Labelled& y, const std::set<char>& needed) {
  DotDims d;
  std::string batch, x_free, y_free;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    const char c = x.labels[i];
    const std::size_t j = y.labels.find(c);
    if (j == std::string::npos) {
      x_free += c;
    } else if (needed.count(c)) {
      batch += c;
      d.lhs_batch.push_back(static_cast<std::int64_t>(i));
      d.rhs_batch.push_back(static_cast<std::int64_t>(j));
    } else {
      d.lhs_contract.push_back(static_cast<std::int64_t>(i));
      d.rhs_contract.push_back(static_cast<std::int64_t>(j));
    }
  }
  for (const char c : y.labels)
    if (x.labels.find(c) == std::string::npos) y_free += c;
  return {contract(x.value, y.value, d), batch + x_free + y_free};
}

}  // namespace

Array einsum(std::string_view specification, std::span<const Array> operands) {
  std::string spec;
  for (const char c : specification)
    if (c != ' ') spec += c;
  const std::size_t arrow = spec.find("->");
  const std::string left = spec.substr(0, arrow);
  std::vector<std::string> terms(1);
  for (const char c : left) {
    if (c == ',') terms.emplace_back();
    else terms.back() += c;
  }
  check(terms.size() == operands.size(), "einsum '{}': got {} operands. Expected {}.", specification, operands.size(), terms.size());

  // An ellipsis stands for upper-case labels, aligned at the right; sizes 1 broadcast.
  std::size_t ellipsis_rank = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::size_t dots = terms[i].find("...");
    const std::size_t named = terms[i].size() - (dots == std::string::npos ? 0 : 3), rank = u(operands[i].rank());
    check<ShapeError>(dots == std::string::npos ? named == rank : named <= rank, "einsum '{}': term '{}' does not fit operand {}.", specification, terms[i], operands[i].aval());
    if (dots != std::string::npos) ellipsis_rank = std::max(ellipsis_rank, rank - named);
  }
  std::string dots_labels;
  for (std::size_t i = 0; i < ellipsis_rank; ++i) dots_labels += static_cast<char>(1 + i);
  const auto expand = [&](std::string term, std::size_t count) {
    const std::size_t at = term.find("...");
    return at == std::string::npos ? term : term.replace(at, 3, dots_labels.substr(dots_labels.size() - count));
  };
  std::vector<Labelled> xs;
  std::map<char, Dim> sizes;
  const DType dtype = result_type(operands).dtype;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool has_dots = terms[i].find("...") != std::string::npos;
    Labelled x{rules::as_dtype(operands[i], dtype), expand(terms[i], has_dots ? u(operands[i].rank()) - (terms[i].size() - 3) : 0)};
    Axes dropped;
    std::string labels;
    for (std::size_t k = 0; k < x.labels.size(); ++k) {
      const Dim n = x.value.shape()[k];
      if (x.labels[k] < 32 && identical(n, Dim(1))) {
        dropped.push_back(static_cast<std::int64_t>(k));
        sizes.try_emplace(x.labels[k], n);
        continue;
      }
      labels += x.labels[k];
      auto& known = sizes.try_emplace(x.labels[k], n).first->second;
      if (identical(known, Dim(1))) known = n;
      check<ShapeError>(identical(known, n), "einsum '{}': label '{}' has sizes {} and {}.", specification, x.labels[k], known, n);
    }
    xs.push_back({squeeze(x.value, dropped), labels});
  }
  std::string out;
  if (arrow != std::string::npos) {
    out = expand(spec.substr(arrow + 2), ellipsis_rank);
  } else {
    std::map<char, int> counts;
    for (const std::string& t : terms)
      for (const char c : t)
        if (c != '.') ++counts[c];
    for (const auto& [c, n] : counts)
      if (n == 1) out += c;
    out = dots_labels + out;
  }
  for (const char c : out) check(sizes.count(c), "einsum '{}': output label '{}' does not appear in an operand.", specification, c);

  const auto needed_after = [&](std::size_t from) {
    std::set<char> needed(out.begin(), out.end());
    for (std::size_t i = from; i < xs.size(); ++i) needed.insert(xs[i].labels.begin(), xs[i].labels.end());
    return needed;
  };
  Labelled acc = simplify(xs[0], needed_after(1));
  for (std::size_t i = 1; i < xs.size(); ++i) {
    std::set<char> wanted = needed_after(i + 1);
    std::set<char> for_rhs = wanted;
    for_rhs.insert(acc.labels.begin(), acc.labels.end());
    const Labelled rhs = simplify(xs[i], for_rhs);
    acc = simplify(contract_pair(acc, rhs, wanted), wanted);
  }
  // Size-1 ellipsis axes that were dropped come back here.
  Shape shape;
  Axes permutation, kept;
  for (std::size_t i = 0; i < out.size(); ++i) {
    shape.push_back(sizes[out[i]]);
    const std::size_t at = acc.labels.find(out[i]);
    if (at == std::string::npos) continue;
    permutation.push_back(static_cast<std::int64_t>(at));
    kept.push_back(static_cast<std::int64_t>(i));
  }
  return broadcast_in_dim(transpose(acc.value, permutation), shape, kept);
}

}  // namespace tf2jax
