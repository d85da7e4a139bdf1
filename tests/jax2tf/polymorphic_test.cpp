// The documents' examples of polymorphic shapes, with their results and errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;

namespace {

std::string result_shape(const jax2tf::ExportedFunction& f) { return to_string(f.jaxpr().output_avals().at(0).shape); }

}  // namespace

TEST(PolymorphicShapes, VariablesStandForSizes) {
  const auto f = jax2tf::convert([](const Array& x) { return sin(x); }, {.polymorphic_shapes = {"(b, 28, 28)"}});
  f(ones({1, 28, 28}));
  f(ones({16, 28, 28}));
  EXPECT_EQ(f.num_traces(), 1u);
  EXPECT_EQ(result_shape(f), "(b, 28, 28)");
}

TEST(PolymorphicShapes, PlaceholdersTakeSizesFromTheArgument) {
  for (const char* spec : {"(b, _, _)", "b, _, _", "(b, ...)", "b, ..."}) {
    const auto f = jax2tf::convert([](const Array& x) { return sin(x); }, {.polymorphic_shapes = {spec}});
    f(ones({3, 4, 5}));
    EXPECT_EQ(result_shape(f), "(b, 4, 5)") << spec;
  }
}

TEST(PolymorphicShapes, OneVariableForTwoSizesSaysThatTheyAreEqual) {
  const auto f = jax2tf::convert([](const Array& x) { return Array(x.shape()[1] == x.shape()[2] ? 1 : 0); },
                                 {.polymorphic_shapes = {"(b, d, d)"}});
  EXPECT_EQ(f(ones({2, 3, 3})).item<int>(), 1);
}

TEST(PolymorphicShapes, NulloptIsTheArgumentsOwnShape) {
  const auto f = jax2tf::convert([](const Array& x, const Array& w) { return matmul(x, w); },
                                 {.polymorphic_shapes = {"(b, _)", std::nullopt}});
  expect_close(f(ones({2, 3}), ones({3, 4})), std::vector<double>(8, 3));
  EXPECT_EQ(result_shape(f), "(b, 4)");
}

TEST(PolymorphicShapes, EachArgumentHasOne) {
  const auto f = jax2tf::convert([](const Array& x) { return x; }, {.polymorphic_shapes = {"b", "b"}});
  expect_error<TypeError>([&] { f(ones({3})); },
                          "polymorphic_shapes must be a sequence with the same length as the positional argument list "
                          "(1). Got ['b', 'b'].");
}

TEST(PolymorphicShapes, RankMustMatch) {
  const auto f = jax2tf::convert([](const Array& x) { return x; }, {.polymorphic_shapes = {"(b, 3)"}});
  expect_error<ParseError>([&] { f(ones({3})); }, "must match the rank");
}

TEST(PolymorphicShapes, KnownSizesMustAgree) {
  const auto f = jax2tf::convert([](const Array& x) { return x; }, {.polymorphic_shapes = {"(b, 3)"}});
  expect_error<ParseError>([&] { f(ones({2, 4})); }, "different size 3 for known dimension; like=(2, 4)");
}

TEST(PolymorphicShapes, TextsThatAreNoShapesAreErrors) {
  for (const char* spec : {"(b,, 3)", "b +", "..., b", "(b"}) {
    const auto f = jax2tf::convert([](const Array& x) { return x; }, {.polymorphic_shapes = {spec}});
    expect_error<ParseError>([&] { f(ones({2, 3})); }, "syntax error in symbolic shape");
  }
}

TEST(PolymorphicShapes, UndecidedEqualityIsAnError) {
  const auto f = jax2tf::convert([](const Array& x) { return Array(x.shape()[0] + 1 == x.shape()[1] ? 0 : 1); },
                                 {.polymorphic_shapes = {"(a, b)"}});
  expect_error<InconclusiveDimensionOperation>([&] { f(ones({3, 4})); }, "'a + 1' == 'b' is inconclusive");
}

TEST(PolymorphicShapes, ShapesAreCheckedAsDeclared) {
  const auto f =
      jax2tf::convert([](const Array& x, const Array& y) { return x + y; }, {.polymorphic_shapes = {"(v,)", "(4,)"}});
  expect_error<ShapeError>([&] { f(ones({4}), ones({4})); },
                           "add got incompatible shapes for broadcasting: (v,), (4,)");
}

TEST(PolymorphicShapes, ReshapeMustDivideEvenly) {
  const auto f = [](const Array& x) { return reshape(x, {2, -1}); };
  const auto odd = jax2tf::convert(f, {.polymorphic_shapes = {"(b, ...)"}});
  EXPECT_THAT(message_of<Error>([&] { odd(ones({4, 5, 7})); }),
              ::testing::HasSubstr("Cannot divide evenly the sizes of shapes (b, 5, 7) and (2, -1)"));
  const auto even = jax2tf::convert(f, {.polymorphic_shapes = {"(b, ...)"}});
  even(ones({4, 5, 6}));
  EXPECT_EQ(result_shape(even), "(2, 15*b)");
}

