// Updates by subscript: x.at(…).set(…) and its kin, against what NumPy's assignment does.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"

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
  EXPECT_EQ(grid().at(0, slice({}, {}, -1)).set(array<float>({7, 8, 9})).to_vector<float>(),
            (Floats{9, 8, 7, 4, 5, 6}));
  EXPECT_EQ(grid().at(all, array<int>({2, 0, 2})).add(1.f).to_vector<float>(), (Floats{2, 2, 5, 5, 5, 8}));
  EXPECT_EQ(grid().at(1).min(5.f).to_vector<float>(), (Floats{1, 2, 3, 4, 5, 5}));
  EXPECT_EQ(grid().at(1).max(5.f).to_vector<float>(), (Floats{1, 2, 3, 5, 5, 6}));
}

// The values are NumPy's.
TEST(Mask, StandsForThePositionsWhereItIsTrue) {
  const Array x = grid(), columns = array<bool>({true, false, true}), some = greater(x, 2.f);
  EXPECT_EQ(x[some].to_vector<float>(), (Floats{3, 4, 5, 6}));
  EXPECT_EQ(x(all, columns).to_vector<float>(), (Floats{1, 3, 4, 6}));
  EXPECT_EQ(x(ellipsis, columns).dims(), (Dims{2, 2}));
  EXPECT_EQ(x(array<bool>({false, true}), columns.at(0).set(true)).to_vector<float>(), (Floats{4, 6}));
  EXPECT_EQ(x(newaxis, array<bool>({false, true})).dims(), (Dims{1, 1, 3}));
  EXPECT_EQ(x[array<bool>({false, false})].dims(), (Dims{0, 3}));
  EXPECT_EQ(x.at(some).set(0.f).to_vector<float>(), (Floats{1, 2, 0, 0, 0, 0}));
  EXPECT_EQ(x.at(all, columns).add(array<float>({10, 20})).to_vector<float>(), (Floats{11, 2, 23, 14, 5, 26}));
  const auto picked = [&](const Array& v) { return sum(square(v[some])); };
  EXPECT_EQ(jit(grad(picked))(x).to_vector<float>(), (Floats{0, 0, 6, 8, 10, 12}));
}

TEST(Mask, IsKnownAndFits) {
  const Array x = grid();
  expect_error<ShapeError>([&] { x[array<bool>({true, false, true})]; }, "from axis 0 on");
  expect_error<ShapeError>([&] { x(all, ones({3, 1}, DType::bool_)); }, "from axis 1 on");
  expect_error<NotImplementedError>([&] { x[Array(true)]; }, "a scalar is no mask");
  expect_error<ConcretizationError>([&] { jit([](const Array& v) { return v[greater(v, 0.f)]; })(x); }, "Use where");
}

