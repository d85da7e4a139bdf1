// Scatters as loops, against plain loops over the updates.
#include <functional>

#include "check_program.h"

namespace tf2jax {
namespace {

using Combine = std::function<double(double, double)>;
struct Kind {
  const char* name;
  Array (*apply)(const Array&, const Array&, const Array&, const ScatterDims&, const GatherOptions&);
  Combine combine;
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{"scatter", scatter, [](double, double u) { return u; }},
                                     {"scatter_add", scatter_add, [](double x, double u) { return x + u; }},
                                     {"scatter_sub", scatter_sub, [](double x, double u) { return x - u; }},
                                     {"scatter_mul", scatter_mul, [](double x, double u) { return x * u; }},
                                     {"scatter_min", scatter_min, [](double x, double u) { return std::min(x, u); }},
                                     {"scatter_max", scatter_max, [](double x, double u) { return std::max(x, u); }}};
  return all;
}

Dims unravel(std::int64_t i, const Dims& dims) {
  Dims at(dims.size());
  for (std::size_t a = dims.size(); a-- > 0; i /= dims[a]) at[a] = i % dims[a];
  return at;
}
std::int64_t ravel(const Dims& at, const Dims& dims) {
  std::int64_t i = 0;
  for (std::size_t a = 0; a < dims.size(); ++a) i = i * dims[a] + at[a];
  return i;
}

// One update after another, by StableHLO's definition; a window that sticks out is moved inside or dropped as a whole.
std::vector<double> expected(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& d,
                             bool clip, const Combine& combine) {
  std::vector<double> out = operand.to_vector<double>();
  const auto index = indices.to_vector<double>(), update = updates.to_vector<double>();
  const Dims whole = operand.dims(), sizes = updates.dims();
  Dims window(whole.size(), 1), batch = indices.dims();
  batch.pop_back();
  for (std::size_t i = 0, w = 0; i < whole.size(); ++i)
    if (!contains(d.inserted_window_dims, static_cast<std::int64_t>(i)) &&
        !contains(d.operand_batching_dims, static_cast<std::int64_t>(i)))
      window[i] = sizes[d.update_window_dims[w++]];
  for (std::int64_t u = 0; u < num_elements(sizes); ++u) {
    const Dims at = unravel(u, sizes);
    Dims to(whole.size(), 0), from;
    for (std::size_t i = 0; i < at.size(); ++i)
      if (!contains(d.update_window_dims, static_cast<std::int64_t>(i))) from.push_back(at[i]);
    bool inside = true;
    for (std::size_t k = 0; k < d.operand_batching_dims.size(); ++k)
      to[d.operand_batching_dims[k]] = from[d.scatter_indices_batching_dims[k]];
    for (std::size_t k = 0; k < d.scatter_dims_to_operand_dims.size(); ++k) {
      const std::size_t axis = d.scatter_dims_to_operand_dims[k];
      Dims where = from, all = batch;
      where.push_back(static_cast<std::int64_t>(k));
      all.push_back(static_cast<std::int64_t>(d.scatter_dims_to_operand_dims.size()));
      const double start = index[ravel(where, all)], last = static_cast<double>(whole[axis] - window[axis]);
      inside = inside && start >= 0 && start <= last;
      to[axis] = static_cast<std::int64_t>(std::clamp(start, 0.0, last));
    }
    if (!inside && !clip) continue;
    for (std::size_t i = 0, w = 0; i < whole.size(); ++i)
      if (!contains(d.inserted_window_dims, static_cast<std::int64_t>(i)) &&
          !contains(d.operand_batching_dims, static_cast<std::int64_t>(i)))
        to[i] += at[d.update_window_dims[w++]];
    double& x = out[ravel(to, whole)];
    x = combine(x, update[u]);
  }
  return out;
}

bool calls(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("call scatter") != std::string::npos;
}

// All kinds, in these modes, with and without bounds checks.
using Modes = std::vector<GatherScatterMode>;
void check_all(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& d,
               const Modes& modes = {GatherScatterMode::clip, GatherScatterMode::fill_or_drop}) {
  const auto before = operand.to_vector<double>();
  for (const auto mode : modes) {
    const auto all = [&](const Array& x, const Array& i, const Array& u) {
      Arrays out;
      for (const Kind& kind : kinds()) out.push_back(kind.apply(x, i, u, d, {.mode = mode}));
      return out;
    };
    const Jaxpr jaxpr = make_jaxpr(all)(operand, indices, updates);
    EXPECT_FALSE(calls(jaxpr)) << to_string(jaxpr);
    for (const bool checked : {false, true}) {
      const auto compiled = default_backend().compile(jaxpr, {.check_bounds = checked});
      const Arrays results = compiled->run(Arrays{operand, indices, updates});
      for (std::size_t k = 0; k < kinds().size(); ++k) {
        ASSERT_EQ(results[k].dims(), operand.dims());
        ASSERT_EQ(results[k].dtype(), operand.dtype());
        const auto got = results[k].to_vector<double>(),
                   want = expected(operand, indices, updates, d, mode == GatherScatterMode::clip, kinds()[k].combine);
        for (std::size_t i = 0; i < got.size(); ++i)
          ASSERT_LE(std::abs(got[i] - want[i]), 1e-5 * (1 + std::abs(want[i])))
              << kinds()[k].name << " element " << i << ": got " << got[i] << ", expected " << want[i] << "\n"
              << to_string(jaxpr) << compiled->explain();
      }
      ASSERT_EQ(operand.to_vector<double>(), before) << "an input was written";
    }
  }
}

// Some lie outside on either side, and some are equal.
Array places(const Shape& shape, std::int64_t size, int seed = 5) {
  return astype(floor(random::uniform(random::key(static_cast<std::uint32_t>(seed)), shape) *
                      static_cast<float>(size + 4)),
                i32) -
         2;
}

TEST(Scatter, Rows) {
  const ScatterDims rows{{1}, {0}, {0}, {}, {}};
  for (const std::int64_t width : {3, 40, 128})
    check_all(values({10, width}), places({50, 1}, 10), values({50, width}, 1), rows);
  check_all(values({10, 16}), places({1, 1}, 10), values({1, 16}, 1), rows);
  check_all(values({10, 6, 8}), places({20, 1}, 10), values({20, 6, 8}, 1), {{1, 2}, {0}, {0}, {}, {}});
  check_all(values({10, 6, 8}), places({4, 5, 1}, 10), values({4, 6, 5, 8}, 1), {{1, 3}, {0}, {0}, {}, {}});
}

TEST(Scatter, Elements) {
  for (const std::int64_t count : {1, 16, 100, 1000})
    check_all(values({50}), places({count, 1}, 50), values({count}, 1), {{}, {0}, {0}, {}, {}});
  check_all(values({12, 9}), places({200, 2}, 10), values({200}, 1), {{}, {0, 1}, {0, 1}, {}, {}});
  check_all(values({12, 9}), places({20, 10, 2}, 10), values({20, 10}, 1), {{}, {0, 1}, {1, 0}, {}, {}});
}

TEST(Scatter, ColumnsAndPlanes) {
  check_all(values({30, 12}), places({25, 1}, 12), values({30, 25}, 1), {{0}, {1}, {1}, {}, {}});
  check_all(values({30, 12}), places({25, 1}, 12), values({25, 30}, 1), {{1}, {1}, {1}, {}, {}});
  check_all(values({5, 12, 40}), places({9, 1}, 12), values({5, 9, 40}, 1), {{0, 2}, {1}, {1}, {}, {}});
}

TEST(Scatter, WindowsThatOverlap) {
  check_all(values({60}), places({9, 1}, 60), values({9, 20}, 1), {{1}, {}, {0}, {}, {}});
  check_all(values({20, 30}), places({7, 2}, 20), values({7, 4, 18}, 1), {{1, 2}, {}, {0, 1}, {}, {}});
  check_all(values({20, 30}), places({2}, 20), values({4, 18}, 1), {{0, 1}, {}, {0, 1}, {}, {}});
}

TEST(Scatter, WindowsThatFillTheirAxis) {
  check_all(values({20, 30}), places({3, 1}, 4), values({3, 20, 30}, 1), {{1, 2}, {}, {0}, {}, {}});
}

TEST(Scatter, BatchingAxes) {
  check_all(values({6, 30}), places({6, 25, 1}, 30), values({6, 25}, 1), {{}, {1}, {1}, {0}, {0}});
  check_all(values({6, 30, 20}), places({6, 25, 1}, 30), values({6, 25, 20}, 1), {{2}, {1}, {1}, {0}, {0}});
  check_all(values({30, 6}), places({25, 6, 1}, 30), values({25, 6}, 1), {{}, {0}, {0}, {1}, {1}});
}

TEST(Scatter, ScalarsAndSizesOfZero) {
  check_all(values({7}), places({1}, 7), values({}, 1), {{}, {0}, {0}, {}, {}});
  check_function(
      [](const Array& x, const Array& i, const Array& u) { return scatter_add(x, i, u, {{}, {}, {}, {}, {}}); },
      values({}), zeros({3, 0}, i32), values({3}, 1));
  const auto f = [](const Array& x, const Array& i, const Array& u) {
    return scatter_add(x, i, u, {{1}, {0}, {0}, {}, {}});
  };
  check_function(f, values({5, 3}), zeros({0, 1}, i32), values({0, 3}, 1));
  check_function(f, values({5, 0}), zeros({4, 1}, i32), values({4, 0}, 1));
}

TEST(Scatter, Types) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const ScatterDims rows{{1}, {0}, {0}, {}, {}}, elements{{}, {0}, {0}, {}, {}};
  const Modes drop{GatherScatterMode::fill_or_drop};
  for (const DType d : {f64, i8, i16, i32, u64})
    check_all(astype(reshape(arange(400) % Array(7) + 10, {20, 20}), d), places({9, 1}, 20),
              astype(reshape(arange(180) % Array(3), {9, 20}), d), rows, drop);
  for (const DType d : {i16, i64, u8})
    check_all(astype(arange(60) % Array(7) + 10, d), places({12, 1}, 60), astype(arange(12) % Array(3), d), elements,
              drop);
  for (const DType index : {i8, i64})
    check_all(values({60}), astype(places({12, 1}, 60), index), values({12}), elements);
  check_all(values({60}), astype(abs(places({12, 1}, 60)), u8), values({12}), elements,
            {GatherScatterMode::promise_in_bounds});
}

