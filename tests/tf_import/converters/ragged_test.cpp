// Ragged tensors: values by hand, and sizes that files only claim.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <limits>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Attributes = std::map<std::string, AttributeValue>;
using Integers = std::vector<std::int64_t>;

class Ragged : public ::testing::Test {
 protected:
  static Array vector(const Integers& v) { return from_span<std::int64_t>(v, {std::ssize(v)}); }
  static Tree range(const Integers& starts, const Integers& limits, const Integers& deltas) {
    return call_node("RaggedRange", {fixed(vector(starts)), fixed(vector(limits)), fixed(vector(deltas))},
                     {{"T", i64}, {"Tsplits", i64}}, true, {"y:0", "y:1"});
  }
  static Tree gather(const Integers& splits) {
    const Attributes ranks{{"PARAMS_RAGGED_RANK", std::int64_t{1}}, {"OUTPUT_RAGGED_RANK", std::int64_t{1}}};
    return call_node("RaggedGather", {fixed(vector(splits)), argument(array<float>({1, 2, 3})), fixed(vector({1, 0}))},
                     ranks, true, {"y:0", "y:1"});
  }

 private:
  ConfigScope x64_ = override_config(&Config::enable_x64, true);
};

}  // namespace

TEST_F(Ragged, RangesGoEitherWay) {
  const Tree y = range({0, 5}, {3, 1}, {1, -2});
  EXPECT_EQ(y["y:0"].array().to_vector<std::int64_t>(), (Integers{0, 3, 5}));
  EXPECT_EQ(y["y:1"].array().to_vector<std::int64_t>(), (Integers{0, 1, 2, 5, 3}));
}

TEST_F(Ragged, RangesAreBounded) {
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min(),
                 kHighest = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(range({5}, {kLowest}, {-1}), Error);
  EXPECT_THROW(range({kLowest}, {kHighest}, {1}), Error);
  EXPECT_THROW(range({0}, {kHighest}, {1}), Error);
  EXPECT_EQ(range({kLowest}, {kHighest}, {kHighest})["y:1"].array().size(), 3);
  EXPECT_EQ(range({kHighest}, {kLowest}, {kLowest})["y:1"].array().size(), 2);
}

TEST_F(Ragged, RowsAreGathered) {
  EXPECT_EQ(gather({0, 2, 3})["y:1"].array().to_vector<float>(), (std::vector<float>{3, 1, 2}));
}

TEST_F(Ragged, SplitsStayWithinTheValues) {
  EXPECT_THROW(gather({0, 2, 4}), Error);
  EXPECT_THROW(gather({0, 2, std::int64_t{1} << 62}), Error);
  EXPECT_THROW(
      call_node("RaggedTensorToSparse", {fixed(vector({0, std::int64_t{1} << 40})), argument(array<float>({1, 2}))},
                {{"RAGGED_RANK", std::int64_t{1}}}, true, {"y:0"}),
      Error);
}

// A file of some bytes may not ask for a million rows.
TEST_F(Ragged, SplitsHaveTheRowsThatAreThere) {
  const auto sparse = [&](const Integers& splits, const Integers& inner) {
    return call_node("RaggedTensorToSparse",
                     {fixed(vector(splits)), fixed(vector(inner)), argument(array<float>({1, 2, 3}))},
                     {{"RAGGED_RANK", std::int64_t{2}}, {"Tsplits", i64}}, true, {"y:0", "y:2"});
  };
  EXPECT_EQ(sparse({0, 2}, {0, 2, 3})["y:2"].array().to_vector<std::int64_t>(), (Integers{1, 2, 2}));
  expect_error<ImportError>([&] { sparse({0, 4194307}, {0, 2, 3}); }, "the splits have more rows than there are");
  expect_error<ImportError>([&] { sparse({0, 2}, {0, 2, 4194307}); }, "the splits have more rows than there are");
  expect_error<ImportError>([&] { sparse({0, 2}, {0, 1, 2}); }, "there must be 2 values");
}

}  // namespace tf2jax
