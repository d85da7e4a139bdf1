// 64-bit types: narrowed unless Config::enable_x64 is set, the default where it is. Expected dtypes are those of JAX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Warnings {
 public:
  Warnings() : former_(set_warning_handler([this](std::string_view m) { heard.emplace_back(m); })) {}
  ~Warnings() { set_warning_handler(former_); }
  std::vector<std::string> heard;

 private:
  WarningHandler former_;
};

TEST(NarrowTypes, NewArraysHaveNoWideOnes) {
  EXPECT_EQ(array<double>({1.5, 2}).dtype(), f32);
  EXPECT_EQ(array<double>({1.5, 2}).to_vector<double>(), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(array<std::int64_t>({1, -2}).dtype(), i32);
  EXPECT_EQ(array<std::uint64_t>({1, 2}).dtype(), u32);
  EXPECT_EQ(array<complex128>({{1, 2}}).dtype(), c64);
  const std::vector<double> v{0.5, 0.25};
  EXPECT_EQ(from_span<double>(v, {2}).dtype(), f32);
  bool released = false;
  const Array viewed = view_of<double>(v, {2}, [&] { released = true; });
  EXPECT_EQ(viewed.dtype(), f32);
  EXPECT_TRUE(released);
  EXPECT_THAT(viewed.to_vector<float>(), ElementsAre(0.5f, 0.25f));
  EXPECT_EQ(Array::build({f64, {2}, false},
                         [](std::byte* p) { reinterpret_cast<double*>(p)[0] = reinterpret_cast<double*>(p)[1] = 3; })
                .dtype(),
            f32);
}

TEST(NarrowTypes, IntegersKeepTheirLowBits) {
  EXPECT_EQ(array<std::int64_t>({(std::int64_t{5} << 32) + 7}).item<std::int64_t>(0), 7);
}

TEST(NarrowTypes, RequestsAreNarrowed) {
  const Array x = array<float>({1, 2});
  for (const Array& y : {astype(x, f64), convert_element_type(x, f64), zeros({2}, f64), ones({2}, f64),
                         full({2}, 1, f64), eye(2, {}, f64), one_hot(array<int>({0}), 2, f64)})
    EXPECT_EQ(y.dtype(), f32);
  EXPECT_EQ(iota(i64, {3}, 0).dtype(), i32);
  EXPECT_EQ(argmax(x, 0, i64).dtype(), i32);
  EXPECT_EQ(bitcast_convert_type(x, i64).dtype(), i32);
  EXPECT_EQ(random::uniform(random::key(0), {2}, f64).dtype(), f32);
  EXPECT_EQ(random::randint(random::key(0), {2}, 0, 9, i64).dtype(), i32);
  EXPECT_EQ(dot_general(x, x, {{0}, {0}, {}, {}}, f64).dtype(), f32);
  EXPECT_EQ(make_jaxpr([](const Array& v) { return astype(v, f64); })(spec(f64, {2})).output_avals()[0].dtype, f32);
}

TEST(NarrowTypes, ARequestWarnsOnceAndNamesTheSwitch) {
  const Warnings warnings;
  zeros({2});
  const Array x = array<float>({1, 2}) + 2.0;
  EXPECT_THAT(warnings.heard, ElementsAre());
  astype(x, f64);
  zeros({2}, i64);
  array<double>({1});
  EXPECT_THAT(warnings.heard, ElementsAre(HasSubstr("enable_x64")));
}

TEST(NarrowTypes, AnArrayFileIsNarrowed) {
  const std::string file = [] {
    const auto x64 = override_config(&Config::enable_x64, true);
    return to_npy(array<double>({1.5, -2}));
  }();
  EXPECT_EQ(parse_npy(file, "test").dtype(), f32);
  EXPECT_THAT(parse_npy(file, "test").to_vector<float>(), ElementsAre(1.5f, -2.f));
}

TEST(WideTypes, AreTheDefault) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const Array& y : {zeros({2}), ones({2}), eye(2), linspace(0, 1, 3), one_hot(array<int>({0}), 2),
                         Array(1.0) + 1.0, random::normal(random::key(0), {2})})
    EXPECT_EQ(y.dtype(), f64);
  for (const Array& y : {arange(3), argmax(ones({2}), 0), sum(array<bool>({true, true})), sum(array<std::int8_t>({1})),
                         sum(array<int>({1}))})
    EXPECT_EQ(y.dtype(), i64);
  EXPECT_EQ(sum(array<std::uint8_t>({1})).dtype(), u64);
  EXPECT_EQ(linspace(0, 1, 4).to_vector<double>()[1], 1.0 / 3);
}

// An array made while the switch was on keeps its type: no rule may mix it with narrowed constants.
TEST(WideTypes, OutliveTheSwitch) {
  const auto [d, m] = [] {
    const auto x64 = override_config(&Config::enable_x64, true);
    return std::pair(array<double>({1.5, -2, 3}), array<double>({{4, 1}, {1, 3}}));
  }();
  EXPECT_EQ((d + 2.0).to_vector<double>(), (std::vector<double>{3.5, 0, 5}));
  EXPECT_EQ(mean(d).dtype(), f64);
  EXPECT_EQ(pad(d, {{1, 1}}, 7).to_vector<double>(), (std::vector<double>{7, 1.5, -2, 3, 7}));
  EXPECT_EQ(d.at(1).set(5.f).to_vector<double>(), (std::vector<double>{1.5, 5, 3}));
  EXPECT_EQ(d.at(array<int>({0, 0})).add(1.f).to_vector<double>(), (std::vector<double>{3.5, -2, 3}));
  EXPECT_EQ(select(greater(d, 0), d, zeros_like(d)).to_vector<double>(), (std::vector<double>{1.5, 0, 3}));
  const auto f = [](const Array& x) { return sum(where(greater(x, 0), x * x, -x)); };
  EXPECT_EQ(grad(f)(d).to_vector<double>(), (std::vector<double>{3, -1, 6}));
  EXPECT_EQ(jit(grad(f))(d).to_vector<double>(), (std::vector<double>{3, -1, 6}));
  const auto branches = [](const Array& x) {
    return cond(
        greater(sum(x), 0), [](const Array& v) { return sum(v * v); }, [](const Array& v) { return sum(sin(v)); }, x);
  };
  EXPECT_EQ(jit(grad(branches))(d).to_vector<double>(), (std::vector<double>{3, -4, 6}));
  EXPECT_EQ(eigh(m).second.dtype(), f64);
}

TEST(WideTypes, CheckpointsAreKeptApart) {
  const auto f = checkpoint([](const Array& x) { return sin(x * astype(Array(1), canonical_dtype(f64))); });
  EXPECT_EQ(grad(f)(Array(0.5f)).dtype(), f32);
  const auto x64 = override_config(&Config::enable_x64, true);
  EXPECT_EQ(grad(f)(array<float>(0.5f)).dtype(), f32);
  EXPECT_EQ(grad(f)(array<double>(0.5)).dtype(), f64);
}

}  // namespace
}  // namespace tf2jax
