// Typed keys in modules: words, with the same numbers drawn from them.
#include "../programs.h"

#include <gtest/gtest.h>

#include "../../support.h"

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

// `f` of one key, through a module that takes words and gives no keys.
Array drawn(const std::function<Array(const Array&)>& f, const Array& words,
            const Aval& key = {DType::key, {}, false}) {
  const Jaxpr program = stage([&](const Arrays& xs) { return Arrays{f(xs[0])}; }, {key});
  const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(program));
  return eval_jaxpr(stablehlo::to_jaxpr(stablehlo::read_module(bytes), {words.aval().strong()}), Arrays{words})[0];
}
void expect_same(const std::function<Array(const Array&)>& f, const Array& words,
                 const Aval& key = {DType::key, {}, false}) {
  const Array got = drawn(f, words, key), want = f(random::wrap_key_data(words));
  EXPECT_EQ(got.aval(), want.aval());
  EXPECT_EQ(got.to_vector<double>(), want.to_vector<double>());
}

}  // namespace

TEST(WriteKeys, NumbersAreThoseOfTheKey) {
  const Array words = random::raw_key(5);
  expect_same([](const Array& k) { return random::bits(k, {3}); }, words);
  expect_same([](const Array& k) { return random::key_data(random::split(k, 3)); }, words);
  expect_same([](const Array& k) { return random::key_data(random::fold_in(k, array<std::uint32_t>(7u))); }, words);
  expect_same([](const Array& k) { return random::uniform(k, {4}); }, words);
}

TEST(WriteKeys, KeysAreMovedAsWords) {
  const Array words = random::split(random::raw_key(5), 6);
  const Aval keys{DType::key, {6}, false};
  const auto data = [](const Array& k) { return random::key_data(k); };
  expect_same([&](const Array& k) { return data(slice_in_dim(k, 1, 5, 2, 0)); }, words, keys);
  expect_same([&](const Array& k) { return data(transpose(reshape(k, {2, 3}), {1, 0})); }, words, keys);
  expect_same([&](const Array& k) { return data(concatenate({k, rev(k, {0})}, 0)); }, words, keys);
  expect_same([&](const Array& k) { return data(dynamic_slice(k, Arrays{array<std::int32_t>(2)}, {2})); }, words, keys);
  expect_same([&](const Array& k) { return data(squeeze(slice_in_dim(k, 3, 4, 1, 0), {0})); }, words, keys);
}

TEST(WriteKeys, LoopsCarryKeys) {
  const auto f = [](const Array& key) {
    const FlatFn step = [](const Arrays& c) {
      const Array keys = random::split(c[0], 2);
      return Arrays{squeeze(slice_in_dim(keys, 0, 1, 1, 0), {0}), random::bits(c[0], {2})};
    };
    return scan_flat(step, {key}, {}, 3)[1];
  };
  expect_same(f, random::raw_key(11));
}

TEST(WriteKeys, ResultsOfKeysAreWords) {
  const Jaxpr program =
      stage([](const Arrays& xs) { return Arrays{random::split(xs[0], 2)}; }, {{DType::key, {}, false}});
  const auto module = stablehlo::from_jaxpr(program);
  EXPECT_EQ(module.entry().inputs[0]->to_string(), "tensor<2xui32>");
  EXPECT_EQ(module.entry().outputs[0]->to_string(), "tensor<2x2xui32>");
}
