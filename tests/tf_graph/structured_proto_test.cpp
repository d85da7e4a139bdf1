// Structured values to messages and back.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>
#include <tf2jax/tf_graph/internal/protos.h>
#include <tf2jax/tf_graph/internal/structured_proto.h>

#include "../support.h"

namespace tf2jax {
namespace {

StructuredValue read(const std::string& text) {
  tensorflow::StructuredValue proto;
  detail::parse_text(text, proto, "test");
  return detail::structured_from_proto(proto, "test");
}

TEST(StructuredProto, EveryKindComesBack) {
  for (const char* text :
       {"none_value { }", "float64_value: 1.5", "int64_value: -7", "string_value: 'a'", "bool_value: true",
        "tensor_spec_value { name: 'x' dtype: DT_FLOAT shape { dim { size: -1 } dim { size: 3 } } }",
        "tensor_spec_value { name: 's' dtype: DT_STRING shape { unknown_rank: true } }",
        "list_value { values { int64_value: 1 } values { none_value { } } }", "tuple_value { }",
        "tuple_value { values { bool_value: false } }",
        "dict_value { fields { key: 'b' value { int64_value: 1 } } fields { key: 'a' value { int64_value: 2 } } }",
        "named_tuple_value { name: 'Point' values { key: 'x' value { int64_value: 1 } } }"}) {
    const StructuredValue v = read(text);
    EXPECT_EQ(detail::structured_from_proto(detail::structured_to_proto(v), "test").to_string(), v.to_string()) << text;
  }
}

TEST(StructuredProto, DictionariesAreSorted) {
  EXPECT_EQ(
      read("dict_value { fields { key: 'b' value { int64_value: 1 } } fields { key: 'a' value { int64_value: 2 } } }")
          .to_string(),
      "{'a': 2, 'b': 1}");
}

TEST(StructuredProto, OtherKindsKeepTheirNameAndAreNotWritten) {
  const StructuredValue v = read("type_spec_value { type_spec_class_name: 'RaggedTensorSpec' }");
  EXPECT_EQ(v.to_string(), "<RaggedTensorSpec>");
  expect_error<NotImplementedError>([&] { detail::structured_to_proto(v); }, "RaggedTensorSpec");
}

TEST(StructuredProto, DepthIsBounded) {
  tensorflow::StructuredValue proto;
  tensorflow::StructuredValue* inner = &proto;
  for (int i = 0; i < 100; ++i) inner = inner->mutable_list_value()->add_values();
  expect_error<ValueError>([&] { detail::structured_from_proto(proto, "place"); }, "place");
}

}  // namespace
}  // namespace tf2jax
