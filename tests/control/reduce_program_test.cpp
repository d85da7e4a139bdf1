// Reductions by a program: sums, and pairs that are reduced together.
#include <gtest/gtest.h>
#include <tf2jax/control/reduce_program.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Arrays adder(const Arrays& x) { return {x[0] + x[1]}; }
// The larger of two values, and where it was.
Arrays larger(const Arrays& x) {
  const Array first = x[0] >= x[2];
  return {select(first, x[0], x[2]), select(first, x[1], x[3])};
}
const Array x23 = array<float>({{1, 5, 3}, {4, 2, 6}});

TEST(Reduce, ByAProgram) {
  EXPECT_EQ(reduce(Arrays{x23}, Arrays{Array(0.f)}, adder, {1})[0].to_vector<float>(), (Floats{9, 12}));
  EXPECT_EQ(reduce(Arrays{x23}, Arrays{Array(100.f)}, adder, {0, 1})[0].item<float>(), 121);
  EXPECT_EQ(reduce(Arrays{x23}, Arrays{Array(0.f)}, adder, {-1})[0].to_vector<float>(), (Floats{9, 12}));
  EXPECT_EQ(reduce(Arrays{array<int>({2, 3, 4})}, Arrays{array<int>(1)},
                   [](const Arrays& x) { return Arrays{x[0] * x[1]}; }, {0})[0]
                .item<int>(),
            24);
}

TEST(Reduce, OfNothingOfOneAndOverNoAxis) {
  EXPECT_EQ(reduce(Arrays{zeros({2, 0})}, Arrays{Array(7.f)}, adder, {1})[0].to_vector<float>(), (Floats{7, 7}));
  EXPECT_EQ(reduce(Arrays{array<float>({3})}, Arrays{Array(0.f)}, adder, {0})[0].item<float>(), 3);
  EXPECT_EQ(reduce(Arrays{x23}, Arrays{Array(0.f)}, adder, {})[0].to_vector<float>(), x23.to_vector<float>());
}

TEST(Reduce, SeveralOperandsTogether) {
  const Arrays out = reduce(Arrays{x23, iota(i32, {2, 3}, 1)}, Arrays{Array(-INFINITY), array<int>(0)}, larger, {1});
  EXPECT_EQ(out[0].to_vector<float>(), (Floats{5, 6}));
  EXPECT_EQ(out[1].to_vector<int>(), (std::vector<int>{1, 2}));
}

TEST(Reduce, IsDifferentiatedAndMapped) {
  const auto f = [](const Array& x) {
    return reduce(Arrays{x}, Arrays{Array(1.f)}, [](const Arrays& v) { return Arrays{v[0] * v[1]}; }, {0})[0];
  };
  EXPECT_EQ(grad(f)(array<float>({2, 3, 4})).to_vector<float>(), (Floats{12, 8, 6}));
  EXPECT_EQ(vmap(f)(x23).to_vector<float>(), (Floats{15, 48}));
  EXPECT_EQ(jit(f)(array<float>({2, 3, 4})).item<float>(), 24);
}

TEST(ReduceWindow, ByAProgram) {
  const Window two{{2}, {1}, {{1, 0}}, {}, {}};
  const Array line = array<float>({1, 5, 3});
  EXPECT_EQ(reduce_window(Arrays{line}, Arrays{Array(0.f)}, adder, two)[0].to_vector<float>(), (Floats{1, 6, 8}));
  EXPECT_EQ(reduce_window(Arrays{line}, Arrays{Array(0.f)}, adder, {{4}, {}, {}, {}, {}})[0].size(), 0);
  const auto f = [&](const Array& x) { return sum(reduce_window(Arrays{x}, Arrays{Array(0.f)}, adder, two)[0]); };
  EXPECT_EQ(grad(f)(line).to_vector<float>(), (Floats{2, 2, 1}));
}

TEST(Reduce, RefusesWhatDoesNotFit) {
  expect_error<ValueError>([] { reduce(Arrays{}, Arrays{}, adder, {}); }, "reduce");
  expect_error<AxisError>([] { reduce(Arrays{x23}, Arrays{Array(0.f)}, adder, {2}); }, "axis 2");
  expect_error<ShapeError>([] { reduce(Arrays{x23}, Arrays{ones({2})}, adder, {0}); }, "must be scalars");
  expect_error<DtypeError>([] { reduce(Arrays{x23}, Arrays{array<int>(0)}, adder, {0}); }, "one dtype");
  expect_error<ShapeError>([] { reduce(Arrays{x23, ones({3})}, Arrays{Array(0.f), Array(0.f)}, larger, {0}); },
                           "equal shapes");
  expect_error<ValueError>([] { reduce(Arrays{x23, x23}, Arrays{Array(0.f), Array(0.f)}, adder, {0}); },
                           "reduce: 2 operands");
}

// Kernels rely on the axes, which a text may give as anything.
TEST(Reduce, AxesOfTextsAreChecked) {
  for (const char* axes : {"(-1,)", "(2,)", "(0, 0)"})
    expect_error<ParseError>(
        [&] {
          parse_jaxpr(std::string("{ lambda ; a:f32[2,3]. let b:f32[2] = reduce[computation=f dimensions=") + axes +
                      " jaxpr={ lambda ; c:f32[] d:f32[]. let e:f32[] = add c d in (e,) }] a 0.0:f32[] in (b,) }");
        },
        "reduce");
}

}  // namespace
}  // namespace tf2jax
