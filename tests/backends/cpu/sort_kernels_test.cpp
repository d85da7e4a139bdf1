// Sorting by several keys, and the largest elements of long lines.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(SortKernels, LaterOperandsFollowTheKeys) {
  const Array keys = array<int>({2, 1, 2, 1}), ties = array<float>({1, 5, 0, 4}), carried = array<int>({0, 1, 2, 3});
  const Arrays one = run_kernel(cpu::register_sort_kernels, sort_p(), {keys, ties, carried}, SortParams{0, true, 1});
  EXPECT_EQ(one[2].to_vector<int>(), (std::vector<int>{1, 3, 0, 2}));
  const Arrays two = run_kernel(cpu::register_sort_kernels, sort_p(), {keys, ties, carried}, SortParams{0, true, 2});
  EXPECT_EQ(two[2].to_vector<int>(), (std::vector<int>{3, 1, 2, 0}));
  EXPECT_EQ(two[1].to_vector<float>(), (Floats{4, 5, 0, 1}));
}

TEST(SortKernels, InnerAndOuterAxes) {
  const Array x = array<int>({{3, 1}, {2, 5}, {1, 4}});
  EXPECT_EQ(run_kernel(cpu::register_sort_kernels, sort_p(), {x}, SortParams{0, true, 1})[0].to_vector<int>(),
            (std::vector<int>{1, 1, 2, 4, 3, 5}));
  EXPECT_EQ(run_kernel(cpu::register_sort_kernels, sort_p(), {x}, SortParams{1, true, 1})[0].to_vector<int>(),
            (std::vector<int>{1, 3, 2, 5, 1, 4}));
  EXPECT_EQ(run_kernel(cpu::register_sort_kernels, sort_p(), {zeros({0})}, SortParams{0, true, 1})[0].size(), 0);
}

TEST(TopKKernels, LargestOfALongLine) {
  const Array x = counted(kMany, 1000, i32);
  const Arrays out = run_kernel(cpu::register_sort_kernels, top_k_p(), {x}, TopK{3, 0, true});
  EXPECT_EQ(out[0].to_vector<int>(), (std::vector<int>{999, 999, 999}));
  EXPECT_EQ(out[1].to_vector<int>(), (std::vector<int>{999, 1999, 2999}));
  EXPECT_EQ(run_kernel(cpu::register_sort_kernels, top_k_p(), {x}, TopK{0, 0, true})[0].size(), 0);
}

TEST(TopKKernels, ApproximateOnesAreExact) {
  ApproxTopK least;
  least.is_max_k = false;
  least.k = 2;
  const Arrays out = run_kernel(cpu::register_sort_kernels, approx_top_k_p(), {array<float>({3, 1, 2})}, least);
  EXPECT_EQ(out[0].to_vector<float>(), (Floats{1, 2}));
  EXPECT_EQ(out[1].to_vector<int>(), (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace tf2jax
