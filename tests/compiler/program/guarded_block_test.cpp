// CompileOptions::check_bounds: values have guarded memory of their own, and planned lives are obeyed.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <cstdlib>

namespace tf2jax {
namespace {

// Doubles its operand, and writes one element behind it.
const Primitive& careless_p() {
  static const Primitive p = [] {
    const Primitive made = make_primitive(
        {.name = "careless", .aval = [](std::span<const Aval> in, const NoParams&) { return Avals{in[0]}; }});
    set_kernel(made, [](const KernelCall& call) {
      auto* x = reinterpret_cast<float*>(const_cast<std::byte*>(call.args[0].bytes().data()));
      x[call.args[0].size()] = 1.f;
      return Arrays{Array::from_bytes(DType::f32, call.args[0].dims(), call.args[0].bytes())};
    });
    return made;
  }();
  return p;
}

Array careless(const Array& x) { return sin(careless_p().bind1({cos(x)})); }

void run_careless() {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  default_backend().compile(make_jaxpr(careless)(spec(f32, {100})), {.check_bounds = true})->run(Arrays{ones({100})});
}

TEST(CheckBounds, AStepThatWritesOutsideItsValuesIsNamed) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(run_careless(),
               "a step wrote outside a value of 400 bytes: call careless|AddressSanitizer: use-after-poison");
}

TEST(CheckBounds, ValuesLiveAsLongAsTheyAreUsed) {
  const auto f = [](const Array& x) {
    const Array a = sort(x, 0), b = matmul(a, transpose(x)), c = softmax(b);
    const Array d =
        scan([&](const Array& carry, const Array& row) { return std::pair{tanh(carry + matmul(row, a)), sum(carry)}; },
             zeros({7}), c(all, slice(0, 9)))
            .second;
    const Array e = while_loop([](const Array& v) { return less(sum(v), 50.f); },
                               [](const Array& v) { return square(v) + 1.f; }, d);
    return std::tuple{
        e, sum(a) + sum(b),
        cond(
            greater(sum(x), 0.f), [](const Array& v) { return sort(sin(v), 0); }, [](const Array& v) { return v; }, c),
        cumsum(c, 0)};
  };
  const Array x = random::normal(random::key(0), {9, 7});
  const Jaxpr jaxpr = make_jaxpr(f)(x);
  const Arrays want = default_backend().compile(jaxpr, {.interpret = true})->run(Arrays{x});
  const Arrays got = default_backend().compile(jaxpr, {.check_bounds = true})->run(Arrays{x});
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto a = got[i].to_vector<double>(), b = want[i].to_vector<double>();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-5 * (1 + std::abs(b[k]))) << "output " << i;
  }
}

TEST(CheckBounds, NoArenaIsPlanned) {
  if (std::getenv("TF2JAX_CHECK_BOUNDS")) GTEST_SKIP() << "all programs are checked";
  const Jaxpr jaxpr = make_jaxpr([](const Array& x) { return sin(sort(cos(x))); })(spec(f32, {100}));
  EXPECT_GT(default_backend().compile(jaxpr, {})->memory().temporaries, 0);
  EXPECT_EQ(default_backend().compile(jaxpr, {.check_bounds = true})->memory().temporaries, 0);
}

}  // namespace
}  // namespace tf2jax
