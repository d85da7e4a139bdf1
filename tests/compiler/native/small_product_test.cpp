// Small products inside loops that become one kernel.
#include <limits>

#include "check_program.h"

namespace tf2jax {
namespace {

template <class F>
Arrays repeat(const F& body, const Arrays& init, const Arrays& xs, std::int64_t length) {
  return scan_flat(body, init, xs, length);
}

// rows times a matrix, as often as wanted.
std::vector<double> times(std::vector<double> rows, const std::vector<double>& w, std::size_t n, int repeats) {
  for (int t = 0; t < repeats; ++t) {
    std::vector<double> next(rows.size(), 0);
    for (std::size_t i = 0; i < rows.size() / n; ++i)
      for (std::size_t q = 0; q < n; ++q)
        for (std::size_t j = 0; j < n; ++j) next[i * n + j] += rows[i * n + q] * w[q * n + j];
    rows = std::move(next);
  }
  return rows;
}

TEST(NativeLoopProducts, PowersOfAMatrixOfEverySize) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const std::int64_t n : {2, 8, 15, 16, 33, 64})
    for (const std::int64_t rows : {1, 3, 4, 6})
      for (const DType dtype : {f32, f64}) {
        if (dtype == f64 && rows != 3) continue;
        const Array w = astype(values({n, n}), dtype) / static_cast<float>(n), x = astype(values({rows, n}, 1), dtype),
                    wt = transpose(w, {1, 0}), xt = transpose(x, {1, 0});
        const auto right = [](const Array& a, const Array& b) {
          return repeat([&](const Arrays& v) { return Arrays{matmul(v[0], b)}; }, {a}, {}, 3)[0];
        };
        const auto turned = [](const Array& a, const Array& b) {
          return repeat([&](const Arrays& v) { return Arrays{matmul(v[0], transpose(b, {1, 0}))}; }, {a}, {}, 3)[0];
        };
        const auto left = [](const Array& a, const Array& b) {
          return transpose(repeat([&](const Arrays& v) { return Arrays{matmul(b, v[0])}; }, {a}, {}, 3)[0], {1, 0});
        };
        const auto want = times(x.to_vector<double>(), w.to_vector<double>(), n, 3);
        const auto compare = [&](const Array& got, const char* what) {
          const auto y = got.to_vector<double>();
          for (std::size_t i = 0; i < y.size(); ++i)
            ASSERT_NEAR(y[i], want[i], dtype == f64 ? 1e-14 : 2e-6) << what << " " << rows << "x" << n;
        };
        EXPECT_TRUE(is_native(make_jaxpr(right)(x, w))) << rows << "x" << n;
        compare(jit(right)(x, w), "right");
        compare(jit(turned)(x, wt), "turned");
        compare(jit(left)(xt, wt), "left");
      }
}

TEST(NativeLoopProducts, OfWhatTheLoopCarries) {
  for (const std::int64_t n : {6, 9, 16, 20}) {
    const Array p = values({n, n}) * 0.3f, f = values({n, n}, 1) * 0.3f, x = values({n}, 2), zs = values({7, n}, 3);
    // Every operand changes from step to step: by rows, by columns, transposed, and as outer products.
    check_native(
        [](const Array& p, const Array& f, const Array& x, const Array& zs) {
          return repeat(
              [&](const Arrays& v) {
                const Array moved = matmul(f, v[0]), next = matmul(matmul(v[1], f), transpose(v[1], {1, 0})) +
                                                            0.1f * reshape(v[2], {v[2].shape()[0], 1}) * v[0];
                return Arrays{tanh(moved + matmul(v[1], v[2]) + matmul(v[2], v[1])), next * 0.5f, moved};
              },
              {x, p}, {zs}, 7);
        },
        p, f, x, zs);
  }
}

TEST(NativeLoopProducts, GradientsOfRecurrentCells) {
  for (const std::int64_t n : {5, 16, 24})
    for (const std::int64_t rows : {1, 4}) {
      const auto gru = [=](const Array& w, const Array& b, const Array& xs) {
        const auto part = [=](const Array& g, std::int64_t k) { return g(all, slice(k * n, (k + 1) * n)); };
        return repeat(
            [&](const Arrays& v) {
              const Array gates = matmul(v[0], w), r = logistic(part(v[1], 0) + part(gates, 0)),
                          z = logistic(part(v[1], 1) + part(gates, 1) + b);
              const Array next = (1.f - z) * tanh(part(v[1], 2) + r * part(gates, 2)) + z * v[0];
              return Arrays{next, next};
            },
            {zeros({rows, n})}, {xs}, 9)[1];
      };
      const Array w = values({n, 3 * n}) * 0.3f, b = values({n}, 1), xs = values({9, rows, 3 * n}, 2);
      check_native(gru, w, b, xs);
      check_native(
          grad<0, 1, 2>([=](const Array& p, const Array& q, const Array& r) { return sum(sin(gru(p, q, r))); }), w, b,
          xs);
    }
}

