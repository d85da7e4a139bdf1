// Every primitive has a rule, or an exception says why not; and what plain operations leave open is closed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include <limits>

#include "../support.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/name_scope.h"

using namespace tf2jax;

namespace {

// Through Xla operations and through plain ones.
template <class F, class... A>
void expect_same(const F& f, const A&... args) {
  const Array want = f(args...);
  for (const bool xla : {true, false}) {
    const Array got = jax2tf::convert(f, {.enable_xla = xla})(args...);
    ASSERT_TRUE(got.aval().matches(want.aval())) << got.aval() << " " << want.aval();
    if (is_inexact(want.dtype())) {
      const auto x = got.template to_vector<double>(), y = want.template to_vector<double>();
      for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_TRUE(x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i])) ||
                    std::abs(x[i] - y[i]) <= 1e-5 * (1 + std::abs(y[i])))
            << i << ": " << x[i] << " " << y[i] << (xla ? " xla" : " plain");
    } else {
      EXPECT_TRUE(std::ranges::equal(got.bytes(), want.bytes())) << (xla ? "xla" : "plain");
    }
  }
}

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST(Rules, EveryPrimitiveHasOneOrARefusal) {
  std::vector<std::string> missing;
  for (const Primitive& p : registered_primitives()) {
    const bool is_call = static_cast<bool>(p.rules().called);
    if (!jax2tf::all_rules().find(p) && !jax2tf::refusal(p.name()) && !is_call) missing.push_back(p.name());
  }
  EXPECT_THAT(missing, ::testing::IsEmpty());
}

TEST(Rules, RefusalsNameThePrimitive) {
  const auto f = jax2tf::convert([](const Array& x) { return random::gamma(random::key(0), x); });
  expect_error<NotImplementedError>([&] { f(ones({2})); }, "jax2tf: primitive 'random_gamma' cannot be written");
}

TEST(Rules, WithoutXlaThePrimitiveInTheWayIsNamed) {
  const auto f = jax2tf::convert([](const Array& x) { return reduce_precision(x, 5, 10); }, {.enable_xla = false});
  expect_error<NotImplementedError>([&] { f(ones({2})); }, "jax2tf: primitive 'reduce_precision' cannot be written");
}

TEST(Rules, FloatsBecomeIntegersAsHere) {
  const Array x = array<float>({1.9f, -1.9f, 3e9f, -3e9f, kInf, -kInf, kNan, 300.f, -300.f});
  for (const DType to : {i8, u8, i16, i32, u32, bool_})
    expect_same([to](const Array& v) { return convert_element_type(v, to); }, x);
}

TEST(Rules, IntegerDivisionIsDefinedEverywhere) {
  const Array x = array<std::int32_t>({7, -7, 7, std::numeric_limits<int>::min(), 5, 0});
  const Array y = array<std::int32_t>({2, 2, 0, -1, -1, 0});
  expect_same([](const Array& a, const Array& b) { return div(a, b); }, x, y);
  expect_same([](const Array& a, const Array& b) { return rem(a, b); }, x, y);
  expect_same([](const Array& a, const Array& b) { return floor_divide(a, b); }, x,
              array<std::int32_t>({2, 2, 3, 5, -1, 1}));
}

TEST(Rules, ShiftsByTheWidthAndMore) {
  const Array x = array<std::int32_t>({1, -1, 5, -8, 7}), y = array<std::int32_t>({31, 32, 40, 1, 0});
  expect_same([](const Array& a, const Array& b) { return shift_left(a, b); }, x, y);
  expect_same([](const Array& a, const Array& b) { return shift_right_logical(a, b); }, x, y);
  expect_same([](const Array& a, const Array& b) { return shift_right_arithmetic(a, b); }, x, y);
}

TEST(Rules, RoundingAndSigns) {
  const Array x = array<float>({0.5f, 0.49999997f, -0.5f, 2.5f, -2.5f, -0.f, kNan, kInf, 8388609.f});
  expect_same([](const Array& v) { return round_p().bind1({v}, RoundParams{0}); }, x);
  expect_same([](const Array& v) { return round_p().bind1({v}, RoundParams{1}); }, x);
  expect_same([](const Array& v) { return sign(v); }, x);
  EXPECT_TRUE(std::signbit(jax2tf::convert([](const Array& v) { return sign(v); })(x).item<float>(5)));
}

