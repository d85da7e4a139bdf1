// Kernels of two operands: long ones on several threads, scalars at either side, every dtype.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array run(const Primitive& p, const Array& x, const Array& y) {
  return run_kernel(cpu::register_binary_kernels, p, {x, y})[0];
}

TEST(BinaryKernels, LongOnesAreDoneByEveryThread) {
  const auto x = counted(kMany, 7).to_vector<float>(), y = counted(kMany, 11).to_vector<float>();
  const auto z = run(add_p(), counted(kMany, 7), counted(kMany, 11)).to_vector<float>();
  const auto least = run(min_p(), counted(kMany, 7), counted(kMany, 11)).to_vector<float>();
  for (std::size_t i = 0; i < z.size(); ++i) {
    ASSERT_EQ(z[i], x[i] + y[i]) << i;
    ASSERT_EQ(least[i], std::min(x[i], y[i])) << i;
  }
}

TEST(BinaryKernels, ScalarsRepeatAtEitherSide) {
  const Array x = array<float>({1, 2, 4}), two = array<float>(2);
  EXPECT_EQ(run(sub_p(), x, two).to_vector<float>(), (Floats{-1, 0, 2}));
  EXPECT_EQ(run(sub_p(), two, x).to_vector<float>(), (Floats{1, 0, -2}));
  EXPECT_EQ(run(sub_p(), two, two).item<float>(), 0);
  EXPECT_EQ(run(div_p(), two, zeros({0})).size(), 0);
}

TEST(BinaryKernels, EveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array x = counted(4, 4, d), y = rules::filled({4}, d, 3);
    EXPECT_EQ(run(mul_p(), x, y).to_vector<double>(), (std::vector<double>{0, 3, 6, 9})) << short_name(d);
    EXPECT_EQ(run(eq_p(), x, y).to_vector<int>(), (std::vector<int>{0, 0, 0, 1})) << short_name(d);
    if (is_complex(d)) continue;
    EXPECT_EQ(run(rem_p(), y, run(add_p(), x, rules::filled({4}, d, 1))).to_vector<double>(),
              (std::vector<double>{0, 1, 0, 3}))
        << short_name(d);
  }
}

TEST(BinaryKernels, BoolsAreBits) {
  const Array x = array<bool>({false, false, true, true}), y = array<bool>({false, true, false, true});
  EXPECT_EQ(run(and_p(), x, y).to_vector<int>(), (std::vector<int>{0, 0, 0, 1}));
  EXPECT_EQ(run(or_p(), x, y).to_vector<int>(), (std::vector<int>{0, 1, 1, 1}));
  EXPECT_EQ(run(xor_p(), x, y).to_vector<int>(), (std::vector<int>{0, 1, 1, 0}));
  EXPECT_EQ(run(lt_p(), x, y).to_vector<int>(), (std::vector<int>{0, 1, 0, 0}));
}

TEST(BinaryKernels, SelectionsTakeScalarsAndArrays) {
  const auto pick = [](const Array& which, const Arrays& cases) {
    Arrays args{which};
    args.insert(args.end(), cases.begin(), cases.end());
    return run_kernel(cpu::register_binary_kernels, select_n_p(), args)[0];
  };
  const Array x = counted(kMany, 5), y = counted(kMany, 3);
  EXPECT_EQ(pick(array<bool>(true), {x, y}).to_vector<float>(), y.to_vector<float>());
  const Array which = counted(kMany, 2, i32);
  const auto got = pick(which, {x, y}).to_vector<float>();
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], static_cast<float>(i % 2 == 0 ? i % 5 : i % 3));
  const Array bounds = run_kernel(cpu::register_binary_kernels, clamp_p(), {array<float>(1), x, array<float>(3)})[0];
  for (const float v : bounds.to_vector<float>()) ASSERT_TRUE(v >= 1 && v <= 3);
}

}  // namespace
}  // namespace tf2jax
