// Kernels run statement by statement: values by hand, and what may not be.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>

#include "../codegen/codegen_kernels.h"
#include "tf2jax/compiler/loops/simulate.h"

namespace tf2jax {
namespace {

using loops::Kernel;
using loops::Op;
using loops::testing::Builder;
using loops::testing::elementwise;
using loops::testing::eval;
using loops::testing::loop;
using loops::testing::store;

TEST(Simulate, AnElementwiseLoop) {
  std::vector<float> x{1, 2, 3}, y{10, 20, 30}, out(3);
  void* const buffers[] = {x.data(), y.data(), out.data()};
  loops::simulate(elementwise(Op::sub, DType::f32, {DType::f32, DType::f32}, 3), buffers, 3);
  EXPECT_EQ(out, (std::vector<float>{-9, -18, -27}));
  loops::simulate(elementwise(Op::mul, DType::f32, {DType::f32, DType::f32}, 3), buffers, 2);  // a part of the range
  EXPECT_EQ(out, (std::vector<float>{10, 40, -27}));
}

TEST(Simulate, IntegersWrapAndComparisonsAreBools) {
  std::vector<std::uint8_t> x{250, 3}, y{10, 3}, out(2);
  void* const buffers[] = {x.data(), y.data(), out.data()};
  loops::simulate(elementwise(Op::add, DType::u8, {DType::u8, DType::u8}, 2), buffers, 2);
  EXPECT_EQ(out, (std::vector<std::uint8_t>{4, 6}));
  loops::simulate(elementwise(Op::eq, DType::bool_, {DType::u8, DType::u8}, 2), buffers, 2);
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 1}));
}

Kernel row_sums() {
  Builder b;
  b.k.parallel = {2};
  b.k.variables = 2;
  const auto in = b.buffer(DType::f32, 6), out = b.buffer(DType::f32, 2, true);
  const auto sum = b.accumulator(DType::f32, Op::add, 0);
  const auto x = b.load(in, {0, {{0, 3}, {1, 1}}}), total = b.read(sum);
  b.k.body = {{loops::Reset{sum}},
              loop(1, 3, true, {eval(x), {loops::Accumulate{sum, x}}}),
              eval(total),
              store(out, {0, {{0, 1}}}, total)};
  return b.k;
}

TEST(Simulate, SumsOfRows) {
  std::vector<float> x{1, 2, 3, 4, 5, 6}, out(2);
  void* const buffers[] = {x.data(), out.data()};
  loops::simulate(row_sums(), buffers, 2);
  EXPECT_EQ(out, (std::vector<float>{6, 15}));
}

TEST(Simulate, AccessesOutsideOfBuffersAreErrors) {
  Kernel k = elementwise(Op::neg, DType::f32, {DType::f32}, 3);
  std::vector<float> x(3), out(3);
  void* const buffers[] = {x.data(), out.data()};
  k.nodes[0].at.offset = 1;
  EXPECT_THROW(loops::simulate(k, buffers, 3), InternalError);
  loops::simulate(k, buffers, 2);
}

TEST(Simulate, IterationsThatWriteOnePlaceAreErrors) {
  Kernel k = elementwise(Op::neg, DType::f32, {DType::f32}, 3);
  std::vector<float> x(3), out(3);
  void* const buffers[] = {x.data(), out.data()};
  for (auto& s : k.body)
    if (auto* st = std::get_if<loops::Store>(&s.what)) st->at.terms.clear();
  EXPECT_THROW(loops::simulate(k, buffers, 3), InternalError);
}

TEST(CountWrites, EachElementOnce) {
  const auto writes = loops::count_writes(row_sums(), {0, 1});
  ASSERT_TRUE(writes);
  EXPECT_TRUE((*writes)[0].empty());  // read only
  EXPECT_EQ((*writes)[1], std::vector<std::int32_t>(2, 1));
}

TEST(CountWrites, ElementsThatNothingWrites) {
  Kernel k = elementwise(Op::neg, DType::f32, {DType::f32}, 4);
  k.parallel = {2};
  for (auto& s : k.body)
    if (auto* st = std::get_if<loops::Store>(&s.what)) st->at = {1, {{0, 2}}};
  const auto writes = loops::count_writes(k, {0, 1});
  ASSERT_TRUE(writes);
  EXPECT_EQ((*writes)[1], (std::vector<std::int32_t>{0, 1, 0, 1}));
}

}  // namespace
}  // namespace tf2jax
