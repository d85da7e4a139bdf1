// How factorisations are written: StableHLO's own operations, and the custom calls of jaxlib's CPU library, with the
// targets, settings and layouts that JAX writes.
#include "tf2jax/stablehlo/internal/emitter.h"
#include "tf2jax/stablehlo/internal/householder.h"

#include "tf2jax/control/scan.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/condensed_forms.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace tf2jax::stablehlo {
namespace {

using Settings = std::vector<std::pair<std::string, char>>;  // LAPACK's letters

ValueIds solve_w(const Emission& e) {
  const auto& p = e.params.get<TriangularSolve>();
  if (p.conjugate_a && !p.transpose_a) {  // StableHLO conjugates what it transposes
    TriangularSolve plain = p;
    plain.conjugate_a = false;
    return e.out.expanded([&](const Arrays& xs) { return triangular_solve_p().bind({conj(xs[0]), xs[1]}, plain); },
                          e.inputs, e.operands);
  }
  const char* form = !p.transpose_a ? "NO_TRANSPOSE" : p.conjugate_a ? "ADJOINT" : "TRANSPOSE";
  return e.plain("triangular_solve", {{"left_side", boolean_attribute(p.left_side)},
                                      {"lower", boolean_attribute(p.lower)},
                                      {"transpose_a", string_attribute(form)},
                                      {"unit_diagonal", boolean_attribute(p.unit_diagonal)}});
}

// A value through its bits, so that a derivative does not pass.
Array without_derivative(const Array& x) {
  if (is_complex(x.dtype())) return complex(without_derivative(real(x)), without_derivative(imag(x)));
  const DType bits = itemsize(x.dtype()) == 8 ? DType::i64 : DType::i32;
  return bitcast_convert_type_p().bind1({bitcast_convert_type_p().bind1({x}, NewDtype{bits})}, NewDtype{x.dtype()});
}

// The primitive keeps what lies above the diagonal, where StableHLO promises nothing. Its derivative is 0 there.
ValueIds cholesky_w(const Emission& e) {
  const ValueId factor = e.plain("cholesky", {{"lower", boolean_attribute(true)}})[0];
  const Avals both{e.inputs[0], e.outputs[0]};
  return e.out.expanded(
      [](const Arrays& xs) {
        const Shape& shape = xs[0].shape();
        const Array lower =
            greater_equal(iota(DType::i32, shape, xs[0].rank() - 2), iota(DType::i32, shape, xs[0].rank() - 1));
        return Arrays{select(lower, xs[1], without_derivative(xs[0]))};
      },
      both, {e.operands[0], factor});
}

AttrPtr settings_attribute(const Settings& settings) {
  Attr all;
  all.kind = Attr::Kind::dictionary;
  Type byte;
  byte.kind = Type::Kind::scalar;
  byte.element = "ui8";
  const auto type = std::make_shared<const Type>(std::move(byte));
  for (const auto& [name, letter] : settings) {
    Attr a;
    a.kind = Attr::Kind::integer;
    a.integer = letter;
    a.type = type;
    all.entries.emplace_back(name, std::make_shared<const Attr>(std::move(a)));
  }
  return std::make_shared<const Attr>(std::move(all));
}

// Axes from the one that moves fastest on. Matrices lie column by column.
AttrPtr layout_attribute(const Aval& aval, std::size_t batch) {
  Dims order;
  for (std::int64_t i = aval.rank(); i-- > 0;) order.push_back(i);
  if (order.size() == batch + 2) std::swap(order[0], order[1]);
  Attr a = *integers_attribute(order);
  a.type = tensor_type("index", {static_cast<std::int64_t>(order.size())});
  return std::make_shared<const Attr>(std::move(a));
}

// A stack of matrices in one of the four types that LAPACK has.
struct Matrices {
  Aval aval;
  Shape batch;
  std::int64_t rows, columns;

