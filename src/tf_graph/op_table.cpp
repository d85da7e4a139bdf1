// Output names and attribute defaults, from TensorFlow's operation definitions.
#include "tf2jax/tf_graph/internal/op_table.h"

#include "tf2jax/tf_graph/internal/protos.h"

#include <charconv>
#include <map>
#include <sstream>

namespace tf2jax::detail {
namespace {

namespace tf = tensorflow;

// A row: names; outputs; attribute=default. An output "x*N" has as many tensors as attribute N says, "x+T" as list
// attribute T has entries. Rows without outputs have the single output of the operation's definition, which no
// reference in a file needs to name other than by index 0.
constexpr const char* kTable = R"(
Conv2D Conv2DBackpropInput Conv2DBackpropFilter; output; use_cudnn_on_gpu=true explicit_paddings=[] data_format="NHWC" dilations=[1,1,1,1]
DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput DepthwiseConv2dNativeBackpropFilter; output; explicit_paddings=[] data_format="NHWC" dilations=[1,1,1,1]
Conv3D Conv3DBackpropInputV2 Conv3DBackpropFilterV2; output; data_format="NDHWC" dilations=[1,1,1,1,1]
MaxPool MaxPoolGrad; output; data_format="NHWC" explicit_paddings=[]
MaxPoolV2 AvgPool AvgPoolGrad MaxPoolGradV2; output; data_format="NHWC"
MaxPool3D AvgPool3D MaxPool3DGrad AvgPool3DGrad; output; data_format="NDHWC"
MaxPoolWithArgmax; output argmax; Targmax=DT_INT64 include_batch_in_index=false
BiasAdd BiasAddGrad; output; data_format="NHWC"
FusedBatchNorm; y batch_mean batch_variance reserve_space_1 reserve_space_2; epsilon=0.0001 exponential_avg_factor=1.0 data_format="NHWC" is_training=true
FusedBatchNormV2; y batch_mean batch_variance reserve_space_1 reserve_space_2; epsilon=0.0001 exponential_avg_factor=1.0 data_format="NHWC" is_training=true
FusedBatchNormV3; y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3; epsilon=0.0001 exponential_avg_factor=1.0 data_format="NHWC" is_training=true
FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3; x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5; epsilon=0.0001 data_format="NHWC" is_training=true
MatMul; product; transpose_a=false transpose_b=false grad_a=false grad_b=false
BatchMatMul BatchMatMulV2 BatchMatMulV3; output; adj_x=false adj_y=false grad_x=false grad_y=false
LeakyRelu LeakyReluGrad; activations; alpha=0.2
OneHot; output; axis=-1 TI=DT_INT64
TopK; values indices; sorted=true
TopKV2; values indices; sorted=true Tk=DT_INT32 index_type=DT_INT32
Sum Mean Prod Max Min EuclideanNorm; output; keep_dims=false Tidx=DT_INT32
All Any; output; keep_dims=false Tidx=DT_INT32
ArgMax ArgMin; output; Tidx=DT_INT32 output_type=DT_INT64
Cumsum Cumprod CumulativeLogsumexp; out; exclusive=false reverse=false Tidx=DT_INT32
Squeeze; output; squeeze_dims=[]
StridedSlice StridedSliceGrad TensorStridedSliceUpdate; output; begin_mask=0 end_mask=0 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=0
Gather; output; validate_indices=true
GatherV2; output; batch_dims=0
ResourceGather; output; batch_dims=0 validate_indices=true
GatherNd; output; bad_indices_policy=""
ScatterNd TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax TensorScatterMin; output; bad_indices_policy=""
Pack; output; axis=0
Unpack; output*num; axis=0
Split; output*num_split
SplitV; output*num_split; Tlen=DT_INT64
Concat; output
ConcatV2; output; Tidx=DT_INT32
ConcatOffset; offset*N; shape_type=DT_INT32
Shape Size; output; out_type=DT_INT32
ShapeN; output*N; out_type=DT_INT32
Reshape; output; Tshape=DT_INT32
ExpandDims; output; Tdim=DT_INT32
Transpose ConjugateTranspose; y; Tperm=DT_INT32
Tile; output; Tmultiples=DT_INT32
Pad PadV2 MirrorPad; output; Tpaddings=DT_INT32
Fill; output; index_type=DT_INT32
Range; output; Tidx=DT_INT32
LinSpace; output; Tidx=DT_INT32
ReverseV2; output; Tidx=DT_INT32
BroadcastTo; output; Tidx=DT_INT32
BroadcastArgs; r0; T=DT_INT32
BroadcastGradientArgs; r0 r1; T=DT_INT32
Cast; y; Truncate=false
Equal NotEqual; z; incompatible_shape_error=true
SpaceToBatchND; output; Tblock_shape=DT_INT32 Tpaddings=DT_INT32
BatchToSpaceND; output; Tblock_shape=DT_INT32 Tcrops=DT_INT32
SpaceToDepth DepthToSpace; output; data_format="NHWC"
ResizeBilinear ResizeNearestNeighbor ResizeBicubic; resized_images; align_corners=false half_pixel_centers=false
ResizeBilinearGrad ResizeNearestNeighborGrad ResizeBicubicGrad; resized_images; align_corners=false half_pixel_centers=false
ResizeArea; resized_images; align_corners=false
ScaleAndTranslate; resized_images; kernel_type="lanczos3" antialias=true
ImageProjectiveTransformV2 ImageProjectiveTransformV3; transformed_images; fill_mode="CONSTANT"
DenseBincount; output; binary_output=false
HistogramFixedWidth; out; dtype=DT_INT32
ReverseSequence; output; batch_dim=0
CropAndResize; crops; method="bilinear" extrapolation_value=0.0
LRN; output; depth_radius=5 bias=1.0 alpha=1.0 beta=0.5
Svd; s u v; compute_uv=true full_matrices=false
Qr; q r; full_matrices=false
Eig; e v; compute_v=true
SelfAdjointEigV2; e v; compute_v=true
MatrixTriangularSolve; output; lower=true adjoint=false
MatrixSolve MatrixInverse; output; adjoint=false
MatrixSolveLs; output; fast=true
LogMatrixDeterminant; sign log_abs_determinant
Lu; lu p; output_idx_type=DT_INT32
MatrixDiagV3 MatrixDiagPartV3 MatrixSetDiagV3; output; align="RIGHT_LEFT"
RandomUniform RandomStandardNormal TruncatedNormal RandomUniformInt RandomShuffle; output; seed=0 seed2=0
Multinomial; output; seed=0 seed2=0 output_dtype=DT_INT64
StatelessRandomUniform StatelessRandomNormal StatelessTruncatedNormal; output; dtype=DT_FLOAT Tseed=DT_INT64
StatelessRandomUniformV2 StatelessRandomNormalV2; output; dtype=DT_FLOAT Tshape=DT_INT32
StatelessRandomGetKeyCounter; key counter; Tseed=DT_INT64
SparseSoftmaxCrossEntropyWithLogits; loss backprop; Tlabels=DT_INT64
SoftmaxCrossEntropyWithLogits; loss backprop
UnsortedSegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd; output; Tnumsegments=DT_INT32
LowerBound UpperBound; output; out_type=DT_INT32
Unique; y idx; out_idx=DT_INT32
UniqueV2; y idx; out_idx=DT_INT32 Taxis=DT_INT64
UniqueWithCounts; y idx count; out_idx=DT_INT32
ListDiff; out idx; out_idx=DT_INT32
DynamicPartition; outputs*num_partitions
UniqueWithCountsV2; y idx count; out_idx=DT_INT32 Taxis=DT_INT64
SparseToDense; dense; validate_indices=true
SparseTensorDenseMatMul; product; adjoint_a=false adjoint_b=false Tindices=DT_INT64
VariableShape; output; out_type=DT_INT32
QuantizeAndDequantizeV2 QuantizeAndDequantizeV4; output; signed_input=true num_bits=8 range_given=false round_mode="HALF_TO_EVEN" narrow_range=false axis=-1
QuantizeAndDequantizeV3; output; signed_input=true range_given=true narrow_range=false axis=-1
NthElement; values; reverse=false
NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3; selected_indices; iou_threshold=0.5
NonMaxSuppressionV4; selected_indices valid_outputs; pad_to_max_output_size=false
NonMaxSuppressionV5; selected_indices selected_scores valid_outputs; pad_to_max_output_size=false
CombinedNonMaxSuppression; nmsed_boxes nmsed_scores nmsed_classes valid_detections; pad_per_class=false clip_boxes=true
Assert; ; summarize=3
Empty; output; init=false
PreventGradient; output; message=""
VarHandleOp; resource; container="" shared_name="" debug_name="" allowed_devices=[]
VariableV2 Variable; ref; container="" shared_name=""
Assign; output_ref; validate_shape=true use_locking=true
AssignAdd AssignSub; output_ref; use_locking=false
AssignVariableOp; ; validate_shape=false
IdentityN; output+T
Identity; output
ReadVariableOp; value
Placeholder; output
PartitionedCall StatefulPartitionedCall; output+Tout; config="" config_proto="" executor_type=""
If StatelessIf Case StatelessCase; output+Tout; output_shapes=[]
While StatelessWhile; output+T; output_shapes=[] parallel_iterations=10
Switch RefSwitch; output_false output_true
_SwitchN; outputs*num_outs
Merge RefMerge; output value_index
Enter RefEnter; output; is_constant=false parallel_iterations=10
FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel; outputs; num_bits=8 narrow_range=false
FakeQuantWithMinMaxArgs; outputs; min=-6.0 max=6.0 num_bits=8 narrow_range=false
TensorArrayV3; handle flow; element_shape=? dynamic_size=false clear_after_read=true identical_element_shapes=false tensor_array_name=""
TensorArrayGatherV3; value; element_shape=?
TensorArrayConcatV3; value lengths; element_shape_except0=?
TensorListGetItem TensorListStack; tensor; num_elements=-1
TensorListPopBack; output_handle tensor
TensorListConcatV2; tensor lengths
LSTMBlockCell; i cs f o ci co h; forget_bias=1.0 cell_clip=3.0 use_peephole=false
BlockLSTM; i cs f o ci co h; forget_bias=1.0 cell_clip=3.0 use_peephole=false
BlockLSTMV2; i cs f o ci co h; cell_clip=0.0 use_peephole=false
GRUBlockCell; r u c h
XlaCallModule; output+Tout; dim_args_spec=[] platforms=[] function_list=[] has_token_input_output=false disabled_checks=[] use_shardy_partitioner=false
XlaVariadicReduceV2; outputs+T
XlaVariadicSort; outputs+T
XlaRngBitGenerator; output_key output
XlaOptimizationBarrier; output+T
XlaSvd; s u v
XlaSelfAdjointEig; w v
AdjustContrastv2 AdjustHue AdjustSaturation HSVToRGB NextAfter RGBToHSV; output; T=DT_FLOAT
Angle Imag Real; output; T=DT_COMPLEX64 Tout=DT_FLOAT
ApplyAdagrad ApplyAdagradV2 SparseApplyAdagrad SparseApplyAdagradV2; out; update_slots=true
ApplyAdam ApplyMomentum SparseApplyMomentum; out; use_nesterov=false
ApplyFtrl ApplyFtrlV2 SparseApplyFtrl SparseApplyFtrlV2; out; multiply_linear_by_lr=false
ApproximateEqual; z; tolerance=0.00001
AsString; output; precision=-1 scientific=false shortest=false width=-1 fill=""
BandedTriangularSolve; output; lower=true adjoint=false
Complex; out; T=DT_FLOAT Tout=DT_COMPLEX64
ComplexAbs; y; T=DT_COMPLEX64 Tout=DT_FLOAT
Conj; output; T=DT_COMPLEX64
DenseToDenseSetOperation; result_indices result_values result_shape; validate_indices=true
Dequantize; output; mode="MIN_COMBINED" narrow_range=false axis=-1 dtype=DT_FLOAT
DestroyResourceOp; ; ignore_lookup_error=true
FFT FFT2D FFT3D IFFT IFFT2D IFFT3D; output; Tcomplex=DT_COMPLEX64
HashTable HashTableV2 MutableHashTableV2; table_handle; use_node_name_sharing=false
IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D; output; Treal=DT_FLOAT Tcomplex=DT_COMPLEX64
InTopK InTopKV2; precision; T=DT_INT32
InitializeTableFromTextFile InitializeTableFromTextFileV2; ; vocab_size=-1 offset=0
InvertPermutation; y; T=DT_INT32
MatrixBandPart; band; Tindex=DT_INT64
Print; output; message="" first_n=-1 summarize=3
QuantizeV2; output output_min output_max; mode="MIN_COMBINED" round_mode="HALF_AWAY_FROM_ZERO"
RaggedGather; output_nested_splits*OUTPUT_RAGGED_RANK output_dense_values; Tsplits=DT_INT64
RaggedRange; rt_nested_splits rt_dense_values; T=DT_INT32 Tsplits=DT_INT64
RaggedTensorToSparse; sparse_indices sparse_values sparse_dense_shape; Tsplits=DT_INT64
RandomGamma; output; seed=0 seed2=0
RandomPoissonV2; output; seed=0 seed2=0 R=DT_DOUBLE dtype=DT_INT64
ResourceApplyAdagrad ResourceApplyAdagradV2 ResourceSparseApplyAdagrad; ; update_slots=true
ResourceSparseApplyAdagradV2; ; update_slots=true
ResourceApplyAdam ResourceApplyKerasMomentum ResourceApplyMomentum; ; use_nesterov=false
ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum; ; use_nesterov=false
ResourceApplyFtrl ResourceApplyFtrlV2 ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2; ; multiply_linear_by_lr=false
ResourceScatterNdAdd ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub; ; bad_indices_policy=""
ResourceScatterNdUpdate; ; bad_indices_policy=""
ResourceStridedSliceAssign; ; begin_mask=0 end_mask=0 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=0
ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdSub ScatterNdUpdate; output_ref; bad_indices_policy=""
ScatterNdNonAliasingAdd; output; bad_indices_policy=""
SetSize; size; validate_indices=true
SparseAdd; sum_indices sum_values sum_shape
SparseConcat SparseSlice; output_indices output_values output_shape
SparseFillEmptyRows; output_indices output_values empty_row_indicator reverse_index_map
SparseReduceMax SparseReduceSum; output; keep_dims=false
SparseReorder; output_indices output_values
SparseReshape; output_indices output_shape
SparseSegmentMean SparseSegmentSqrtN; output; Tidx=DT_INT32 Tsegmentids=DT_INT32 sparse_gradient=false
SparseSegmentSum; output; Tidx=DT_INT32 Tsegmentids=DT_INT32 sparse_gradient=false
SparseSegmentMeanWithNumSegments; output; Tidx=DT_INT32 Tnumsegments=DT_INT32 Tsegmentids=DT_INT32 sparse_gradient=false
SparseSegmentSqrtNWithNumSegments; output; Tidx=DT_INT32 Tnumsegments=DT_INT32 Tsegmentids=DT_INT32
SparseSegmentSumWithNumSegments; output; Tidx=DT_INT32 Tnumsegments=DT_INT32 Tsegmentids=DT_INT32 sparse_gradient=false
StatelessMultinomial; output; Tseed=DT_INT64 output_dtype=DT_INT64
StatelessParameterizedTruncatedNormal StatelessRandomGammaV2 StatelessRandomPoisson; output; Tseed=DT_INT64
StatelessRandomUniformInt; output; Tseed=DT_INT64
StatelessRandomBinomial; output; Tseed=DT_INT64 T=DT_DOUBLE dtype=DT_INT64
StatelessRandomGammaV3; output; shape_dtype=DT_INT32
StatelessRandomGetKeyCounterAlg; key counter alg; Tseed=DT_INT64
StatelessRandomUniformFullIntV2; output; dtype=DT_UINT64 Tshape=DT_INT32
StatelessRandomUniformIntV2; output; Tshape=DT_INT32
StatelessTruncatedNormalV2; output; dtype=DT_FLOAT Tshape=DT_INT32
StringJoin; output; separator=""
StringLength Substr; output; unit="BYTE"
StringSplit; indices values shape; skip_empty=true
StringNGrams; ngrams ngrams_splits; Tsplits=DT_INT64
ReduceJoin; output; keep_dims=false separator=""
UnsortedSegmentJoin; output; separator="" Tnumsegments=DT_INT32
RegexReplace StaticRegexReplace; output; replace_global=true
UnicodeDecode; row_splits char_values; errors="replace" replacement_char=65533
UnicodeDecodeWithOffsets; row_splits char_values char_to_byte_starts; errors="replace" replacement_char=65533
UnicodeEncode; output; errors="replace" replacement_char=65533 Tsplits=DT_INT64
UnicodeTranscode; output; errors="replace" replacement_char=65533 replace_control_characters=false
EncodeBase64; output; pad=false
RaggedBincount; output; binary_output=false
StringLower StringUpper; output; encoding=""
StringSplitV2; indices values shape; maxsplit=-1
StringToNumber; output; out_type=DT_FLOAT
TensorListConcat; tensor lengths
TensorListSetItem; output_handle; resize_if_index_out_of_bounds=false
TridiagonalSolve; output; partial_pivoting=true perturb_singular=false
Where; index; T=DT_BOOL
XlaConvV2; output; batch_group_count=1
XlaKeyValueSort; sorted_keys sorted_values
XlaSharding; output; sharding="" unspecified_dims=[]
)";

tf::AttrValue literal(std::string_view text) {
  tf::AttrValue value;
  if (text == "true" || text == "false") value.set_b(text == "true");
  else if (text == "?") value.mutable_shape()->set_unknown_rank(true);
  else if (text.starts_with('"')) value.set_s(std::string(text.substr(1, text.size() - 2)));
  else if (text.starts_with("DT_")) {
    tf::DataType type = tf::DT_INVALID;
    tf::DataType_Parse(std::string(text), &type);
    value.set_type(type);
  } else if (text.starts_with('[')) {
    auto* list = value.mutable_list();
    std::istringstream items{std::string(text.substr(1, text.size() - 2))};
    for (std::string item; std::getline(items, item, ',');) list->add_i(std::stoll(item));
  } else if (text.find('.') != std::string_view::npos) {
    value.set_f(std::stof(std::string(text)));
  } else {
    value.set_i(std::stoll(std::string(text)));
  }
  return value;
}

std::map<std::string, tf::OpDef, std::less<>> read_table() {
  std::map<std::string, tf::OpDef, std::less<>> table;
  std::istringstream rows(kTable);
  for (std::string row; std::getline(rows, row);) {
    if (row.empty()) continue;
    std::istringstream parts(row);
    std::string names, outputs, attrs;
    std::getline(parts, names, ';');
    std::getline(parts, outputs, ';');
    std::getline(parts, attrs, ';');
    tf::OpDef op;
    std::istringstream output_list(outputs), attr_list(attrs), name_list(names);
    for (std::string output; output_list >> output;) {
      auto* arg = op.add_output_arg();
      const auto mark = output.find_first_of("*+");
      arg->set_name(output.substr(0, mark));
      if (mark == std::string::npos) continue;
      (output[mark] == '*' ? arg->mutable_number_attr() : arg->mutable_type_list_attr())
          ->assign(output.substr(mark + 1));
    }
    for (std::string attr; attr_list >> attr;) {
      const auto equals = attr.find('=');
      auto* def = op.add_attr();
      def->set_name(attr.substr(0, equals));
      *def->mutable_default_value() = literal(std::string_view(attr).substr(equals + 1));
    }
    for (std::string name; name_list >> name;) {
      op.set_name(name);
      table[name] = op;
    }
  }
  return table;
}

}  // namespace

const tf::OpDef* builtin_op(std::string_view name) {
  static const auto table = read_table();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : &it->second;
}

}  // namespace tf2jax::detail
