// Batches of products merged into fewer, larger ones.
#include <gtest/gtest.h>

#include <cmath>

#include "tf2jax/base/error.h"
#include "tf2jax/kernels/internal/matmul_problem.h"

namespace tf2jax {
namespace {

using kernels::apply_epilogue;
using kernels::batch_offsets;
using kernels::contiguous_matmul;
using kernels::MatmulProblem;
using kernels::MatmulSpec;
using kernels::simplified;

TEST(MatmulProblem, OneMatrixStaysAsItIs) {
  const MatmulProblem p = simplified(contiguous_matmul(DType::f32, 2, 3, 4));
  EXPECT_TRUE(p.batch.empty());
  EXPECT_EQ(p.am, 4);
  EXPECT_EQ(p.ak, 1);
  EXPECT_EQ(p.bk, 3);
  EXPECT_EQ(p.cm, 3);
  EXPECT_EQ(p.multiplications(), 24);
  EXPECT_EQ(kernels::sizes_text(p), "2x3x4");
}

TEST(MatmulProblem, ContiguousBatchesAreOneAxis) {
  const MatmulProblem p = simplified(contiguous_matmul(DType::f32, 2, 3, 4, {5, 1, 6}));
  EXPECT_EQ(p.batch, Dims{30});
  EXPECT_EQ(p.a_batch, Dims{8});
  EXPECT_EQ(p.b_batch, Dims{12});
  EXPECT_EQ(p.c_batch, Dims{6});
  EXPECT_EQ(kernels::sizes_text(p), "[30] 2x3x4");
}

TEST(MatmulProblem, ABatchWithOneRightOperandIsMoreRows) {
  MatmulSpec s = contiguous_matmul(DType::f32, 2, 3, 4, {5});
  s.b_strides[0] = 0;
  const MatmulProblem p = simplified(s);
  EXPECT_TRUE(p.batch.empty());
  EXPECT_EQ(p.m, 10);
  EXPECT_EQ(p.n, 3);
}

TEST(MatmulProblem, ABatchWithOneLeftOperandIsMoreColumnsOfTurnedResults) {
  MatmulSpec s = contiguous_matmul(DType::f32, 2, 3, 4, {5});
  s.a_strides[0] = 0;
  EXPECT_EQ(simplified(s).batch, Dims{5});  // the columns of two results do not follow one another
  s.b_strides = {12, 1, 4}, s.c_strides = {6, 1, 2};
  EXPECT_EQ(simplified(s).n, 15);
  s.bias = true;  // which would repeat
  EXPECT_EQ(simplified(s).n, 3);
}

TEST(MatmulProblem, RowsOfABatchBecomeAMatrix) {
  MatmulSpec s = contiguous_matmul(DType::f32, 1, 3, 4, {5});
  s.b_strides[0] = 0;
  s.a_strides[0] = 100;
  const MatmulProblem p = simplified(s);
  EXPECT_EQ(p.m, 5);
  EXPECT_EQ(p.am, 100);
  EXPECT_EQ(p.cm, 3);
}

TEST(MatmulProblem, TransposedTwiceIsItself) {
  const MatmulProblem p = simplified(contiguous_matmul(DType::f64, 2, 3, 4, {5})), t = p.transposed(),
                      q = t.transposed();
  EXPECT_EQ(t.m, 3);
  EXPECT_EQ(t.n, 2);
  EXPECT_EQ(t.am, p.bn);
  EXPECT_EQ(t.cm, p.cn);
  EXPECT_EQ(t.a_batch, p.b_batch);
  EXPECT_EQ(q.am, p.am);
  EXPECT_EQ(q.bn, p.bn);
  EXPECT_EQ(q.cn, p.cn);
}

TEST(MatmulProblem, OffsetsOfTheBatch) {
  MatmulSpec s = contiguous_matmul(DType::f32, 2, 3, 4, {5, 6});
  s.a_strides[0] = 1000, s.b_strides[1] = 7;
  const auto at = batch_offsets(simplified(s), 6 * 3 + 2);  // entry (3, 2)
  EXPECT_EQ(at.a, 3 * 1000 + 2 * 8);
  EXPECT_EQ(at.b, 3 * 72 + 2 * 7);
  EXPECT_EQ(at.c, (3 * 6 + 2) * 6);
}

TEST(MatmulProblem, StridesMustMatchTheBatch) {
  MatmulSpec s = contiguous_matmul(DType::f32, 2, 3, 4, {5});
  s.c_strides.pop_back();
  EXPECT_THROW(simplified(s), ValueError);
}

TEST(MatmulEpilogue, AddsTheBiasAndActivates) {
  MatmulSpec s = contiguous_matmul(DType::f64, 2, 2, 1);
  s.bias = true;
  const double bias[] = {1, -2};
  using enum MatmulSpec::Activation;
  const auto finished = [&](MatmulSpec::Activation a) {
    std::vector<double> c{0, 1, -3, 2};
    s.activation = a;
    apply_epilogue(simplified(s), c.data(), bias);
    return c;
  };
  EXPECT_EQ(finished(none), (std::vector<double>{1, -1, -2, 0}));
  EXPECT_EQ(finished(relu), (std::vector<double>{1, 0, 0, 0}));
  EXPECT_NEAR(finished(tanh)[2], std::tanh(-2.0), 1e-15);
  EXPECT_NEAR(finished(logistic)[0], 1 / (1 + std::exp(-1.0)), 1e-15);
  EXPECT_EQ(finished(gelu_tanh)[3], 0);
}

TEST(MatmulEpilogue, KeepsNaN) {
  MatmulSpec s = contiguous_matmul(DType::f32, 1, 2, 1);
  s.activation = MatmulSpec::Activation::relu;
  float c[] = {NAN, -1};
  apply_epilogue(simplified(s), c, nullptr);
  EXPECT_TRUE(std::isnan(c[0]));
  EXPECT_EQ(c[1], 0);
}

}  // namespace
}  // namespace tf2jax
