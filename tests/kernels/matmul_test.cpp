// Matmul against the definition, over shapes, strides, dtypes and epilogues.
#include "tf2jax/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "tf2jax/base/thread_pool.h"

using namespace tf2jax;
using kernels::Matmul;
using kernels::MatmulSpec;
using Activation = MatmulSpec::Activation;

namespace {

std::int64_t span_of(const Dims& dims, const Dims& strides) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0) return 0;
    last += (dims[i] - 1) * strides[i];
  }
  return last + 1;
}

Dims with(Dims batch, std::int64_t rows, std::int64_t columns) {
  batch.insert(batch.end(), {rows, columns});
  return batch;
}

double activate(Activation a, double x) {
  switch (a) {
    case Activation::relu: return std::max(0.0, x);
    case Activation::tanh: return std::tanh(x);
    case Activation::logistic: return 1 / (1 + std::exp(-x));
    case Activation::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::none: break;
  }
  return x;
}

// Runs `spec` on random operands and compares each element with the sum in double. Elements between the strides of c
// stay.
template <class T, class Out = T>
void check(const MatmulSpec& spec, double tolerance, int runs = 1) {
  const Dims a_dims = with(spec.batch, spec.m, spec.k), b_dims = with(spec.batch, spec.k, spec.n),
             c_dims = with(spec.batch, spec.m, spec.n);
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto make = [&]<class E>(std::type_identity<E>, std::int64_t n) {
    std::vector<E> v(std::max<std::int64_t>(n, 1));
    for (auto& e : v) e = E(uniform(random));
    return v;
  };
  const auto a = make(std::type_identity<T>{}, span_of(a_dims, spec.a_strides)),
             b = make(std::type_identity<T>{}, span_of(b_dims, spec.b_strides));
  const auto bias = make(std::type_identity<T>{}, spec.n);
  const auto before = make(std::type_identity<Out>{}, span_of(c_dims, spec.c_strides));
  const auto matmul = Matmul::create(spec);
  ASSERT_NE(matmul, nullptr);
  SCOPED_TRACE(matmul->description());
  const void* b_read = b.data();
  const std::unique_ptr<void, decltype(&std::free)> prepared(
      matmul->prepared_bytes() ? std::aligned_alloc(64, matmul->prepared_bytes()) : nullptr, &std::free);
  if (prepared) matmul->prepare(b.data(), prepared.get()), b_read = prepared.get();
  for (int run = 0; run < runs; ++run) {
    auto c = before;
    matmul->run(a.data(), b_read, c.data(), spec.bias ? bias.data() : nullptr);
    std::vector<bool> written(c.size(), false);
    Dims index(spec.batch.size(), 0);
    const std::int64_t batch = num_elements(spec.batch);
    for (std::int64_t i = 0; i < batch; ++i) {
      std::int64_t ao = 0, bo = 0, co = 0, rest = i;
      for (std::size_t x = spec.batch.size(); x-- > 0; rest /= spec.batch[x]) {
        const std::int64_t at = rest % spec.batch[x];
        ao += at * spec.a_strides[x], bo += at * spec.b_strides[x], co += at * spec.c_strides[x];
      }
      const std::size_t r = spec.batch.size();
      for (std::int64_t y = 0; y < spec.m; ++y)
        for (std::int64_t x = 0; x < spec.n; ++x) {
          double sum = 0;
          for (std::int64_t p = 0; p < spec.k; ++p)
            sum += static_cast<double>(a[ao + y * spec.a_strides[r] + p * spec.a_strides[r + 1]]) *
                   static_cast<double>(b[bo + p * spec.b_strides[r] + x * spec.b_strides[r + 1]]);
          const std::size_t at = co + y * spec.c_strides[r] + x * spec.c_strides[r + 1];
          if (spec.accumulate) sum += static_cast<double>(before[at]);
          if (spec.bias) sum += static_cast<double>(bias[x]);
          written[at] = true;
          ASSERT_NEAR(static_cast<double>(c[at]), activate(spec.activation, sum),
                      tolerance * (1 + std::sqrt(static_cast<double>(spec.k))))
              << i << " " << y << " " << x;
        }
    }
    for (std::size_t i = 0; i < c.size(); ++i)
      if (!written[i] && span_of(c_dims, spec.c_strides)) {
        ASSERT_EQ(static_cast<double>(c[i]), static_cast<double>(before[i])) << "between the strides, at " << i;
      }
  }
}