TEST(Rules, NansWinAndOrder) {
  const Array x = array<float>({3, kNan, -1, -0.f, 0.f, kInf, -kInf, 2});
  expect_same([](const Array& v) { return reduce_max(v, {0}); }, x);
  expect_same([](const Array& v) { return argmax(v, 0, i32); }, x);
  expect_same([](const Array& v) { return argmin(v, 0, i32); }, x);
  expect_same([](const Array& v) { return sort(v); }, x);
  expect_same([](const Array& v) { return argsort(v); }, x);
  expect_same([](const Array& v) { return top_k(v, 3).first; }, x);
  expect_same([](const Array& v) { return top_k(v, 3).second; }, x);
  expect_same([](const Array& v) { return cummax(v, 0); }, x);
  expect_same([](const Array& v) { return cummin(v, 0, true); }, x);
}

TEST(Rules, IndicesOutOfRange) {
  const Array x = arange(12), i = array<std::int32_t>({-20, -1, 0, 11, 12, 50});
  for (const auto mode : {GatherScatterMode::clip, GatherScatterMode::fill_or_drop}) {
    const GatherOptions options{.mode = mode};
    const auto at = [](const Array& v) { return expand_dims(v, {1}); };
    expect_same([&](const Array& v, const Array& k) { return gather(v, at(k), {{}, {0}, {0}, {}, {}}, {1}, options); },
                x, i);
    expect_same([&](const Array& v,
                    const Array& k) { return scatter_add(v, at(k), ones({6}, i32), {{}, {0}, {0}, {}, {}}, options); },
                x, i);
  }
  expect_same([](const Array& v, const Array& k) { return dynamic_slice(v, std::vector<Array>{k}, {4}); }, x,
              Array(-30));
  expect_same([](const Array& v, const Array& k) { return dynamic_slice(v, std::vector<Array>{k}, {4}); }, x,
              Array(10));
  expect_same(
      [](const Array& v, const Array& k) { return dynamic_update_slice(v, zeros({4}, i32), std::vector<Array>{k}); }, x,
      Array(10));
}

TEST(Rules, WindowsAndTheirGradients) {
  const Array x = reshape(sin(arange(36) * 1.f), {1, 6, 6, 1});
  const Window w{{1, 3, 2, 1}, {1, 2, 1, 1}, {{0, 0}, {1, 1}, {0, 1}, {0, 0}}, {}, {}};
  for (const auto f : {reduce_window_max, reduce_window_min, reduce_window_sum}) {
    expect_same([&](const Array& v) { return f(v, w); }, x);
    expect_same([&](const Array& v) { return grad([&](const Array& u) { return sum(sin(f(u, w))); })(v); }, x);
  }
}

TEST(Rules, ControlFlowRunsInFunctions) {
  expect_same(
      [](const Array& x) {
        return cond(less(sum(x), 0.f), [](const Array& v) { return -v; }, [](const Array& v) { return v * 3; }, x);
      },
      array<float>({1, 2}));
  const auto branches = [](const Array& i) {
    return switch_case(
        i,
        std::vector<Array (*)(const Array&)>{[](const Array& v) { return v + 1; }, [](const Array& v) { return v + 2; },
                                             [](const Array& v) { return v + 3; }},
        Array(10));
  };
  for (const int i : {-5, 0, 1, 2, 9}) expect_same(branches, Array(i));
  expect_same(
      [](const Array& x) {
        return while_loop([](const Array& v) { return less(sum(v), 100.f); }, [](const Array& v) { return v * 2; }, x);
      },
      array<float>({1, 2}));
  for (const bool reverse : {false, true})
    expect_same(
        [reverse](const Array& x) {
          return scan([](const Array& c, const Array& v) { return std::pair(c + v, c * v); }, Array(1.f), x,
                      {.reverse = reverse})
              .second;
        },
        array<float>({1, 2, 3, 4}));
}

