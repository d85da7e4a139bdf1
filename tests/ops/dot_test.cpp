// Contractions: values by hand, by loops, and the rules of shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

Array counted(const Dims& dims) {
  Floats v(static_cast<std::size_t>(num_elements(dims)));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i % 7) - 3;
  return from_span<float>(v, dims);
}

TEST(DotGeneral, ContractsInEveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i16, i32, i64, u8, u32, f16, bf16, f32, f64, c64, c128}) {
    const Array x = astype(array<float>({{1, 2}, {3, 4}}), d), y = astype(array<float>({{5, 6}, {7, 8}}), d);
    const Array z = dot_general(x, y, {{1}, {0}, {}, {}});
    EXPECT_EQ(z.dtype(), d);
    EXPECT_EQ(z.to_vector<float>(), (Floats{19, 22, 43, 50})) << short_name(d);
  }
}

TEST(DotGeneral, ComplexNumbersAreNotConjugated) {
  const Array i = complex(zeros({1}), ones({1}));
  EXPECT_EQ(dot(i, i).item<complex64>(), complex64(-1, 0));
}

TEST(DotGeneral, BatchAxesComeFirstThenFreeOnes) {
  const Array x = counted({2, 3, 4}), y = counted({5, 2, 4});
  const Array z = dot_general(x, y, {{2}, {2}, {0}, {1}});
  ASSERT_EQ(z.dims(), (Dims{2, 3, 5}));
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 5; ++j) {
        float want = 0;
        for (int k = 0; k < 4; ++k) want += x.item<float>(b, i, k) * y.item<float>(j, b, k);
        EXPECT_EQ(z.item<float>(b, i, j), want);
      }
}

TEST(DotGeneral, EmptySumsAreZeroAndEmptyResultsEmpty) {
  EXPECT_EQ(matmul(ones({2, 0}), ones({0, 3})).to_vector<float>(), Floats(6, 0.f));
  EXPECT_EQ(matmul(ones({0, 2}), ones({2, 3})).dims(), (Dims{0, 3}));
  EXPECT_EQ(matmul(ones({1, 1}), full({1, 1}, 3.f)).item<float>(0, 0), 3);
}

TEST(DotGeneral, AWiderResultKeepsWhatWouldOverflow) {
  const Array x = array<std::int8_t>({100, 100});
  EXPECT_EQ(dot_general(x, x, {{0}, {0}, {}, {}}, i32).item<int>(), 20000);
  EXPECT_EQ(dot_general(x, x, {{0}, {0}, {}, {}}).item<int>(), 20000 - 78 * 256);
}

TEST(DotGeneral, SymbolicSizesAreKept) {
  const Dim b = Dim::variable("b");
  const Avals out =
      eval_shape([](const Array& x, const Array& y) { return matmul(x, y); }, spec(f32, {b, 3}), spec(f32, {3, 4}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 4}));
}

TEST(DotGeneral, TransposesContractWithTheOtherOperand) {
  const Array x = counted({2, 3}), y = counted({3, 2}), weight = array<float>({{1, 2}, {3, 4}});
  const auto [dx, dy] = grad<0, 1>([&](const Array& a, const Array& b) { return sum(matmul(a, b) * weight); })(x, y);
  EXPECT_EQ(dx.to_vector<float>(), matmul(weight, transpose(y)).to_vector<float>());
  EXPECT_EQ(dy.to_vector<float>(), matmul(transpose(x), weight).to_vector<float>());
}

TEST(DotGeneral, MappedOperandsBecomeBatchAxes) {
  const Array x = counted({4, 2, 3}), y = counted({3, 4, 5});
  const Array z = vmap([](const Array& a, const Array& b) { return matmul(a, b); }, {.in_axes = {0, 1}})(x, y);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(z[i].to_vector<float>(), matmul(x[i], y(all, i)).to_vector<float>());
}

TEST(Matmul, VectorsAndBroadcastBatches) {
  const Array v = array<float>({1, 2}), m = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(matmul(v, v).item<float>(), 5);
  EXPECT_EQ(matmul(m, v).to_vector<float>(), (Floats{5, 11}));
  EXPECT_EQ(matmul(v, m).to_vector<float>(), (Floats{7, 10}));
  EXPECT_EQ(matmul(ones({3, 1, 2, 2}), ones({4, 2, 5})).dims(), (Dims{3, 4, 2, 5}));
  EXPECT_EQ(matmul(m, array<int>({1, 2})).dtype(), f32);
}

TEST(Tensordot, AndOuterProducts) {
  const Array x = counted({2, 3, 4}), y = counted({4, 3});
  const Array z = tensordot(x, y, {1, 2}, {1, 0});
  for (int i = 0; i < 2; ++i) {
    float want = 0;
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k) want += x.item<float>(i, j, k) * y.item<float>(k, j);
    EXPECT_EQ(z.item<float>(i), want);
  }
  EXPECT_EQ(outer(array<float>({1, 2}), array<float>({3, 4, 5})).to_vector<float>(), (Floats{3, 4, 5, 6, 8, 10}));
}

TEST(DotGeneral, SizesMustAgree) {
  expect_error<ShapeError>([] { dot_general(ones({2, 3}), ones({4, 5}), {{1}, {0}, {}, {}}); }, "dot_general");
  expect_error<AxisError>([] { dot_general(ones({2, 3}), ones({3, 5}), {{2}, {0}, {}, {}}); }, "dot_general");
}

TEST(DotGeneral, AxesHaveOneRole) {
  const Array x = ones({3, 3}), y = ones({3, 3});
  EXPECT_THAT(message_of<AxisError>([&] { dot_general(x, y, {{1, 1}, {0, 1}, {}, {}}); }),
              HasSubstr("lhs needs contracting dimensions to be distinct"));
  EXPECT_THAT(message_of<AxisError>([&] { dot_general(x, y, {{0, 1}, {0, 0}, {}, {}}); }),
              HasSubstr("rhs needs contracting dimensions to be distinct"));
  EXPECT_THAT(message_of<AxisError>([&] { dot_general(x, y, {{}, {}, {0, 0}, {0, 1}}); }),
              HasSubstr("lhs needs batch dimensions to be distinct"));
  EXPECT_THAT(message_of<AxisError>([&] { dot_general(x, y, {{1}, {0}, {1}, {1}}); }),
              HasSubstr("lhs needs batch dimensions to be disjoint from contracting dimensions"));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(dot_general(m, m, {{5}, {0}, {}, {}}), "dot_general"),
      ROW(dot_general(m, m, {{0, 1}, {1}, {}, {}}), "dot_general"),
      ROW(dot_general(m, m, {{1}, {0}, {}, {}}), "dot_general"),
      ROW(matmul(scalar, m), "matmul"),
      ROW(matmul(m, m), ""),
      ROW(tensordot(m, m, {0}, {3}), ""),
      ROW(tensordot(m, m, {0, 1}, {0}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Contractions, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