Dims turned(Dims strides, const Dims& batch, std::int64_t rows, std::int64_t columns) {
  strides = row_major_strides(with(batch, columns, rows));
  std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  return strides;
}

Dims spread(Dims strides, std::int64_t factor) {
  for (auto& s : strides) s *= factor;
  return strides;
}

const std::vector<Dims> kSizes{{1, 1, 1},      {2, 3, 4},     {5, 1, 7},      {1, 9, 130},  {4, 100, 33},
                               {100, 4, 33},   {3, 64, 512},  {64, 64, 64},   {33, 65, 17}, {128, 10, 96},
                               {14, 32, 400},  {29, 49, 801}, {150, 790, 40}, {70, 33, 1},  {16, 96, 1},
                               {200, 130, 90}, {1, 513, 300}, {513, 1, 300}};

// Sizes worth testing on several threads: the others stay on one.
std::vector<Dims> sizes() {
  if (num_threads() == 1) return kSizes;
  std::vector<Dims> large;
  for (const Dims& s : kSizes)
    if (num_elements(s) > 200000) large.push_back(s);
  return large;
}

class MatmulShapes : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(before_); }
  int before_ = num_threads();
};

}  // namespace

TEST_P(MatmulShapes, PlainAndTransposedOperands) {
  for (const Dims& s : sizes())
    for (int flags = 0; flags < 8; ++flags) {
      for (const bool wide : {false, true}) {
        MatmulSpec spec = kernels::contiguous_matmul(wide ? f64 : f32, s[0], s[1], s[2]);
        if (flags & 1) spec.a_strides = turned(spec.a_strides, {}, s[0], s[2]);
        if (flags & 2) spec.b_strides = turned(spec.b_strides, {}, s[2], s[1]);
        if (flags & 4) spec.c_strides = turned(spec.c_strides, {}, s[0], s[1]);
        if (wide) check<double>(spec, 1e-13);
        else check<float>(spec, 2e-6);
      }
    }
}

// Against sums in unsigned arithmetic, whose low bits are those of every wrapping product.
template <class T>
void check_integers(const MatmulSpec& spec) {
  std::mt19937_64 random(9);
  const auto make = [&](std::int64_t n) {
    std::vector<T> v(std::max<std::int64_t>(n, 1));
    for (auto& e : v) e = static_cast<T>(random());
    return v;
  };
  const auto a = make(spec.m * spec.k), b = make(spec.k * spec.n), before = make(spec.m * spec.n);
  auto c = before;
  const auto matmul = Matmul::create(spec);
  ASSERT_NE(matmul, nullptr);
  matmul->run(a.data(), b.data(), c.data());
  const auto at = [](const Dims& strides, std::int64_t row, std::int64_t column) {
    return static_cast<std::size_t>(row * strides[0] + column * strides[1]);
  };
  for (std::int64_t y = 0; y < spec.m; ++y)
    for (std::int64_t x = 0; x < spec.n; ++x) {
      std::uint64_t sum = spec.accumulate ? static_cast<std::uint64_t>(before[at(spec.c_strides, y, x)]) : 0;
      for (std::int64_t p = 0; p < spec.k; ++p)
        sum += static_cast<std::uint64_t>(a[at(spec.a_strides, y, p)]) *
               static_cast<std::uint64_t>(b[at(spec.b_strides, p, x)]);
      ASSERT_EQ(c[at(spec.c_strides, y, x)], static_cast<T>(sum)) << matmul->description() << " at " << y << ", " << x;
    }
}

