// The structure of generated kernels: loops, lanes, tails, masks, addresses, accumulators.
#include <algorithm>
#include <numeric>
#include <thread>

#include "../codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

std::vector<float> ramp(std::int64_t n, float start = 1.0f) {
  std::vector<float> out(n);
  std::iota(out.begin(), out.end(), start);
  return out;
}
constexpr std::uint64_t bits(float v) { return std::bit_cast<std::uint32_t>(v); }
const Affine kLane0{0, {{0, 1}}};

class Lengths : public ::testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Codegen, Lengths,
                         ::testing::Values(1, 3, 15, 16, 17, 32, 48, 63, 64, 65, 100, 128, 129, 200, 1000, 3001));

}  // namespace

TEST_P(Lengths, ParallelLanesCoverTheRangeAndNoMore) {
  const std::int64_t n = GetParam();
  const Kernel k = elementwise(Op::add, DType::f32, {DType::f32, DType::f32}, n + 8);
  const auto x = ramp(n + 8), y = ramp(n + 8, 100.0f);
  std::vector<float> out(n + 8, -1.0f);
  run(k, {const_cast<float*>(x.data()), const_cast<float*>(y.data()), out.data()}, 3, n + 3);
  for (std::int64_t i = 0; i < n + 8; ++i) {
    const std::size_t u = i;
    EXPECT_EQ(out[u], i >= 3 && i < n + 3 ? x[u] + y[u] : -1.0f) << i;
  }
}

TEST_P(Lengths, StaticLaneLoopsReverseStrideAndGather) {
  const std::int64_t n = GetParam();
  Builder b;
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::f32, 3 * n), index = b.buffer(DType::i32, n),
                 out = b.buffer(DType::f32, 4 * n, true);
  const NodeId forward = b.load(x, {n, {{0, 1}}}), backward = b.load(x, {n - 1, {{0, -1}}}),
               strided = b.load(x, {1, {{0, 3}}});
  const NodeId i = b.load(index, kLane0);
  const NodeId gathered =
      b.node({.op = Op::load, .dtype = DType::f32, .at = {n, {}}, .buffer = x, .dynamic = {{i, 2}}});
  b.k.body = {loop(
      0, n, true,
      {eval(forward), eval(backward), eval(strided), eval(i), eval(gathered), store(out, {0, {{0, 4}}}, forward),
       store(out, {1, {{0, 4}}}, backward), store(out, {2, {{0, 4}}}, strided), store(out, {3, {{0, 4}}}, gathered)})};
  auto values = ramp(3 * n);
  std::vector<std::int32_t> at(n);
  for (std::int64_t j = 0; j < n; ++j) at[j] = static_cast<std::int32_t>((j * 7 + 3) % n - n / 2);
  std::vector<float> got(4 * n);
  run(b.k, {values.data(), at.data(), got.data()});
  for (std::int64_t j = 0; j < n; ++j) {
    const auto* g = &got[4 * j];
    EXPECT_EQ(g[0], values[n + j]);
    EXPECT_EQ(g[1], values[n - 1 - j]);
    EXPECT_EQ(g[2], values[3 * j + 1]);
    EXPECT_EQ(g[3], values[n + 2 * at[j]]);
  }
}

TEST_P(Lengths, ReductionsOverLanesCountEachElementOnce) {
  const std::int64_t n = GetParam(), rows = 3;
  Builder b;
  b.k.parallel = {rows};
  b.k.variables = 2;
  const BufferId x = b.buffer(DType::f32, rows * n), out = b.buffer(DType::f32, 2 * rows, true);
  const auto sum = b.accumulator(DType::f32, Op::add, bits(0.0f)),
             largest = b.accumulator(DType::f32, Op::max, bits(-INFINITY));
  const NodeId v = b.load(x, {0, {{0, n}, {1, 1}}}), total = b.read(sum), top = b.read(largest);
  b.k.body = {{Reset{sum}},
              {Reset{largest}},
              loop(1, n, true, {eval(v), {Accumulate{sum, v}}, {Accumulate{largest, v}}}),
              eval(total),
              eval(top),
              store(out, {0, {{0, 2}}}, total),
              store(out, {1, {{0, 2}}}, top)};
  auto values = ramp(rows * n);
  for (float& value : values)
    value = static_cast<float>(static_cast<int>(value) * 37 % 101 - 50);  // sums of small integers are exact
  std::vector<float> got(2 * rows);
  run(b.k, {values.data(), got.data()}, 0, rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto first = values.begin() + r * n;
    EXPECT_EQ(got[2 * r], std::accumulate(first, first + n, 0.0f)) << r;
    EXPECT_EQ(got[2 * r + 1], *std::max_element(first, first + n)) << r;
  }
}

