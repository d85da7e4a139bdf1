// Factorisations as calls of jaxlib's library, read back: the factors multiply to the matrix.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

Arrays through_module(const FlatFn& f, const Arrays& xs) {
  Avals avals;
  for (const Array& x : xs) avals.push_back(x.aval().strong());
  const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(stage(f, avals)));
  return eval_jaxpr(stablehlo::to_jaxpr(stablehlo::read_module(bytes), avals), xs);
}
Array some_matrix() { return array<float>({{4.f, 1.f, 2.f}, {1.f, 5.f, -1.f}, {0.5f, -2.f, 3.f}}); }
Array tall_matrix() { return array<float>({{1.f, 2.f}, {3.f, -1.f}, {0.5f, 4.f}}); }

}  // namespace

TEST(WriteLinalg, LuPermutesTheRows) {
  const Array a = array<float>({{0.f, 2.f}, {3.f, 1.f}, {1.f, 5.f}});
  const Arrays f = through_module([](const Arrays& xs) { return lu_p().bind({xs[0]}); }, {a});
  const Array lower = add(tril(f[0], -1), array<float>({{1.f, 0.f}, {0.f, 1.f}, {0.f, 0.f}}));
  const Array upper = triu(slice(f[0], {Dim(0), Dim(0)}, {Dim(2), Dim(2)}));
  expect_close(matmul(lower, upper), take(a, f[2], 0).to_vector<double>());
}

TEST(WriteLinalg, QrOfTallAndWideMatrices) {
  for (const bool full : {false, true})
    for (const Array& a : {tall_matrix(), adjoint(tall_matrix())}) {
      const Arrays f =
          through_module([&](const Arrays& xs) { return qr_p().bind({xs[0]}, QrParams{.full_matrices = full}); }, {a});
      expect_close(matmul(f[0], f[1]), a.to_vector<double>());
    }
}

TEST(WriteLinalg, QrWithPivotingOrdersTheColumns) {
  const Array middle = array<float>({{1.f, -2.f}, {9.f, 7.f}, {3.f, 4.f}});
  for (const bool full : {false, true})
    for (const Array& a : {tall_matrix(), adjoint(middle), some_matrix(), astype(some_matrix(), c64)}) {
      const FlatFn f = [&](const Arrays& xs) {
        return qr_p().bind({xs[0]}, QrParams{.full_matrices = full, .pivoting = true});
      };
      const Arrays got = through_module(f, {a}), want = f({a});
      EXPECT_EQ(got[2].to_vector<std::int32_t>(), want[2].to_vector<std::int32_t>());
      EXPECT_EQ(got[1].shape(), want[1].shape());
      expect_close(real(matmul(got[0], got[1])), real(take(a, want[2], 1)).to_vector<double>());
    }
}

TEST(WriteLinalg, ColumnsThatComeFirstAreRefused) {
  const char* const text = R"(
module @m {
  func.func public @main(%x: tensor<3x3xf32>) -> (tensor<3x3xf32>) {
    %c = stablehlo.constant dense<1> : tensor<3xi32>
    %y:3 = stablehlo.custom_call @lapack_sgeqp3_ffi(%x, %c) {api_version = 4 : i32, backend_config = {}} : (tensor<3x3xf32>, tensor<3xi32>) -> (tensor<3x3xf32>, tensor<3xi32>, tensor<3xf32>)
    return %y#0 : tensor<3x3xf32>
  }
})";
  expect_error<NotImplementedError>([&] { (void)run_text(text, {some_matrix()}); }, "gives columns a place");
}

TEST(WriteLinalg, SingularValuesAndVectors) {
  const Array a = tall_matrix();
  const Arrays f = through_module(
      [](const Arrays& xs) { return svd_p().bind({xs[0]}, SvdParams{.compute_uv = true, .full_matrices = false}); },
      {a});
  expect_close(matmul(mul(f[1], expand_dims(f[0], {0})), f[2]), a.to_vector<double>());
  const Arrays s = through_module([](const Arrays& xs) { return Arrays{svdvals(xs[0])}; }, {a});
  expect_close(s[0], f[0].to_vector<double>());
}

TEST(WriteLinalg, EigenvaluesAndVectors) {
  const Array a = some_matrix(), symmetric = add(a, adjoint(a));
  const Arrays f =
      through_module([](const Arrays& xs) { return eigh_p().bind({xs[0]}, SymmetricEigen{}); }, {symmetric});
  expect_close(matmul(symmetric, f[0]), mul(f[0], expand_dims(f[1], {0})).to_vector<double>());
  const Arrays g = through_module(
      [](const Arrays& xs) {
        const auto [w, v] = eig(xs[0]);
        return Arrays{real(sub(matmul(astype(xs[0], c64), v), mul(v, expand_dims(w, {0}))))};
      },
      {a});
  expect_close(g[0], std::vector<double>(9, 0.0));
}

TEST(WriteLinalg, CholeskyHasNoDerivativeAboveTheDiagonal) {
  const Array a = add(some_matrix(), adjoint(some_matrix()));
  for (const DType dtype : {f32, c64}) {
    const Array x = astype(a, dtype);
    const Avals avals{x.aval().strong()};
    const std::string bytes = stablehlo::write_module(
        stablehlo::from_jaxpr(stage([](const Arrays& xs) { return cholesky_p().bind({xs[0]}); }, avals)));
    const Jaxpr again = stablehlo::to_jaxpr(stablehlo::read_module(bytes), avals);
    const auto [y, t] = jvp([&](const Array& v) { return eval_jaxpr(again, Arrays{v})[0]; }, {x}, {ones_like(x)});
    expect_close(real(triu(y, 1)), real(triu(x, 1)).to_vector<double>());
    expect_close(real(triu(t, 1)), std::vector<double>(9, 0.0));
    EXPECT_GT(reduce_max(abs(t), {0, 1}).to_vector<float>()[0], 0.01f);
  }
}

TEST(WriteLinalg, SolvesThatConjugateAlone) {
  const Array a = astype(some_matrix(), c64), b = ones({3, 1}, c64);
  const TriangularSolve p{.conjugate_a = true};
  const FlatFn f = [&](const Arrays& xs) { return triangular_solve_p().bind({xs[0], xs[1]}, p); };
  expect_close(real(through_module(f, {a, b})[0]), real(f({a, b})[0]).to_vector<double>());
}

TEST(WriteLinalg, LayoutsAreThoseOfJax) {
  const Jaxpr program = stage([](const Arrays& xs) { return lu_p().bind({xs[0]}); }, {spec(f32, {2, 5, 4})});
  EXPECT_THAT(stablehlo::print_module(stablehlo::from_jaxpr(program)),
              ::testing::HasSubstr("stablehlo.custom_call @lapack_sgetrf_ffi(%arg0) {api_version = 4 : i32, "
                                   "backend_config = {}, operand_layouts = [dense<[1, 2, 0]> : tensor<3xindex>], "
                                   "result_layouts = [dense<[1, 2, 0]> : tensor<3xindex>, dense<[1, 0]> : "
                                   "tensor<2xindex>, dense<0> : tensor<1xindex>]} : (tensor<2x5x4xf32>) -> "
                                   "(tensor<2x5x4xf32>, tensor<2x4xi32>, tensor<2xi32>)"));
}