TEST_P(MatmulShapes, IntegersWrap) {
  for (const Dims& s : sizes())
    for (int flags = 0; flags < 16; ++flags) {
      const auto spec = [&](DType d) {
        MatmulSpec out = kernels::contiguous_matmul(d, s[0], s[1], s[2]);
        if (flags & 1) out.a_strides = turned(out.a_strides, {}, s[0], s[2]);
        if (flags & 2) out.b_strides = turned(out.b_strides, {}, s[2], s[1]);
        if (flags & 4) out.c_strides = turned(out.c_strides, {}, s[0], s[1]);
        out.accumulate = flags & 8;
        return out;
      };
      check_integers<std::int32_t>(spec(i32));
      check_integers<std::uint64_t>(spec(u64));
      if (flags > 1) continue;
      check_integers<std::uint32_t>(spec(u32));
      check_integers<std::int64_t>(spec(i64));
    }
  check_integers<std::int32_t>(kernels::contiguous_matmul(i32, 3, 4, 0));
}

TEST_P(MatmulShapes, StridesThatNoLibraryTakes) {
  for (const Dims& s : sizes())
    for (int which = 1; which < 8; ++which) {
      MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2]);
      if (which & 1) spec.a_strides = spread(spec.a_strides, 3);
      if (which & 2) spec.b_strides = spread(spec.b_strides, 2);
      if (which & 4) spec.c_strides = spread(spec.c_strides, 2);
      check<float>(spec, 2e-6);
    }
}

TEST_P(MatmulShapes, BatchesInAnyOrderOfAxes) {
  for (const Dims& s : sizes()) {
    if (num_elements(s) > 1100000) continue;
    MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2], {3, 2});
    check<float>(spec, 2e-6);
    // a stored as [m, 2, 3, k], b as [2, k, 3, n], c as [3, m, 2, n]: attention's layouts.
    spec.a_strides = {s[2], 3 * s[2], 6 * s[2], 1};
    spec.b_strides = {s[1], s[2] * 3 * s[1], 3 * s[1], 1};
    spec.c_strides = {s[0] * 2 * s[1], s[1], 2 * s[1], 1};
    check<float>(spec, 2e-6);
    spec.dtype = spec.out_dtype = f64;
    check<double>(spec, 1e-13);
  }
}

TEST_P(MatmulShapes, OperandsRepeatAlongTheBatch) {
  for (const Dims& s : sizes())
    for (int which = 1; which < 4; ++which) {
      if (num_elements(s) > 1100000) continue;
      MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2], {4});
      if (which & 1) spec.a_strides[0] = 0;
      if (which & 2) spec.b_strides[0] = 0;
      check<float>(spec, 2e-6);
    }
  MatmulSpec rows = kernels::contiguous_matmul(f32, 6, 40, 30);  // one row of a for every row of c
  rows.a_strides = {0, 1};
  check<float>(rows, 2e-6);
}

TEST_P(MatmulShapes, AddsBiasAndActivation) {
  for (const Dims& s : sizes())
    for (const Activation activation :
         {Activation::none, Activation::relu, Activation::gelu_tanh, Activation::tanh, Activation::logistic})
      for (const bool bias : {false, true}) {
        MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2]);
        spec.activation = activation;
        spec.bias = bias;
        check<float>(spec, 3e-6);
        spec.constant_b = true;
        check<float>(spec, 3e-6, 2);
        spec.dtype = spec.out_dtype = f64;
        check<double>(spec, 1e-13);
      }
}

TEST_P(MatmulShapes, AccumulatesIntoTheOutput) {
  for (const Dims& s : sizes()) {
    MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2], {2});
    spec.accumulate = true;
    check<float>(spec, 2e-6);
    spec.batch.clear();
    for (Dims* d : {&spec.a_strides, &spec.b_strides, &spec.c_strides}) d->erase(d->begin());
    check<float>(spec, 2e-6);
    spec.constant_b = true;
    check<float>(spec, 2e-6, 2);
  }
}

TEST_P(MatmulShapes, ReadsAPreparedOperand) {
  for (const Dims& s : sizes())
    for (const bool transposed : {false, true}) {
      MatmulSpec spec = kernels::contiguous_matmul(f32, s[0], s[1], s[2]);
      spec.prepared_b = true;
      if (transposed) spec.b_strides = {1, s[2]};
      check<float>(spec, 2e-6, 2);
      spec.dtype = spec.out_dtype = f64;
      check<double>(spec, 1e-13);
    }
}

