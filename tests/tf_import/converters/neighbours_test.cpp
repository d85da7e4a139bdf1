// Dilation and positions of maxima, by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;
using List = std::vector<std::int64_t>;

const Array kImage = reshape(array<float>({1, 5, 2, 3, 0, 4, 7, 6, 8}), {1, 3, 3, 1});

TEST(Neighbours, DilationIsTheLargestSum) {
  const Array filter = reshape(array<float>({0, 1, 0, 0}), {2, 2, 1});
  EXPECT_EQ(floats_of(call_node(
                "Dilation2D", {argument(kImage), argument(filter)},
                {{"strides", List{1, 1, 1, 1}}, {"rates", List{1, 1, 1, 1}}, {"padding", std::string("VALID")}})),
            (Floats{6, 5, 7, 8}));
}

TEST(Neighbours, MaximaAndWhereTheyStand) {
  const auto pool = [](const std::string& padding) {
    return call_node("MaxPoolWithArgmax", {argument(kImage)},
                     {{"ksize", List{1, 2, 2, 1}},
                      {"strides", List{1, 2, 2, 1}},
                      {"padding", padding},
                      {"Targmax", i32},
                      {"include_batch_in_index", false}},
                     true, {"y:0", "y:1"});
  };
  const Tree valid = pool("VALID"), same = pool("SAME");
  EXPECT_EQ(Array(valid["y:0"]).to_vector<float>(), (Floats{5}));
  EXPECT_EQ(Array(valid["y:1"]).to_vector<int>(), (std::vector<int>{1}));
  EXPECT_EQ(Array(same["y:0"]).to_vector<float>(), (Floats{5, 4, 7, 8}));
  EXPECT_EQ(Array(same["y:1"]).to_vector<int>(), (std::vector<int>{1, 5, 6, 8}));
}

TEST(Neighbours, AWindowLargerThanTheImageIsRefused) {
  const auto call = [] {
    call_node("MaxPoolWithArgmax", {argument(kImage)},
              {{"ksize", List{1, 4, 4, 1}},
               {"strides", List{1, 1, 1, 1}},
               {"padding", std::string("VALID")},
               {"Targmax", i32},
               {"include_batch_in_index", false}},
              true, {"y:0"});
  };
  EXPECT_THROW(call(), ImportError);
}

}  // namespace
}  // namespace tf2jax