TEST_P(Lengths, SmallStridesReadNothingBeyondTheLastElement) {
  const std::int64_t n = GetParam();
  const auto check = [n]<class T>(std::type_identity<T>, std::int64_t stride) {
    const std::int64_t size = std::abs(stride) * (n - 1) + 1;
    Builder b;
    b.k.parallel = {n};
    b.k.parallel_lanes = true;
    b.k.variables = 1;
    const BufferId x = b.buffer(dtype_of<T>, size), out = b.buffer(dtype_of<T>, n, true);
    const NodeId v = b.load(x, {stride < 0 ? size - 1 : 0, {{0, stride}}});
    b.k.body = {eval(v), store(out, kLane0, v)};
    std::vector<T> values(size),
        got(n);  // on the heap, for the sanitizer
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i * 7);
    run(b.k, {values.data(), got.data()}, 0, n);
    for (std::int64_t i = 0; i < n; ++i)
      EXPECT_EQ(got[i], values[stride < 0 ? size - 1 + i * stride : i * stride]) << i << " by " << stride;
  };
  for (const std::int64_t stride : {2, 3, 4, 5, -2, -3, -4}) check(std::type_identity<float>{}, stride);
  check(std::type_identity<std::int8_t>{}, 3);
  check(std::type_identity<double>{}, 2);
}

// sum over rows of a matrix: a serial loop inside the lanes of the columns
TEST_P(Lengths, ColumnSumsKeepARunningValuePerLane) {
  const std::int64_t n = GetParam(), rows = 37;
  Builder b;
  b.k.parallel = {n};
  b.k.parallel_lanes = true;
  b.k.variables = 2;
  const BufferId x = b.buffer(DType::f32, rows * n), out = b.buffer(DType::f32, n, true),
                 running = b.buffer(DType::f32, rows * n, true);
  const auto sum = b.accumulator(DType::f32, Op::add, bits(0.0f));
  const NodeId v = b.load(x, {0, {{0, 1}, {1, n}}}), total = b.read(sum), so_far = b.read(sum);
  b.k.body = {{Reset{sum}},
              loop(1, rows, false,
                   {eval(v), {Accumulate{sum, v}}, eval(so_far), store(running, {0, {{0, 1}, {1, n}}}, so_far)}),
              eval(total),
              store(out, kLane0, total)};
  auto values = ramp(rows * n);
  std::vector<float> got(n), prefix(values.size());
  run(b.k, {values.data(), got.data(), prefix.data()}, 0, n);
  for (std::int64_t c = 0; c < n; ++c) {
    float expected = 0.0f;
    for (std::int64_t r = 0; r < rows; ++r) {
      expected += values[r * n + c];
      EXPECT_EQ(prefix[r * n + c], expected);
    }
    EXPECT_EQ(got[c], expected) << c;
  }
}

TEST_P(Lengths, MaskedLoadsGiveZeroAndMaskedStoresLeaveMemory) {
  const std::int64_t n = GetParam();
  Builder b;
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::f32, n), out = b.buffer(DType::f32, n + 4, true),
                 copies = b.buffer(DType::f32, n, true);
  const Affine shifted{-2, {{0, 1}}};  // a pad of two at each end
  const NodeId inside = b.node({.op = Op::in_range, .dtype = DType::bool_, .at = shifted, .extent = n});
  const NodeId v = b.load(x, shifted, inside);
  b.k.body = {loop(0, n + 4, true, {eval(inside), eval(v), store(out, kLane0, v), store(copies, shifted, v, inside)})};
  auto values = ramp(n);
  std::vector<float> got(n + 4, 9.0f), copied(static_cast<std::size_t>(n) + 2, 9.0f);
  run(b.k, {values.data(), got.data(), copied.data() + 1});
  for (std::int64_t i = 0; i < n + 4; ++i) EXPECT_EQ(got[i], i < 2 || i >= n + 2 ? 0.0f : values[i - 2]) << i;
  for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(copied[i + 1], values[i]) << i;
  EXPECT_EQ(copied.front(), 9.0f);
  EXPECT_EQ(copied.back(), 9.0f);
}