TEST(PolymorphicShapes, ReshapeKeepsPolynomials) {
  const auto f = jax2tf::convert([](const Array& x) { return reshape(x, {-1, x.shape()[0]}); },
                                 {.polymorphic_shapes = {"(b1, b2, ...)"}});
  const Array x = reshape(arange(120), {4, 5, 6});
  const Array y = f(x);
  EXPECT_EQ(result_shape(f), "(6*b2, b1)");
  EXPECT_EQ(y.dims(), (Dims{30, 4}));
  expect_close(reshape(y, {120}), x.to_vector<double>());
}

TEST(PolymorphicShapes, SizesInTheProgramAreReadFromTheArguments) {
  const auto f = jax2tf::convert([](const Array& images, const Array& mask) { return images * mask; },
                                 {.polymorphic_shapes = {"(b, w, w)", "(w, w)"}});
  const Array out = f(ones({2, 3, 3}), full({3, 3}, 2.f));
  EXPECT_EQ(f.num_traces(), 1u);
  expect_close(out, std::vector<double>(18, 2));
}

TEST(PolymorphicShapes, ShapeIsAValueOfTheProgram) {
  const auto f = jax2tf::convert([](const Array& x) { return reduce_sum(x, {0}) / jax2tf::dim_as_value(x.shape()[0]); },
                                 {.polymorphic_shapes = {"(v, _)"}});
  expect_close(f(full({4, 4}, 3.f)), {3, 3, 3, 3});
  expect_close(f(full({7, 2}, 5.f)), {5, 5});
}

TEST(PolymorphicShapes, ConstraintsDecideComparisonsAndAreChecked) {
  const auto f = jax2tf::convert(
      [](const Array& x, const Array& y) {
        return x.shape()[0] >= y.shape()[0] ? slice_in_dim(x, 0, 2, 1, 0) + reduce_sum(y, {0}) : x;
      },
      {.polymorphic_shapes = {"a", "b"}, .polymorphic_constraints = {"a >= b", "b >= 2"}});
  expect_close(f(ones({3}), ones({2})), {3, 3});
  EXPECT_EQ(f.num_traces(), 1u);
  expect_error<ValueError>([&] { f(ones({2}), ones({3})); },
                           "Input shapes do not match the symbolic shape constraint a >= b. Expected '- b + a' to be "
                           "greater or equal to 0, but found -1.");
  const Graph graph = f.graph();
  const auto g = convert(graph, {.inputs = f.graph_inputs(), .outputs = f.graph_outputs()});
  expect_close(Array(g(ones({4}), ones({3}))), {4, 4});
}

TEST(PolymorphicShapes, AVariableAloneTellsItsSizeWithConstraintsToo) {
  const auto f = [](const std::vector<std::optional<std::string>>& shapes) {
    return jax2tf::convert([](const Array& x, const Array& y) { return sum(x) + sum(y); },
                           {.polymorphic_shapes = shapes, .polymorphic_constraints = {"b >= 2"}});
  };
  expect_error<ValueError>([&] { f({"2*b", "b"})(ones({5}), ones({3})); },
                           "args[0].shape[0] (= 5) and the specification '2*b' (= 6)");
  expect_error<ValueError>([&] { f({"b", "b"})(ones({2}), ones({3})); },
                           "has dimension variable 'b' corresponding to multiple values {2, 3}");
}

TEST(PolymorphicShapes, EqualitiesSayWhatAVariableIs) {
  const auto f = jax2tf::convert([](const Array& x) { return reshape(x, {-1, 4}); },
                                 {.polymorphic_shapes = {"a"}, .polymorphic_constraints = {"a == 4*b"}});
  f(ones({12}));
  EXPECT_EQ(result_shape(f), "(b, 4)");
  expect_error<ValueError>([&] { f(ones({10})); }, "Division had remainder 2 when computing the value of 'b'");
}

TEST(PolymorphicShapes, ZeroSizeBreaksAPromise) {
  const auto f =
      jax2tf::convert([](const Array& x) { return Array(x.shape()[0] == 0 ? 0 : 1); }, {.polymorphic_shapes = {"b"}});
  expect_error<ValueError>([&] { f(zeros({0})); },
                           "PolyShape ('b',) has dimension variable 'b' corresponding to 0, for argument shapes "
                           "(TensorShape([0]),)");
}

TEST(PolymorphicShapes, UnequalSizesBreakAPromise) {
  const auto f = jax2tf::convert([](const Array& x) { return Array(x.shape()[0] == x.shape()[1] ? 1 : 0); },
                                 {.polymorphic_shapes = {"b, b"}});
  expect_error<ValueError>(
      [&] { f(ones({4, 5})); },
      "PolyShape ('b, b',) has dimension variable 'b' corresponding to multiple values {4, 5}, for "
      "argument shapes (TensorShape([4, 5]),)");
}

