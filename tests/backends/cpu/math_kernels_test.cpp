// Elementary functions of real and complex numbers, beside those of C++.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Real = double (*)(double);
using Complex = complex128 (*)(const complex128&);
struct Row {
  const Primitive& (*primitive)();
  Real real;
  Complex complex;
};
const Row kRows[]{{exp_p, std::exp, std::exp},       {log_p, std::log, std::log},    {sin_p, std::sin, std::sin},
                  {cos_p, std::cos, std::cos},       {tan_p, std::tan, std::tan},    {sinh_p, std::sinh, std::sinh},
                  {cosh_p, std::cosh, std::cosh},    {tanh_p, std::tanh, std::tanh}, {asin_p, std::asin, std::asin},
                  {acos_p, std::acos, std::acos},    {atan_p, std::atan, std::atan}, {asinh_p, std::asinh, std::asinh},
                  {atanh_p, std::atanh, std::atanh}, {sqrt_p, std::sqrt, std::sqrt}};

// Primitives that print an accuracy hold it as their params.
Array run(const Primitive& p, const Array& x) {
  try {
    return run_kernel(cpu::register_complex_unary_kernels, p, {x}, Accuracy{})[0];
  } catch (const InternalError&) {
    return run_kernel(cpu::register_complex_unary_kernels, p, {x})[0];
  }
}

TEST(MathKernels, RealFunctions) {
  const Array x = doubles_of({0.1, 0.5, 0.75, 0.9});
  for (const Row& r : kRows) {
    const Array y = run(r.primitive(), x);
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(y.item<double>(i), r.real(x.item<double>(i)), 1e-15 * 4) << r.primitive().name();
    const Array narrow = rules::as_dtype(x, f32), z = run(r.primitive(), narrow);
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(z.item<double>(i), r.real(narrow.item<double>(i)), 1e-6) << r.primitive().name();
  }
}

TEST(MathKernels, ComplexFunctions) {
  for (const Row& r : kRows)
    for (const complex128 z : {complex128(0.5, 0.25), complex128(-1.5, 2), complex128(0.1, -0.9)}) {
      const complex128 got = run(r.primitive(), rules::scalar_of(c128, Array(z))).item<complex128>();
      const complex128 at = rules::scalar_of(c128, Array(z)).item<complex128>(), want = r.complex(at);
      EXPECT_LT(std::abs(got - want), 1e-14 * std::max(1.0, std::abs(want))) << r.primitive().name() << ' ' << z;
    }
}

TEST(MathKernels, LongOnesAreDoneByEveryThread) {
  const Array x = counted(kMany, 10), y = run(exp_p(), x);
  const auto got = y.to_vector<float>();
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], std::exp(static_cast<float>(i % 10)), 2e-3f) << i;
}

TEST(MathKernels, PartsOfComplexNumbers) {
  const Array z = complex(array<float>({3}), array<float>({-4}));
  EXPECT_EQ(run(abs_p(), z).item<float>(0), 5);
  EXPECT_EQ(run(real_p(), z).item<float>(0), 3);
  EXPECT_EQ(run(imag_p(), z).item<float>(0), -4);
}

}  // namespace
}  // namespace tf2jax
