// Values that no operation can have, in graphs that are well formed: each is an error that names the node.
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support.h"
#include "one_node.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t k31 = std::int64_t{1} << 31, k62 = std::int64_t{1} << 62,
                       kLeast = std::numeric_limits<std::int64_t>::min();

using Ints = std::vector<std::int64_t>;

Array exact(const Ints& values, const Dims& dims) {
  return detail::exact_array({i64, symbolic(dims), false}, std::as_bytes(std::span(values)));
}
Operand ints(const Ints& values) { return {exact(values, {static_cast<std::int64_t>(values.size())})}; }
Operand pairs(const Ints& values) { return {exact(values, {static_cast<std::int64_t>(values.size()) / 2, 2})}; }
Operand one(std::int64_t value) { return {exact({value}, {})}; }
Operand real(float value) { return {Array::from_bytes(f32, {}, std::as_bytes(std::span(&value, 1)))}; }
Operand floats(const Dims& dims) { return {ones(symbolic(dims)), true}; }
Operand index(const Dims& dims) { return {ones(symbolic(dims), i32), true}; }

struct Row {
  const char* op;
  std::vector<Operand> operands;
  std::map<std::string, AttributeValue> attributes;
  const char* message;
};

void PrintTo(const Row& row, std::ostream* os) { *os << row.op << ": " << row.message; }

const std::map<std::string, AttributeValue> kSliceMasks{{"begin_mask", std::int64_t{0}},
                                                        {"end_mask", std::int64_t{0}},
                                                        {"ellipsis_mask", std::int64_t{0}},
                                                        {"new_axis_mask", std::int64_t{0}},
                                                        {"shrink_axis_mask", std::int64_t{0}}};
std::map<std::string, AttributeValue> with(std::map<std::string, AttributeValue> attributes, const std::string& name,
                                           AttributeValue value) {
  attributes.insert_or_assign(name, std::move(value));
  return attributes;
}
const std::map<std::string, AttributeValue> kPool{
    {"ksize", Ints{1, 2, 2, 1}}, {"strides", Ints{1, 1, 1, 1}}, {"padding", std::string("VALID")}};
const std::map<std::string, AttributeValue> kConv{{"strides", Ints{1, 1, 1, 1}}, {"padding", std::string("SAME")}};

