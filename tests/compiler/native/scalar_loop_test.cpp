// Scans and while loops that become one kernel, against the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

Arrays scan_of(const FlatFn& body, const Arrays& init, const Arrays& xs, std::int64_t length, bool reverse = false) {
  return scan_flat(body, init, xs, length, reverse);
}

Array lorenz(const Array& s) {
  const Array x = s(0), y = s(1), z = s(2);
  return stack({10.f * (y - x), x * (28.f - z) - y, x * y - 2.5f * z});
}
Array lorenz_step(const Array& s) {
  const Array k1 = lorenz(s), k2 = lorenz(s + 0.005f * k1), k3 = lorenz(s + 0.005f * k2), k4 = lorenz(s + 0.01f * k3);
  return s + (0.01f / 6) * (k1 + 2.f * k2 + 2.f * k3 + k4);
}

TEST(NativeLoop, OrdinaryDifferentialEquation) {
  const auto solve = [](const Array& s) {
    return scan_of(
        [](const Arrays& a) {
          const Array n = lorenz_step(a[0]);
          return Arrays{n, n};
        },
        {s}, {}, 40);
  };
  const Array s = array<float>({1, 0.5, 2});
  check_native([&](const Array& x) { return solve(x); }, s);
  check_native(grad([&](const Array& x) { return sum(sin(solve(x)[1])); }), s);
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array d = array<double>({1, 0.5, 2});
  check_native(
      [&](const Array& x) {
        return scan_of([](const Arrays& a) { return Arrays{a[0] + 0.01 * sin(a[0]) * a[0](0)}; }, {x}, {}, 40);
      },
      d);
}

TEST(NativeLoop, LengthsAndDirections) {
  for (const std::int64_t n : {0, 1, 2, 7, 100})
    for (const bool reverse : {false, true})
      check_native(
          [=](const Array& c, const Array& xs) {
            return scan_of([](const Arrays& a) { return Arrays{a[0] * 0.5f + a[1](0) * a[1](1), a[0] - a[1](2)}; }, {c},
                           {xs}, n, reverse);
          },
          Array(1.5f), values({n, 3}));
}

TEST(NativeLoop, CarriesTradePlacesAndPassThrough) {
  check_native(
      [](const Array& a, const Array& b, const Array& c) {
        return scan_of([](const Arrays& x) { return Arrays{x[1], x[0], x[2], x[1], x[0] + x[2], Array(3.f), x[2]}; },
                       {a, b, c}, {}, 5);
      },
      values({3}), values({3}, 1), values({3}, 2));
}

TEST(NativeLoop, EveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64}) {
    check_native(
        [=](const Array& x, const Array& xs) {
          return scan_of([](const Arrays& a) { return Arrays{a[0] * a[0] + a[1], a[0] - a[1]}; }, {x}, {xs}, 6);
        },
        astype(array<float>({1, 2, 3}), d),
        astype(array<float>({{1, 0, 2}, {2, 1, 1}, {0, 1, 2}, {1, 1, 1}, {3, 0, 1}, {1, 2, 0}}), d));
  }
  check_native(
      [](const Array& x) {
        return scan_of(
            [](const Arrays& a) {
              return Arrays{logical_not(a[0]), a[1] + astype(a[0], i64), logical_and(a[0], greater(a[1], 2))};
            },
            {x, astype(x, i64) + (std::int64_t{1} << 40)}, {}, 7);
      },
      array<bool>({true, false, true}));
}

TEST(NativeLoop, NewtonsMethod) {
  const auto root = [](const Array& x) {
    return while_flat(
        [](const Arrays& a) { return Arrays{logical_and(less(a[1], 50), greater(abs(a[0] * a[0] - a[2]), 1e-4f))}; },
        [](const Arrays& a) { return Arrays{a[0] - (a[0] * a[0] - a[2]) / (2.f * a[0]), a[1] + 1, a[2]}; },
        {x, Array(0), x});
  };
  check_native(root, Array(7.f));
  check_native(root, Array(1.f));  // the body never runs
  EXPECT_NEAR(jit(root)(Array(49.f))[0].item<float>(), 7, 1e-3);
}

