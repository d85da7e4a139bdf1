// Vectorisation of flat functions and of programs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array rows = array<float>({{1, 2, 3}, {4, 5, 6}});

TEST(VmapFlat, GivesTheAxisAlongWhichResultsVary) {
  const std::vector<Axis> axes{1, std::nullopt};
  const BatchResult r =
      vmap_flat([](const Arrays& x) { return Arrays{x[0] * 2.f, x[1] + 1.f}; }, Arrays{rows, Array(5.f)}, axes, 3);
  EXPECT_EQ(r.values[0].to_vector<float>(), (rows * 2.f).to_vector<float>());
  EXPECT_EQ(r.axes[0], Axis(1));
  EXPECT_EQ(r.axes[1], std::nullopt);
  EXPECT_EQ(r.values[1].item<float>(), 6);
}

TEST(VmapFlat, OfNoExamples) {
  const std::vector<Axis> axes{0};
  const BatchResult r = vmap_flat([](const Arrays& x) { return Arrays{sin(x[0])}; }, Arrays{zeros({0, 2})}, axes, 0);
  EXPECT_EQ(r.values[0].dims(), (Dims{0, 2}));
}

TEST(VmapFlat, SymbolicBatches) {
  const Dim b = Dim::variable("b");
  const Avals out =
      eval_shape([](const Array& x) { return vmap([](const Array& v) { return sum(v); })(x); }, spec(f32, {b, 3}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b}));
}

TEST(BatchJaxpr, MapsTheInputsThatVary) {
  const Jaxpr j = make_jaxpr([](const Array& x, const Array& y) { return std::tuple(x * y, y * y); })(spec(f32, {3}),
                                                                                                      spec(f32, {3}));
  const BatchedJaxpr b = batch_jaxpr(j, 2, {true, false}, {false, false});
  check_jaxpr(b.jaxpr);
  EXPECT_EQ(b.mapped_out, (Mask{true, false}));
  const Array y = array<float>({1, 10, 100});
  const Arrays out = eval_jaxpr(b.jaxpr, Arrays{rows, y});
  EXPECT_EQ(out[0].to_vector<float>(), (Floats{1, 20, 300, 4, 50, 600}));
  EXPECT_EQ(out[1].to_vector<float>(), (Floats{1, 100, 10000}));
  const BatchedJaxpr forced = batch_jaxpr(j, 2, {true, false}, {false, true});
  EXPECT_EQ(forced.mapped_out, (Mask{true, true}));
  EXPECT_EQ(eval_jaxpr(forced.jaxpr, Arrays{rows, y})[1].dims(), (Dims{2, 3}));
}

TEST(VmapFlat, NamesThePrimitiveThatHasNoRule) {
  const Primitive p = make_primitive(
      {.name = "batch_test_unmapped", .operands = 1, .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
         return {x[0]};
       }});
  expect_error<MissingRule>([&] { vmap([&](const Array& x) { return p.bind1({x}); })(ones({2})); },
                            "batch_test_unmapped");
}

}  // namespace
}  // namespace tf2jax
