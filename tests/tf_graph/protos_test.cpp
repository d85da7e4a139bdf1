// Messages and plain values.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_graph/internal/protos.h>

#include "../support.h"

namespace tf2jax {
namespace {

tensorflow::TensorProto tensor(const char* text) {
  tensorflow::TensorProto proto;
  detail::parse_text(text, proto, "test");
  return proto;
}

TEST(TensorProto, LastValueRepeats) {
  const auto x = std::get<Array>(detail::tensor_from_proto(
      tensor("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 1 float_val: 2"), "c"));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 2}));
  const auto h =
      std::get<Array>(detail::tensor_from_proto(tensor("dtype: DT_HALF tensor_shape { } half_val: 15360"), "c"));
  EXPECT_EQ(h.item<float>(), 1.f);
}

TEST(TensorProto, RejectsContentsThatDoNotFit) {
  EXPECT_THROW(
      detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: \"ab\""), "c"),
      ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: -1 } }"), "c"), ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: 1099511627776 } }"), "c"),
               ResourceExhaustedError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { } float_val: 1 float_val: 2"), "c"),
               ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_VARIANT tensor_shape { }"), "c"), NotImplementedError);
}

TEST(TensorProto, EveryDtypeComesBack) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {bool_, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array x = astype(array<float>({{1, 0}, {1, 1}}), d);
    const Array back = std::get<Array>(detail::tensor_from_proto(detail::tensor_to_proto(x), "c"));
    EXPECT_EQ(back.aval(), x.aval()) << short_name(d);
    EXPECT_EQ(back.to_vector<float>(), x.to_vector<float>()) << short_name(d);
    EXPECT_EQ(*detail::dtype_from_proto(detail::dtype_to_proto(d)), d);
  }
}

TEST(TensorProto, StringsAndEmptyTensorsComeBack) {
  const StringTensor s{{2}, {"a\0b", ""}};
  EXPECT_EQ(std::get<StringTensor>(detail::tensor_from_proto(detail::tensor_to_proto(s), "c")), s);
  const Array none = std::get<Array>(detail::tensor_from_proto(detail::tensor_to_proto(zeros({0, 3})), "c"));
  EXPECT_EQ(none.dims(), (Dims{0, 3}));
}

TEST(DataTypes, ReferencesCountAsPlainAndOthersHaveNone) {
  EXPECT_EQ(detail::dtype_from_proto(tensorflow::DT_FLOAT_REF), f32);
  EXPECT_EQ(detail::base_type(tensorflow::DT_FLOAT_REF), tensorflow::DT_FLOAT);
  EXPECT_FALSE(detail::dtype_from_proto(tensorflow::DT_STRING));
  EXPECT_FALSE(detail::dtype_from_proto(tensorflow::DT_RESOURCE));
  EXPECT_EQ(detail::type_name(tensorflow::DT_HALF), "HALF");
}

TEST(Shapes, UnknownSizesAndRanks) {
  const auto back = [](const std::optional<Dims>& dims) {
    return detail::shape_from_proto(detail::shape_to_proto(dims), "c");
  };
  EXPECT_EQ(back(Dims{-1, 3}), (Dims{-1, 3}));
  EXPECT_EQ(back(Dims{}), Dims{});
  EXPECT_EQ(back(std::nullopt), std::nullopt);
  expect_error<ValueError>([&] { back(Dims{-2}); }, "c");
  expect_error<ValueError>([&] { detail::concrete_shape(detail::shape_to_proto(Dims{-1}), "c"); }, "c");
}

TEST(Messages, DamagedOnesNameTheirPlace) {
  tensorflow::TensorProto m;
  expect_error<ParseError>([&] { detail::parse_binary("\xff\xff\xff", m, "place"); }, "place");
  expect_error<ParseError>([&] { detail::parse_text("dtype: {", m, "place"); }, "place");
  detail::parse_text("dtype: DT_FLOAT no_such_field: 3", m, "place");  // fields of later versions are skipped
  EXPECT_EQ(m.dtype(), tensorflow::DT_FLOAT);
  tensorflow::TensorProto again;
  detail::parse_binary(detail::serialize(m), again, "place");
  EXPECT_EQ(again.dtype(), tensorflow::DT_FLOAT);
}

}  // namespace
}  // namespace tf2jax
