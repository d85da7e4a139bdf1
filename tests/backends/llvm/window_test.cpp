// Reductions over windows as loops, against the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

bool calls(const Jaxpr& jaxpr) { return default_backend().compile(jaxpr, {})->explain().find("call reduce_window") != std::string::npos; }

void check_window(const Array& x, const Window& w) {
  const auto f = [=](const Array& a) { return std::tuple{reduce_window_sum(a, w), reduce_window_max(a, w), reduce_window_min(a, w)}; };
  check_function(f, x);
  EXPECT_FALSE(calls(make_jaxpr(f)(x)));
}

TEST(Windows, StridesPaddingAndDilation) {
  const Array image = values({2, 9, 12, 5}), planes = values({2, 3, 20, 40}, 1);
  check_window(image, {{1, 2, 2, 1}, {1, 2, 2, 1}});
  check_window(image, {{1, 3, 3, 1}, {1, 1, 1, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}});
  check_window(image, {{1, 3, 2, 1}, {1, 2, 1, 1}, {{0, 0}, {2, 0}, {0, 3}, {0, 0}}});
  check_window(image, {{2, 2, 1, 2}, {1, 1, 1, 1}, {}, {}, {1, 3, 1, 2}});
  check_window(image, {{1, 9, 12, 1}});
  check_window(planes, {{1, 1, 2, 2}, {1, 1, 2, 2}});
  check_window(planes, {{1, 1, 3, 3}, {1, 1, 2, 2}, {{0, 0}, {0, 0}, {1, 1}, {1, 1}}});
  check_window(planes, {{1, 1, 7, 7}, {1, 1, 1, 1}, {{0, 0}, {0, 0}, {3, 3}, {3, 3}}, {}, {1, 1, 2, 2}});
  check_window(values({300}), {{5}, {1}, {{4, 0}}});
  check_window(values({3}), {{2}, {1}, {{5, 4}}});   // some windows lie in the padding
  check_window(values({6, 8}), {{2, 3}, {1, 1}, {{-1, 0}, {0, -2}}});
}

TEST(Windows, FuseWithTheirNeighbours) {
  const Array x = values({2, 16, 16, 8}), b = values({8}, 1);
  const Window two{{1, 2, 2, 1}, {1, 2, 2, 1}}, three{{1, 3, 3, 1}, {1, 1, 1, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}};
  const auto pool = [=](const Array& a, const Array& c) { return tanh(reduce_window_max(maximum(a + c, 0.f), two)) * 2.f; };
  check_function(pool, x, b);
  EXPECT_EQ(steps(make_jaxpr(pool)(x, b)), 1);
  check_function([=](const Array& a, const Array& c) { return reduce_window_sum(exp(a) * c, three) / 9.f - a; }, x, b);
  check_function([=](const Array& a) { return sum(reduce_window_max(sin(a), three), {1, 2}); }, x);
  check_function([=](const Array& a) { return reduce_window_sum(transpose(a, {0, 3, 1, 2}), {{1, 1, 2, 2}, {1, 1, 1, 1}}); }, x);
  check_function(grad([=](const Array& a) { return sum(square(reduce_window_sum(tanh(a), three))); }), x);
  check_function(grad([=](const Array& a) { return sum(square(reduce_window_max(tanh(a), two))); }), x);
}

TEST(Windows, Types) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, i32, i64, u8, u32, u64})
    check_window(astype(reshape(arange(7 * 40), {7, 40}) % Array(6), d), {{2, 3}, {1, 2}, {{1, 0}, {1, 1}}});
}

TEST(Windows, NotANumberStays) {
  check_window(array<float>({1, 5, NAN, 2, INFINITY, -INFINITY, 3}), {{3}, {1}, {{1, 1}}});
}

}  // namespace
}  // namespace tf2jax
