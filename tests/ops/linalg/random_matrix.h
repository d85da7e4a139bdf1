// Random stacks of matrices, and how far apart two are.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {

class Factorizations : public ::testing::Test {
 protected:
  ConfigScope x64_ = override_config(&Config::enable_x64, true);
};

inline Array random_matrix(std::uint32_t seed, const Shape& shape, DType dtype = f64) {
  const Array k = random::key(seed);
  if (!is_complex(dtype)) return random::normal(k, shape, dtype);
  const Array parts = random::split(k, 2);
  return complex(random::normal(take(parts, 0, 0), shape, real_dtype(dtype)),
                 random::normal(take(parts, 1, 0), shape, real_dtype(dtype)));
}
inline double distance(const Array& a, const Array& b) {
  EXPECT_EQ(a.shape(), b.shape());
  return a.size() == 0 ? 0 : max(abs(a - b)).item<double>();
}
inline Array identity_like(const Array& a, std::int64_t n) {
  Shape shape(a.shape().begin(), a.shape().end() - 2);
  shape.push_back(n);
  shape.push_back(n);
  return broadcast_to(eye(n, {}, a.dtype()), shape);
}

inline const Shape kShapes[] = {{1, 1}, {3, 3}, {5, 3}, {3, 5}, {2, 4, 3}, {0, 3}, {3, 0}, {0, 2, 2}};
inline const DType kTypes[] = {f32, f64, c64, c128};
inline double tolerance(DType d) { return itemsize(real_dtype(d)) == 4 ? 2e-5 : 1e-12; }

}  // namespace tf2jax