TEST_P(MatmulShapes, HalvesAccumulateInFloat) {
  for (const Dims& s : sizes())
    for (const DType out : {f32, bf16}) {
      MatmulSpec spec = kernels::contiguous_matmul(bf16, s[0], s[1], s[2], {2});
      spec.out_dtype = out;
      if (out == f32) check<bfloat16, float>(spec, 1e-5);
      else check<bfloat16>(spec, 8e-3);
      spec.dtype = f16;
      if (out == f32) check<float16, float>(spec, 1e-5);
    }
}

TEST_P(MatmulShapes, OuterProductsOfABatch) {
  for (const std::int64_t columns : {16, 100, 512, 515}) {
    MatmulSpec spec = kernels::contiguous_matmul(f32, 70, columns, 1, {9});
    check<float>(spec, 1e-7);
    spec.dtype = spec.out_dtype = f64;
    check<double>(spec, 1e-16);
    spec.a_strides = spread(spec.a_strides, 2);
    check<double>(spec, 1e-16);
  }
  check<float>(kernels::contiguous_matmul(f32, 1000, 1003, 1, {10}), 1e-7);  // beyond the caches
}

INSTANTIATE_TEST_SUITE_P(Threads, MatmulShapes, ::testing::Values(1, 2),
                         [](const auto& info) { return std::to_string(info.param) + "Threads"; });

TEST(Matmul, EmptySizes) {
  check<float>(kernels::contiguous_matmul(f32, 3, 4, 0), 0);
  check<float>(kernels::contiguous_matmul(f32, 0, 4, 3), 0);
  check<float>(kernels::contiguous_matmul(f32, 30, 0, 3), 0);
  check<float>(kernels::contiguous_matmul(f32, 30, 40, 50, {0}), 0);
  check<double>(kernels::contiguous_matmul(f64, 30, 40, 0, {2}), 0);
}

TEST(Matmul, RefusesOtherDtypes) {
  for (const DType d : {i8, u16, bool_, c64})
    EXPECT_EQ(Matmul::create(kernels::contiguous_matmul(d, 2, 2, 2)), nullptr);
  MatmulSpec biased = kernels::contiguous_matmul(i32, 2, 2, 2);
  biased.bias = true;
  EXPECT_EQ(Matmul::create(biased), nullptr);
  MatmulSpec mixed = kernels::contiguous_matmul(f32, 2, 2, 2);
  mixed.out_dtype = f64;
  EXPECT_EQ(Matmul::create(mixed), nullptr);
}

TEST(Matmul, NotANumberStays) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::int64_t size : {8, 64}) {
    std::vector<float> a(size * size, 1), b = a, c = a;
    a[0] = nan;
    const auto matmul = Matmul::create(kernels::contiguous_matmul(f32, size, size, size));
    matmul->run(a.data(), b.data(), c.data());
    EXPECT_TRUE(std::isnan(c[0]));
    EXPECT_EQ(c[size], static_cast<float>(size));
  }
}

TEST(Matmul, ManyThreadsRunOneObject) {
  MatmulSpec spec = kernels::contiguous_matmul(f32, 40, 50, 60, {3});
  const auto matmul = Matmul::create(spec);
  const std::vector<float> a(3 * 40 * 60, 0.5f), b(3 * 60 * 50, 2.0f);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        std::vector<float> c(3 * 40 * 50);
        matmul->run(a.data(), b.data(), c.data());
        for (const float v : c) ASSERT_EQ(v, 60.0f);
      }
    });
}

TEST(Matmul, PacksAgainWhenThePointerChanges) {
  MatmulSpec spec = kernels::contiguous_matmul(f32, 32, 96, 64);
  spec.constant_b = true;
  const auto matmul = Matmul::create(spec);
  const std::vector<float> a(32 * 64, 1.0f), first(64 * 96, 1.0f), second(64 * 96, 2.0f);
  std::vector<float> c(32 * 96);
  matmul->run(a.data(), first.data(), c.data());
  EXPECT_EQ(c[5], 64.0f);
  matmul->run(a.data(), second.data(), c.data());
  EXPECT_EQ(c[5], 128.0f);
}