TEST(CodegenParallel, CountsUpAllVariablesFromAnyStart) {
  Builder b;
  b.k.parallel = {3, 4, 5};
  b.k.variables = 3;
  const BufferId out = b.buffer(DType::i32, 60, true);
  const NodeId i = b.node({.op = Op::index, .dtype = DType::i32, .at = {7, {{0, 10000}, {1, 100}, {2, 1}}}});
  b.k.body = {eval(i), store(out, {0, {{0, 20}, {1, 5}, {2, 1}}}, i)};
  for (const auto& [begin, end] : {std::pair{0, 60}, std::pair{13, 47}, std::pair{59, 60}, std::pair{20, 20}}) {
    std::vector<std::int32_t> got(60, -1);
    run(b.k, {got.data()}, begin, end);
    for (int j = 0; j < 60; ++j)
      EXPECT_EQ(got[j], j >= begin && j < end ? j / 20 * 10000 + j / 5 % 4 * 100 + j % 5 + 7 : -1);
  }
}

TEST(CodegenParallel, EmptySpaceRunsOnce) {
  Builder b;
  const BufferId x = b.buffer(DType::f64, 1), out = b.buffer(DType::f64, 1, true);
  const NodeId v = b.load(x, {}), y = b.op(Op::mul, DType::f64, v, v);
  b.k.body = {eval(v), eval(y), store(out, {}, y)};
  double in = 3.0, got = 0.0;
  run(b.k, {&in, &got});
  EXPECT_EQ(got, 9.0);
}

// softmax of a row in three passes over scratch
TEST(CodegenScratch, HoldsARowBetweenLoops) {
  constexpr std::int64_t rows = 4, n = 77;
  Builder b;
  b.k.parallel = {rows};
  b.k.variables = 3;
  const BufferId x = b.buffer(DType::f32, rows * n), out = b.buffer(DType::f32, rows * n, true),
                 row = b.buffer(DType::f32, n, true);
  b.k.buffers[row].scratch = true;
  const auto sum = b.accumulator(DType::f32, Op::add, bits(0.0f));
  const NodeId v = b.load(x, {0, {{0, n}, {1, 1}}}), e = b.op(Op::exp, DType::f32, v), total = b.read(sum),
               kept = b.load(row, {0, {{2, 1}}}), y = b.op(Op::div, DType::f32, kept, total);
  b.k.body = {{Reset{sum}},
              loop(1, n, true, {eval(v), eval(e), {Accumulate{sum, e}}, store(row, {0, {{1, 1}}}, e)}),
              loop(2, n, true, {eval(total), eval(kept), eval(y), store(out, {0, {{0, n}, {2, 1}}}, y)})};
  std::vector<float> values(rows * n), got(rows * n);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) * 0.1f;
  EXPECT_EQ(compile({b.k})->entries[0].scratch_bytes, 320);
  run(b.k, {values.data(), got.data(), nullptr}, 0, rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum_of_row = 0.0;
    for (std::int64_t i = 0; i < n; ++i) sum_of_row += std::exp(static_cast<double>(values[r * n + i]));
    for (std::int64_t i = 0; i < n; ++i)
      EXPECT_NEAR(got[r * n + i], std::exp(static_cast<double>(values[r * n + i])) / sum_of_row, 1e-7);
  }
}

TEST(CodegenAccumulators, RunningValuesOfASerialLoopAreScalars) {
  constexpr std::int64_t n = 100;
  Builder b;
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::bf16, n), out = b.buffer(DType::f32, n, true);
  const auto sum = b.accumulator(DType::f32, Op::add, bits(0.0f));
  const NodeId v = b.load(x, kLane0), so_far = b.read(sum);
  b.k.body = {{Reset{sum}},
              loop(0, n, false, {eval(v), {Accumulate{sum, v}}, eval(so_far), store(out, kLane0, so_far)})};
  std::vector<bfloat16> values(n, bfloat16(0.25f));
  std::vector<float> got(n);
  run(b.k, {values.data(), got.data()});
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(got[i], 0.25f * static_cast<float>(i + 1));
}