TEST(NativeLoopProducts, GradientsOfNeuralDifferentialEquations) {
  for (const std::int64_t n : {4, 16, 19}) {
    const auto solve = [](const Array& w1, const Array& w2, const Array& y) {
      const auto f = [&](const Array& s) { return matmul(tanh(matmul(s, w1)), w2); };
      return repeat(
          [&](const Arrays& v) {
            const Array k1 = f(v[0]), k2 = f(v[0] + 0.1f * k1);
            return Arrays{v[0] + 0.05f * (k1 + k2)};
          },
          {y}, {}, 11)[0];
    };
    const Array w1 = values({n, n}) * 0.4f, w2 = values({n, n}, 1) * 0.4f, y = values({n}, 2);
    check_native(solve, w1, w2, y);
    check_native(
        grad<0, 1, 2>([=](const Array& a, const Array& b, const Array& c) { return sum(sin(solve(a, b, c))); }), w1, w2,
        y);
    check_native(vmap(solve, {.in_axes = {none, 0, 0}}), w1, stack({w2, w1, w2}), stack({y, -y, sin(y)}));
  }
}

TEST(NativeLoopProducts, InWhileLoopsBranchesAndLoopsOfLoops) {
  const Array w = values({12, 12}) * 0.3f, x = values({12}, 1);
  check_native(
      [](const Array& m, const Array& v) {
        return while_flat([](const Arrays& a) { return Arrays{less(a[0], 9)}; },
                          [&](const Arrays& a) { return Arrays{a[0] + 1, tanh(matmul(m, a[1]))}; }, {Array(0), v});
      },
      w, x);
  check_native(
      [](const Array& m, const Array& v) {
        return repeat(
            [&](const Arrays& a) {
              const Array inner =
                  repeat([&](const Arrays& b) { return Arrays{sin(matmul(b[0], m))}; }, {a[0]}, {}, 3)[0];
              return Arrays{cond(
                  greater(sum(inner), 0.f), [&](const Array& u) { return matmul(m, u); },
                  [](const Array& u) { return u * 0.5f; }, inner)};
            },
            {v}, {}, 5);
      },
      w, x);
}

TEST(NativeLoopProducts, InfinitiesAndNansPass) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::int64_t n : {6, 16, 20})
    for (const float bad : {inf, -inf, nan}) {
      Array mask = astype(equal(arange(n), 3), f32);
      const Array x = where(greater(mask, 0.f), Array(bad), ones({n})), w = values({n, n}) * 0.1f,
                  holes = where(greater(reshape(mask, {n, 1}), 0.f), zeros({n, n}), w);
      for (const Array& m : {w, holes}) {
        check_native(
            [](const Array& v, const Array& k) {
              return repeat([&](const Arrays& a) { return Arrays{matmul(a[0], k), matmul(k, a[0])}; }, {v}, {}, 2);
            },
            x, m);
        check_native(
            [](const Array& v, const Array& k) {
              return repeat(
                  [&](const Arrays& a) {
                    return Arrays{matmul(k, a[0]), matmul(reshape(a[0], {-1, 1}), reshape(a[0], {1, -1}))};
                  },
                  {v}, {}, 2);
            },
            x, m);
      }
    }
}

TEST(NativeLoopProducts, HalvesMultiplyInFloats) {
  for (const DType d : {bf16, f16}) {
    const Array w = astype(values({16, 16}) * 0.2f, d), x = astype(values({16}, 1), d);
    check_program(make_jaxpr([](const Array& v, const Array& k) {
                    return repeat([&](const Arrays& a) { return Arrays{matmul(a[0], k)}; }, {v}, {}, 2)[0];
                  })(x, w),
                  {x, w}, d == bf16 ? 2e-2 : 2e-3);
  }
}

TEST(NativeLoopProducts, LargeAndEmptyOnesStaySteps) {
  const auto f = [](const Array& v, const Array& k) {
    return repeat([&](const Arrays& a) { return Arrays{sin(matmul(a[0], k))}; }, {v}, {}, 3)[0];
  };
  const Array w = values({128, 128}) * 0.1f, x = values({128}, 1);
  EXPECT_FALSE(is_native(make_jaxpr(f)(x, w)));
  check_function(f, x, w);
  check_function(f, zeros({0, 4}), values({4, 4}));
  check_function(f, zeros({0}), zeros({0, 0}));
}

}  // namespace
}  // namespace tf2jax
