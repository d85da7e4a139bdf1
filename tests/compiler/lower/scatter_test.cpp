// Scatters whose updates, indices and operands are computed in their loop, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

// Some lie outside on either side, and some are equal.
Array places(const Shape& shape, std::int64_t size, int seed = 5) {
  return astype(floor(random::uniform(random::key(static_cast<std::uint32_t>(seed)), shape) *
                      static_cast<float>(size + 4)),
                i32) -
         2;
}

const ScatterDims kRows{{1}, {0}, {0}, {}, {}};
Array clamp_to(const Array& i) { return minimum(maximum(i, 0), 49); }
Array add_rows(const Array& x, const Array& i, const Array& u) { return scatter_add(x, expand_dims(i, {1}), u, kRows); }

TEST(Scatter, UpdatesAndIndicesAreComputedInItsLoop) {
  const Array x = values({50, 24}), i = places({30}, 50), u = values({30, 24}, 1);
  const auto f = [](const Array& a, const Array& at, const Array& b) {
    return add_rows(a, clamp_to(at * 2 - 1), exp(b) * 2.f + a(0));
  };
  check_function(f, x, i, u);
  const auto zero = [](const Array& at, const Array& b) { return add_rows(zeros({50, 24}), at + 1, tanh(b)); };
  check_function(zero, i, u);
  EXPECT_EQ(steps(make_jaxpr(zero)(i, u)), 2);  // zeros, and the scatter
  check_function(
      [](const Array& a, const Array& at, const Array& b) {
        const Array e = exp(b);
        return std::pair{add_rows(a, at, e), e};
      },
      x, i, u);
  check_function(
      [](const Array& a, const Array& at, const Array& b) {
        return add_rows(a, at, concatenate({b(slice(0, 10)), flip(b(slice(10, 30)), {0})}, 0));
      },
      x, i, u);
  check_function(
      [](const Array& a, const Array& at, const Array& b) { return add_rows(a, at, b - mean(b, 1, keepdims)); }, x, i,
      u);
  check_function(
      [](const Array& a, const Array& at, const Array& b) {
        return add_rows(a * 2.f, at, b) - add_rows(transpose(transpose(a)), at, matmul(b, b(slice(0, 24))));
      },
      x, i, u);
  check_function(
      [](const Array& a, const Array& at, const Array& b) { return add_rows(add_rows(a, at, b), at + 1, b) + a; }, x, i,
      u);
  check_function([](const Array& a, const Array& at,
                    const Array& b) { return scatter(a, expand_dims(at, {1}), a(clamp_to(at)) + b, kRows); },
                 x, i, u);
  check_function([](const Array& a, const Array& at,
                    const Array& b) { return scatter_add(a, reshape(at, {30, 1}), exp(b), {{}, {0}, {0}, {}, {}}); },
                 values({50}), i, values({30}));
}

TEST(Scatter, InsideLoops) {
  const Array x = values({40, 16}), i = abs(places({25}, 36)), u = values({25, 16}, 1);
  check_function(
      [](const Array& a, const Array& at, const Array& b) {
        return scan(
            [](const Array& c, const std::pair<Array, Array>& step) {
              const Array next =
                  scatter_add(c, reshape(step.first, {1, 1}), reshape(step.second, {1, 16}) * c(0), kRows);
              return std::pair{next, sum(next(1))};
            },
            a, std::pair{at, b});
      },
      x, i, u);
  check_function(
      [](const Array& a, const Array& at) {
        return fori_loop(
            0, 20,
            [&](const Array& k, const Array& c) {
              return scatter(c, reshape(at(k), {1, 1}), reshape(c(k) * 2.f, {1, 16}), kRows);
            },
            a);
      },
      x, i);
  check_function(
      [](const Array& a, const Array& at) {
        return fori_loop(
            0, 5,
            [&](const Array&, const Array& c) {
              return scatter_add(c, expand_dims(at, {1}), sin(c(slice(0, 25))), {{}, {0}, {0}, {}, {}});
            },
            a);
      },
      values({60}), i);
}

}  // namespace
}  // namespace tf2jax
