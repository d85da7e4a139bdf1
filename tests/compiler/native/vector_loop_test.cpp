// Loops over carries in memory, a vector at a time, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

Arrays scan_of(const FlatFn& body, const Arrays& init, const Arrays& xs, std::int64_t length, bool reverse = false) {
  return scan_flat(body, init, xs, length, reverse);
}

TEST(NativeLoop, CarriesOfVectors) {
  const auto shifted = [](const Array& x) { return concatenate({x(slice(1, {})), x(slice(0, 1))}, 0); };
  for (const std::int64_t n : {17, 33, 64, 100, 257}) {
    const Array x = values({n}), y = values({n}, 1), xs = values({5, n}, 2);
    for (const bool reverse : {false, true}) {
      check_native(
          [=](const Array& c, const Array& s) {
            return scan_of([](const Arrays& a) { return Arrays{tanh(a[0] * 0.5f + a[1]) + sin(a[0]), a[0] - a[1]}; },
                           {c}, {s}, 5, reverse);
          },
          x, xs);
      check_native(grad<0, 1>([=](const Array& c, const Array& s) {
                     const Arrays r = scan_of(
                         [](const Arrays& a) { return Arrays{tanh(a[0] * 0.5f + a[1]) + sin(a[0]), a[0] - a[1]}; }, {c},
                         {s}, 5, reverse);
                     return sum(r[0]) + sum(sin(r[1]));
                   }),
                   x, xs);
    }
    check_native(
        [=](const Array& a, const Array& b) {
          return scan_of(
              [=](const Arrays& v) {
                return Arrays{v[1],
                              tanh(v[0]) * sum(exp(sin(v[0]))),
                              sin(shifted(v[2])) + v[0] * exp(sin(v[1])),
                              v[3],
                              softmax(v[0]),
                              v[2],
                              Array(1.f),
                              v[1]};
              },
              {a, b, a + b, a * b}, {}, 4);
        },
        x, y);
    check_native(
        [=](const Array& a) {
          return scan_of([](const Arrays& v) { return Arrays{v[1], sin(v[0]) * exp(sin(v[1])), v[0]}; }, {a, a}, {}, 3);
        },
        x);
  }
}

TEST(NativeLoop, ControlFlowOverVectors) {
  const Array x = values({40}), xs = values({6, 40}, 1);
  check_native(
      [](const Array& a) {
        return while_flat(
            [](const Arrays& v) { return Arrays{logical_and(less(v[0], 20), greater(sum(square(sin(v[1]))), 0.5f))}; },
            [](const Arrays& v) { return Arrays{v[0] + 1, v[1] * 0.7f + tanh(exp(sin(v[1]))) * 0.01f}; },
            {Array(0), a});
      },
      x);
  const auto nested = [](const Array& a, const Array& s) {
    return scan_of(
        [](const Arrays& v) {
          const Array total = sum(v[0]);
          const Array next = cond(
              greater(total, 0.f), [](const Array& u) { return sin(u) * exp(sin(u)) - 0.3f; },
              [](const Array& u) { return u + 0.25f; }, v[0]);
          const Arrays inner =
              scan_of([](const Arrays& u) { return Arrays{tanh(u[0] + sin(u[0])) * exp(sin(u[0])), sum(u[0])}; },
                      {next + v[1]}, {}, 3);
          return Arrays{inner[0], inner[1], v[1]};
        },
        {a}, {s}, 6);
  };
  check_native(nested, x, xs);
  check_native(grad<0, 1>([&](const Array& a, const Array& s) {
                 const Arrays r = nested(a, s);
                 return sum(r[0]) + sum(r[1]);
               }),
               x, xs);
  check_native(
      [](const Array& a, const Array& s) {
        return scan_of(
            [](const Arrays& v) {
              return Arrays{
                  switch_case(astype(sum(v[0]), i32),
                              std::vector<std::function<Array(const Array&)>>{
                                  [](const Array& u) { return u; }, [](const Array& u) { return sin(exp(sin(u))); },
                                  [](const Array&) { return ones({40}); }},
                              v[0]) +
                  v[1]};
            },
            {a}, {s}, 6);
      },
      x, xs);
}

TEST(NativeLoop, TypesOfVectors) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, i32, i64, u16, u64})
    check_native(
        [=](const Array& x, const Array& s) {
          return scan_of([](const Arrays& a) { return Arrays{a[0] * a[0] + a[1] * a[0] - a[1], sum(a[0])}; }, {x}, {s},
                         4);
        },
        astype(array<float>({1, 2, 3}) + zeros({30, 3}), d), astype(reshape(arange(360), {4, 30, 3}) % Array(3), d));
  check_native(
      [](const Array& x) {
        return scan_of(
            [](const Arrays& a) {
              return Arrays{logical_not(logical_xor(a[0], greater(a[1], 0.25))), a[1] * -0.5 + sin(a[1]) * sum(a[1])};
            },
            {greater(x, 0.5), astype(x, f64)}, {}, 5);
      },
      values({70}));
}

TEST(NativeLoop, LongBodiesStayVectors) {
  const Array x = values({64});
  const Jaxpr wide = make_jaxpr([](const Array& s) {
    return scan_of([](const Arrays& a) { return Arrays{tanh(a[0]) * sum(sin(a[0]))}; }, {s}, {}, 5);
  })(x);
  check_program(wide, {x});
  const Jaxpr sorts = make_jaxpr(
      [](const Array& s) { return scan_of([](const Arrays& a) { return Arrays{sort(a[0] * 1.5f)}; }, {s}, {}, 5); })(x);
  check_program(sorts, {x});
  EXPECT_FALSE(is_native(sorts));
}

}  // namespace
}  // namespace tf2jax