TEST(CodegenAccumulators, BoolsAndIntegersCombineOverLanes) {
  constexpr std::int64_t n = 83;
  Builder b;
  b.k.variables = 1;
  const BufferId x = b.buffer(DType::i64, n), out = b.buffer(DType::bool_, 2, true),
                 product = b.buffer(DType::i64, 2, true);
  const auto every = b.accumulator(DType::bool_, Op::bit_and, 1), some = b.accumulator(DType::bool_, Op::bit_or, 0),
             times = b.accumulator(DType::i64, Op::mul, 1),
             least = b.accumulator(DType::i64, Op::min, 0x7fffffffffffffff);
  const NodeId v = b.load(x, kLane0), limit = b.constant(DType::i64, 83), small = b.op(Op::lt, DType::bool_, v, limit);
  const NodeId a = b.read(every), o = b.read(some), p = b.read(times), m = b.read(least);
  b.k.body = {{Reset{every}},
              {Reset{some}},
              {Reset{times}},
              {Reset{least}},
              loop(0, n, true,
                   {eval(v),
                    eval(small),
                    {Accumulate{every, small}},
                    {Accumulate{some, small}},
                    {Accumulate{times, v}},
                    {Accumulate{least, v}}}),
              eval(a),
              eval(o),
              eval(p),
              eval(m),
              store(out, {0, {}}, a),
              store(out, {1, {}}, o),
              store(product, {0, {}}, p),
              store(product, {1, {}}, m)};
  std::vector<std::int64_t> values(n);
  std::iota(values.begin(), values.end(), 1);
  bool got[2] = {true, false};
  std::int64_t numbers[2] = {};
  run(b.k, {values.data(), got, numbers});
  std::uint64_t expected = 1;
  for (const auto value : values) expected *= static_cast<std::uint64_t>(value);
  EXPECT_FALSE(got[0]);
  EXPECT_TRUE(got[1]);
  EXPECT_EQ(static_cast<std::uint64_t>(numbers[0]), expected);
  EXPECT_EQ(numbers[1], 1);
}

TEST(CodegenStores, StreamingReachesEveryElementAtAnyAlignment) {
  constexpr std::int64_t n = 1000;
  Kernel k = elementwise(Op::neg, DType::f32, {DType::f32}, n);
  std::get<Store>(k.body.back().what).streaming = true;
  auto values = ramp(n);
  for (const std::size_t shift : {0, 1, 8, 16}) {
    std::vector<float> got(n + 16);
    run(k, {values.data(), got.data() + shift}, 0, n);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(got[i + shift], -values[i]);
  }
}

TEST(CodegenCompile, EqualKernelsShareAFunction) {
  Kernel a = elementwise(Op::neg, DType::f32, {DType::f32}, 64), c = elementwise(Op::abs, DType::f32, {DType::f32}, 64),
         other = a;
  other.name = "another";
  const auto compiled = compile({a, other, c});
  EXPECT_EQ(compiled->entries[0].function, compiled->entries[1].function);
  EXPECT_NE(compiled->entries[0].function, compiled->entries[2].function);
}

TEST(CodegenCompile, ReportsBrokenKernelsByName) {
  Builder b;
  b.k.name = "broken";
  const BufferId out = b.buffer(DType::f32, 1, true);
  b.k.body = {store(out, {}, b.load(out, {}))};
  std::string error;
  EXPECT_FALSE(code_generator().compile({b.k}, {}, error));
  EXPECT_NE(error.find("broken"), std::string::npos);
  EXPECT_NE(error.find("before it is evaluated"), std::string::npos);
}

TEST(CodegenCompile, RunsOnSeveralThreadsAtOnce) {
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        const std::int64_t n = 50 + 10 * t + i;
        std::string error;
        const auto compiled = code_generator().compile({elementwise(Op::neg, DType::f32, {DType::f32}, n)}, {}, error);
        if (!compiled) continue;
        auto values = ramp(n);
        std::vector<float> got(values.size());
        void* buffers[] = {values.data(), got.data()};
        compiled->entries[0].function(buffers, 0, n, nullptr);
        right += got.back() == -values.back();
      }
    });
  threads.clear();
  EXPECT_EQ(right, 20);
}

TEST(LoopProgramText, ListsBuffersAndStatements) {
  const std::string text = to_string(elementwise(Op::add, DType::f32, {DType::f32, DType::f32}, 8));
  EXPECT_NE(text.find("kernel test lanes(i0 < 8)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("%2: f32 = add %0 %1"), std::string::npos) << text;
  EXPECT_NE(text.find("b2[i0] = %2"), std::string::npos) << text;
}

}  // namespace tf2jax::loops::testing