std::vector<Row> bad_sizes() {
  return {
      {"Fill", {ints({-2, 3}), real(1)}, {}, "a size is negative. Got shape (-2, 3)"},
      {"Fill", {ints({k31, k31}), real(1)}, {}, "the array is too large"},
      {"Fill", {ints({k62, k62, k62}), real(1)}, {}, "the array is too large"},
      {"Fill", {ints({0, k62}), real(1)}, {}, "the array is too large"},
      {"Fill", {ints({kLeast}), real(1)}, {}, "a size is negative"},
      {"Fill", {ints(Ints(300, 1)), real(1)}, {}, "there are too many axes. Got 300; expected at most 254"},
      {"Fill", {ints({2}), floats({2})}, {}, "input 1 is f32[2]; expected rank 0"},
      {"Fill", {real(2), real(1)}, {}, "expected integers"},
      {"Fill", {}, {}, "input 0 is missing"},
      {"Empty", {ints({-1})}, {{"dtype", f32}}, "a size is negative"},
      {"BroadcastTo", {floats({3}), ints({-1, 3})}, {}, "a size is negative"},
      {"BroadcastTo", {floats({3}), ints({k62, 3})}, {}, "the array is too large"},
      {"Reshape", {floats({6}), ints({-2, -3})}, {}, "a size is negative"},
      {"Reshape", {floats({0}), ints({0, k62})}, {}, "the array is too large"},
      {"Reshape", {floats({6}), ints({-1, -1})}, {}, "a size is negative"},
      {"Tile", {floats({2, 3}), ints({-1, 2})}, {}, "input 1 holds -1; expected integers from 0"},
      {"Tile", {floats({2, 3}), ints({1 << 30, 1 << 30})}, {}, "the array is too large"},
      {"Tile", {floats({2, 3}), ints({2})}, {}, "input 1 has 1 elements; expected 2"},
      {"Pad", {floats({2}), pairs({-3, 0})}, {}, "holds -3; expected integers from 0"},
      {"Pad", {floats({2, 2}), pairs({k31 - 1, k31 - 1, k31 - 1, k31 - 1})}, {}, "the array is too large"},
      {"Pad", {floats({2}), pairs({1, 1, 1, 1})}, {}, "has 4 elements; expected 2"},
      {"PadV2", {floats({2}), pairs({1, 1}), floats({2})}, {}, "input 2 is f32[2]; expected rank 0"},
      {"MirrorPad",
       {floats({2}), pairs({2, 0})},
       {{"mode", std::string("REFLECT")}},
       "Got (2, 0) for axis 0 of size 2"},
      {"MirrorPad",
       {floats({0}), pairs({1, 0})},
       {{"mode", std::string("SYMMETRIC")}},
       "Got (1, 0) for axis 0 of size 0"},
      {"MirrorPad", {floats({2}), pairs({1, 0})}, {{"mode", std::string("EDGE")}}, "the mode is not known. Got 'EDGE'"},
      {"Range", {one(0), one(10), one(0)}, {}, "the step must not be 0"},
      {"Range", {one(0), one(k62), one(1)}, {}, "the array is too large"},
      {"Range", {one(kLeast), one(k62), one(1)}, {}, "the array is too large"},
      {"Range", {real(0), real(1), real(0)}, {}, "the step must not be 0"},
      {"Range", {real(0), real(1e30f), real(1)}, {}, "the array is too large"},
      {"Range", {real(NAN), real(1), real(1)}, {}, "the number of elements is not defined"},
      {"Range", {ints({0, 1}), one(10), one(1)}, {}, "expected rank 0"},
      {"Range", {one(0), real(10), one(1)}, {}, "the dtypes differ. Got i64, f32 and i64"},
      {"LinSpace", {real(0), real(1), one(0)}, {}, "holds 0; expected integers from 1"},
      {"LinSpace", {real(0), real(1), one(k62)}, {}, "expected integers from 1"},
      {"LinSpace", {floats({2}), real(1), one(3)}, {}, "expected rank 0"},
      {"OneHot", {index({3}), one(-5), real(1), real(0)}, {}, "holds -5; expected integers from 0"},
      {"OneHot", {index({30}), one(k31 - 1), real(1), real(0)}, {}, "the array is too large"},
      {"OneHot", {floats({3}), one(5), real(1), real(0)}, {}, "expected integers"},
      {"OneHot", {index({3}), one(5), floats({2}), real(0)}, {}, "input 2 is f32[2]; expected rank 0"},
      {"Split", {one(0), floats({4})}, {{"num_split", std::int64_t{0}}}, "attribute 'num_split' holds 0"},
      {"Split", {one(0), floats({0})}, {{"num_split", k62}}, "attribute 'num_split' holds"},
      {"Split", {one(7), floats({4})}, {{"num_split", std::int64_t{2}}}, "axis 7 is out of bounds"},
      {"SplitV",
       {floats({4}), ints({-1, -1}), one(0)},
       {{"num_split", std::int64_t{2}}},
       "the sizes do not add to the axis"},
      {"SplitV",
       {floats({4}), ints({-2, 6}), one(0)},
       {{"num_split", std::int64_t{2}}},
       "the sizes do not add to the axis"},
      {"SplitV",
       {floats({4}), ints({k62, k62, k62, k62}), one(0)},
       {{"num_split", std::int64_t{4}}},
       "the sizes do not add to the axis"},
      {"Unpack", {floats({4})}, {{"num", std::int64_t{-1}}}, "attribute 'num' holds -1"},
      {"Unpack",
       {floats({4})},
       {{"num", std::int64_t{3}}},
       "num must be the size of the axis. Got 3 for axis 0 of f32[4]"},
      {"Unpack", {floats({})}, {{"num", std::int64_t{1}}}, "axis 0 is out of bounds"},
      {"SpaceToBatchND", {floats({1, 4}), ints({0}), pairs({0, 0})}, {}, "holds 0; expected integers from 1"},
      {"SpaceToBatchND",
       {floats({1, 4}), ints({2, 2, 2}), pairs({0, 0, 0, 0, 0, 0})},
       {},
       "too many blocks. Got 3 for rank 2"},
      {"SpaceToBatchND", {floats({1, 4}), ints({2}), pairs({-1, 1})}, {}, "holds -1"},
      {"BatchToSpaceND", {floats({4, 2}), ints({-2}), pairs({0, 0})}, {}, "holds -2; expected integers from 1"},
      {"BatchToSpaceND",
       {floats({4, 2}), ints({2}), pairs({3, 3})},
       {},
       "crops exceed the axis. Got (3, 3) for axis 1 of size 4"},
      {"BatchToSpaceND", {floats({4, 2}), ints({2}), pairs({-3, 0})}, {}, "holds -3"},
      {"DepthToSpace",
       {floats({1, 2, 2, 4})},
       {{"block_size", std::int64_t{0}}, {"data_format", std::string("NHWC")}},
       "holds 0"},
      {"DepthToSpace",
       {floats({2, 2})},
       {{"block_size", std::int64_t{2}}, {"data_format", std::string("NHWC")}},
       "expected rank 4"},
      {"TensorListReserve", {ints({k62}), one(1)}, {{"element_dtype", f32}}, "the array is too large"},
      {"TensorListReserve", {ints({2}), one(-1)}, {{"element_dtype", f32}}, "holds -1; expected integers from 0"},
      {"ScatterNd", {index({1, 1}), floats({1}), ints({-4})}, {}, "a size is negative"},
      {"UnsortedSegmentSum", {floats({3}), index({3}), one(-1)}, {}, "holds -1"},
      {"UnsortedSegmentSum", {floats({3, 100}), index({3}), one(k31 - 1)}, {}, "the array is too large"},
      {"UnsortedSegmentSum", {floats({3}), index({3, 1}), one(2)}, {}, "must begin the shape"},
      {"RandomUniform", {ints({-1})}, {{"dtype", f32}}, "a size is negative"},
      {"Multinomial", {floats({1, 3}), one(-1)}, {}, "holds -1"},
      {"MatrixDiag", {floats({})}, {}, "a diagonal needs an axis"},
      {"MatrixDiag", {floats({1 << 18})}, {}, "the array is too large"},
      {"MatrixDiagV3",
       {floats({2}), one(k62), one(-1), one(-1), real(0)},
       {{"align", std::string("RIGHT_LEFT")}},
       "expected integers from"},
      {"MatrixDiagV3",
       {floats({2}), one(k31 - 1), one(-1), one(-1), real(0)},
       {{"align", std::string("RIGHT_LEFT")}},
       "the array is too large"},
      {"MatrixSetDiagV3",
       {floats({2, 2}), floats({0}), one(5)},
       {{"align", std::string("RIGHT_LEFT")}},
       "no such diagonal. Got 5"},
      {"MatrixBandPart", {floats({3}), one(0), one(0)}, {}, "rank 2"},
      {"TopKV2", {floats({3}), one(-1)}, {}, "holds -1"},
      {"TopKV2", {floats({3}), one(4)}, {}, "k exceeds the last axis. Got 4 of f32[3]"},
      {"TopKV2", {floats({}), one(1)}, {}, "expected rank 1"},
  };
}

