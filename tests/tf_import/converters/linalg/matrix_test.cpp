// Bands and diagonals of matrices.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../../support.h"
#include "../../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array square = array<float>({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
const std::map<std::string, AttributeValue> kAlign{{"align", std::string("RIGHT_LEFT")}};

TEST(MatrixOps, BandsKeepSomeDiagonals) {
  const auto band = [](int lower, int upper) {
    return floats_of(
        call_node("MatrixBandPart", {argument(square), fixed(array<int>(lower)), fixed(array<int>(upper))}, {}));
  };
  EXPECT_EQ(band(0, 0), (Floats{1, 0, 0, 0, 5, 0, 0, 0, 9}));
  EXPECT_EQ(band(-1, 0), (Floats{1, 0, 0, 4, 5, 0, 7, 8, 9}));
  EXPECT_EQ(band(1, -1), (Floats{1, 2, 3, 4, 5, 6, 0, 8, 9}));
}

TEST(MatrixOps, DiagonalsBecomeMatrices) {
  const Array v = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(floats_of(call_node("MatrixDiag", {argument(v)}, {})), (Floats{1, 0, 0, 2, 3, 0, 0, 4}));
  const auto at = [](int k) {
    return floats_of(call_node("MatrixDiagV3",
                               {argument(array<float>({1, 2})), fixed(array<int>(k)), fixed(array<int>(-1)),
                                fixed(array<int>(-1)), fixed(array<float>(7))},
                               kAlign));
  };
  EXPECT_EQ(at(0), (Floats{1, 7, 7, 2}));
  EXPECT_EQ(at(1), (Floats{7, 1, 7, 7, 7, 2, 7, 7, 7}));
  EXPECT_EQ(at(-1), (Floats{7, 7, 7, 1, 7, 7, 7, 2, 7}));
}

TEST(MatrixOps, DiagonalsAreReplacedAndRead) {
  EXPECT_EQ(floats_of(call_node("MatrixSetDiag", {argument(square), argument(array<float>({10, 20, 30}))}, {})),
            (Floats{10, 2, 3, 4, 20, 6, 7, 8, 30}));
  EXPECT_EQ(floats_of(call_node("MatrixSetDiagV3",
                                {argument(square), argument(array<float>({10, 20})), fixed(array<int>(1))}, kAlign)),
            (Floats{1, 10, 3, 4, 5, 20, 7, 8, 9}));
  EXPECT_EQ(floats_of(call_node("MatrixSetDiagV3",
                                {argument(square), argument(array<float>({10, 20})), fixed(array<int>(-1))}, kAlign)),
            (Floats{1, 2, 3, 10, 5, 6, 7, 20, 9}));
  EXPECT_EQ(floats_of(call_node("MatrixDiagPart", {argument(array<float>({{1, 2, 3}, {4, 5, 6}}))}, {})),
            (Floats{1, 5}));
}

TEST(MatrixOps, CrossProducts) {
  const Array x = array<float>({{1, 0, 0}, {1, 2, 3}}), y = array<float>({{0, 1, 0}, {4, 5, 6}});
  EXPECT_EQ(floats_of(call_node("Cross", {argument(x), argument(y)}, {})), (Floats{0, 0, 1, -3, 6, -3}));
}

TEST(MatrixOps, WhatIsRefused) {
  expect_error<ImportError>(
      [] { call_node("MatrixBandPart", {argument(ones({3})), fixed(array<int>(0)), fixed(array<int>(0))}, {}); },
      "rank 2");
  expect_error<ImportError>([] { call_node("Cross", {argument(ones({2})), argument(ones({2}))}, {}); },
                            "vectors of 3 elements");
  expect_error<ImportError>([] { call_node("MatrixSetDiag", {argument(square), argument(ones({2}))}, {}); },
                            "Incompatible inputs shape");
}

}  // namespace
}  // namespace tf2jax
