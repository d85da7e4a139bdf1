// vmap: axes, sizes and messages.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

using namespace tf2jax;

TEST(Vmap, MapsTheGivenAxesAndPlacesOutputs) {
  const Array x = reshape(arange(6), {2, 3}), y = arange(2);
  auto f = [](const Array& a, const Array& b) { return a + b; };
  const Array out = vmap(f, {.in_axes = {1, none}})(x, y);  // over columns: [3, 2]
  EXPECT_EQ(out.dims(), (Dims{3, 2}));
  EXPECT_EQ(out.to_vector<int>(), (std::vector<int>{0, 4, 1, 5, 2, 6}));
  EXPECT_EQ(vmap(f, {.in_axes = {-1, none}, .out_axes = {1}})(x, y).to_vector<int>(),
            (std::vector<int>{0, 1, 2, 4, 5, 6}));
}

TEST(Vmap, NestedMapsMakeAnOuterProduct) {
  auto product = [](const Array& a, const Array& b) { return a * b; };
  auto table = vmap([&](const Array& a, const Array& bs) { return vmap(product, {.in_axes = {none, 0}})(a, bs); },
                    {.in_axes = {0, none}});
  EXPECT_EQ(table(arange(3), arange(2)).to_vector<int>(), (std::vector<int>{0, 0, 0, 1, 0, 2}));
}

TEST(Vmap, UnmappedOutputsAreRepeated) {
  EXPECT_EQ(vmap([](const Array&) { return Array(7); })(arange(3)).to_vector<int>(), (std::vector<int>{7, 7, 7}));
}

TEST(Vmap, InconsistentSizesAreExplained) {
  try {
    vmap([](const Array& a, const Array& b) { return sum(a) + sum(b); })(ones({3}), ones({4}));
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("vmap got inconsistent sizes for array axes to be mapped"), std::string::npos);
  }
}

TEST(Vmap, NothingMappedIsAnErrorUnlessTheSizeIsGiven) {
  auto f = [](const Array& a) { return a; };
  EXPECT_THROW(vmap(f, {.in_axes = {none}})(ones({2})), ValueError);
  EXPECT_EQ(vmap(f, {.in_axes = {none}, .axis_size = 3})(ones({2})).dims(), (Dims{3, 2}));
}

TEST(Vmap, AxisOutOfRangeNamesTheRank) {
  EXPECT_THROW(vmap([](const Array& a) { return a; }, {.in_axes = {2}})(ones({2, 2})), ValueError);
  EXPECT_THROW(vmap([](const Array& a) { return a; })(Array(1.f)), ValueError);
}

struct Pair {
  Array a, b;
};

TEST(Vmap, PerLeafAxes) {
  const Pair p{reshape(arange(6), {2, 3}), arange(3)};
  const Array out = vmap([](const Pair& q) { return sum(q.a) + q.b; }, {.in_axes = {AxisSpec{1, 0}}})(p);
  EXPECT_EQ(out.to_vector<int>(), (std::vector<int>{3, 6, 9}));
}