TEST(Scatter, TypesThatWrapOrRound) {
  const ScatterDims rows{{1}, {0}, {0}, {}, {}};
  for (const Kind& kind : kinds())
    for (const DType d : {DType::bool_, f16, bf16, i8, u32}) {
      const auto f = [&](const Array& x, const Array& i, const Array& u) { return kind.apply(x, i, u, rows, {}); };
      check_function(f, astype(reshape(arange(400) % Array(2), {20, 20}), d), places({70, 1}, 20),
                     astype(values({70, 20}, 1) * 60.f, d));
    }
}

TEST(Scatter, LargeUnsignedIndicesAreOutside) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array far = array<std::uint64_t>({1, ~0ull, 1ull << 63});
  for (const Kind& kind : kinds())
    for (const auto mode : {GatherScatterMode::clip, GatherScatterMode::fill_or_drop})
      check_function([&](const Array& x, const Array& i,
                         const Array& u) { return kind.apply(x, i, u, {{}, {0}, {0}, {}, {}}, {.mode = mode}); },
                     values({5}), reshape(far, {3, 1}), values({3}, 1));
}

TEST(Scatter, NotANumberStays) {
  const Array x = array<float>({1, NAN, 3, NAN, -INFINITY, 2}), u = array<float>({NAN, 1, 4, INFINITY, -1, 2}),
              at = reshape(array<int>({0, 1, 2, 4, 4, 9}), {6, 1});
  for (const Kind& kind : kinds())
    check_function(
        [&](const Array& a, const Array& i, const Array& b) { return kind.apply(a, i, b, {{}, {0}, {0}, {}, {}}, {}); },
        x, at, u);
}

