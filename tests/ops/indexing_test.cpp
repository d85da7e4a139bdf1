// Updates by subscript: x.at(…).set(…) and its kin, against what NumPy's assignment does.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

using Floats = std::vector<float>;
Array grid() { return array<float>({{1, 2, 3}, {4, 5, 6}}); }

TEST(IndexedUpdate, WindowsOfIntegersAndRanges) {
  EXPECT_EQ(grid().at(0, 2).set(9.f).to_vector<float>(), (Floats{1, 2, 9, 4, 5, 6}));
  EXPECT_EQ(grid().at(-1).set(array<float>({7, 8, 9})).to_vector<float>(), (Floats{1, 2, 3, 7, 8, 9}));
  EXPECT_EQ(grid().at(all, slice(1, {})).add(10.f).to_vector<float>(), (Floats{1, 12, 13, 4, 15, 16}));
  EXPECT_EQ(grid().at(ellipsis, 0).multiply(array<float>({2, 3})).to_vector<float>(), (Floats{2, 2, 3, 12, 5, 6}));
}

TEST(IndexedUpdate, OtherSubscripts) {
  EXPECT_EQ(grid().at(all, slice({}, {}, 2)).set(0.f).to_vector<float>(), (Floats{0, 2, 0, 0, 5, 0}));
  EXPECT_EQ(grid().at(0, slice({}, {}, -1)).set(array<float>({7, 8, 9})).to_vector<float>(), (Floats{9, 8, 7, 4, 5, 6}));
  EXPECT_EQ(grid().at(all, array<int>({2, 0, 2})).add(1.f).to_vector<float>(), (Floats{2, 2, 5, 5, 5, 8}));
  EXPECT_EQ(grid().at(1).min(5.f).to_vector<float>(), (Floats{1, 2, 3, 4, 5, 5}));
  EXPECT_EQ(grid().at(1).max(5.f).to_vector<float>(), (Floats{1, 2, 3, 5, 5, 6}));
}

TEST(IndexedUpdate, ScalarArraysCountFromTheEndAndAreDroppedOutOfRange) {
  const auto set = jit([](const Array& x, const Array& i) { return x.at(all, i).set(array<float>({8, 9})); });
  for (const auto& f : {std::function<Array(const Array&, const Array&)>(set), std::function<Array(const Array&, const Array&)>([](const Array& x, const Array& i) { return x.at(all, i).set(array<float>({8, 9})); })}) {
    EXPECT_EQ(f(grid(), Array(1)).to_vector<float>(), (Floats{1, 8, 3, 4, 9, 6}));
    EXPECT_EQ(f(grid(), Array(-1)).to_vector<float>(), (Floats{1, 2, 8, 4, 5, 9}));
    EXPECT_EQ(f(grid(), Array(3)).to_vector<float>(), (Floats{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(f(grid(), Array(-4)).to_vector<float>(), (Floats{1, 2, 3, 4, 5, 6}));
  }
}

TEST(IndexedUpdate, SmallIndexTypesReachFurtherThanTheirRange) {
  const Array x = zeros({300});
  EXPECT_EQ(x.at(array<std::int8_t>(-1)).set(1.f)(299).item<float>(), 1.f);
  EXPECT_EQ(x.at(array<std::uint8_t>(200)).set(1.f)(200).item<float>(), 1.f);
}

TEST(IndexedUpdate, GradientsReachTheOperandOutsideAndTheUpdateInside) {
  const Array weight = array<float>({1, 2, 3, 4});
  const auto [dx, dv] = grad<0, 1>([&](const Array& x, const Array& v) { return sum(weight * x.at(Array(2)).set(v)); })(zeros({4}), Array(0.f));
  EXPECT_EQ(dx.to_vector<float>(), (Floats{1, 2, 0, 4}));
  EXPECT_EQ(dv.item<float>(), 3.f);
  const auto [ex, ev] = grad<0, 1>([&](const Array& x, const Array& v) { return sum(weight * x.at(Array(7)).set(v)); })(zeros({4}), Array(0.f));
  EXPECT_EQ(ex.to_vector<float>(), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(ev.item<float>(), 0.f);
}

TEST(IndexedUpdate, EachExampleHasItsOwnIndex) {
  const auto f = [](const Array& x, const Array& i) { return x.at(i).add(5.f); };
  EXPECT_EQ(vmap(f)(grid(), array<int>({2, -3})).to_vector<float>(), (Floats{1, 2, 8, 9, 5, 6}));
}

}  // namespace
}  // namespace tf2jax
