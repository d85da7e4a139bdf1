// Products by the library, where it is there: values by hand.
#include <gtest/gtest.h>

#include "tf2jax/kernels/internal/matmul_problem.h"

namespace tf2jax {
namespace {

using kernels::contiguous_matmul;
using kernels::make_primitive_matmul;
using kernels::make_sgemm_matmul;
using kernels::MatmulSpec;
using kernels::simplified;

// a[i, p] = i + p, b[p, j] = p - j.
struct Operands {
  std::int64_t m, n, k;
  std::vector<float> a, b, want;
  Operands(std::int64_t m, std::int64_t n, std::int64_t k) : m(m), n(n), k(k) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t p = 0; p < k; ++p) a.push_back(static_cast<float>(i + p));
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t j = 0; j < n; ++j) b.push_back(static_cast<float>(p - j));
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t p = 0; p < k; ++p) sum += (i + p) * (p - j);
        want.push_back(static_cast<float>(sum));
      }
  }
};

TEST(LibraryMatmul, SgemmTakesRowsOrColumnsWithoutGaps) {
  const Operands o(6, 5, 7);
  const MatmulSpec s = contiguous_matmul(DType::f32, 6, 5, 7);
  const auto made = make_sgemm_matmul(simplified(s));
#ifdef TF2JAX_WITHOUT_ONEDNN
  EXPECT_EQ(made, nullptr);
#else
  ASSERT_NE(made, nullptr);
  std::vector<float> c(o.want.size(), NAN);
  made->run(o.a.data(), o.b.data(), c.data());
  EXPECT_EQ(c, o.want);
#endif
}

TEST(LibraryMatmul, SgemmRefusesOtherTypesAndLayouts) {
  MatmulSpec s = contiguous_matmul(DType::f32, 6, 5, 7);
  s.a_strides = {14, 2};
  EXPECT_EQ(make_sgemm_matmul(simplified(s)), nullptr);
  EXPECT_EQ(make_sgemm_matmul(simplified(contiguous_matmul(DType::f64, 6, 5, 7))), nullptr);
  s = contiguous_matmul(DType::f32, 6, 5, 7);
  s.bias = true;
  EXPECT_EQ(make_sgemm_matmul(simplified(s)), nullptr);
  EXPECT_EQ(make_sgemm_matmul(simplified(contiguous_matmul(DType::f32, 6, 5, 0))), nullptr);
}

TEST(LibraryMatmul, PrimitivesFuseBiasAndActivation) {
  const Operands o(16, 32, 24);
  MatmulSpec s = contiguous_matmul(DType::f32, 16, 32, 24);
  s.bias = true, s.activation = MatmulSpec::Activation::relu;
  const auto made = make_primitive_matmul(simplified(s));
  if (!made) GTEST_SKIP() << "no fast implementation";
  const std::vector<float> bias(32, 100);
  std::vector<float> c(o.want.size(), NAN);
  made->run(o.a.data(), o.b.data(), c.data(), bias.data());
  for (std::size_t i = 0; i < c.size(); ++i) EXPECT_EQ(c[i], std::max(0.f, o.want[i] + 100)) << i;
}

TEST(LibraryMatmul, PreparedOperandsGiveTheSame) {
  const Operands o(16, 32, 24);
  MatmulSpec s = contiguous_matmul(DType::f32, 16, 32, 24);
  s.prepared_b = true;
  const auto made = make_primitive_matmul(simplified(s));
  if (!made) GTEST_SKIP() << "no fast implementation";
  const void* b = o.b.data();
  std::unique_ptr<void, decltype(&std::free)> memory(nullptr, &std::free);
  if (const std::size_t bytes = made->prepared_bytes()) {
    memory.reset(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    made->prepare(b, memory.get());
    b = memory.get();
  }
  std::vector<float> c(o.want.size(), NAN);
  made->run(o.a.data(), b, c.data());
  EXPECT_EQ(c, o.want);
}

TEST(LibraryMatmul, PrimitivesRefuseDoublesAndEmptySums) {
  EXPECT_EQ(make_primitive_matmul(simplified(contiguous_matmul(DType::f64, 16, 16, 16))), nullptr);
  EXPECT_EQ(make_primitive_matmul(simplified(contiguous_matmul(DType::f32, 16, 16, 0))), nullptr);
  EXPECT_EQ(make_primitive_matmul(simplified(contiguous_matmul(DType::f32, 0, 16, 16))), nullptr);
}

}  // namespace
}  // namespace tf2jax
