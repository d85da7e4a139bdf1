// Products as the compiler writes them: values by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "check_program.h"
#include "tf2jax/compiler/rewrite/build_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

bool has_dot(const Jaxpr& j) {
  return std::ranges::any_of(compiler::build_graph(j).ops,
                             [](const compiler::GraphOp& op) { return op.kind == compiler::OpKind::dot; });
}

TEST(RewriteDot, ProductsByHand) {
  const Array a = array<float>({{1, 2}, {3, 4}}), b = array<float>({{5, 6}, {7, 8}});
  const auto f = jit([](const Array& x, const Array& y) { return matmul(x, y); });
  EXPECT_EQ(f(a, b).to_vector<float>(), (Floats{19, 22, 43, 50}));
}

TEST(RewriteDot, LargeProductsAreSteps) {
  const auto product = [](const Array& x, const Array& y) { return matmul(x, y); };
  EXPECT_TRUE(has_dot(make_jaxpr(product)(ones({64, 64}), ones({64, 64}))));
  EXPECT_FALSE(has_dot(make_jaxpr([](const Array& x, const Array& y) { return outer(x, y); })(ones({64}), ones({64}))));
}

TEST(RewriteDot, EmptyContractionsAreZero) {
  const auto f = jit([](const Array& x, const Array& y) { return matmul(x, y); });
  EXPECT_EQ(f(zeros({2, 0}), zeros({0, 3})).to_vector<float>(), (Floats(6, 0)));
  EXPECT_EQ(f(zeros({0, 2}), zeros({2, 3})).dims(), (Dims{0, 3}));
}

TEST(RewriteDot, ContractionsOfEveryForm) {
  const Array x = values({3, 4, 5}), y = values({5, 4, 6}, 1), z = values({3, 6, 4}, 2);
  check_function([](const Array& a, const Array& b) { return einsum("ijk,kjl->il", {a, b}); }, x, y);
  check_function([](const Array& a, const Array& b) { return einsum("ijk,kjl->jil", {a, b}); }, x, y);
  check_function([](const Array& a, const Array& b) { return einsum("ijk,ilj->ikl", {a, b}); }, x, z);
  check_function([](const Array& a, const Array& b) { return einsum("ijk,kjl->", {a, b}); }, x, y);
  check_function([](const Array& a) { return einsum("ijk,ijk->i", {a, a}); }, x);
}

TEST(RewriteDot, OfEveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array x = reshape(arange(12), {3, 4}) % Array(5), y = reshape(arange(20), {4, 5}) % Array(3);
  for (const DType d : {f16, bf16, f32, f64, i8, u8, i32, i64, c64, c128, bool_})
    check_function([](const Array& a, const Array& b) { return matmul(a, b); }, astype(x, d), astype(y, d));
}

TEST(RewriteDot, HalvesMayGiveFloats) {
  const Array a = astype(full({1, 100}, 100.f), f16);
  const auto f = jit([](const Array& x) { return dot_general(x, x, {{1}, {1}, {}, {}}, f32); });
  EXPECT_EQ(f(a).item<float>(0, 0), 1e6f);
}

}  // namespace
}  // namespace tf2jax
