// Statistics of data with gaps, by hand.
#include "tf2jax/ops/statistics.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;
const Array kRows = array<float>({{3, NAN, 1}, {-2, 5, 4}});

TEST(Statistics, LeaveNanOut) {
  EXPECT_EQ(nansum(kRows, 1).to_vector<float>(), (Floats{4, 7}));
  EXPECT_EQ(nanprod(kRows, 1).to_vector<float>(), (Floats{3, -40}));
  EXPECT_EQ(nanmax(kRows, 0).to_vector<float>(), (Floats{3, 5, 4}));
  EXPECT_EQ(nanmin(kRows, 1, keepdims).dims(), (Dims{2, 1}));
  EXPECT_EQ(nanmean(kRows, 1).to_vector<float>(), (Floats{2, 7.f / 3}));
  EXPECT_EQ(nansum(array<std::int8_t>({100, 100})).item<int>(), 200);
  EXPECT_EQ(nanmax(array<int>({3, 9})).item<int>(), 9);
}

TEST(Statistics, OfNothingAreNan) {
  const Array none = array<float>({NAN, NAN});
  for (const Array& y : {nanmax(none), nanmin(none), nanmean(none)}) EXPECT_TRUE(std::isnan(y.item<float>()));
  EXPECT_EQ(nansum(none).item<float>(), 0);
}

TEST(Statistics, MediansOfOddAndEvenCounts) {
  EXPECT_EQ(median(array<float>({5, 1, 3})).item<float>(), 3);
  EXPECT_EQ(median(array<int>({5, 1, 3, 4})).item<float>(), 3.5f);
  const Array y = median(kRows, 1);
  EXPECT_TRUE(std::isnan(y.to_vector<float>()[0]));
  EXPECT_EQ(y.to_vector<float>()[1], 4);
  EXPECT_EQ(median(reshape(arange(24), {2, 3, 4}), {0, 2}, keepdims).dims(), (Dims{1, 3, 1}));
  EXPECT_EQ(median(reshape(arange(24) * 1.f, {2, 3, 4}), {0, 2}).to_vector<float>(), (Floats{7.5f, 11.5f, 15.5f}));
  EXPECT_EQ(grad([](const Array& v) { return median(v); })(array<float>({5, 1, 3, 4})).to_vector<float>(),
            (Floats{0, 0, 0.5f, 0.5f}));
  expect_error<ValueError>([] { median(zeros({0})); }, "no middle of no elements");
}

TEST(Statistics, NonzeroElementsAreCounted) {
  EXPECT_EQ(count_nonzero(array<float>({{0, 2}, {3, 4}}), 1).to_vector<int>(), (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace tf2jax