std::vector<Row> bad_indices() {
  return {
      {"GatherV2",
       {floats({2, 3}), index({2, 1}), one(1)},
       {{"batch_dims", std::int64_t{77}}},
       "Got 77; expected at most 1 and 2"},
      {"GatherV2",
       {floats({2, 3}), index({2, 1}), one(0)},
       {{"batch_dims", std::int64_t{1}}},
       "Got 1; expected at most 0 and 2"},
      {"GatherV2", {floats({2, 3}), index({2}), one(2)}, {}, "axis 2 is out of bounds"},
      {"GatherV2", {floats({2, 3}), index({2}), one(-3)}, {}, "axis -3 is out of bounds"},
      {"GatherV2", {floats({2, 3}), floats({2}), one(0)}, {}, "expected integers"},
      {"GatherNd", {floats({2, 3}), index({1, 3})}, {}, "Got depth 3 for rank 2"},
      {"GatherNd", {floats({2, 3}), index({})}, {}, "the indices need an axis"},
      {"TensorScatterUpdate", {floats({2}), index({1, 2}), floats({1})}, {}, "Got depth 2 for rank 1"},
      {"Slice", {floats({4}), ints({-1}), ints({2})}, {}, "Got [-1, 1) of axis 0 with size 4"},
      {"Slice", {floats({4}), ints({1}), ints({4})}, {}, "Got [1, 5) of axis 0 with size 4"},
      {"Slice", {floats({4}), ints({1}), ints({-2})}, {}, "a slice exceeds its axis"},
      {"Slice", {floats({4}), ints({k62}), ints({k62})}, {}, "does not fit in 64 bits"},
      {"Slice", {floats({4}), index({2}), ints({2})}, {}, "one start per axis. Got 2; expected 1"},
      {"Slice", {floats({4}), index({1}), ints({5})}, {}, "axis 0 with size 4"},
      {"StridedSlice",
       {floats({4, 4}), ints({0, 0}), ints({1, 1}), ints({1, 1})},
       with(kSliceMasks, "ellipsis_mask", std::int64_t{3}),
       "expected at most one"},
      {"StridedSlice",
       {floats({4}), ints({0, 0}), ints({1, 1}), ints({1, 1})},
       kSliceMasks,
       "2 indices are given for rank 1"},
      {"StridedSlice", {floats({4}), ints({0}), ints({1}), ints({0})}, kSliceMasks, "a stride is zero"},
      {"StridedSlice", {floats({4}), ints({0, 1}), ints({1}), ints({1})}, kSliceMasks, "differ in length"},
      {"StridedSlice",
       {floats({4}), ints({-5}), ints({0}), ints({1})},
       with(kSliceMasks, "shrink_axis_mask", std::int64_t{1}),
       "index -5 is out of bounds"},
      {"StridedSlice",
       {floats({4}), ints({4}), ints({5}), ints({1})},
       with(kSliceMasks, "shrink_axis_mask", std::int64_t{1}),
       "index 4 is out of bounds"},
      {"StridedSlice",
       {floats({4}), ints(Ints(64, 0)), ints(Ints(64, 1)), ints(Ints(64, 1))},
       with(kSliceMasks, "new_axis_mask", std::int64_t{-1}),
       "64 slices are given"},
      {"ConcatV2", {floats({2}), floats({2}), one(1)}, {{"N", std::int64_t{2}}}, "axis 1 is out of bounds"},
      {"ConcatV2", {floats({2}), floats({2}), one(0)}, {{"N", std::int64_t{-1}}}, "attribute 'N' holds -1"},
      {"ConcatV2", {floats({}), floats({}), one(0)}, {{"N", std::int64_t{2}}}, "axis 0 is out of bounds"},
      {"Concat", {one(-3), floats({2}), floats({2})}, {{"N", std::int64_t{2}}}, "axis -3 is out of bounds"},
      {"ConcatOffset",
       {one(-1), ints({2}), ints({2, 3})},
       {{"N", std::int64_t{2}}},
       "Got 2 axes in shape 1; expected 1"},
      {"ConcatOffset", {one(4), ints({2}), ints({2})}, {{"N", std::int64_t{2}}}, "axis 4 is out of bounds"},
      {"Pack",
       {floats({2}), floats({2})},
       {{"N", std::int64_t{2}}, {"axis", std::int64_t{3}}},
       "axis 3 is out of bounds"},
      {"Pack", {floats({2}), floats({3})}, {{"N", std::int64_t{2}}}, "must have one shape"},
      {"ExpandDims", {floats({2}), one(3)}, {}, "axis 3 is out of bounds"},
      {"ExpandDims", {floats({2}), ints({0, 1})}, {}, "has 2 elements; expected one integer"},
      {"Squeeze", {floats({2})}, {{"squeeze_dims", Ints{5}}}, "axis 5 is out of bounds"},
      {"Squeeze", {floats({1})}, {{"squeeze_dims", Ints{0, 0}}}, "duplicate"},
      {"Transpose", {floats({2, 3}), ints({0, 0})}, {}, "duplicate"},
      {"Transpose", {floats({2, 3}), ints({1})}, {}, "the permutation must name each axis once"},
      {"Transpose", {floats({2, 3}), ints({1, 2})}, {}, "axis 2 is out of bounds"},
      {"Roll", {floats({2}), ints({1, 2}), ints({0})}, {}, "one shift per axis. Got 2; expected 1"},
      {"Roll", {floats({2}), ints({1}), ints({1})}, {}, "axis 1 is out of bounds"},
      {"ReverseV2", {floats({2}), ints({1})}, {}, "axis 1 is out of bounds"},
      {"ReverseV2", {floats({2}), ints({0, -1})}, {}, "duplicate"},
      {"Sum", {floats({2}), ints({-2})}, {}, "axis -2 is out of bounds"},
      {"Sum", {floats({2}), ints({0, 0})}, {}, "duplicate"},
      {"Mean", {floats({2}), ints({k62})}, {}, "is out of bounds"},
      {"ArgMax", {floats({2}), one(1)}, {{"output_type", i32}}, "axis 1 is out of bounds"},
      {"Cumsum", {floats({2}), one(1)}, {}, "axis 1 is out of bounds"},
      {"Softmax", {floats({})}, {}, "out of bounds"},
      {"InvertPermutation", {ints({0, 0})}, {}, "this is not a permutation"},
      {"InvertPermutation", {ints({0, 9})}, {}, "this is not a permutation"},
      {"TensorListGetItem", {floats({}), one(0), ints({})}, {{"element_dtype", f32}}, "expected rank 1 or more"},
      {"TensorListGetItem", {floats({0, 2}), one(0), ints({2})}, {{"element_dtype", f32}}, "the list is empty"},
      {"TensorListSetItem", {floats({3, 2}), index({2}), floats({2})}, {{"element_dtype", f32}}, "expected rank 0"},
      {"TensorListSetItem",
       {floats({3, 2}), one(0), floats({})},
       {{"element_dtype", f32}},
       "the item is no element of the list"},
      {"TensorListPopBack", {floats({0, 2}), ints({2})}, {{"element_dtype", f32}}, "the list is empty"},
      {"Case", {one(0)}, {{"branches", Ints{}}}, "there are no branches"},
      {"Case", {floats({})}, {{"branches", Ints{}}}, "what chooses the branch must be an integer. Got f32[]"},
  };
}

