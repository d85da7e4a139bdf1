// Positions that graphs compute, and slices between two of them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "text_graph.h"

#include <algorithm>
#include <cmath>

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
std::string masks(int shrink_axis_mask) {
  return "attr { key: \"begin_mask\" value { i: 0 } } attr { key: \"end_mask\" value { i: 0 } } "
         "attr { key: \"ellipsis_mask\" value { i: 0 } } attr { key: \"new_axis_mask\" value { i: 0 } } "
         "attr { key: \"shrink_axis_mask\" value { i: " +
         std::to_string(shrink_axis_mask) + " } }";
}

// x[…] between begin and end, which `nodes` compute from the scalar i.
std::string sliced(const std::string& nodes) {
  return placeholder("x", "dim { size: 8 }") + placeholder("i", "", "DT_INT32") + nodes +
         node("y", "StridedSlice", {"x", "begin", "end", "ones"}, masks(0)) + list("ones", {1});
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
    int last = 0;
    for (const int i : {1, 2, 3, 4, 5}) {
      const Array x = astype(arange(8), f32), at(i);
      if (first(i) < 0 || first(i) > 5) continue;
      last = i;
      EXPECT_EQ(call(at, x).to_vector<float>(), ramp(first(i), 3));
      EXPECT_EQ(jit(call)(at, x).to_vector<float>(), ramp(first(i), 3));
      const Array g = jit(grad([&](const Array& v, const Array& k) { return sum(call(k, v)); }))(x, at);
      for (int k = 0; k < 8; ++k) EXPECT_EQ(g[k].item<float>(), k >= first(i) && k < first(i) + 3 ? 1 : 0);
    }
    const Array both =
        vmap([&](const Array& i) { return call(i, astype(arange(8), f32)); })(array<std::int32_t>({last, last}));
    EXPECT_EQ(both[1].to_vector<float>(), ramp(first(last), 3));
  };
  check(by_sum, [](int i) { return i; });
  check(by_product, [](int i) { return 3 * i; });
  check(of_vectors, [](int i) { return i; });
  check(by_difference, [](int i) { return i - 3; });
}

// x[begin:end:strides] of a 4 x 8 array, where the first positions are traced and the others constants packed with
// them.
std::string sliced_rows(const std::string& nodes, const std::vector<int>& strides) {
  return placeholder("x", "dim { size: 4 } dim { size: 8 }") + placeholder("i", "", "DT_INT32") + nodes +
         whole("one", 1) + node("next", "AddV2", {"i", "one"}) + list("strides", strides) +
         node("y", "StridedSlice", {"x", "begin", "end", "strides"}, masks(1));
}
std::string pack_two(const std::string& name, const std::string& a, const std::string& b) {
  return node(name, "Pack", {a, b}, "attr { key: \"N\" value { i: 2 } } attr { key: \"axis\" value { i: 0 } }");
}
Array rows() { return reshape(astype(arange(32), f32), {4, 8}); }
// `f` of rows and position i: as called, inside jit, and of a batch of positions.
void expect_row(const ConvertedFunction& f, int i, const std::vector<float>& expected) {
  const auto call = [&](const Array& k) { return Array(f(rows(), k)); };
  EXPECT_EQ(call(Array(i)).to_vector<float>(), expected);
  EXPECT_EQ(jit(call)(Array(i)).to_vector<float>(), expected);
  EXPECT_EQ(vmap(call)(array<std::int32_t>({i, i}))[1].to_vector<float>(), expected);
}

TEST(LinearPosition, ConstantsPackedWithTracedPositionsAreConstants) {
  const auto row = [&](int begin, int end, int stride) {
    const std::string nodes =
        whole("b", begin) + whole("e", end) + pack_two("begin", "i", "b") + pack_two("end", "next", "e");
    return import(sliced_rows(nodes, {1, stride}), {"y"}, {"x", "i"});
  };
  expect_row(row(1, -1, 1), 2, ramp(17, 6));    // x[i, 1:-1]
  expect_row(row(-3, 8, 1), 2, ramp(21, 3));    // x[i, -3:8]
  expect_row(row(-3, 100, 1), 2, ramp(21, 3));  // past the end
  expect_row(row(1, 7, 3), 1, {9, 12});         // x[i, 1:7:3]
  expect_row(row(6, 2, -2), 1, {14, 12});       // x[i, 6:2:-2]
  expect_row(row(5, 2, 1), 1, {});              // empty
}