TEST(IndexedUpdate, ScalarArraysCountFromTheEndAndAreDroppedOutOfRange) {
  const auto set = jit([](const Array& x, const Array& i) { return x.at(all, i).set(array<float>({8, 9})); });
  for (const auto& f : {std::function<Array(const Array&, const Array&)>(set),
                        std::function<Array(const Array&, const Array&)>(
                            [](const Array& x, const Array& i) { return x.at(all, i).set(array<float>({8, 9})); })}) {
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
  const auto [dx, dv] = grad<0, 1>([&](const Array& x, const Array& v) { return sum(weight * x.at(Array(2)).set(v)); })(
      zeros({4}), Array(0.f));
  EXPECT_EQ(dx.to_vector<float>(), (Floats{1, 2, 0, 4}));
  EXPECT_EQ(dv.item<float>(), 3.f);
  const auto [ex, ev] = grad<0, 1>([&](const Array& x, const Array& v) { return sum(weight * x.at(Array(7)).set(v)); })(
      zeros({4}), Array(0.f));
  EXPECT_EQ(ex.to_vector<float>(), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(ev.item<float>(), 0.f);
}

TEST(IndexedUpdate, EachExampleHasItsOwnIndex) {
  const auto f = [](const Array& x, const Array& i) { return x.at(i).add(5.f); };
  EXPECT_EQ(vmap(f)(grid(), array<int>({2, -3})).to_vector<float>(), (Floats{1, 2, 8, 9, 5, 6}));
}

TEST(IndexedUpdate, ArraysOfIndicesOutOfRangeAreDropped) {
  const Array i = array<int>({1, 5, -1, -7});
  const auto set = [](const Array& x, const Array& at) { return x.at(at).set(9.f); };
  const auto add = [](const Array& x, const Array& at) { return x.at(all, at).add(array<float>({1, 2, 3, 4})); };
  const Array x = array<float>({1, 2, 3});
  EXPECT_EQ(set(x, i).to_vector<float>(), (Floats{1, 9, 9}));
  EXPECT_EQ(jit(set)(x, i).to_vector<float>(), (Floats{1, 9, 9}));
  EXPECT_EQ(add(grid(), i).to_vector<float>(), (Floats{1, 3, 6, 4, 6, 9}));
  EXPECT_EQ(jit(add)(grid(), i).to_vector<float>(), (Floats{1, 3, 6, 4, 6, 9}));
  EXPECT_EQ(x.at(array<std::uint32_t>({1, 4294967295u})).set(9.f).to_vector<float>(), (Floats{1, 9, 3}));
  EXPECT_EQ(x.at(Array(array<std::uint32_t>(4294967295u))).set(9.f).to_vector<float>(), (Floats{1, 2, 3}));
}

// As JAX's: reads are clamped, and what they give has no part in the gradient.
TEST(Indexed, ReadsOutOfRangeAreClampedAndTheirGradientsDropped) {
  const Array i = array<int>({1, 5, -1, -7}), weight = array<float>({1, 10, 100, 1000});
  const auto f = [&](const Array& x) { return sum(x(i) * weight); };
  const Array x = array<float>({1, 2, 3});
  EXPECT_EQ(x(i).to_vector<float>(), (Floats{2, 3, 3, 1}));
  EXPECT_EQ(grad(f)(x).to_vector<float>(), (Floats{0, 1, 100}));
  EXPECT_EQ(jit(grad(f))(x).to_vector<float>(), (Floats{0, 1, 100}));
}

// Shapes as NumPy gives them.
TEST(Indexed, AxesStandWhereNumpyPutsThem) {
  const Array y = reshape(arange(24), {2, 3, 4}), a = array<int>({0, 1});
  const auto dims = [](const Array& v) { return v.dims(); };
  EXPECT_EQ(dims(y(0, all, a)), (Dims{2, 3}));
  EXPECT_EQ(dims(y(a, 0)), (Dims{2, 4}));
  EXPECT_EQ(dims(y(all, 0, a)), (Dims{2, 2}));
  EXPECT_EQ(dims(y(newaxis, all, a)), (Dims{1, 2, 2, 4}));
  EXPECT_EQ(dims(y(a, newaxis, all)), (Dims{2, 1, 3, 4}));
  EXPECT_EQ(dims(y(a, all, newaxis, a)), (Dims{2, 3, 1}));
  EXPECT_EQ(dims(y(ellipsis, a, newaxis)), (Dims{2, 3, 2, 1}));
  EXPECT_EQ(dims(y(a, newaxis, a)), (Dims{2, 1, 4}));
  EXPECT_EQ(dims(y(0, ellipsis, a)), (Dims{2, 3}));
  EXPECT_EQ(dims(y(all, newaxis, a, newaxis)), (Dims{2, 1, 2, 1, 4}));
  EXPECT_EQ(dims(y(all, newaxis, a, a)), (Dims{2, 1, 2}));
  EXPECT_EQ(y(0, all, a).to_vector<int>(), (std::vector<int>{0, 4, 8, 1, 5, 9}));
  EXPECT_EQ(y(a, 0, a).to_vector<int>(), (std::vector<int>{0, 13}));
  EXPECT_EQ(y(all, newaxis, a, a).to_vector<int>(), (std::vector<int>{0, 5, 12, 17}));
  EXPECT_EQ(y.at(0, all, a).set(-1)(0).to_vector<int>(),
            (std::vector<int>{-1, -1, 2, 3, -1, -1, 6, 7, -1, -1, 10, 11}));
  EXPECT_EQ(zeros({300})(array<std::int8_t>({-1})).dims(), (Dims{1}));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(v3[3], "out of bounds"),
      ROW(v3[-4], "out of bounds"),
      ROW(v3(kLeast), "out of bounds"),
      ROW(v3(kMost), "out of bounds"),
      ROW(v3(0, 0), "too many indices"),
      ROW(scalar[0], "too many indices"),
      ROW(v3(ellipsis, ellipsis), "one ellipsis only"),
      ROW(v3(slice(0, 3, 0)), "the step of a slice must not be 0"),
      ROW(v3(ones({4}, bool_)), "a mask must have the sizes"),
      ROW(v3(v3), "array indices must be integers or bools"),
      ROW(m.at(5).set(1.f), "out of bounds"),
      ROW(m.at(0, 0, 0).set(1.f), "too many indices"),
      ROW(m.at(0).set(ones({4})), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Indexing, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
