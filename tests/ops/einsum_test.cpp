// Contractions by their specification.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Einsum, EveryFormOfASpecification) {
  const Array m = array<float>({{1, 2}, {3, 4}}), v = array<float>({5, 6});
  EXPECT_EQ(einsum("ij,j->i", {m, v}).to_vector<float>(), (Floats{17, 39}));
  EXPECT_EQ(einsum("ij,j", {m, v}).to_vector<float>(), (Floats{17, 39}));
  EXPECT_EQ(einsum("ij->ji", {m}).to_vector<float>(), (Floats{1, 3, 2, 4}));
  EXPECT_EQ(einsum("ii", {m}).item<float>(), 5);
  EXPECT_EQ(einsum("ii->i", {m}).to_vector<float>(), (Floats{1, 4}));
  EXPECT_EQ(einsum("ij->", {m}).item<float>(), 10);
  EXPECT_EQ(einsum("...j->...", {m}).to_vector<float>(), (Floats{3, 7}));
  EXPECT_EQ(einsum("i,j,ij->", {v, v, m}).item<float>(), 25 + 2 * 30 + 3 * 30 + 4 * 36);
  EXPECT_EQ(einsum("i,i->i", {v, v}).to_vector<float>(), (Floats{25, 36}));
}

TEST(Einsum, EllipsesBroadcast) {
  const Array a = ones({2, 1, 3}), b = ones({4, 3});
  EXPECT_EQ(einsum("...i,...i->...", {a, b}).dims(), (Dims{2, 4}));
  EXPECT_EQ(einsum("...ij->...ji", {ones({5, 2, 3})}).dims(), (Dims{5, 3, 2}));
  EXPECT_EQ(einsum("b...,b...->...", {ones({2, 3}), ones({2, 3})}).to_vector<float>(), (Floats{2, 2, 2}));
}

TEST(Einsum, EmptyAndScalarOperands) {
  EXPECT_EQ(einsum("ij,jk", {zeros({2, 0}), zeros({0, 2})}).to_vector<float>(), (Floats{0, 0, 0, 0}));
  EXPECT_EQ(einsum(",i->i", {Array(3.f), array<float>({1, 2})}).to_vector<float>(), (Floats{3, 6}));
  EXPECT_EQ(einsum(",", {Array(3.f), Array(4.f)}).item<float>(), 12);
  EXPECT_EQ(einsum("i,i", {array<int>({2, 3}), array<int>({4, 5})}).item<int>(), 23);
}

TEST(Einsum, DerivativeOfAQuadraticForm) {
  // d(x^T A x)/dx = (A + A^T) x
  const Array a = array<float>({{1, 2}, {3, 4}});
  const Array g = grad([&](const Array& x) { return einsum("i,ij,j->", {x, a, x}); })(array<float>({1, -1}));
  EXPECT_EQ(g.to_vector<float>(), (Floats{-3, -3}));
}

TEST(Einsum, SizesOfALetterMustAgree) {
  expect_error<ShapeError>([] { einsum("i,i", {ones({2}), ones({3})}); }, "einsum");
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(einsum("ij,jk", Arrays{m}), "einsum"), ROW(einsum("ij->ik", Arrays{m}), "einsum"),
      ROW(einsum("ijk", Arrays{m}), "einsum"),   ROW(einsum("i.j->", Arrays{m}), "einsum"),
      ROW(einsum("", Arrays{}), "einsum"),       ROW(einsum("ij,ij->iii", Arrays{m, m}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Einsum, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
