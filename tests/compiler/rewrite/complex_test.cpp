// Compiled complex programs against the interpreter, and what they consist of.
#include "check_program.h"

using namespace tf2jax;

namespace {

Array complex_values(const Shape& shape, int seed) { return complex(values(shape, seed), values(shape, seed + 100)); }

TEST(Complex, Arithmetic) {
  const Array z = complex_values({5, 7}, 1), w = complex_values({5, 7}, 2);
  check_function([](const Array& a, const Array& b) { return a * b + conj(a) - 2.f * b; }, z, w);
  check_function(
      [](const Array& a, const Array& b) {
        return std::tuple{real(a * b), imag(square(a)), -a, a * real(b), integer_pow(a, 3)};
      },
      z, w);
  check_function(
      [](const Array& a, const Array& b) { return std::tuple{exp(a), a == b, a != b, where(real(a) > 0.f, a, b)}; }, z,
      w);
  check_function(
      [](const Array& a) { return convert_element_type(convert_element_type(a, DType::c128) * a, DType::c64); }, z);
  check_function([](const Array& a) { return complex(a, square(a)) * complex(a, a); }, values({40}, 3));
  check_function(
      [](const Array& a) { return std::tuple{complex(a, a), complex(a, -a), complex(-a, a), complex(a, a)}; },
      values({40}, 3));
}

TEST(Complex, Movements) {
  const Array z = complex_values({4, 6}, 1);
  check_function(
      [](const Array& a) {
        return std::tuple{transpose(a) * 2.f, reshape(a, {3, 8}) + a(0, 0), flip(a, {1}) * a,
                          concatenate({a, a * a}, 0)};
      },
      z);
  check_function([](const Array& a) { return sum(a * conj(a), {1}); }, z);
  check_function([](const Array& a) { return a(slice(1, 3), all) * broadcast_to(sum(a, {0}), {2, 6}); }, z);
  check_function([](const Array& a) { return std::tuple{a, transpose(a), reshape(a, {24})}; }, z);
}

TEST(Complex, ChainsBecomeOneLoop) {
  const Array z = complex_values({64}, 1);
  const auto f = [](const Array& a) { return exp(a * a + 1.f) * conj(a); };
  EXPECT_EQ(steps(make_jaxpr(f)(z)), 1);
}

TEST(Complex, ProductsAndCallsBetweenLoops) {
  const Array a = complex_values({6, 9}, 1), b = complex_values({9, 4}, 2);
  check_function([](const Array& x, const Array& y) { return matmul(x * 2.f, y) + 1.f; }, a, b);
  check_function([](const Array& x) { return log(x * x) * sqrt(x) / (x + 3.f); },
                 a);  // calls of eager kernels among loops
  check_function([](const Array& x) { return abs(x * x); }, a);
}

TEST(Complex, LoopsAndGradients) {
  const Array z = complex_values({8}, 1);
  check_function(
      [](const Array& c) {
        return scan([](const Array& s, const Array& x) { return std::pair{s * x * 0.5f + 1.f, s}; }, c(0), c);
      },
      z);
  check_function(grad([](const Array& x) { return real(sum(exp(complex(x, 2.f * x)) * complex(x, -x))); }),
                 values({9}, 3));
}

}  // namespace
