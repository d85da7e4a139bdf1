// Reversed parts, sums of logarithms, ranks: by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Sequence, OnlyTheFirstElementsTurnRound) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(floats_of(call_node("ReverseSequence", {argument(x), argument(array<int>({2, 0}))},
                                {{"seq_dim", std::int64_t{1}}, {"batch_dim", std::int64_t{0}}})),
            (Floats{2, 1, 3, 4, 5, 6}));
  EXPECT_EQ(floats_of(call_node("ReverseSequence", {argument(x), argument(array<int>({1, 2, 2}))},
                                {{"seq_dim", std::int64_t{0}}, {"batch_dim", std::int64_t{1}}})),
            (Floats{1, 5, 6, 4, 2, 3}));
  const auto same = [&] {
    call_node("ReverseSequence", {argument(x), argument(array<int>({1, 1}))},
              {{"seq_dim", std::int64_t{0}}, {"batch_dim", std::int64_t{0}}});
  };
  EXPECT_THAT(message_of<ImportError>(same), ::testing::HasSubstr("the same axis"));
}

TEST(Sequence, LogarithmsOfRunningSums) {
  const Array x = array<float>({0, 0, 0});
  const auto run = [&](bool exclusive, bool reverse) {
    return floats_of(call_node("CumulativeLogsumexp", {argument(x), fixed(array<int>(0))},
                               {{"exclusive", exclusive}, {"reverse", reverse}}));
  };
  const float inf = std::numeric_limits<float>::infinity(), two = std::log(2.f), three = std::log(3.f);
  EXPECT_THAT(run(false, false), ::testing::Pointwise(::testing::FloatEq(), Floats{0, two, three}));
  EXPECT_THAT(run(true, false), ::testing::Pointwise(::testing::FloatEq(), Floats{-inf, 0, two}));
  EXPECT_THAT(run(true, true), ::testing::Pointwise(::testing::FloatEq(), Floats{two, 0, -inf}));
}

TEST(Sequence, TiesCountForTheTarget) {
  const Array predictions = array<float>({{1, 2, 2}, {3, 1, 2}, {1, 1, std::numeric_limits<float>::infinity()}});
  const Array y =
      call_node("InTopKV2", {argument(predictions), argument(array<int>({2, 1, 0})), fixed(array<int>(1))}, {});
  EXPECT_EQ(y.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{1, 0, 0}));
}

TEST(Sequence, TheNthSmallestOrLargest) {
  const Array x = array<float>({{5, 1, 3}, {2, 9, 4}});
  EXPECT_EQ(floats_of(call_node("NthElement", {argument(x), fixed(array<int>(0))}, {{"reverse", false}})),
            (Floats{1, 2}));
  EXPECT_EQ(floats_of(call_node("NthElement", {argument(x), fixed(array<int>(0))}, {{"reverse", true}})),
            (Floats{5, 9}));
}

TEST(Sequence, FlagsSayWhichAxesTurnRound) {
  const Array x = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(floats_of(call_node("Reverse", {argument(x), fixed(array<int>({0, 1}))}, {})), (Floats{2, 1, 4, 3}));
}

}  // namespace
}  // namespace tf2jax