std::vector<Row> bad_windows() {
  return {
      {"MaxPool",
       {floats({1, 4, 4, 1})},
       with(kPool, "ksize", Ints{1, 2}),
       "attribute 'ksize' has 2 entries; expected 4"},
      {"MaxPool", {floats({1, 4, 4, 1})}, with(kPool, "ksize", Ints{}), "attribute 'ksize' has 0 entries; expected 4"},
      {"MaxPool", {floats({1, 4, 4, 1})}, with(kPool, "ksize", Ints{1, 0, 1, 1}), "attribute 'ksize' holds 0"},
      {"MaxPool", {floats({1, 4, 4, 1})}, with(kPool, "strides", Ints{1, k62, 1, 1}), "attribute 'strides' holds"},
      {"MaxPool",
       {floats({1, 4, 4, 1})},
       with(kPool, "padding", std::string("WIDE")),
       "the padding is not known. Got 'WIDE'"},
      {"MaxPool", {floats({4, 4})}, kPool, "Got f32[4,4]; expected rank 4"},
      {"MaxPoolV2",
       {floats({1, 4, 4, 1}), ints({1, 2}), ints({1, 1, 1, 1})},
       {{"padding", std::string("VALID")}},
       "input 1 has 2 elements; expected 4"},
      {"MaxPoolV2",
       {floats({1, 4, 4, 1}), ints({1, 2, 2, 1}), ints({1, -1, 1, 1})},
       {{"padding", std::string("VALID")}},
       "input 2 holds -1"},
      {"AvgPool",
       {floats({1, 4, 4, 1})},
       with(kPool, "data_format", std::string("CHWN")),
       "unsupported data format CHWN"},
      {"Conv2D", {floats({1, 4, 4, 2}), floats({3, 3, 0, 2})}, kConv, "Got 2; expected a multiple of 0"},
      {"Conv2D", {floats({1, 4, 4, 2}), floats({3, 3})}, kConv, "expected rank 4"},
      {"Conv2D",
       {floats({1, 4, 4, 2}), floats({3, 3, 2, 2})},
       with(kConv, "dilations", Ints{1, 0, 1, 1}),
       "attribute 'dilations' holds 0"},
      {"Conv2D",
       {floats({1, 4, 4, 2}), floats({3, 3, 2, 2})},
       with(kConv, "strides", Ints{2, 1, 1, 1}),
       "expected 1 for batch and channels"},
      {"DepthwiseConv2dNative", {floats({2}), floats({3, 3, 2, 2})}, kConv, "expected rank 4"},
      {"DepthwiseConv2dNative",
       {floats({1, 4, 4, 0}), floats({3, 3, 0, 2})},
       kConv,
       "Got filter f32[3,3,0,2] and 0 input channels"},
      {"Conv2DBackpropInput",
       {ints({1, 4, 4, 0}), floats({3, 3, 0, 2}), floats({1, 4, 4, 2})},
       kConv,
       "do not divide into groups"},
      {"Conv2DBackpropInput", {ints({1, 4, 4}), floats({3, 3, 2, 2}), floats({1, 4, 4, 2})}, kConv, "expected rank 4"},
      {"Conv2DBackpropInput",
       {ints({1, -4, 4, 2}), floats({3, 3, 2, 2}), floats({1, 4, 4, 2})},
       kConv,
       "a size is negative"},
      {"Conv2DBackpropInput",
       {ints({1, 9, 4, 2}), floats({3, 3, 2, 2}), floats({1, 4, 4, 2})},
       kConv,
       "the gradient does not belong to the sizes"},
      {"LRN",
       {floats({1, 2, 2, 3})},
       {{"depth_radius", std::int64_t{-1}}, {"bias", 1.f}, {"alpha", 1.f}, {"beta", .5f}},
       "holds -1"},
      {"LRN",
       {floats({3})},
       {{"depth_radius", std::int64_t{1}}, {"bias", 1.f}, {"alpha", 1.f}, {"beta", .5f}},
       "expected rank 4"},
      {"FusedBatchNormV3",
       {floats({}), floats({1}), floats({1}), floats({1}), floats({1})},
       {},
       "expected rank 2 or more"},
      {"FusedBatchNormV3", {floats({2, 3}), floats({}), floats({3}), floats({3}), floats({3})}, {}, "expected rank 1"},
      {"BiasAddGrad", {floats({})}, {}, "expected rank 1 or more"},
      {"SparseSoftmaxCrossEntropyWithLogits",
       {floats({2, 3}), index({2, 3})},
       {},
       "the labels do not belong to the logits"},
      {"SoftmaxCrossEntropyWithLogits", {floats({}), floats({})}, {}, "expected rank 1 or more"},
      {"XlaPad", {floats({2}), real(0), ints({1}), ints({}), ints({0})}, {}, "input 3 has 0 elements; expected 1"},
      {"XlaPad", {floats({2}), real(0), ints({1}), ints({1}), ints({-1})}, {}, "input 4 holds -1"},
      {"XlaDynamicSlice", {floats({4}), index({2}), ints({2})}, {}, "there must be one start index per axis"},
      {"XlaDynamicUpdateSlice", {floats({4}), floats({2}), index({0})}, {}, "there must be one start index per axis"},
      {"XlaConv",
       {floats({1, 2, 4}), floats({2, 2, 3}), ints({}), pairs({0, 0}), ints({1}), ints({1}), one(1)},
       {{"dimension_numbers", std::string()}},
       "has 0 elements; expected 1"},
      {"XlaConv",
       {floats({1, 2, 4}), floats({2, 2, 3}), ints({1}), pairs({0, 0}), ints({1}), ints({1}), one(1)},
       {{"dimension_numbers", std::string()}},
       "the dimension numbers must name each axis once"},
      {"XlaVariadicSort", {floats({2})}, {{"is_stable", true}}, "attribute 'comparator' is missing"},
      {"XlaReducePrecision",
       {floats({2})},
       {{"exponent_bits", std::int64_t{0}}, {"mantissa_bits", std::int64_t{7}}},
       "holds 0"},
      {"XlaReducePrecision",
       {floats({2})},
       {{"exponent_bits", std::int64_t{8}}, {"mantissa_bits", std::int64_t{-1}}},
       "holds -1"},
  };
}