TEST(Rules, RandomNumbersAreOurs) {
  for (const bool partitionable : {true, false}) {
    const auto scope = override_config(&Config::threefry_partitionable, partitionable);
    expect_same([](const Array& seed) { return random::bits(random::key(seed), {5}); }, Array(3));
    expect_same([](const Array& seed) { return random::bits(random::key(seed), {5}, u8); }, Array(3));
    expect_same([](const Array& seed) { return random::key_data(random::split(random::key(seed), 3)); }, Array(3));
    expect_same([](const Array& seed) { return random::normal(random::fold_in(random::key(7), seed), {4}); }, Array(3));
  }
}

TEST(Rules, NodesAreNamedByTheirScopes) {
  const auto f = [](const Array& x) {
    const NameScope scope("my layer(1)");
    return sin(x);
  };
  const auto name_of = [&](bool metadata) {
    const auto e = jax2tf::convert(f, {.with_gradient = false, .include_xla_op_metadata = metadata}).trace(spec(f32));
    for (const GraphNode& n : e.graph().nodes())
      if (n.op == "Sin") return n.name;
    return std::string();
  };
  EXPECT_EQ(name_of(true), "my_layer_1_/Sin");
  EXPECT_EQ(name_of(false), "Sin");
}

TEST(Rules, TablesOfOperationsAreComplete) {
  for (const auto& op : jax2tf::known_ops()) EXPECT_FALSE(jax2tf::op_row(op).outputs.empty()) << op;
}

TEST(Rules, StartsOfEveryIntegerType) {
  const Array x = arange(300);
  const auto at = [](const Array& v, const Array& k) { return dynamic_slice(v, std::vector<Array>{k}, {4}); };
  expect_same(at, x, array<std::uint8_t>(200));
  expect_same(at, x, array<std::int8_t>(-100));
  expect_same(at, x, array<std::uint32_t>(4000000000u));
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const std::int64_t k : {std::int64_t{-1} << 40, std::int64_t{1} << 40, std::int64_t{-3}, std::int64_t{290}}) {
    expect_same(at, x, array<std::int64_t>(k));
    expect_same([](const Array& v,
                   const Array& s) { return dynamic_update_slice(v, zeros({4}, v.dtype()), std::vector<Array>{s}); },
                x, array<std::int64_t>(k));
  }
  expect_same(at, x, array<std::uint64_t>(~std::uint64_t{0}));
}

TEST(Rules, ConjugatesOfRealNumbersAreFinite) {
  const auto parts = [](const Array& v) { return concatenate({real(conj(v)), imag(conj(v))}, 0); };
  expect_same(parts, array<float>({1, kInf, -kInf, -0.f}));
}

TEST(Rules, GatheredElementsOutsideAreFilledByType) {
  const auto at = [](const Array& v, const Array& k) {
    return gather(v, expand_dims(k, {1}), {{}, {0}, {0}, {}, {}}, {1}, {.mode = GatherScatterMode::fill_or_drop});
  };
  const Array k = array<std::int32_t>({-1, 0, 2, 9});
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {bool_, u8, i8, u32, i32, u64, i64, f32, f64, c64, bf16})
    expect_same([&](const Array& v, const Array& i) { return at(convert_element_type(v, d), i) == Array(0); },
                array<std::int32_t>({0, 1, 2}), k);
  expect_same(at, array<std::uint64_t>({1, 2, 3}), k);
  expect_same(at, array<std::int64_t>({1, 2, 3}), k);
}

TEST(Rules, PaddingLosesInGradientsOfMaxPooling) {
  const Array x = full({1, 3, 3, 1}, -kInf);
  const Window w{{1, 2, 2, 1}, {1, 2, 2, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}, {}, {}};
  expect_same([&](const Array& v) { return grad([&](const Array& u) { return sum(reduce_window_max(u, w)); })(v); }, x);
}

TEST(Rules, WindowsWithoutResultsAreEmpty) {
  const Window w{{3}, {1}, {{0, 0}}, {}, {}};
  for (const auto f : {reduce_window_max, reduce_window_min, reduce_window_sum})
    expect_same([&](const Array& v) { return f(v, w); }, ones({2}));
}
