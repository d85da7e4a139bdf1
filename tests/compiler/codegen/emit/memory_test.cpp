// Bounds checks: accesses outside are reported, others pass.
#include "../codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

// Each death happens in a fresh process.
class CodegenDeath : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

std::vector<float> zeros(std::int64_t n) { return std::vector<float>(n); }

void negate(std::int64_t n, std::int64_t end, const CodegenOptions& options) {
  auto x = zeros(n + 64), out = zeros(n + 64);
  run(elementwise(Op::neg, DType::f32, {DType::f32}, n), {x.data(), out.data()}, 0, end, options);
}

void store_before_the_start() {
  Builder b;
  const BufferId out = b.buffer(DType::f32, 4, true);
  b.k.body = {store(out, {-1, {}}, b.constant(1.0f))};
  auto memory = zeros(8);
  run(b.k, {memory.data() + 4}, 0, 0, {.check_bounds = true});
}

void gather_outside() {
  Builder b;
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::f32, 10), index = b.buffer(DType::i32, 5), out = b.buffer(DType::f32, 5, true);
  const NodeId i = b.load(index, {0, {{0, 1}}});
  const NodeId v = b.node({.op = Op::load, .dtype = DType::f32, .at = {}, .buffer = x, .dynamic = {{i, 3}}});
  b.k.body = {loop(0, 5, true, {eval(i), eval(v), store(out, {0, {{0, 1}}}, v)})};
  auto values = zeros(10), got = zeros(5);
  std::vector<std::int32_t> at = {0, 1, 2, 3, 4};
  run(b.k, {values.data(), at.data(), got.data()}, 0, 0, {.check_bounds = true});
}

}  // namespace

TEST_F(CodegenDeath, ALoadPastTheEndIsReported) {
  EXPECT_DEATH(negate(20, 21, {.check_bounds = true}),
               "kernel 'test' accesses element 20 of a buffer of 20 .load node 0");
}

TEST_F(CodegenDeath, AScalarStoreBeforeTheStartIsReported) {
  EXPECT_DEATH(store_before_the_start(), "accesses element -1 of a buffer of 4 .store to buffer 0");
}

TEST_F(CodegenDeath, AGatherOutsideIsReported) {
  EXPECT_DEATH(gather_outside(), "accesses element 12 of a buffer of 10 .load node 1");
}

TEST(CodegenBounds, ValidAccessesPassTheChecks) {
  for (const std::int64_t n : {5, 16, 100}) negate(n, n, {.check_bounds = true});
  Builder b;  // masked lanes may point anywhere
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::f32, 20), out = b.buffer(DType::f32, 24, true);
  const NodeId inside = b.node({.op = Op::in_range, .dtype = DType::bool_, .at = {-2, {{0, 1}}}, .extent = 20});
  const NodeId v = b.load(x, {-2, {{0, 1}}}, inside);
  b.k.body = {loop(0, 24, true, {eval(inside), eval(v), store(out, {0, {{0, 1}}}, v)})};
  auto values = zeros(20), got = zeros(24);
  run(b.k, {values.data(), got.data()}, 0, 0, {.check_bounds = true});
}

}  // namespace tf2jax::loops::testing