TEST(PolymorphicShapes, PolynomialsOfOneVariableAreSolved) {
  const auto f =
      jax2tf::convert([](const Array& x) { return reshape(x, {2, -1}); }, {.polymorphic_shapes = {"(2*b + 2, 3)"}});
  EXPECT_EQ(f(ones({6, 3})).dims(), (Dims{2, 9}));
  expect_error<ValueError>([&] { f(ones({7, 3})); }, "Division had remainder 1 when computing the value of 'b'");
}

TEST(PolymorphicShapes, VariablesThatNoSizeTellsAreErrors) {
  const auto f = jax2tf::convert([](const Array& x) { return x; }, {.polymorphic_shapes = {"(a*b,)"}});
  expect_error<ValueError>([&] { f(ones({6})); },
                           "Cannot solve for values of dimension variables {'a', 'b'}. We can "
                           "only solve linear uni-variate constraints.");
}

TEST(PolymorphicShapes, VmappedFunctionHasAnyBatch) {
  const auto one = [](const Array& x) { return sum(sin(x) * x) + dot(x, x); };
  const auto f = jax2tf::convert(vmap(one), {.polymorphic_shapes = {"(b, 3)"}});
  const Array x = reshape(arange(6), {2, 3}) * 0.1f;
  expect_close(f(x), vmap(one)(x).to_vector<double>());
  const Array y = reshape(arange(15), {5, 3}) * 0.1f;
  expect_close(f(y), vmap(one)(y).to_vector<double>());
}

TEST(PolymorphicShapes, LoopsTakeSizesAlong) {
  const auto f = jax2tf::convert(
      [](const Array& x) {
        return fori_loop(0, 3, [&](const Array&, const Array& c) { return c + broadcast_to(sum(c), x.shape()); }, x);
      },
      {.polymorphic_shapes = {"(b,)"}});
  expect_close(f(array<float>({1, 2})), {40, 41});
}

TEST(PolymorphicShapes, VariablesMayHaveUnderscores) {
  const auto f = jax2tf::convert([](const Array& x) { return sin(x); }, {.polymorphic_shapes = {"(batch_size, 3)"}});
  f(ones({2, 3}));
  f(ones({5, 3}));
  EXPECT_EQ(f.num_traces(), 1u);
  EXPECT_EQ(result_shape(f), "(batch_size, 3)");
}

namespace {

// One trace serves both batches, with the values of the original, in Xla and in plain operations.
template <class F>
void expect_any_batch(const F& f, const Array& a, const Array& b, const std::string& shape) {
  for (const bool xla : {true, false}) {
    const auto g = jax2tf::convert(f, {.polymorphic_shapes = {shape}, .enable_xla = xla});
    for (const Array& x : {a, b}) expect_close(g(x), Array(f(x)).template to_vector<double>());
    EXPECT_EQ(g.num_traces(), 1u);
  }
}
Array waves(const Dims& dims) { return reshape(sin(arange(num_elements(dims)) * 0.7f), symbolic(dims)); }

}  // namespace

TEST(PolymorphicShapes, IndicesAlongKnownAxes) {
  const Array k = array<std::int32_t>({2, 0, -1, 1});
  expect_any_batch([&](const Array& x) { return take(x, k, 1); }, waves({2, 3}), waves({5, 3}), "(b, _)");
  expect_any_batch([&](const Array& x) { return take(x, k, 0); }, waves({3, 2}), waves({3, 4}), "(_, b)");
  expect_any_batch([&](const Array& x) { return take(x, reshape(k, {2, 2}), 1); }, waves({2, 3, 2}), waves({4, 3, 1}),
                   "(b, _, c)");
  expect_any_batch([&](const Array& x) { return grad([&](const Array& v) { return sum(sin(take(v, k, 1))); })(x); },
                   waves({2, 3}), waves({5, 3}), "(b, _)");
}

TEST(PolymorphicShapes, MeansOverOpenAxes) {
  expect_any_batch([](const Array& x) { return mean(x); }, waves({2, 3}), waves({5, 3}), "(b, _)");
  expect_any_batch([](const Array& x) { return var(x, {0}); }, waves({2, 3}), waves({5, 3}), "(b, _)");
}

TEST(PolymorphicShapes, GradientsOfConvolutionsAndPools) {
  const Array kernel = waves({3, 2, 2, 4});
  const auto layers = [](const Array& x, const Array& k) {
    const Array y = conv_general_dilated(
        x, k, {.window_strides = {2, 1}, .dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC")}, "SAME");
    const Window pool{{1, 2, 2, 1}, {1, 1, 2, 1}, {}, {}, {}};
    return sum(sin(reduce_window_sum(y, pool)) + reduce_window_max(y, pool));
  };
  expect_any_batch([&](const Array& x) { return grad([&](const Array& v) { return layers(v, kernel); })(x); },
                   waves({1, 5, 4, 2}), waves({3, 5, 4, 2}), "(b, _, _, _)");
  expect_any_batch([&](const Array& x) { return grad([&](const Array& k) { return layers(x, k); })(kernel); },
                   waves({1, 5, 4, 2}), waves({3, 5, 4, 2}), "(b, _, _, _)");
}
