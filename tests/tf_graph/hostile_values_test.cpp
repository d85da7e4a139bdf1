// Graph files and checkpoints that claim more than they hold, or nest without end.
#include "tf2jax/base/config.h"
#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_graph/function_library.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/index_table.h"
#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/tensor_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
namespace tf = tensorflow;

tf::TensorProto tensor(const std::string& text) {
  tf::TensorProto proto;
  detail::parse_text(text, proto, "test");
  return proto;
}

TEST(HostileTensor, RepeatedValuesKeepToTheLimit) {
  const auto huge = tensor("dtype: DT_FLOAT tensor_shape { dim { size: 1099511627776 } } float_val: 1");
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { detail::tensor_from_proto(huge, "c"); }),
              HasSubstr("Config::max_array_elements"));
  const auto empty = tensor("dtype: DT_FLOAT tensor_shape { dim { size: 0 } dim { size: 4611686018427387904 } }");
  EXPECT_THROW(detail::tensor_from_proto(empty, "c"), ResourceExhaustedError);
  const auto wrapped = tensor("dtype: DT_STRING tensor_shape { dim { size: 4294967296 } dim { size: 4294967296 } }");
  EXPECT_THROW(detail::tensor_from_proto(wrapped, "c"), ResourceExhaustedError);
  const auto small = tensor("dtype: DT_FLOAT tensor_shape { dim { size: 100 } } float_val: 1");
  {
    const auto few = override_config(&Config::max_array_elements, 99);
    EXPECT_THROW(detail::tensor_from_proto(small, "c"), ResourceExhaustedError);
  }
  EXPECT_EQ(std::get<Array>(detail::tensor_from_proto(small, "c")).size(), 100);
}

TEST(LargeTensor, IsBorrowedFromItsMessage) {
  const auto proto = std::make_shared<const tf::TensorProto>(detail::tensor_to_proto(zeros({1 << 22})));
  const Array x = std::get<Array>(detail::tensor_from_proto(*proto, "c", proto));
  EXPECT_EQ(static_cast<const void*>(x.bytes().data()), proto->tensor_content().data());
  EXPECT_EQ(proto.use_count(), 2);
}

TEST(HostileText, DepthIsBoundedInFieldsThatAreSkipped) {
  for (const char* open : {"node { ", "unknown { ", "unknown < ", "unknown: ["}) {
    std::string text;
    for (int i = 0; i < 1000000; ++i) text += open;
    EXPECT_THROW(Graph::parse_text(text), ParseError) << open;
  }
  EXPECT_EQ(Graph::parse_text("node { name: '{{{{' op: \"{\\\"{\" } # {{{{\n").nodes().size(), 1u);
}

TEST(HostileGraph, OutputsAreCounted) {
  const Graph g =
      Graph::parse_text("node { name: 's' op: 'Split' attr { key: 'num_split' value { i: 4611686018427387904 } } }");
  EXPECT_THAT(message_of<ValueError>([&] { FunctionLibrary(g).output(g.proto().node(0), "output"); }),
              HasSubstr("attribute 'num_split' is 4611686018427387904"));
}

class HostileBundle : public TestWithFolder {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(directory_);
    write_tensor_bundle(directory_ / "ckpt", {{"a", zeros({8})}, {"b", ones({8})}});
  }
  template <class F>
  void change(const std::string& key, F f) {
    auto entries = detail::read_index_table(directory_ / "ckpt.index");
    tf::BundleEntryProto entry;
    detail::parse_binary(entries.at(key), entry, "entry");
    f(entry);
    entries[key] = detail::serialize(entry);
    detail::replace_file(directory_ / "ckpt.index", detail::index_table(entries));
  }
};

TEST_F(HostileBundle, TensorsThatShareBytesAreRefused) {
  change("b", [](auto& entry) { entry.set_offset(28); });
  EXPECT_THAT(message_of<DataLossError>([&] { TensorBundle::open(directory_ / "ckpt"); }),
              HasSubstr("tensor 'b': its bytes are those of tensor 'a' too"));
}

TEST_F(HostileBundle, ShapesBeyondTheBytesAreRefused) {
  for (const std::int64_t size : {std::int64_t{9}, std::int64_t{1} << 34, std::int64_t{1} << 62}) {
    change("b", [&](auto& entry) { entry.mutable_shape()->mutable_dim(0)->set_size(size); });
    EXPECT_THAT(message_of<Error>([&] { TensorBundle::open(directory_ / "ckpt").read("b"); }), HasSubstr("tensor 'b'"))
        << size;
  }
}

}  // namespace
}  // namespace tf2jax