TEST(LinearPosition, SlicesToTheEndFromConstantsPackedWithTracedStarts) {
  const auto from = [](int second, const std::vector<int>& sizes) {
    return import(placeholder("x", "dim { size: 4 } dim { size: 8 }") + placeholder("i", "", "DT_INT32") +
                      whole("b", second) + pack_two("begin", "i", "b") + list("sizes", sizes) +
                      node("y", "Slice", {"x", "begin", "sizes"}),
                  {"y"}, {"x", "i"});
  };
  expect_row(from(5, {1, -1}), 2, ramp(21, 3));
  expect_row(from(8, {1, -1}), 2, {});
  expect_row(from(2, {1, 3}), 3, ramp(26, 3));
  const auto traced = [](const ConvertedFunction& f) {
    jit([&](const Array& i) { return Array(f(rows(), i)); })(Array(1));
  };
  expect_error<ImportError>([&] { traced(from(6, {1, 3})); }, "Got [6, 9) of axis 1 with size 8");
  expect_error<ImportError>([&] { traced(from(9, {1, -1})); }, "Got [9, 8) of axis 1 with size 8");
  expect_error<ConcretizationError>([&] { traced(from(5, {-1, 1})); }, "a size to the end needs a constant start");
}

// Elements begin to end of 0, …, 7, as Python's and TensorFlow's slices count them.
std::vector<float> part(int begin, int end) {
  const auto at = [](int i) { return std::clamp(i < 0 ? i + 8 : i, 0, 8); };
  return ramp(at(begin), std::max(at(end) - at(begin), 0));
}

TEST(LinearPosition, WindowsThatLeaveTheAxis) {
  const Array x = astype(arange(8), f32);
  for (const int size : {3, 8, 9, 0, -2}) {
    const auto f = import(
        sliced(whole("size", size) + node("last", "AddV2", {"i", "size"}) + pack("begin", "i") + pack("end", "last")),
        {"y"}, {"x", "i"});
    const auto traced = jit([&](const Array& v, const Array& k) { return Array(f(v, k)); });
    for (int i = -12; i < 12; ++i) {
      SCOPED_TRACE(fmt::format("x[{} : {}]", i, i + size));
      const auto expected = part(i, i + size);
      EXPECT_EQ(Array(f(x, Array(i))).to_vector<float>(), expected);
      const auto [value, g] = value_and_grad([&](const Array& v) { return sum(square(Array(f(v, Array(i))))); })(x);
      float squares = 0;
      for (const float v : expected) squares += v * v;
      EXPECT_EQ(value.item<float>(), squares);
      for (int k = 0; k < 8; ++k) EXPECT_EQ(g[k].item<float>(), std::ranges::count(expected, k) * 2 * k);
      if (size > 8) continue;
      // A program has one size for all positions: what differs is not a number.
      const auto compiled = traced(x, Array(i)).to_vector<float>();
      if (expected.size() == compiled.size()) EXPECT_EQ(compiled, expected);
      else EXPECT_TRUE(std::ranges::all_of(compiled, [](float v) { return std::isnan(v); }));
    }
    if (size > 8) expect_error<ConcretizationError>([&] { traced(x, Array(0)); }, "Got traced ones for axis 0");
  }
}

TEST(LinearPosition, IndicesAndStartsOutsideTheAxisAreErrorsOfACall) {
  const auto row = import(sliced_rows(whole("zero", 0) + whole("end_", 8) + pack_two("begin", "i", "zero") +
                                          pack_two("end", "next", "end_"),
                                      {1, 1}),
                          {"y"}, {"x", "i"});
  const auto from = import(placeholder("x", "dim { size: 8 }") + placeholder("i", "", "DT_INT32") + pack("begin", "i") +
                               list("sizes", {3}) + node("y", "Slice", {"x", "begin", "sizes"}),
                           {"y"}, {"x", "i"});
  EXPECT_EQ(Array(row(rows(), Array(-1))).to_vector<float>(), ramp(24, 8));
  EXPECT_EQ(Array(from(astype(arange(8), f32), Array(5))).to_vector<float>(), ramp(5, 3));
  for (const int i : {4, -5}) expect_error<ImportError>([&] { row(rows(), Array(i)); }, "is out of bounds for axis 0");
  for (const int i : {6, -1})
    expect_error<ImportError>([&] { from(astype(arange(8), f32), Array(i)); }, "a slice exceeds its axis");
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
