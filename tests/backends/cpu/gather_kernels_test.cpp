// Gathers and scatters of many windows, and accumulation in every dtype.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(GatherKernels, ManyIndices) {
  const Array x = counted(1000, 1000), at = expand_dims(counted(kMany, 997, i32), {1});
  const Array y =
      run_kernel(cpu::register_gather_kernels, gather_p(), {x, at}, GatherParams{{{}, {0}, {0}, {}, {}}, {1}})[0];
  const auto got = y.to_vector<float>();
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], static_cast<float>(i % 997));
}

TEST(GatherKernels, IndicesOfEveryWidth) {
  for (const DType d : {i8, u8, i16, u16, i32, u32, i64, u64}) {
    const Array at = expand_dims(counted(3, 3, d), {1});
    const Array y = run_kernel(cpu::register_gather_kernels, gather_p(), {array<float>({5, 6, 7}), at},
                               GatherParams{{{}, {0}, {0}, {}, {}}, {1}})[0];
    EXPECT_EQ(y.to_vector<float>(), (Floats{5, 6, 7})) << short_name(d);
  }
}

TEST(ScatterKernels, ManyUpdatesOfFewElements) {
  const Array at = expand_dims(counted(kMany, 3, i32), {1});
  ScatterParams p;
  p.dimension_numbers = {{}, {0}, {0}, {}, {}};
  for (const DType d : {i32, i64, u32, f32, f64, c64}) {
    const Array y = run_kernel(cpu::register_gather_kernels, scatter_add_p(),
                               {rules::filled({3}, d, 0), at, rules::filled({kMany}, d, 1)}, p)[0];
    EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{(kMany + 2) / 3, (kMany + 1) / 3, kMany / 3}))
        << short_name(d);
  }
  const Array most =
      run_kernel(cpu::register_gather_kernels, scatter_max_p(), {zeros({3}), at, counted(kMany, 8)}, p)[0];
  EXPECT_EQ(most.to_vector<float>(), (Floats{7, 7, 7}));
}

TEST(ScatterKernels, TheOperandIsLeftAlone) {
  const Array x = array<float>({1, 2});
  ScatterParams p;
  p.dimension_numbers = {{}, {0}, {0}, {}, {}};
  run_kernel(cpu::register_gather_kernels, scatter_p(), {x, array<int>({{0}}), array<float>({9})}, p);
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 2}));
}

}  // namespace
}  // namespace tf2jax
