// Sizes as values.
#include "tf2jax/ops/dim_as_value.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;

TEST(DimAsValue, KnownSizesAreConstants) {
  const Array x = dim_as_value(Dim(7));
  EXPECT_EQ(x.aval(), (Aval{i32, {}, true}));
  EXPECT_EQ(x.item<int>(), 7);
  expect_error<NotImplementedError>([] { dim_as_value(Dim(std::int64_t{1} << 40)); }, "the size is too large");
}

TEST(DimAsValue, SymbolicOnesAreEquations) {
  const Dim b = Dim::variable("b");
  const Jaxpr f = make_jaxpr([](const Array& x) { return x * dim_as_value(x.shape()[0]); })(spec(f32, {b}));
  EXPECT_TRUE(f->eqns[0].primitive == dim_as_value_p());
  EXPECT_EQ(f.output_avals()[0], spec(f32, {b}));
  expect_error<InconclusiveDimensionOperation>([&] { dim_as_value(b); }, "must be known");
}