class BadValues : public ::testing::TestWithParam<Row> {};

void run(const Row& row, bool jit) { call_node(row.op, row.operands, row.attributes, jit); }

TEST_P(BadValues, AreErrorsThatNameTheNode) {
  for (const bool jit : {false, true}) {
    const auto text = message_of<Error>([&] { run(GetParam(), jit); });
    EXPECT_THAT(text, HasSubstr(GetParam().message)) << (jit ? "jit" : "eager");
    EXPECT_THAT(text, HasSubstr(fmt::format("import 'y' ({}): ", GetParam().op)));
  }
}

std::string test_name(const ::testing::TestParamInfo<Row>& info) {
  return fmt::format("{}{}", info.param.op, info.index);
}
INSTANTIATE_TEST_SUITE_P(Sizes, BadValues, ::testing::ValuesIn(bad_sizes()), test_name);
INSTANTIATE_TEST_SUITE_P(Indices, BadValues, ::testing::ValuesIn(bad_indices()), test_name);
INSTANTIATE_TEST_SUITE_P(Windows, BadValues, ::testing::ValuesIn(bad_windows()), test_name);

// What is unusual, but has a meaning.
Array value_of(const std::string& op, const std::vector<Operand>& operands,
               const std::map<std::string, AttributeValue>& attributes) {
  return call_node(op, operands, attributes);
}

