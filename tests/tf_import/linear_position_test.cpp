// Positions that graphs compute, and slices between two of them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

std::string whole(const std::string& name, int value) {
  return constant(name, "dtype: DT_INT32 tensor_shape {} int_val: " + std::to_string(value));
}
std::string list(const std::string& name, const std::vector<int>& values) {
  std::string text = "dtype: DT_INT32 tensor_shape { dim { size: " + std::to_string(values.size()) + " } }";
  for (const int v : values) text += " int_val: " + std::to_string(v);
  return constant(name, text);
}
const std::string kMasks =
    "attr { key: \"begin_mask\" value { i: 0 } } attr { key: \"end_mask\" value { i: 0 } } "
    "attr { key: \"ellipsis_mask\" value { i: 0 } } attr { key: \"new_axis_mask\" value { i: 0 } } "
    "attr { key: \"shrink_axis_mask\" value { i: 0 } }";

// x[…] between begin and end, which `nodes` compute from the scalar i.
std::string sliced(const std::string& nodes) {
  return placeholder("x", "dim { size: 8 }") + placeholder("i", "", "DT_INT32") + nodes +
         node("y", "StridedSlice", {"x", "begin", "end", "ones"}, kMasks) + list("ones", {1});
}
std::string pack(const std::string& name, const std::string& of) {
  return node(name, "Pack", {of}, "attr { key: \"N\" value { i: 1 } } attr { key: \"axis\" value { i: 0 } }");
}

std::vector<float> ramp(int first, int count) {
  std::vector<float> out;
  for (int k = 0; k < count; ++k) out.push_back(static_cast<float>(first + k));
  return out;
}

TEST(LinearPosition, WindowsOfKnownSizeAreTraced) {
  const std::string by_sum =
      whole("three", 3) + node("last", "AddV2", {"i", "three"}) + pack("begin", "i") + pack("end", "last");
  const std::string by_product = whole("three", 3) + whole("one", 1) + node("next", "AddV2", {"one", "i"}) +
                                 node("first", "Mul", {"i", "three"}) + node("last", "Mul", {"three", "next"}) +
                                 pack("begin", "first") + pack("end", "last");
  const std::string of_vectors = pack("begin", "i") + list("step", {3}) + node("end", "AddV2", {"begin", "step"});
  const std::string by_difference = whole("three", 3) + node("before", "Sub", {"i", "three"}) +
                                    node("same", "Identity", {"i"}) + pack("begin", "before") + pack("end", "same");
  const auto check = [](const std::string& nodes, const std::function<int(int)>& first) {
    const auto f = import(sliced(nodes), {"y"}, {"x", "i"});
    const auto call = [&](const Array& i, const Array& x) { return Array(f(x, i)); };
    for (const int i : {1, 2}) {
      const Array x = astype(arange(8), f32), at(i);
      if (first(i) < 0 || first(i) > 5) continue;
      EXPECT_EQ(call(at, x).to_vector<float>(), ramp(first(i), 3));
      EXPECT_EQ(jit(call)(at, x).to_vector<float>(), ramp(first(i), 3));
      const Array g = jit(grad([&](const Array& v, const Array& k) { return sum(call(k, v)); }))(x, at);
      for (int k = 0; k < 8; ++k) EXPECT_EQ(g[k].item<float>(), k >= first(i) && k < first(i) + 3 ? 1 : 0);
    }
    const Array both =
        vmap([&](const Array& i) { return call(i, astype(arange(8), f32)); })(array<std::int32_t>({1, 1}));
    EXPECT_EQ(both[1].to_vector<float>(), call(Array(1), astype(arange(8), f32)).to_vector<float>());
  };
  check(by_sum, [](int i) { return i; });
  check(by_product, [](int i) { return 3 * i; });
  check(of_vectors, [](int i) { return i; });
  check(by_difference, [](int i) { return i - 3; });
}

TEST(LinearPosition, SizesThatDependOnValuesAreRefusedUnderJit) {
  const std::string nodes = whole("zero", 0) + pack("begin", "zero") + pack("end", "i");
  const auto f = import(sliced(nodes), {"y"}, {"x", "i"});
  EXPECT_EQ(Array(f(arange(8), Array(3))).to_vector<float>(), ramp(0, 3));
  expect_error<ConcretizationError>([&] { jit([&](const Array& i) { return Array(f(arange(8), i)); })(Array(3)); },
                                    "the bounds of a slice must be constants");
}

}  // namespace
}  // namespace tf2jax
