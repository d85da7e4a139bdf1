// Movements of large arrays, and of elements of every width.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Arrays run(const Primitive& p, const Arrays& x, const EquationParams& params) {
  return run_kernel(cpu::register_shape_kernels, p, x, params);
}

TEST(ShapeKernels, LargeTransposes) {
  const Array x = reshape(counted(300 * 401, 1 << 22), {300, 401}),
              y = run(transpose_p(), {x}, TransposeParams{{1, 0}})[0];
  const auto a = x.to_vector<float>(), b = y.to_vector<float>();
  for (std::size_t i = 0; i < 300; ++i)
    for (std::size_t j = 0; j < 401; ++j) ASSERT_EQ(b[j * 300 + i], a[i * 401 + j]);
}

TEST(ShapeKernels, ElementsOfEveryWidth) {
  for (const DType d : {bool_, i8, u16, f16, i32, f32, i64, c64, c128}) {
    const Array x = counted(3, 2, d);  // 0 1 0
    EXPECT_EQ(run(rev_p(), {counted(4, 2, d)}, RevParams{{0}})[0].to_vector<double>(),
              (std::vector<double>{1, 0, 1, 0}))
        << short_name(d);
    EXPECT_EQ(run(concatenate_p(), {x, x}, ConcatenateParams{0})[0].to_vector<double>(),
              (std::vector<double>{0, 1, 0, 0, 1, 0}))
        << short_name(d);
    EXPECT_EQ(run(tile_p(), {x}, TileParams{{2}})[0].to_vector<double>(), (std::vector<double>{0, 1, 0, 0, 1, 0}))
        << short_name(d);
    EXPECT_EQ(run(broadcast_in_dim_p(), {x}, BroadcastInDim{{0}, {3, 2}})[0].to_vector<double>(),
              (std::vector<double>{0, 0, 1, 1, 0, 0}))
        << short_name(d);
  }
}

TEST(ShapeKernels, SplitsAndStacks) {
  const Arrays parts = run(split_p(), {counted(6, 6)}, SplitParams{{1, 0, 5}, 0});
  EXPECT_EQ(parts[0].to_vector<float>(), Floats{0});
  EXPECT_EQ(parts[1].size(), 0);
  EXPECT_EQ(parts[2].to_vector<float>(), (Floats{1, 2, 3, 4, 5}));
  const Array x = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(run(stack_p(), {x, x * 10.f}, AxisParam{1})[0].to_vector<float>(), (Floats{1, 2, 10, 20, 3, 4, 30, 40}));
  EXPECT_EQ(run(unstack_p(), {x}, AxisParam{1})[1].to_vector<float>(), (Floats{2, 4}));
}

TEST(ShapeKernels, PaddingOfEverySign) {
  const Array x = array<float>({1, 2, 3}), v = array<float>(9);
  EXPECT_EQ(run(pad_p(), {x, v}, PadParams{{{1, 2, 0}}})[0].to_vector<float>(), (Floats{9, 1, 2, 3, 9, 9}));
  EXPECT_EQ(run(pad_p(), {x, v}, PadParams{{{-1, 0, 2}}})[0].to_vector<float>(), (Floats{9, 9, 2, 9, 9, 3}));
  EXPECT_EQ(run(pad_p(), {x, v}, PadParams{{{-2, 1, 0}}})[0].to_vector<float>(), (Floats{3, 9}));
}

TEST(ShapeKernels, WindowsAtTracedPlacesAreMovedInside) {
  const Array x = counted(5, 5);
  EXPECT_EQ(run(dynamic_slice_p(), {x, array<int>(4)}, SliceSizes{{3}})[0].to_vector<float>(), (Floats{2, 3, 4}));
  EXPECT_EQ(run(dynamic_update_slice_p(), {x, array<float>({7, 8}), array<int>(-3)}, no_params())[0].to_vector<float>(),
            (Floats{7, 8, 2, 3, 4}));
  const Array farthest = detail::exact_array({u64, {}, false}, std::vector(8, std::byte{0xff}));
  EXPECT_EQ(run(dynamic_slice_p(), {x, farthest}, SliceSizes{{3}})[0].to_vector<float>(), (Floats{2, 3, 4}));
  EXPECT_EQ(run(slice_p(), {x}, SliceParams{{1}, {5}, Axes{3}})[0].to_vector<float>(), (Floats{1, 4}));
  EXPECT_EQ(run(iota_p(), {}, IotaParams{u8, {2, 3}, 1})[0].to_vector<int>(), (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

}  // namespace
}  // namespace tf2jax
