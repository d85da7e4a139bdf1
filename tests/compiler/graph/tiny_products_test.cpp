// Products of tiny matrices as loops, against loops written here.
#include <cmath>
#include <limits>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(SmallProducts, WithoutASumJoinTheirReaders) {
  const Array a = values({7}), b = values({9}, 1), c = values({7, 9}, 2), s = values({3, 7}, 3), t = values({3, 9}, 4);
  const auto update = [](const Array& a, const Array& b, const Array& c) {
    return c - 0.1f * matmul(reshape(a, {7, 1}), reshape(b, {1, 9}));
  };
  EXPECT_EQ(steps(make_jaxpr(update)(a, b, c)), 1);
  const Array got = jit(update)(a, b, c);
  for (std::int64_t i = 0; i < 7; ++i)
    for (std::int64_t j = 0; j < 9; ++j)
      EXPECT_NEAR(got.item<float>(i, j), c.item<float>(i, j) - 0.1f * a.item<float>(i) * b.item<float>(j), 1e-6);
  const auto batch = vmap([](const Array& x, const Array& y) { return outer(x, y); });
  EXPECT_EQ(steps(make_jaxpr(batch)(s, t)), 1);
  const Array each = jit(batch)(s, t);
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t i = 0; i < 7; ++i)
      for (std::int64_t j = 0; j < 9; ++j)
        EXPECT_EQ(each.item<float>(n, i, j), s.item<float>(n, i) * t.item<float>(n, j));
  check_function(batch, astype(s, bf16), astype(t, bf16));
}

TEST(SmallProducts, OfTinyMatricesAreLoops) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& [batch, m, n, k] : {std::tuple{1, 3, 3, 3},
                                       {50, 4, 4, 4},
                                       {7, 12, 5, 9},
                                       {9, 4, 1, 4},
                                       {3, 1, 12, 7},
                                       {1, 100, 3, 4},
                                       {2, 4, 70, 2}})
    for (const DType dtype : {f32, f64}) {
      const Array a = astype(values({batch, m, k}), dtype), b = astype(values({batch, k, n}, 1), dtype);
      const auto f = [](const Array& x, const Array& y) { return matmul(x, y) + 1.f; };
      EXPECT_EQ(steps(make_jaxpr(f)(a, b)), 1) << m << " " << n << " " << k;
      const auto got = jit(f)(a, b).to_vector<double>(), x = a.to_vector<double>(), y = b.to_vector<double>();
      for (std::size_t i = 0; i < got.size(); ++i) {
        const auto row = i / static_cast<std::size_t>(n), column = i % static_cast<std::size_t>(n),
                   entry = row / static_cast<std::size_t>(m), depth = static_cast<std::size_t>(k);
        double sum = 1;
        for (std::size_t q = 0; q < depth; ++q)
          sum += x[row * depth + q] * y[(entry * depth + q) * static_cast<std::size_t>(n) + column];
        ASSERT_NEAR(got[i], sum, dtype == f64 ? 1e-13 : 1e-5) << m << " " << n << " " << k;
      }
    }
}

TEST(SmallProducts, OfTinyMatricesInAnyLayout) {
  const Array a = values({5, 2, 3, 4}), b = values({4, 5, 3, 6}, 1);
  // einsum abcd,dace->aeb with a as batch, and its gradients.
  const auto f = [](const Array& x, const Array& y) {
    return dot_general(x, y, {.lhs_contract = {2, 3}, .rhs_contract = {2, 0}, .lhs_batch = {0}, .rhs_batch = {1}});
  };
  check_function(f, a, b);
  check_function(grad<0, 1>([&](const Array& x, const Array& y) { return sum(sin(f(x, y))); }), a, b);
  const auto chain = [](const Array& x) {  // forward kinematics: rotations one after another
    Array pose = eye(3);
    for (std::int64_t i = 0; i < 4; ++i) pose = matmul(pose, x(i));
    return pose;
  };
  check_function(vmap(chain), values({20, 4, 3, 3}));
  check_function(grad([&](const Array& x) { return sum(sin(vmap(chain)(x))); }), values({20, 4, 3, 3}));
  const float inf = std::numeric_limits<float>::infinity();
  const Array odd = array<float>({{0, inf, 1}, {-inf, 2, 0}, {NAN, 1, 1}});
  check_function([](const Array& x, const Array& y) { return std::pair(matmul(x, y), matmul(y, x)); }, odd,
                 array<float>({{0, 0, 1}, {1, 0, 2}, {0, 3, 4}}));
}

}  // namespace
}  // namespace tf2jax