  explicit Matrices(const Emission& e)
      : aval(e.inputs[0].strong()),
        batch(aval.shape.begin(), aval.shape.end() - 2),
        rows(aval.shape[aval.shape.size() - 2].value()),
        columns(aval.shape.back().value()) {}
  std::int64_t smaller() const { return std::min(rows, columns); }
  Aval with(DType dtype, std::initializer_list<std::int64_t> sizes) const {
    Aval out{dtype, batch, false};
    for (const auto n : sizes) out.shape.emplace_back(n);
    return out;
  }
  Aval matrix(std::int64_t m, std::int64_t n) const { return with(aval.dtype, {m, n}); }
  Aval info() const { return with(DType::i32, {}); }
};

ValueIds library_call(const Emission& e, std::string_view real_name, std::string_view complex_name,
                      const Settings& settings, const ValueIds& operands, const Avals& inputs, const Avals& results) {
  const DType dtype = e.inputs[0].dtype;
  const char letter = dtype == DType::f32    ? 's'
                      : dtype == DType::f64  ? 'd'
                      : dtype == DType::c64  ? 'c'
                      : dtype == DType::c128 ? 'z'
                                             : '\0';
  check<NotImplementedError>(letter != '\0', "stablehlo: primitive '{}' cannot be written for {}.", e.primitive.name(),
                             dtype);
  const auto batch = as_index(e.inputs[0].rank() - 2);
  const auto layouts = [&](const Avals& avals) {
    std::vector<AttrPtr> out;
    for (const Aval& a : avals) out.push_back(layout_attribute(a, batch));
    return array_attribute(std::move(out));
  };
  const std::string target = fmt::format("lapack_{}{}_ffi", letter, is_complex(dtype) ? complex_name : real_name);
  return e.out.op("custom_call", operands, types_of(results),
                  {{"api_version", string_attribute("API_VERSION_TYPED_FFI")},
                   {"backend_config", settings_attribute(settings)},
                   {"call_target_name", string_attribute(target)},
                   {"has_side_effect", boolean_attribute(false)},
                   {"operand_layouts", layouts(inputs)},
                   {"result_layouts", layouts(results)}});
}
// Of one matrix.
ValueIds factored(const Emission& e, std::string_view real_name, std::string_view complex_name,
                  const Settings& settings, const Avals& results) {
  return library_call(e, real_name, complex_name, settings, {e.operands[0]}, {e.inputs[0]}, results);
}

// NaN where the library says that it failed: the last of `values` is its info.
ValueIds where_it_worked(const Emission& e, const ValueIds& values, const Avals& avals) {
  return e.out.expanded(
      [](const Arrays& xs) {
        Arrays out;
        const Array worked = equal(xs.back(), zeros_like(xs.back()));
        for (std::size_t i = 0; i + 1 < xs.size(); ++i) {
          const Array nan = full_like(xs[i], rules::scalar_of(xs[i].dtype(), std::numeric_limits<float>::quiet_NaN()));
          out.push_back(select(broadcast_in_dim(worked, xs[i].shape(), iota_axes(worked.rank())), xs[i], nan));
        }
        return out;
      },
      avals, values);
}

// Swaps one after the other, as a permutation of the rows. Shapes: [..., k] -> [..., m].
Array permutation_of(const Array& pivots, std::int64_t m) {
  Shape shape = pivots.shape();
  const std::int64_t k = shape.back().value(), axis = pivots.rank() - 1;
  shape.back() = Dim(m);
  const Array start = iota(DType::i32, shape, axis);
  if (k == 0 || m == 0) return start;
  const Array at = start;
  const auto repeated = [&](const Array& x) { return broadcast_in_dim(x, shape, iota_axes(axis)); };
  const auto element = [&](const Array& order, const Array& chosen) {
    return repeated(reduce_sum(select(chosen, order, zeros_like(order)), {axis}));
  };
  const FlatFn swap = [&](const Arrays& xs) {
    const Array here = equal(at, broadcast_to(xs[1], shape)), there = equal(at, repeated(xs[2]));
    const Array a = element(xs[0], here), b = element(xs[0], there);
    return Arrays{select(here, b, select(there, a, xs[0]))};
  };
  return scan_flat(swap, {start}, {iota(DType::i32, {Dim(k)}, 0), moveaxis(pivots, axis, 0)})[0];
}

ValueIds lu_w(const Emission& e) {
  const Matrices a(e);
  const Avals results{a.aval, a.with(DType::i32, {a.smaller()}), a.info()};
  const ValueIds found = factored(e, "getrf", "getrf", {}, results);
  return e.out.expanded(
      [&](const Arrays& xs) {
        const Array pivots = sub(xs[1], ones_like(xs[1]));  // LAPACK counts from 1
        return Arrays{xs[0], pivots, permutation_of(pivots, a.rows)};
      },
      {results[0], results[1]}, {found[0], found[1]});
}

// What geqrf finds, or geqp3 with the order of the columns behind, counted from 1.
ValueIds packed_qr(const Emission& e, const Matrices& a, const Aval& taus, const Aval& order) {
  if (!e.params.get<QrParams>().pivoting) return factored(e, "geqrf", "geqrf", {}, {a.aval, taus});
  // 0: a column that may move.
  const ValueId free = e.out.expanded([&](const Arrays&) { return Arrays{zeros_of(order)}; }, {}, {})[0];
  const ValueIds f =
      library_call(e, "geqp3", "geqp3", {}, {e.operands[0], free}, {a.aval, order}, {a.aval, order, taus});
  return {f[0], f[2], f[1]};
}

ValueIds qr_w(const Emission& e) {
  const auto& p = e.params.get<QrParams>();
  const Matrices a(e);
  const std::int64_t k = a.smaller(), width = p.full_matrices ? a.rows : k;
  const Aval taus = a.with(a.aval.dtype, {k}), square = a.matrix(a.rows, width);
  const Aval order = a.with(DType::i32, {a.columns});
  const ValueIds packed = packed_qr(e, a, taus, order);
  // The reflectors are columns of a matrix that is as wide as Q.
  const ValueIds reflectors = e.out.expanded(
      [&](const Arrays& xs) {
        if (width <= a.columns) return Arrays{slice_in_dim(xs[0], 0, width, 1, xs[0].rank() - 1)};
        std::vector<std::pair<std::int64_t, std::int64_t>> room(xs[0].shape().size());
        room.back().second = width - a.columns;
        return Arrays{pad(xs[0], room, zeros_of({xs[0].dtype(), {}, false}))};
      },
      {a.aval}, {packed[0]});
  const ValueIds q = library_call(e, "orgqr", "ungqr", {}, {reflectors[0], packed[1]}, {square, taus}, {square});
  const ValueIds r =
      e.out.expanded([&](const Arrays& xs) { return Arrays{triu(slice_in_dim(xs[0], 0, width, 1, xs[0].rank() - 2))}; },
                     {a.aval}, {packed[0]});
  if (!p.pivoting) return {q[0], r[0]};
  const ValueIds from_0 =
      e.out.expanded([](const Arrays& xs) { return Arrays{sub(xs[0], ones_like(xs[0]))}; }, {order}, {packed[2]});
  return {q[0], r[0], from_0[0]};
}

ValueIds svd_w(const Emission& e) {
  const auto& p = e.params.get<SvdParams>();
  const Matrices a(e);
  const std::int64_t k = a.smaller();
  const Aval s = a.with(real_dtype(a.aval.dtype), {k});
  const Aval u = a.matrix(a.rows, p.full_matrices ? a.rows : k),
             vh = a.matrix(p.full_matrices ? a.columns : k, a.columns);
  const char mode = !p.compute_uv ? 'N' : p.full_matrices ? 'A' : 'S';
  const ValueIds f = factored(e, "gesdd", "gesdd", {{"mode", mode}}, {a.aval, s, u, vh, a.info()});
  if (!p.compute_uv) return where_it_worked(e, {f[1], f[4]}, {s, a.info()});
  return where_it_worked(e, {f[1], f[2], f[3], f[4]}, {s, u, vh, a.info()});
}

ValueIds eigh_w(const Emission& e) {
  const auto& p = e.params.get<SymmetricEigen>();
  check<NotImplementedError>(
      p.subset_by_index == "None",
      "stablehlo: primitive 'eigh' of some eigenvalues cannot be written. Got subset_by_index {}.", p.subset_by_index);
  const Matrices a(e);
  const Aval w = a.with(real_dtype(a.aval.dtype), {a.columns});
  const ValueIds f =
      factored(e, "syevd", "heevd", {{"mode", 'V'}, {"uplo", p.lower ? 'L' : 'U'}}, {a.aval, w, a.info()});
  return where_it_worked(e, f, {a.aval, w, a.info()});
}

ValueIds schur_w(const Emission& e) {
  const bool vectors = e.params.get<SchurParams>().compute_schur_vectors;
  const Matrices a(e);
  Avals results{a.aval, a.aval};
  results.insert(results.end(), is_complex(a.aval.dtype) ? 1 : 2, a.with(a.aval.dtype, {a.columns}));
  results.insert(results.end(), {a.info(), a.info()});
  const ValueIds f = factored(e, "gees", "gees", {{"mode", vectors ? 'V' : 'N'}, {"sort", 'N'}}, results);
  if (!vectors) return where_it_worked(e, {f[0], f.back()}, {a.aval, a.info()});
  return where_it_worked(e, {f[0], f[1], f.back()}, {a.aval, a.aval, a.info()});
}

// Written out: no derivative is asked of it.
ValueIds hessenberg_w(const Emission& e) {
  return e.out.expanded(
      [](const Arrays& xs) {
        auto [packed, taus] = hessenberg_packed(xs[0]);
        return Arrays{packed, taus};
      },
      e.inputs, e.operands);
}

ValueIds tridiagonal_w(const Emission& e) {
  const char uplo = e.params.get<TridiagonalParams>().lower ? 'L' : 'U';
  const Matrices a(e);
  Avals results;
  for (const Aval& out : e.outputs) results.push_back(out.strong());
  results.push_back(a.info());
  return where_it_worked(e, factored(e, "sytrd", "hetrd", {{"uplo", uplo}}, results), results);
}

// Of real matrices the parts of the eigenvalues come apart.
ValueIds eig_w(const Emission& e) {
  const auto& p = e.params.get<EigParams>();
  const Matrices a(e);
  const DType dtype = e.outputs[0].dtype;
  const Aval w = a.with(dtype, {a.columns}), vectors = a.with(dtype, {a.columns, a.columns});
  const bool parts = !is_complex(a.aval.dtype);
  Avals results(parts ? 2 : 1, parts ? a.with(a.aval.dtype, {a.columns}) : w);
  results.insert(results.end(), {vectors, vectors, a.info()});
  const Settings settings{{"compute_left", p.compute_left_eigenvectors ? 'V' : 'N'},
                          {"compute_right", p.compute_right_eigenvectors ? 'V' : 'N'}};
  const ValueIds f = factored(e, "geev", "geev", settings, results);
  ValueIds values{parts ? e.out.op1("complex", {f[0], f[1]}, w) : f[0]};
  Avals avals{w};
  const std::size_t first = parts ? 2 : 1;
  const bool wanted[] = {p.compute_left_eigenvectors, p.compute_right_eigenvectors};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!wanted[i]) continue;
    values.push_back(f[first + i]);
    avals.push_back(vectors);
  }
  values.push_back(f.back());
  avals.push_back(a.info());
  return where_it_worked(e, values, avals);
}

}  // namespace

void add_linalg_writers(Writers& t) {
  t["cholesky"] = cholesky_w;
  t["hessenberg"] = hessenberg_w;
  t["schur"] = schur_w;
  t["tridiagonal"] = tridiagonal_w;
  t["triangular_solve"] = solve_w;
  t["lu"] = lu_w;
  t["qr"] = qr_w;
  t["svd"] = svd_w;
  t["eigh"] = eigh_w;
  t["eig"] = eig_w;
}

}  // namespace tf2jax::stablehlo
