// Barriers, placements, uninitialised memory, and collectives over positional axes.
#include <gtest/gtest.h>
#include <tf2jax/ops/misc.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(OptimizationBarrier, IsTheIdentityForEveryDtype) {
  for (const DType d : {bool_, i8, u32, f16, bf16, f32, c64}) {
    const Array x = astype(array<float>({0, 1}), d), y = zeros({0}, d);
    const Arrays out = optimization_barrier(Arrays{x, y});
    EXPECT_EQ(out[0].aval(), x.aval());
    EXPECT_EQ(out[0].to_vector<float>(), (Floats{0, 1}));
    EXPECT_EQ(out[1].dims(), Dims{0});
  }
  EXPECT_TRUE(optimization_barrier(Arrays{}).empty());
}

TEST(OptimizationBarrier, IsDifferentiatedAndMapped) {
  const auto f = [](const Array& x) { return optimization_barrier(Arrays{x * x})[0]; };
  EXPECT_EQ(grad(f)(Array(3.f)).item<float>(), 6);
  EXPECT_EQ(vmap(f)(array<float>({1, 2})).to_vector<float>(), (Floats{1, 4}));
  EXPECT_EQ(jit(f)(array<float>({3})).to_vector<float>(), Floats{9});
}

TEST(Collectives, ReducePositionalAxes) {
  const Array x = array<float>({{1, 5, 3}, {4, 2, 6}});
  EXPECT_EQ(psum_p().bind1({x}, PositionalAxes{{0}}).to_vector<float>(), (Floats{5, 7, 9}));
  EXPECT_EQ(pmax_p().bind1({x}, PositionalAxes{{1}}).to_vector<float>(), (Floats{5, 6}));
  EXPECT_EQ(pmin_p().bind1({x}, PositionalAxes{{0, 1}}).to_vector<float>(), Floats{1});
}

TEST(Collectives, MappedOnesLeaveTheMappedAxisAlone) {
  const auto f = [](const Array& x) { return psum_p().bind1({x}, PositionalAxes{{0}}); };
  EXPECT_EQ(vmap(f)(array<float>({{1, 2}, {3, 4}})).to_vector<float>(), (Floats{3, 7}));
}

// Counted from the end an axis would become another one under vmap.
TEST(Collectives, AxesAreNotCountedFromTheEnd) {
  for (const Axes& axes : {Axes{-1}, Axes{2}, Axes{0, 0}})
    expect_error<AxisError>([&] { psum_p().bind1({ones({2, 3})}, PositionalAxes{axes}); }, "psum");
}

TEST(EmptyMemory, HasTheTypeOfItsParams) {
  const Array x = empty2_p().bind1({}, EmptyMemory{bf16, {2, 0}});
  EXPECT_EQ(x.dtype(), bf16);
  EXPECT_EQ(x.dims(), (Dims{2, 0}));
}

TEST(DevicePut, KeepsItsOperands) {
  EXPECT_EQ(device_put_p().bind1({array<int>({1, 2})}, DevicePut{}).to_vector<int>(), (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace tf2jax