TEST(NativeLoop, RandomNumbers) {
  check_native(
      [](const Array& s) {
        return fori_loop(
            0, 1000, [](const Array&, const Array& c) { return c * Array(1664525u) + Array(1013904223u); }, s);
      },
      Array(1u));
  check_native(
      [](const Array& n) {
        return fori_loop(Array(0), n, [](const Array& i, const Array& c) { return c * 3 + i; }, Array(1));
      },
      Array(13));
}

TEST(NativeLoop, LoopsInLoops) {
  const auto f = [](const Array& c, const Array& xs) {
    return scan_of(
        [](const Arrays& a) {
          const Arrays inner =
              scan_of([](const Arrays& b) { return Arrays{tanh(b[0] + b[1]), b[0] * b[1]}; }, {a[0]}, {a[1]}, 5);
          const Array root = while_flat([](const Arrays& b) { return Arrays{greater(b[0], 1.f)}; },
                                        [](const Arrays& b) { return Arrays{b[0] * 0.5f}; }, {abs(inner[0]) + 9.f})[0];
          return Arrays{inner[0], inner[1] * root};
        },
        {c}, {xs}, 4);
  };
  const Array c(0.3f), xs = values({4, 5});
  check_native([&](const Array& a, const Array& b) { return f(a, b); }, c, xs);
  const auto nested = [](const Array& c, const Array& xs) {
    return scan_of(
        [](const Arrays& a) {
          const Arrays inner =
              scan_of([](const Arrays& b) { return Arrays{tanh(b[0] + b[1]), b[0] * b[1]}; }, {a[0]}, {a[1]}, 100);
          return Arrays{inner[0], inner[1]};
        },
        {c}, {xs}, 4);
  };
  check_native(nested, c, values({4, 100}));
  check_native(grad<0, 1>([&](const Array& a, const Array& b) {
                 const Arrays r = nested(a, b);
                 return r[0] + sum(r[1]);
               }),
               c, values({4, 100}));
}

TEST(NativeLoop, Branches) {
  const auto cheap = [](const Array& x) {
    return cond(
        greater(x, 0.f), [](const Array& v) { return v * 0.5f - 1.f; }, [](const Array& v) { return v + 3.f; }, x);
  };
  const auto dear = [](const Array& x) {
    return cond(
        greater(x, 0.f),
        [](const Array& v) {
          return sin(v) - cos(v) * exp(v * 0.1f) - tanh(v) * v - sin(v * 3.f) * cos(v * 2.f) - 2.f;
        },
        [](const Array& v) { return fori_loop(0, 3, [](const Array&, const Array& c) { return c + 1.f; }, v); }, x);
  };
  const auto which = [](const Array& x) {
    return switch_case(astype(floor(x), i32),
                       std::vector<std::function<Array(const Array&)>>{[](const Array& v) { return v + 1.5f; },
                                                                       [](const Array& v) { return sin(v); },
                                                                       [](const Array& v) { return -v * 0.5f; }},
                       x);
  };
  check_native(
      [&](const Array& x) { return fori_loop(0, 20, [&](const Array&, const Array& c) { return cheap(c); }, x); },
      Array(2.f));
  check_native(
      [&](const Array& x) { return fori_loop(0, 20, [&](const Array&, const Array& c) { return dear(c); }, x); },
      Array(2.f));
  check_native(
      [&](const Array& x) { return fori_loop(0, 20, [&](const Array&, const Array& c) { return which(c); }, x); },
      Array(0.5f));
  check_native(grad([&](const Array& x) {
                 return fori_loop(0, 20, [&](const Array&, const Array& c) { return dear(cheap(c)); }, x);
               }),
               Array(2.f));
}

TEST(NativeLoop, MayCarryNothing) {
  check_function(
      [](const Array& x, const Array& none) {
        return scan(
            [](const std::pair<Array, Array>& s, const Array& v) {
              return std::pair{std::pair{sin(s.first) + v, s.second + 1.f}, s.second * 2.f};
            },
            std::pair{x, none}, arange(3) * 0.5f);
      },
      values({3}), zeros({5, 0}));
  check_function(
      [](const Array& x, const Array& none) {  // handed to the loop inside, which does not need it
        return fori_loop(
            0, 3,
            [&](const Array&, const Array& c) {
              return fori_loop(
                  0, 2,
                  [&](const Array&, const Array& d) {
                    const Array unused = none + 1.f;
                    return sin(d) * 2.f;
                  },
                  c);
            },
            x);
      },
      values({3}), zeros({5, 0}));
}

}  // namespace
}  // namespace tf2jax
