// Operations of XLA within TensorFlow's graphs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"
#include "xla_dims.pb.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

template <class Message>
AttributeValue dims(const std::function<void(Message&)>& fill) {
  Message m;
  fill(m);
  return m.SerializeAsString();
}
const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});

TEST(XlaOps, Dot) {
  const auto d = dims<xla::DotDimensionNumbers>([](auto& m) {
    m.add_lhs_contracting_dimensions(1);
    m.add_rhs_contracting_dimensions(1);
  });
  EXPECT_EQ(floats_of(call_node("XlaDotV2", {argument(x23), argument(x23)},
                                {{"dimension_numbers", d}, {"precision_config", std::string()}})),
            (Floats{14, 32, 32, 77}));
}

TEST(XlaOps, Conv) {
  const auto d = dims<xla::ConvolutionDimensionNumbers>([](auto& m) {
    m.set_input_feature_dimension(1);
    m.add_input_spatial_dimensions(2);
    m.set_kernel_input_feature_dimension(1);
    m.add_kernel_spatial_dimensions(2);
    m.set_output_feature_dimension(1);
    m.add_output_spatial_dimensions(2);
  });
  const auto ints = [](std::initializer_list<int> v) { return fixed(array<int>(v)); };
  const Array x = reshape(array<float>({1, 2, 3, 4}), {1, 1, 4}), k = reshape(array<float>({1, 10}), {1, 1, 2});
  const Array y = call_node(
      "XlaConvV2",
      {argument(x), argument(k), ints({1}), fixed(array<int>({{1, 0}})), ints({1}), ints({1}), fixed(array<int>(1))},
      {{"dimension_numbers", d}, {"precision_config", std::string()}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{10, 21, 32, 43}));
}

TEST(XlaOps, PadsAndSlices) {
  const auto ints = [](std::initializer_list<int> v) { return fixed(array<int>(v)); };
  EXPECT_EQ(
      floats_of(call_node(
          "XlaPad", {argument(array<float>({1, 2})), fixed(array<float>(9)), ints({1}), ints({-1}), ints({1})}, {})),
      (Floats{9, 1, 9}));
  EXPECT_EQ(floats_of(call_node("XlaDynamicSlice", {argument(x23), argument(array<int>({1, 9})), ints({1, 2})}, {})),
            (Floats{5, 6}));
  EXPECT_EQ(floats_of(call_node("XlaDynamicUpdateSlice",
                                {argument(x23), argument(array<float>({{7}})), argument(array<int>({0, 1}))}, {})),
            (Floats{1, 7, 3, 4, 5, 6}));
}

TEST(XlaOps, Gather) {
  const auto d = dims<xla::GatherDimensionNumbers>([](auto& m) {
    m.add_offset_dims(1);
    m.add_collapsed_slice_dims(0);
    m.add_start_index_map(0);
    m.set_index_vector_dim(1);
  });
  EXPECT_EQ(floats_of(call_node("XlaGather", {argument(x23), argument(array<int>({1, 0})), fixed(array<int>({1, 3}))},
                                {{"dimension_numbers", d}, {"indices_are_sorted", false}})),
            (Floats{4, 5, 6, 1, 2, 3}));
}

TEST(XlaOps, PrecisionsAndBarriers) {
  EXPECT_EQ(floats_of(call_node("XlaReducePrecision", {argument(array<float>({1.25f, 1.75f}))},
                                {{"exponent_bits", std::int64_t{5}}, {"mantissa_bits", std::int64_t{1}}})),
            (Floats{1, 2}));
  EXPECT_EQ(floats_of(call_node("XlaOptimizationBarrier", {argument(x23)}, {})), x23.to_vector<float>());
  EXPECT_EQ(floats_of(call_node("XlaSharding", {argument(x23)}, {{"sharding", std::string()}})),
            x23.to_vector<float>());
}

// A library function of two scalars that applies one operation.
std::string reducer(const std::string& op) {
  return "library { function { signature { name: \"f\" input_arg { name: \"a\" type: DT_FLOAT } input_arg { name: "
         "\"b\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } "
         "node_def { name: \"o\" op: \"" +
         op + "\" input: \"a\" input: \"b\" } ret { key: \"r\" value: \"o:z:0\" } } }";
}

TEST(XlaOps, ReductionsByAFunction) {
  const auto reduced = [](const std::string& op, const std::string& init) {
    return Array(import(kVectorX + constant("i", "dtype: DT_FLOAT tensor_shape { } float_val: " + init) +
                        node("y", "XlaVariadicReduceV2", {"x", "i"},
                             "attr { key: \"reducer\" value { func { name: \"f\" } } } attr { key: "
                             "\"dimensions_to_reduce\" value { list { i: 0 } } }") +
                        reducer(op))(array<float>({2, 3, 4})))
        .item<float>();
  };
  EXPECT_EQ(reduced("AddV2", "100"), 109);
  EXPECT_EQ(reduced("Mul", "1"), 24);
  EXPECT_EQ(reduced("Maximum", "3.5"), 4);
}

}  // namespace
}  // namespace tf2jax
