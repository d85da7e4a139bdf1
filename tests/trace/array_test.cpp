// Arrays: memory, conversions, access and what is refused.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/array.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(ArrayLiterals, RanksZeroToThree) {
  EXPECT_EQ(array<float>(2.5f).dims(), Dims{});
  EXPECT_EQ(array<int>({1, 2, 3}).dims(), Dims{3});
  EXPECT_EQ(array<int>({{1, 2}, {3, 4}, {5, 6}}).dims(), (Dims{3, 2}));
  EXPECT_EQ(array<int>({{{1, 2}}, {{3, 4}}}).dims(), (Dims{2, 1, 2}));
  EXPECT_EQ(array<bool>({true, false}).to_vector<int>(), (std::vector<int>{1, 0}));
  expect_error<ShapeError>([] { array<int>({{1, 2}, {3}}); }, "rows have different lengths");
}

TEST(ArrayLiterals, ScalarsOfCxxAreWeak) {
  EXPECT_EQ(Array(3).dtype(), i32);
  EXPECT_EQ(Array(3.0).dtype(), f32);
  EXPECT_EQ(Array(complex128(1, 2)).dtype(), c64);
  EXPECT_TRUE(Array(3).weak_type());
  EXPECT_FALSE(Array(true).weak_type());
  EXPECT_EQ(Array(bfloat16(1.5f)).dtype(), bf16);
  expect_error<ValueError>([] { Array(std::int64_t{1} << 40); }, "does not fit i32");
}

TEST(ArrayMemory, BytesAreCopiedViewsBorrow) {
  std::vector<float> v{1, 2, 3, 4};
  const Array copy = from_span<float>(v, {2, 2});
  int released = 0;
  {
    const Array view = view_of<float>(v, {4}, [&] { ++released; });
    EXPECT_EQ(view.data<float>().data(), v.data());
    v[0] = 9;
    EXPECT_EQ(view.item<float>(0), 9);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_EQ(copy.item<float>(0, 0), 1);
  expect_error<ShapeError>([&] { view_of<float>(v, {3}); }, "Got 4; expected 3");
}

TEST(ArrayMemory, LargeAndSmallAndEmpty) {
  for (const std::int64_t n : {0, 1, 8, 9, 1000}) {  // 8 floats lie in the node
    const Array x = Array::build({f32, {n}, false}, [&](std::byte* out) {
      for (std::int64_t i = 0; i < n; ++i) reinterpret_cast<float*>(out)[i] = static_cast<float>(i);
    });
    EXPECT_EQ(x.size(), n);
    EXPECT_EQ(x.to_vector<float>().size(), static_cast<std::size_t>(n));
    if (n > 0) {
      EXPECT_EQ(x.item<float>(-1), static_cast<float>(n - 1));
    }
  }
}

TEST(ArrayItems, IndicesCountFromBothEnds) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(x.item<float>(1, 0), 4);
  EXPECT_EQ(x.item<float>(-1, -1), 6);
  EXPECT_EQ(x.item<float>(4), 5);  // flat
  EXPECT_EQ(array<float>({7}).item<float>(), 7);
  expect_error<ValueError>([&] { x.item<float>(2, 0); }, "out of range");
  expect_error<ValueError>([&] { x.item<float>(0, 0, 0); }, "indices");
  expect_error<ValueError>([&] { x.item<float>(); }, "index is needed");
}

TEST(ArrayItems, EveryDtypeConverts) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {bool_, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array x = ones({2}, d);
    EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{1, 1})) << short_name(d);
    EXPECT_EQ(x.item<complex64>(1), complex64(1)) << short_name(d);
    EXPECT_EQ(x.item<std::int8_t>(0), 1) << short_name(d);
  }
}

TEST(ToVector, ConvertsAsJaxDoes) {
  const Array x =
      array<float>({-1.5f, 3e9f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()});
  const std::vector<int> want{-1, std::numeric_limits<int>::max(), std::numeric_limits<int>::max(), 0};
  EXPECT_EQ(x.to_vector<int>(), want);
  EXPECT_EQ(astype(x, i32).to_vector<int>(), want);
  EXPECT_EQ(x.item<std::uint8_t>(0), 0);
}

TEST(ArrayItems, DataIsOfItsOwnTypeOnly) {
  expect_error<DtypeError>([] { ones({2}).data<int>(); }, "elements are f32");
  expect_error<DtypeError>([] { array<float>({1}).data<double>(); }, "enable_x64");
}

TEST(ArrayTruth, OfOneElement) {
  EXPECT_TRUE(static_cast<bool>(Array(2)));
  EXPECT_FALSE(static_cast<bool>(array<float>({0})));
  expect_error<ValueError>([] { static_cast<void>(static_cast<bool>(ones({2}))); }, "ambiguous");
  expect_error<ConcretizationError>(
      [] {
        make_jaxpr([](const Array& x) {
          if (x > 0.f) return x;
          return -x;
        })(1.f);
      },
      "bool(Array): a traced");
}

TEST(ArrayValues, NoneAndTraced) {
  EXPECT_FALSE(Array().has_value());
  expect_error<ValueError>([] { Array().dtype(); }, "no value");
  expect_error<ConcretizationError>([] { make_jaxpr([](const Array& x) { return Array(x.item<float>()); })(1.f); },
                                    "has no value here");
}

TEST(CanonicalArray, NarrowsWideOnesOnly) {
  const Array wide = [] {
    const auto x64 = override_config(&Config::enable_x64, true);
    return array<double>({1.5, 2});
  }();
  EXPECT_EQ(wide.dtype(), f64);
  EXPECT_EQ(canonical_array(wide).dtype(), f32);
  EXPECT_EQ(canonical_array(wide).to_vector<float>(), (Floats{1.5, 2}));
  const Array narrow = ones({2});
  EXPECT_TRUE(canonical_array(narrow).same_as(narrow));
  EXPECT_EQ(
      detail::exact_array({i64, {1}, false}, [](std::byte* p) { *reinterpret_cast<std::int64_t*>(p) = 5; }).dtype(),
      i64);
}

}  // namespace
}  // namespace tf2jax
