// TensorFlow's own random numbers, bit for bit as tests/oracle/tf_random.py recorded them.
#include <tf2jax/tf2jax.h>

#include "../../../support.h"
#include "../../one_node.h"
#include "../../recorded_nodes.h"

namespace tf2jax {
namespace {

TEST(ExactRandom, IsWhatTensorFlowDraws) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  check_recorded("random/stateless.json", 50);
}

std::string uniform_of(const std::string& seed) {
  return seed + constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 3") +
         node("y", "StatelessRandomUniform", {"n", "s"}, "attr { key: \"dtype\" value { type: DT_FLOAT } }");
}

TEST(ExactRandom, IsForWhoAsks) {
  const std::string graph =
      uniform_of(constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 1 int_val: 2"));
  const auto drawn = [&] { return import(graph + kScalarX, {"y"}, {"x"})(1.f).array().to_vector<float>(); };
  const auto jax = drawn();
  const auto exact = override_config(&Config::tf_exact_random, true);
  EXPECT_NE(drawn(), jax);
}

TEST(ExactRandom, NeedsAKnownSeed) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto f = import(uniform_of(placeholder("s", "dim { size: 2 }", "DT_INT32")), {"y"}, {"s"});
  const Array seed = array<std::int32_t>({1, 2});
  EXPECT_EQ(f(seed).array().size(), 3);
  expect_error<ConcretizationError>([&] { jit([&](const Array& s) { return f(s).array(); })(seed); },
                                    "need seeds and parameters that are known");
}

TEST(ExactRandom, HasNoDerivativeInAParameter) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto f = [](const Array& alpha) {
    return sum(call_node("StatelessRandomGammaV2",
                         {fixed(array<std::int32_t>({2, 2})), fixed(array<std::int32_t>({1, 2})), argument(alpha)},
                         {{"dtype", f32}, {"T", i32}, {"Tseed", i32}}, false)
                   .array());
  };
  EXPECT_GT(f(array({1.5f, 2.f})).item<float>(), 0);
  expect_error<ConcretizationError>([&] { grad(f)(array({1.5f, 2.f})); }, "parameters that are known");
}

// The order is known, so that what is shuffled may be traced.
TEST(ExactRandom, ShufflesWhatIsTraced) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto shuffled = [](const Array& x) {
    return call_node("RandomShuffle", {argument(x)}, {{"T", f32}, {"seed", 3}, {"seed2", 4}}).array();
  };
  const Array x = array({1.f, 2.f, 3.f, 4.f, 5.f}), weights = array({1.f, 10.f, 100.f, 1000.f, 10000.f});
  const auto order = shuffled(x).to_vector<float>();
  const auto g = jit(grad([&](const Array& v) { return sum(shuffled(v) * weights); }))(x).to_vector<float>();
  for (std::size_t i = 0; i < order.size(); ++i)
    EXPECT_EQ(g[static_cast<std::size_t>(order[i]) - 1], weights[static_cast<int>(i)].item<float>());
}

// TensorFlow cuts more work into parts, by its threads, that draw from places of their own.
TEST(ExactRandom, RefusesWhatDependsOnThreads) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto drawn = [](std::int64_t rows) {
    return call_node("StatelessMultinomial",
                     {fixed(zeros({rows, 2})), fixed(Array(1)), fixed(array<std::int32_t>({1, 2}))},
                     {{"T", f32}, {"Tseed", i32}, {"output_dtype", i64}})
        .array();
  };
  EXPECT_EQ(drawn(1399).size(), 1399);
  expect_error<NotImplementedError>([&] { drawn(1400); }, "depend on its threads");
}

// Each turn draws what follows on the numbers of the last one.
TEST(ExactRandom, RefusesSeedsOfAttributesInALoop) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const std::string scalar =
                        "attr { key: \"value\" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 3 } } }",
                    empty =
                        "attr { key: \"value\" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 0 } } } } }";
  const auto function = [](const std::string& name, const std::string& type, const std::string& nodes,
                           const char* result) {
    return "function { signature { name: \"" + name +
           "\" input_arg { name: \"c\" type: DT_FLOAT } output_arg { name: \"r\" type: " + type + " } } " + nodes +
           " ret { key: \"r\" value: \"" + result + "\" } } ";
  };
  const auto f =
      import(kScalarX +
             node("y", "StatelessWhile", {"x"},
                  "attr { key: \"cond\" value { func { name: \"more\" } } } attr { key: \"body\" value { func { name: "
                  "\"step\" } } } attr { key: \"T\" value { list { type: DT_FLOAT } } }") +
             "library { " +
             function("more", "DT_BOOL",
                      "node_def { name: \"n\" op: \"Const\" " + scalar +
                          " } node_def { name: \"l\" op: \"Less\" input: \"c\" input: \"n:output:0\" }",
                      "l:z:0") +
             function("step", "DT_FLOAT",
                      "node_def { name: \"n\" op: \"Const\" " + empty +
                          " } node_def { name: \"u\" op: \"RandomUniform\" input: \"n:output:0\" attr { key: \"dtype\" "
                          "value { type: DT_FLOAT "
                          "} } attr { key: \"seed2\" value { i: 5 } } } node_def { name: \"a\" op: \"AddV2\" input: "
                          "\"c\" input: \"u:output:0\" }",
                      "a:z:0") +
             "}");
  expect_error<NotImplementedError>([&] { f(1.f, rng(random::key(0))); },
                                    "RandomUniform are not implemented in a loop");
}

TEST(ExactRandom, RefusesParametersThatNoSamplerEndsFor) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto drawn = [](float rate) {
    return call_node("StatelessRandomPoisson",
                     {fixed(array<std::int32_t>({1})), fixed(array<std::int32_t>({1, 2})), fixed(array({rate}))},
                     {{"Rtype", f32}, {"dtype", f32}, {"T", i32}, {"Tseed", i32}});
  };
  EXPECT_EQ(floats_of(drawn(INFINITY))[0], INFINITY);
  expect_error<ImportError>([&] { drawn(NAN); }, "no number is found");
}

// Without the option: JAX's numbers, within the bounds of each row.
TEST(ParameterizedTruncatedNormal, StaysWithinTheBoundsOfEachRow) {
  const auto y = floats_of(call_node("ParameterizedTruncatedNormal",
                                     {fixed(array<std::int32_t>({2, 500})), fixed(array({0.f, 10.f})),
                                      fixed(array({1.f, 2.f})), fixed(array({-1.f, 11.f})), fixed(array({0.5f, 12.f}))},
                                     {{"dtype", f32}, {"T", i32}}));
  for (int i = 0; i < 500; ++i) {
    EXPECT_TRUE(-1.f <= y[i] && y[i] <= 0.5f) << y[i];
    EXPECT_TRUE(11.f <= y[i + 500] && y[i + 500] <= 12.f) << y[i + 500];
  }
  EXPECT_NE(y[0], y[1]);
}

}  // namespace
}  // namespace tf2jax