TEST(UnusualValues, RangesOfLargeIntegersAreExact) {
  EXPECT_EQ(value_of("Range", {one(k31 - 3), one(k31), one(1)}, {}).size(), 3);
  EXPECT_EQ(value_of("Range", {one(5), one(-4), one(-3)}, {}).to_vector<int>(), (std::vector<int>{5, 2, -1}));
  EXPECT_EQ(value_of("Range", {one(5), one(5), one(kLeast)}, {}).size(), 0);
}

TEST(UnusualValues, WideWindowsTakeNoLongerThanTheirOperand) {
  const auto x = Operand{astype(arange(12), f32)};
  const auto image = [&] { return Operand{reshape(x.value, {1, 3, 4, 1})}; };
  auto wide = with(with(kPool, "ksize", Ints{1, k31 - 1, k31 - 1, 1}), "padding", std::string("SAME"));
  EXPECT_EQ(value_of("MaxPool", {image()}, wide).to_vector<float>(), std::vector<float>(12, 11));
  EXPECT_EQ(value_of("AvgPool", {image()}, wide).to_vector<float>(), std::vector<float>(12, 5.5f));
  EXPECT_EQ(value_of("MaxPool", {image()}, with(kPool, "ksize", Ints{1, k31 - 1, 1, 1})).size(), 0);
  wide = with(with(kPool, "ksize", Ints{1, 5, 1, 1}), "padding", std::string("SAME"));
  EXPECT_EQ(value_of("MaxPool", {image()}, wide).to_vector<float>(),
            (std::vector<float>{8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11}));
  const auto lrn = [&](std::int64_t radius) {
    return value_of("LRN", {{reshape(x.value, {1, 2, 2, 3})}},
                    {{"depth_radius", radius}, {"bias", 1.f}, {"alpha", 1.f}, {"beta", .5f}})
        .to_vector<float>();
  };
  EXPECT_EQ(lrn(k31 - 1), lrn(2));
}

TEST(UnusualValues, NarrowIndicesReachAllOfAnAxis) {
  const Array x = astype(arange(300), f32);
  const Array last = Array::from_bytes(i8, {1}, std::vector<std::byte>{std::byte{0xff}});
  const Array index = Array::from_bytes(u8, {1}, std::vector<std::byte>{std::byte{10}});
  EXPECT_EQ(value_of("GatherV2", {{x}, {last}, one(0)}, {}).item<float>(0), 299);
  EXPECT_EQ(value_of("OneHot", {{index}, one(300), real(1), real(0)}, {}).item<float>(0, 266), 0);
}

TEST(UnusualValues, ExclusiveSumsOfNothingAreNothing) {
  EXPECT_EQ(value_of("Cumsum", {{zeros({0})}, one(0)}, {{"exclusive", true}}).size(), 0);
}

}  // namespace
}  // namespace tf2jax