TEST(Scatter, Complex) {
  const auto pairs = [](const Shape& shape, int seed) {
    return complex(values(shape, seed), values(shape, seed + 50));
  };
  for (const Kind& kind : kinds()) {
    const auto f = [&](const Array& x, const Array& i, const Array& u) {
      return kind.apply(x, i, u * Array(2.f), {{1}, {0}, {0}, {}, {}}, {}) * x;
    };
    check_function(f, pairs({10, 6}, 0), places({20, 1}, 10), pairs({20, 6}, 1));
    const std::string_view name = kind.name;
    EXPECT_EQ(calls(make_jaxpr(f)(pairs({10, 6}, 0), places({20, 1}, 10), pairs({20, 6}, 1))),
              name == "scatter_mul" || name == "scatter_min" || name == "scatter_max");
  }
}

// ---- with what surrounds them

const ScatterDims kRows{{1}, {0}, {0}, {}, {}};

TEST(Scatter, GradientsOfGathers) {
  const Array x = values({40, 16}), i = abs(places({25}, 36));
  check_function(grad([](const Array& a, const Array& at) { return sum(sin(take(a, at, 0))); }), x, i);
  check_function(grad([](const Array& a, const Array& at) { return sum(sin(take(a, at, 1))); }), transpose(x), i);
  check_function(grad([](const Array& a, const Array& at) { return sum(sin(a(at(3)) * a(at(4)))); }), x, i);
  check_function(grad([](const Array& a, const Array& at) { return sum(square(take_along(a, at, 1))); }), x,
                 astype(abs(places({40, 1}, 12)), i32));
  check_function(vmap(grad([](const Array& a, const Array& at) { return sum(square(take(a, at, 0))); })),
                 values({3, 40}), abs(places({3, 9}, 36)));
}

TEST(Scatter, UniqueIndices) {
  const Array x = values({500}), at = reshape(arange(400) * 7 % Array(499), {400, 1}), u = values({400}, 1);
  for (const Kind& kind : kinds())
    check_function(
        [&](const Array& a, const Array& i, const Array& b) {
          return kind.apply(a, i, exp(b), {{}, {0}, {0}, {}, {}}, {.unique_indices = true});
        },
        x, at, u);
}

}  // namespace
}  // namespace tf2jax
