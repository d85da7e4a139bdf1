// Definitions that are built in.
#include <gtest/gtest.h>
#include <tf2jax/tf_graph/internal/op_table.h>
#include <tf2jax/tf_graph/internal/protos.h>

namespace tf2jax {
namespace {

const tensorflow::AttrValue* default_of(const char* op, std::string_view attribute) {
  const auto* def = detail::builtin_op(op);
  if (!def) return nullptr;
  for (const auto& a : def->attr())
    if (a.name() == attribute) return &a.default_value();
  return nullptr;
}

TEST(OpTable, DefaultsAreThoseOfTensorFlow) {
  EXPECT_EQ(default_of("MatMul", "transpose_a")->b(), false);
  EXPECT_EQ(default_of("Conv2D", "data_format")->s(), "NHWC");
  EXPECT_EQ(default_of("OneHot", "axis")->i(), -1);
  EXPECT_FLOAT_EQ(default_of("FusedBatchNormV3", "epsilon")->f(), 0.0001f);
  EXPECT_EQ(default_of("ArgMax", "output_type")->type(), tensorflow::DT_INT64);
  const auto& dilations = default_of("Conv2D", "dilations")->list().i();
  EXPECT_EQ(std::vector<std::int64_t>(dilations.begin(), dilations.end()), (std::vector<std::int64_t>{1, 1, 1, 1}));
  EXPECT_TRUE(default_of("TensorArrayV3", "element_shape")->shape().unknown_rank());
}

TEST(OpTable, OutputsHaveNamesAndCounts) {
  const auto* top = detail::builtin_op("TopKV2");
  ASSERT_EQ(top->output_arg_size(), 2);
  EXPECT_EQ(top->output_arg(1).name(), "indices");
  EXPECT_EQ(detail::builtin_op("Split")->output_arg(0).number_attr(), "num_split");
  EXPECT_EQ(detail::builtin_op("IdentityN")->output_arg(0).type_list_attr(), "T");
  EXPECT_EQ(detail::builtin_op("Assert")->output_arg_size(), 0);
}

TEST(OpTable, KnowsNothingOfOthers) {
  EXPECT_EQ(detail::builtin_op("NoSuchOp"), nullptr);
  EXPECT_EQ(detail::builtin_op(""), nullptr);
  EXPECT_EQ(default_of("Conv2D", "strides"), nullptr);  // required
}

}  // namespace
}  // namespace tf2jax
