// The rows and how they become graphs.
#include "value_graphs.h"

#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_graph/graph_builder.h"

#include <sstream>

namespace tf2jax::fuzz {
namespace {

namespace tf = tensorflow;

// operations | operands | attributes. An operand is a letter and sizes: f f32, h f16, d f64, z c64, i i32, u u32, b
// bool for inputs; [1,2] or [3] a list and =3 a number of i32, .5 a number of f32, $abc a string as constants; %x and
// %x:1 name earlier tensors of the row. An operation before ">" is a node by itself:
// "TensorListReserve([2],=3;element_dtype:FLOAT)>l". "3*" is three variables before the operands, as resources and as
// references.
constexpr const char* kRows = R"(
Abs Neg Sign Square Reciprocal Inv Exp Expm1 Log Log1p Sqrt Rsqrt Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Erfc Erfinv|f2,3|
Lgamma Digamma Ceil Floor Round Rint IsFinite IsNan IsInf Relu Relu6 Elu Selu Sigmoid Softplus Softsign Softmax LogSoftmax OnesLike ZerosLike L2Loss|f2,3|
Abs Neg Sign Square Round OnesLike ZerosLike Invert PopulationCount|i2,3|
LogicalNot|b2,3|
Real Imag Conj ComplexAbs Angle Neg Exp|z2,3|
Add AddV2 Sub Mul Div RealDiv FloorDiv FloorMod Mod TruncateMod DivNoNan MulNoNan Pow Minimum Maximum SquaredDifference Atan2 NextAfter Xlogy|f2,3 f3|
Xdivy Xlog1py Less LessEqual Greater GreaterEqual Equal NotEqual ApproximateEqual ReluGrad Relu6Grad SigmoidGrad TanhGrad SqrtGrad RsqrtGrad|f2,3 f2,3|
ReciprocalGrad SoftplusGrad EluGrad SoftsignGrad|f2,3 f2,3|
Add Sub Mul FloorDiv FloorMod TruncateDiv TruncateMod Mod Div Pow Maximum Minimum BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift Less|i2,3 i1,3|
LogicalAnd LogicalOr|b2,3 b3|
LeakyRelu|f2,3|alpha=.3
LeakyReluGrad|f2,3 f2,3|alpha=.3
Cast|f2,3|SrcT:FLOAT DstT:INT32
Cast|i2,3|SrcT:INT32 DstT:HALF
Bitcast|f2,3|type:INT32
AddN AccumulateNV2|f2,3 f2,3 f2,3|N=3
ClipByValue|f2,3 .1 .5|
Select SelectV2|b2,3 f2,3 f2,3|
Complex|f2,3 f2,3|
Igamma Igammac IgammaGradA RandomGammaGrad Polygamma Zeta|f2,3 f2,3|
Betainc|f2,3 f2,3 f2,3|
BesselI0e BesselI1e BesselI0 BesselI1 Ndtri|f2,3|
FFT IFFT FFT2D IFFT2D|z2,3,4|
FFT3D IFFT3D|z2,3,4|
RFFT|f2,5 [4]|
RFFT2D|f2,5,4 [4,6]|
RFFT3D|f2,3,5,4 [3,4,6]|
IRFFT3D|z2,3,4,3 [3,4,4]|
Where|[0,2,1]|
IRFFT|z2,3 [4]|
IRFFT2D|z2,4,3 [4,4]|
Cholesky|f3,3|
MatrixTriangularSolve|f3,3 f3,2|lower=true adjoint=true
SelfAdjointEigV2|f3,3|compute_v=true
Svd|f3,2|compute_uv=true full_matrices=true
Svd|f3,2|compute_uv=false full_matrices=false
Qr|f3,2|full_matrices=false
Lu|f3,3|output_idx_type:INT64
Eig|f3,3|compute_v=true Tout:COMPLEX64
MatrixInverse|f3,3|adjoint=true
MatrixSolve|f3,3 f3,2|adjoint=false
MatrixSolveLs|f3,2 f3,2 .1|fast=true
MatrixDeterminant LogMatrixDeterminant|f3,3|
FakeQuantWithMinMaxArgs|f2,3|min=.1 max=.9 num_bits=4 narrow_range=true
FakeQuantWithMinMaxVars|f2,3 .1 .9|num_bits=4 narrow_range=false
FakeQuantWithMinMaxVarsPerChannel|f2,3 f3 f3|num_bits=4 narrow_range=false
QuantizeAndDequantizeV2 QuantizeAndDequantizeV4|f2,3 .1 .9|signed_input=true num_bits=5 range_given=true round_mode:"HALF_UP"
QuantizeAndDequantizeV3|f2,3 .1 .9 =5|signed_input=true range_given=false
DynamicPartition|f3,2 [0,1,1]|num_partitions=2
DynamicStitch ParallelDynamicStitch|[0,2] [1] f2,2 f1,2|N=2
Unique UniqueWithCounts|[3,1,3,2]|out_idx:INT32
UniqueV2 UniqueWithCountsV2|[3,1,3,2] [0]|out_idx:INT32
ListDiff|[3,1,3,2] [1]|out_idx:INT32
Reshape([0,0,1,1,0,0,2,2],[2,4])>r Cast(%r;SrcT:INT32,DstT:FLOAT)>b Cast([1,2];SrcT:INT32,DstT:FLOAT)>s NonMaxSuppression|%b %s =2|iou_threshold=.5
Reshape([0,0,1,1,0,0,2,2],[2,4])>r Cast(%r;SrcT:INT32,DstT:FLOAT)>b Cast([1,2];SrcT:INT32,DstT:FLOAT)>s NonMaxSuppressionV2|%b %s =2 .5|
Reshape([0,0,1,1,0,0,2,2],[2,4])>r Cast(%r;SrcT:INT32,DstT:FLOAT)>b Cast([1,2];SrcT:INT32,DstT:FLOAT)>s NonMaxSuppressionV3|%b %s =2 .5 .1|
NonMaxSuppressionV4|f3,4 f3 =2 .5 .1|pad_to_max_output_size=true
NonMaxSuppressionV5|f3,4 f3 =2 .5 .1 .3|pad_to_max_output_size=true
SparseToDense|[0,2] [4] f2 .1|
SparseTensorDenseMatMul|i3,2 f3 [4,4] f4,2|adjoint_a=false adjoint_b=false
ReverseSequence|f2,4,3 [1,3]|seq_dim=1 batch_dim=0
CumulativeLogsumexp|f2,3 =1|exclusive=true reverse=false
InTopKV2|f2,3 [1,2] =2|
InTopK|f2,3 [1,2]|k=2
NthElement|f2,3 =1|reverse=true
Reverse|f2,3 [0,1]|
Dilation2D|f1,4,4,2 f2,2,2|strides=[1,1,1,1] rates=[1,1,1,1] padding:"SAME"
MaxPoolWithArgmax|f1,4,4,2|ksize=[1,2,2,1] strides=[1,1,1,1] padding:"VALID" Targmax:INT32 include_batch_in_index=true
LowerBound UpperBound|f2,5 f2,3|out_type:INT32
ResizeBilinear ResizeNearestNeighbor|f1,3,4,2 [5,6]|half_pixel_centers=true align_corners=false
ResizeBilinearGrad|f1,3,4,2 f1,5,6,2|half_pixel_centers=true align_corners=false
ResizeNearestNeighborGrad|f1,3,4,2 [5,6]|half_pixel_centers=true align_corners=false
ResizeBicubic ResizeArea|f1,3,4,2 [5,6]|align_corners=false
ScaleAndTranslate|f1,3,4,2 [5,6] [1,2] [0,1]|kernel_type:"lanczos3" antialias=true
RGBToHSV HSVToRGB|f2,3|
AdjustHue AdjustSaturation AdjustContrastv2|f2,3,3 .5|
CropAndResize|f2,4,5,3 f2,4 [0,1] [3,2]|method:"bilinear" extrapolation_value=.5
ImageProjectiveTransformV2|f2,4,5,3 f1,8 [3,2]|interpolation:"BILINEAR" fill_mode:"REFLECT"
ImageProjectiveTransformV3|f2,4,5,3 f1,8 [3,2] .5|interpolation:"NEAREST" fill_mode:"WRAP"
ExtractImagePatches|f2,4,5,3|ksizes=[1,2,2,1] strides=[1,1,2,1] rates=[1,1,1,1] padding:"SAME"
Conv2DBackpropFilter|f2,4,5,3 [2,2,3,2] f2,4,5,2|strides=[1,1,1,1] padding:"SAME"
Conv3DBackpropFilterV2|f2,4,5,2,3 [2,2,1,3,2] f2,4,5,2,2|strides=[1,1,1,1,1] padding:"SAME"
DepthwiseConv2dNativeBackpropInput|[2,4,5,3] f2,2,3,2 f2,4,5,6|strides=[1,1,1,1] padding:"SAME"
DepthwiseConv2dNativeBackpropFilter|f2,4,5,3 [2,2,3,2] f2,4,5,6|strides=[1,1,1,1] padding:"SAME"
MaxPoolGrad|f2,4,4,3 f2,2,2,3 f2,2,2,3|ksize=[1,2,2,1] strides=[1,2,2,1] padding:"VALID"
MaxPoolGradV2|f2,4,4,3 f2,2,2,3 f2,2,2,3 [1,2,2,1] [1,2,2,1]|padding:"VALID"
MaxPool3DGrad|f2,4,4,2,3 f2,2,2,2,3 f2,2,2,2,3|ksize=[1,2,2,1,1] strides=[1,2,2,1,1] padding:"VALID"
AvgPoolGrad|[2,4,4,3] f2,2,2,3|ksize=[1,2,2,1] strides=[1,2,2,1] padding:"VALID"
AvgPool3DGrad|[2,4,4,2,3] f2,2,2,2,3|ksize=[1,2,2,1,1] strides=[1,2,2,1,1] padding:"VALID"
StridedSliceGrad|[4,5] [1,0] [3,4] [1,2] f2,2|begin_mask=0 end_mask=0 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=0
SegmentSum SegmentProd SegmentMax SegmentMin SegmentMean|f4,2 [0,1,1,3]|
SparseSegmentSum SparseSegmentMean SparseSegmentSqrtN|f4,2 [0,3,1] [0,0,2]|
SparseSegmentSumWithNumSegments SparseSegmentMeanWithNumSegments SparseSegmentSqrtNWithNumSegments|f4,2 [0,3,1] [0,0,2] =4|
DenseBincount|i2,3 =4 f2,3|binary_output=true
Bincount|i2,3 =4 f2,3|
HistogramFixedWidth|f7 [0,1] =4|dtype:INT32
Bucketize|f2,3|boundaries=[.1,.5]
MatrixBandPart|f2,3,4 =1 =1|
MatrixDiag|f2,3|
MatrixDiagV3|f2,3 =1 =-1 =-1 .0|align:"RIGHT_LEFT"
MatrixSetDiag|f2,3,4 f2,3|
MatrixSetDiagV3|f2,3,4 f2,3 =1|align:"RIGHT_LEFT"
MatrixDiagPart|f2,3,4|
Cross|f2,3 f2,3|
RandomStandardNormal RandomUniform TruncatedNormal|[2,3]|dtype:FLOAT seed=1 seed2=2
RandomUniformInt|[2,3] =0 =9|seed=1
RandomShuffle|f4,2|
Multinomial|f2,3 =4|output_dtype:INT32
StatelessMultinomial|f2,3 =4 [1,2]|output_dtype:INT32
StatelessRandomGetAlg||
StatelessRandomGetKeyCounter|[1,2]|
StatelessRandomNormalV2 StatelessRandomUniformV2 StatelessTruncatedNormalV2|[2,3] u2 i2 =1|dtype:FLOAT
StatelessRandomUniformIntV2|[2,3] u2 i2 =1 =0 =9|
StatelessRandomUniformFullIntV2|[2,3] u2 i2 =1|dtype:UINT32
Sum Prod Max Min Mean EuclideanNorm|f2,3,4 [0,2]|keep_dims=true
All Any|b2,3 [1]|keep_dims=false
ArgMax ArgMin|f2,3 =1|output_type:INT32
Cumsum Cumprod|f2,3 =1|exclusive=true reverse=true
Shape ShapeN Size|f2,3|out_type:INT32
Rank|f2,3|
Reshape|f2,3 [3,-1]|
ExpandDims|f2,3 =1|
Squeeze|f2,1,3|squeeze_dims=[1]
Transpose ConjugateTranspose|f2,3,4 [2,0,1]|
Transpose ConjugateTranspose|z2,3 [1,0]|
ConcatV2|f2,3 f2,1 =1|N=2
Concat|=1 f2,3 f2,1|N=2
ConcatOffset|=1 [2,3] [2,4]|N=2
Pack|f2,3 f2,3|N=2 axis=1
Unpack|f3,2|num=3 axis=0
Split|=1 f2,4|num_split=2
SplitV|f2,5 [2,-1,1] =1|num_split=3
Tile|f2,3 [2,1]|
Pad|f2,3 [[1,0],[0,2]]|
PadV2|f2,3 [[1,0],[0,2]] .5|
MirrorPad|f3,4 [[1,0],[2,1]]|mode:"REFLECT"
MirrorPad|f3,4 [[1,3],[2,1]]|mode:"SYMMETRIC"
Fill|[2,3] .5|
Empty|[2,3]|dtype:FLOAT init=true
Range|=1 =9 =2|
Range|.0 .9 .1|
LinSpace|.0 .9 =5|
Roll|f2,3 [1,-2] [0,1]|
ReverseV2|f2,3 [0,1]|
BroadcastTo|f3 [2,3]|
BroadcastArgs BroadcastGradientArgs|[2,3] [3]|
InvertPermutation|[2,0,1]|
UnravelIndex|i4 [3,4]|
SpaceToBatchND|f2,4,3 [2] [[1,1]]|
BatchToSpaceND|f4,3,2 [2] [[1,2]]|
SpaceToDepth|f1,4,4,2|block_size=2 data_format:"NHWC"
DepthToSpace|f1,2,2,8|block_size=2 data_format:"NHWC"
StridedSlice|f4,5,6 [1,0,5] [3,4,0] [1,2,-2]|begin_mask=2 end_mask=4 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=1
StridedSlice|f4,5 [0,0,1] [0,0,2] [1,1,1]|begin_mask=0 end_mask=0 ellipsis_mask=2 new_axis_mask=1 shrink_axis_mask=4
StridedSlice|f4,5 i1 i1 [1]|begin_mask=0 end_mask=0 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=1
Slice|f4,5 [1,0] [2,-1]|
Slice|f4,5 i2 [2,3]|
Shape(f4,5)>s StridedSlice|%s [0] [1] [1]|begin_mask=0 end_mask=0 ellipsis_mask=0 new_axis_mask=0 shrink_axis_mask=1
Shape(f4,5)>s Slice|%s [0] [1]|
GatherV2|f4,5 i3 =1|batch_dims=0
GatherV2|f2,4,5 i2,3 =1|batch_dims=1
Gather ResourceGather|f4,5 i3|validate_indices=true
GatherNd|f4,5 i3,2|
ScatterNd|i3,1 f3,2 [5,2]|
TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax TensorScatterMin|f5,2 i3,1 f3,2|
OneHot|i2,3 =4 .9 .1|axis=-1
UnsortedSegmentSum UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin|f4,2 i4 =3|
InplaceAdd InplaceUpdate|f5,2 i3 f3,2|
MatMul|f2,3 f3,4|transpose_a=false transpose_b=false
MatMul|f3,2 f4,3|transpose_a=true transpose_b=true
BatchMatMul BatchMatMulV2 BatchMatMulV3|f2,3,4 f2,5,4|adj_x=false adj_y=true
Einsum|f2,3,4 f2,4,5|equation:"bij,bjk->bik" N=2
Conv2D|f1,5,5,2 f3,3,2,4|strides=[1,2,1,1] dilations=[1,1,2,1] padding:"SAME" data_format:"NHWC"
Conv2D|f1,5,5,4 f3,3,2,4|strides=[1,1,1,1] padding:"VALID" data_format:"NHWC"
Conv3D|f1,3,4,5,2 f2,2,2,2,3|strides=[1,1,2,1,1] padding:"SAME"
DepthwiseConv2dNative|f1,5,5,2 f3,3,2,2|strides=[1,1,1,1] padding:"EXPLICIT" explicit_paddings=[0,0,1,1,0,2,0,0]
Conv2DBackpropInput|[1,8,8,2] f3,3,2,4 f1,4,4,4|strides=[1,2,2,1] padding:"SAME"
Conv3DBackpropInputV2|[1,4,4,4,2] f2,2,2,2,3 f1,2,2,2,3|strides=[1,2,2,2,1] padding:"SAME"
MaxPool AvgPool|f1,5,5,2|ksize=[1,2,3,1] strides=[1,2,1,1] padding:"SAME" data_format:"NHWC"
MaxPool AvgPool|f1,2,5,5|ksize=[1,1,2,3] strides=[1,1,2,1] padding:"VALID" data_format:"NCHW"
MaxPoolV2|f1,5,5,2 [1,2,3,1] [1,2,1,1]|padding:"SAME"
MaxPool3D AvgPool3D|f1,3,4,5,2|ksize=[1,2,2,2,1] strides=[1,1,2,1,1] padding:"SAME"
BiasAdd|f1,3,4,2 f2|data_format:"NHWC"
BiasAdd|f1,2,3,4 f2|data_format:"NCHW"
BiasAddV1|f3,2 f2|
BiasAddGrad|f1,3,4,2|data_format:"NHWC"
FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3|f2,3,3,2 f2 f2 f2 f2|is_training=false epsilon=.1
FusedBatchNormV3|f2,3,3,2 f2 f2 f0 f0|is_training=true epsilon=.1 exponential_avg_factor=.5
SparseSoftmaxCrossEntropyWithLogits|f2,3 i2|
SoftmaxCrossEntropyWithLogits|f2,3 f2,3|
LRN|f1,2,2,5|depth_radius=2 bias=.5 alpha=.1 beta=.5
TopKV2|f2,5 =3|sorted=true
TopK|f2,5|k=3 sorted=true
XlaDot XlaDotV2|f2,3 f3,4|dimension_numbers:"\012\001\001\022\001\000" precision_config:"" preferred_element_type:FLOAT
XlaConv XlaConvV2|f1,2,5 f3,2,2 [1] [[1,1]] [1] [2] =1|dimension_numbers:"\030\001\062\001\002\100\001\120\001\132\001\002\142\001\002" precision_config:""
XlaGather|f4,5 i3,1 [1,5]|dimension_numbers:"\012\001\001\022\001\000\032\001\000\040\001" indices_are_sorted=false
XlaScatter|f4,5 i3,1 f3,5|dimension_numbers:"\012\001\001\022\001\000\032\001\000\040\001" update_computation@add indices_are_sorted=false
XlaPad|f2,3 .5 [1,-1] [0,2] [1,0]|
XlaDynamicSlice|f4,5 i2 [2,3]|
XlaDynamicUpdateSlice|f4,5 f2,3 i2|
XlaReduceWindow|f4,5 .0 [2,3] [1,2] [1,1] [1,2] [[1,0],[0,0]]|computation@add
XlaReduceWindow|f4,5 .0 [4,1] [1,1] [1,1] [1,1] [[3,0],[0,0]]|computation@add
XlaVariadicReduceV2|f4,5 .0|reducer@add dimensions_to_reduce=[1]
XlaSelectAndScatter|f4,4 [2,2] [2,2] [[0,0],[0,0]] f2,2 .0|select@ge scatter@add
XlaVariadicSort|f4,5 =1|comparator@lt is_stable=true
XlaReducePrecision|f2,3|exponent_bits=5 mantissa_bits=7
XlaRngBitGenerator|=3 u4 [2,3]|dtype:UINT32
XlaOptimizationBarrier Identity Snapshot GuaranteeConst DeepCopy DebugGradientIdentity CheckNumerics IdentityN StopGradient PreventGradient|f2,3|
XlaSharding|f2,3|
PlaceholderWithDefault|f2,3|shape={2,3}
EnsureShape|f2,3|shape={2,-1}
PartitionedCall StatefulPartitionedCall|f2,3 f2,3|f@add
If StatelessIf|b f2,3 f2,3|then_branch@add else_branch@mul
Case StatelessCase|i f2,3 f2,3|branches@[add,mul]
While StatelessWhile|=0 f2,3|cond@few body@next
While StatelessWhile|i f2,3|cond@few body@next
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayWriteV3|%a =1 f2 %a:1|
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayReadV3|%a =1 %a:1|dtype:FLOAT
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayGatherV3|%a [0,2] %a:1|dtype:FLOAT
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayScatterV3|%a [0,2] f2,2 %a:1|
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArraySizeV3|%a %a:1|
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayConcatV3|%a %a:1|dtype:FLOAT
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArraySplitV3|%a f6 [2,2,2] %a:1|
VarHandleOp(;dtype:FLOAT,shape={3})>v ResourceScatterUpdate ResourceScatterAdd ResourceScatterSub ResourceScatterMul ResourceScatterMin ResourceScatterMax|%v [0,2] f2|dtype:FLOAT
VarHandleOp(;dtype:FLOAT,shape={3})>v VariableShape|%v|out_type:INT64
MatrixDiagPartV2 MatrixDiagPartV3|f2,3,4 [-1,1] .1|
MatrixDiagV2 MatrixDiagV3|f2,3,4 [-1,1] =4 =4 .1|
MatrixSetDiagV2 MatrixSetDiagV3|f2,3,4 f2,3,3 [-1,1]|
MatrixSetDiagV3|f2,3,4 f2,3,3 [-1,1]|align:"LEFT_RIGHT"
Diag|f2,3|
DiagPart|f2,3,2,3|
TridiagonalSolve|f2,3,4 f2,4,2|partial_pivoting=true
TridiagonalMatMul|f1,4 f1,4 f1,4 f4,2|
BandedTriangularSolve|f2,4 f4,2|lower=true adjoint=false
MatrixSquareRoot|f3,3|
Dawsn Spence Expint FresnelSin FresnelCos|f2,3|
LSTMBlockCell|f2,3 f2,4 f2,4 f7,16 f4 f4 f4 f16|use_peephole=true cell_clip=.5
BlockLSTM BlockLSTMV2|=2 f3,2,3 f2,4 f2,4 f7,16 f4 f4 f4 f16|use_peephole=true
GRUBlockCell|f2,3 f2,4 f7,8 f7,4 f8 f4|
SparseTensorDenseAdd SparseDenseCwiseAdd SparseDenseCwiseMul SparseDenseCwiseDiv|i3,2 f3 [4,5] f4,5|
SparseReorder SparseSoftmax|i3,2 f3 [4,5]|
SparseReshape|i3,2 [4,6] [3,8]|
SparseReduceSum SparseReduceMax|i3,2 f3 [4,5] [1]|keep_dims=true
SetSize|i3,2 f3 [4,5]|
Where([0,2,1,3];)>w SparseAdd|%w f3 [4] %w f3 [4] .0|
Where([0,2,1,3];)>w SparseSlice|%w f3 [4] [1] [2]|
Where([0,2,1,3];)>w SparseConcat|%w %w f3 f3 [4] [4]|concat_dim=0 N=2
Where([0,2,1,3];)>w SparseFillEmptyRows|%w f3 [4] .5|
ExpandDims([0,2,1],=0;)>a ExpandDims([2,3],=0;)>b DenseToDenseSetOperation|%a %b|set_operation:"union"
RaggedTensorToTensor|[-1,-1] f3 .5 [0,2,3]|num_row_partition_tensors=1 row_partition_types:["ROW_SPLITS"]
RaggedRange|[0,2] [3,5] [1,2]|
RaggedGather|[0,2,3] f3 [1,0]|PARAMS_RAGGED_RANK=1 OUTPUT_RAGGED_RANK=1
RaggedTensorToSparse|[0,2,3] f3|RAGGED_RANK=1
QuantizeV2|f2,3 .1 .9|T:QUINT8 mode:"MIN_FIRST"
QuantizeV2|f2,3 .1 .9|T:QINT8 mode:"SCALED"
Dequantize|i2,3 .1 .9|T:QINT32 mode:"MIN_COMBINED"
CompareAndBitpack|f2,8 .1|
ParallelConcat|f1,2 f1,2|N=2 shape={2,2}
ScatterNdNonAliasingAdd|f4,2 i3,1 f3,2|
XlaEinsum|f2,3 f3,4|equation:"ab,bc->ac"
XlaSort|f2,3|
XlaKeyValueSort|f6 f6|
Print|f2 f2|
StringLower($aB;)>s StringUpper(%s;)>t StringStrip(%t;)>u StringLength|%u|
StringJoin($a,$b;N=2)>s StringLength|%s|
AsString([1,2];T:INT32)>s StringToNumber|%s|
Substr($abcd,=1,=2;)>s StringLength|%s|
StringSplitV2 StringSplit|$abc $b|
StringSplitV2($abc,$b;)>s StringNGrams|%s:1 [0,2]|separator:"-" ngram_widths=[1,2] left_pad:"l" right_pad:"r" pad_width=-1 preserve_short_sequences=true
StringSplitV2($abc,$b;)>s ReduceJoin|%s:1 [0]|separator:"-"
StringSplitV2($abc,$b;)>s UnsortedSegmentJoin|%s:1 [0,1] =2|
StringSplitV2($abc,$b;)>s GatherV2(%s:1,[1,0],=0;)>t ConcatV2(%s:1,%t,=0;N=2)>u Unique|%u|
StringSplitV2($abc,$b;)>s RaggedTensorToTensor|[2,1] %s:1 $c [0,1,2]|num_row_partition_tensors=1 row_partition_types:["ROW_SPLITS"]
RegexReplace|$abc $b $c|
StaticRegexReplace|$abc|pattern:"b" rewrite:"c"
RegexFullMatch|$abc $a.*|
StaticRegexFullMatch|$abc|pattern:"a.c"
StringToHashBucketFast StringToHashBucket|$abc|num_buckets=7
StringToHashBucketStrong|$abc|num_buckets=7 key=[1,2]
EncodeBase64|$abc|
DecodeBase64|$YWJj|
UnicodeDecode UnicodeDecodeWithOffsets|$abc|input_encoding:"UTF-8"
UnicodeEncode|[65,66] [0,2]|output_encoding:"UTF-8"
UnicodeTranscode|$abc|input_encoding:"UTF-8" output_encoding:"UTF-8"
RaggedBincount|[0,1,3] [1,2,1] =4 [1,2,3]|
HashTableV2(;key_dtype:INT64,value_dtype:FLOAT)>t InitializeTableV2(%t,[1,2],[3,4];)>z LookupTableFindV2 LookupTableFind|%t [1,5] =7|
HashTable(;key_dtype:INT64,value_dtype:FLOAT)>t InitializeTable(%t,[1,2],[3,4];)>z LookupTableSizeV2 LookupTableSize|%t|
MutableHashTableV2(;key_dtype:INT64,value_dtype:FLOAT)>t LookupTableImportV2(%t,[1,2],[3,4];)>z LookupTableFindV2|%t [1,5] =7|
HashTableV2(;key_dtype:INT64,value_dtype:FLOAT)>t LookupTableImport(%t,[1,2],[3,4];)>z LookupTableFindV2|%t [1,5] =7|
RandomGamma RandomPoissonV2|[4] f3|
StatelessRandomGammaV2|[4,3] [1,2] f3|
StatelessRandomGammaV3|[4,3] [1,2] [0,0] =1 f3|
StatelessRandomPoisson|[4,3] [1,2] f3|dtype:INT32
StatelessRandomBinomial|[4,3] [1,2] f3 f3|dtype:INT32
StatelessShuffle|f4 [1,2] [0,0] =1|
StatelessParameterizedTruncatedNormal|[4,3] [1,2] f3 f3 f3 f3|
ParameterizedTruncatedNormal|[3,4] f3 f3 f3 f3|dtype:FLOAT
VarHandleOp(;dtype:INT64,shape={3})>v StatefulUniform StatefulStandardNormalV2 StatefulTruncatedNormal|%v =1 [2,3]|dtype:FLOAT
VarHandleOp(;dtype:INT64,shape={3})>v StatefulUniformInt|%v =1 [2,3] =0 =9|
VarHandleOp(;dtype:INT64,shape={3})>v StatefulUniformFullInt|%v =1 [2,3]|dtype:UINT32
VarHandleOp(;dtype:INT64,shape={3})>v StatefulRandomBinomial|%v =1 [2,3] f3 f3|dtype:INT32
VarHandleOp(;dtype:INT64,shape={3})>v RngReadAndSkip|%v =1 =2|
StatelessRandomNormal StatelessRandomUniform StatelessTruncatedNormal|[4] [1,2]|dtype:FLOAT
StatelessRandomUniformInt|[4] [1,2] =1 =9|dtype:INT32
StatelessRandomGetKeyCounterAlg|[1,2]|
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListResize|%l =6|
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListConcatLists|%l %l|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListElementShape|%l|shape_type:INT32
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListGather|%l [0,3] [3]|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListConcatV2|%l [3] [0]|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListConcat|%l|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListScatterIntoExistingList|%l f2,3 [0,3]|element_dtype:FLOAT
TensorListScatterV2(f2,3,[3,0],[3],=-1;element_dtype:FLOAT)>l TensorListStack|%l [3]|element_dtype:FLOAT
TensorListScatter(f2,3,[1,0],[3];element_dtype:FLOAT)>l TensorListStack|%l [3]|element_dtype:FLOAT
TensorListSplit(f4,[2],[2,2];element_dtype:FLOAT)>l TensorListStack|%l [2]|element_dtype:FLOAT
TensorArrayV3(=1;dtype:FLOAT,element_shape={2},dynamic_size=true)>a TensorArrayWriteV3|%a =3 f2 %a:1|
TensorArrayV3(=3;dtype:FLOAT,element_shape={2})>a TensorArrayCloseV3(%a;)>z TensorArraySizeV3|%a %a:1|
VarHandleOp(;dtype:FLOAT,shape={3})>v ReadVariablesOp|%v|N=1
VariableV2(;dtype:FLOAT,shape={3})>v ScatterUpdate ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterMin ScatterMax|%v [0,2] f2|
VariableV2(;dtype:FLOAT,shape={3})>v ScatterNdUpdate ScatterNdAdd ScatterNdSub ScatterNdMin ScatterNdMax|%v i2,1 f2|
VarHandleOp(;dtype:FLOAT,shape={3})>v ResourceScatterNdUpdate ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdMin ResourceScatterNdMax|%v i2,1 f2|dtype:FLOAT
VarHandleOp(;dtype:FLOAT,shape={3})>v ResourceScatterDiv|%v [0,1] f2|dtype:FLOAT
VarHandleOp(;dtype:FLOAT,shape={3})>v ResourceGatherNd|%v i2,1|dtype:FLOAT
VariableV2(;dtype:FLOAT,shape={2})>v IsVariableInitialized|%v|
1*ApplyGradientDescent|.1 f2|
2*ApplyMomentum ApplyKerasMomentum|.1 f2 .9|use_nesterov=true
2*ApplyAdagrad|.1 f2|
2*ApplyAdagradV2|.1 .001 f2|
3*ApplyAdam|.9 .99 .1 .9 .99 .001 f2|use_nesterov=true
4*ApplyAdamWithAmsgrad|.9 .99 .1 .9 .99 .001 f2|
3*ApplyAdaMax|.9 .1 .9 .99 .001 f2|
3*ApplyRMSProp|.1 .9 .5 .001 f2|
4*ApplyCenteredRMSProp|.1 .9 .5 .001 f2|
3*ApplyAdadelta|.1 .9 .001 f2|
3*ApplyFtrl|f2 .1 .01 .02 .5|
3*ApplyFtrlV2|f2 .1 .01 .02 .03 .5|
2*ApplyAddSign|.1 .9 .5 .9 f2|
2*ApplyPowerSign|.1 .9 .5 .9 f2|
1*ApplyProximalGradientDescent|.1 .01 .02 f2|
2*ApplyProximalAdagrad|.1 .01 .02 f2|
2*SparseApplyMomentum SparseApplyKerasMomentum|.1 f2 [0,1] .9|use_nesterov=false
2*SparseApplyAdagrad|.1 f2 [0,1]|
2*SparseApplyAdagradV2|.1 .001 f2 [0,1]|
3*SparseApplyRMSProp|.1 .9 .5 .001 f2 [0,1]|
4*SparseApplyCenteredRMSProp|.1 .9 .5 .001 f2 [0,1]|
3*SparseApplyAdadelta|.1 .9 .001 f2 [0,1]|
3*SparseApplyFtrl|f2 [0,1] .1 .01 .02 .5|
3*SparseApplyFtrlV2|f2 [0,1] .1 .01 .02 .03 .5|
1*SparseApplyProximalGradientDescent|.1 .01 .02 f2 [0,1]|
2*SparseApplyProximalAdagrad|.1 .01 .02 f2 [0,1]|
FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3|f2,3,3,2 f2,3,3,2 f2 f2 f2 f2|epsilon=.1 data_format:"NHWC" is_training=true
FusedBatchNormGradV3|f2,3,3,2 f2,3,3,2 f2 f2 f2 f2|epsilon=.1 data_format:"NHWC" is_training=false
CombinedNonMaxSuppression|f2,3,1,4 f2,3,2 =2 =3 .5 .1|pad_per_class=false clip_boxes=true
TensorStridedSliceUpdate|f4,3 [1,0] [3,2] [1,1] f2,2|
VarHandleOp(;dtype:FLOAT,shape={3})>v ResourceStridedSliceAssign|%v [0] [2] [1] f2|
TensorListReserve([3],=4;element_dtype:FLOAT)>l TensorListSetItem|%l =1 f3|element_dtype:FLOAT
TensorListReserve([3],=4;element_dtype:FLOAT)>l TensorListGetItem|%l i [3]|element_dtype:FLOAT
TensorListReserve([3],=4;element_dtype:FLOAT)>l TensorListStack|%l [3]|element_dtype:FLOAT num_elements=4
TensorListReserve([3],=4;element_dtype:FLOAT)>l TensorListLength|%l|
EmptyTensorList([3],=4;element_dtype:FLOAT)>l TensorListPushBack|%l f3|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListPopBack|%l [3]|element_dtype:FLOAT
TensorListFromTensor(f4,3;element_dtype:FLOAT)>l TensorListGetItem|%l =2 [3]|element_dtype:FLOAT
VarHandleOp(;dtype:FLOAT,shape={2})>v ReadVariableOp VarIsInitializedOp|%v|
VarHandleOp(;dtype:FLOAT,shape={2})>v AssignVariableOp AssignAddVariableOp AssignSubVariableOp|%v f2|dtype:FLOAT
VarHandleOp(;dtype:FLOAT,shape={2})>v Assign AssignAdd AssignSub|%v f2|
Fill([2,3],.5)>a Tile(%a,[1,2])>t Sum|%t [0]|keep_dims=false
Shape(f4,5)>s Prod|%s [0]|keep_dims=false
Shape(f4,5)>s Fill|%s .5|
Const|c|
)";

// (a, b) -> a + b and the like, (a, b) -> bool, and the parts of a counted loop.
constexpr const char* kFunctions = R"(
function { signature { name: "add" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
  node_def { name: "n" op: "AddV2" input: "a" input: "b" } ret { key: "r" value: "n:z:0" } }
function { signature { name: "mul" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
  node_def { name: "n" op: "Mul" input: "a" input: "b" } ret { key: "r" value: "n:z:0" } }
function { signature { name: "ge" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_BOOL } }
  node_def { name: "n" op: "GreaterEqual" input: "a" input: "b" } ret { key: "r" value: "n:z:0" } }
function { signature { name: "lt" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_BOOL } }
  node_def { name: "n" op: "Less" input: "a" input: "b" } ret { key: "r" value: "n:z:0" } }
function { signature { name: "few" input_arg { name: "a" type: DT_INT32 } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_BOOL } }
  node_def { name: "c" op: "Const" attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 5 } } } }
  node_def { name: "n" op: "Less" input: "a" input: "c:output:0" } ret { key: "r" value: "n:z:0" } }
function { signature { name: "next" input_arg { name: "a" type: DT_INT32 } input_arg { name: "b" type: DT_FLOAT } output_arg { name: "r" type: DT_INT32 }
  output_arg { name: "s" type: DT_FLOAT } } node_def { name: "c" op: "Const" attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 1 } } } }
  node_def { name: "n" op: "AddV2" input: "a" input: "c:output:0" } node_def { name: "m" op: "Mul" input: "b" input: "b" }
  ret { key: "r" value: "n:z:0" } ret { key: "s" value: "m:z:0" } }
)";

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  int depth = 0;
  std::string part;
  for (const char c : text) {
    if (c == '[' || c == '(' || c == '{') ++depth;
    if (c == ']' || c == ')' || c == '}') --depth;
    if (c == separator && depth == 0) parts.push_back(std::exchange(part, ""));
    else part += c;
  }
  parts.push_back(part);
  return parts;
}

std::vector<std::int64_t> integers(const std::string& text) {
  std::vector<std::int64_t> out;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) {
    const auto digits = item.find_first_of("-0123456789");
    if (digits != item.npos) out.push_back(std::stoll(item.substr(digits)));
  }
  return out;
}

Array narrow_array(const std::vector<std::int64_t>& values, const Dims& dims) {
  const std::vector<std::int32_t> narrow(values.begin(), values.end());
  return from_span<std::int32_t>(std::span<const std::int32_t>(narrow), dims);
}

class RowBuilder {
 public:
  ValueGraph build(const std::string& operation, const std::string& operands, const std::string& attributes) {
    auto words = split_at(operation, ' ');
    const std::string last = words.back();
    words.pop_back();
    for (const auto& word : words) prelude(word);
    node(last, "y", split_at(operands, ' '), split_at(attributes, ' '));
    ValueGraph result{operation, builder_.graph().proto()};
    for (const auto& change : changes_) change(result.graph);
    const tf::GraphDef functions = [] {
      tf::GraphDef g;
      detail::parse_text(std::string("library { ") + kFunctions + " }", g, "the functions");
      return g;
    }();
    *result.graph.mutable_library() = functions.library();
    return result;
  }

 private:
  // "Op(operands;attributes)>name"
  void prelude(const std::string& word) {
    const auto open = word.find('('), close = word.rfind(')');
    const auto inside = split_at(word.substr(open + 1, close - open - 1), ';');
    const auto name = word.substr(close + 2);
    named_[name] = node(word.substr(0, open), name, split_at(inside[0], ','),
                        inside.size() > 1 ? split_at(inside[1], ',') : std::vector<std::string>());
  }

  std::string text_constant(const std::string& name, const std::string& text) {
    changes_.emplace_back([name, text](tf::GraphDef& graph) {
      for (auto& n : *graph.mutable_node()) {
        if (n.name() != name) continue;
        (*n.mutable_attr())["dtype"].set_type(tf::DT_STRING);
        auto* tensor = (*n.mutable_attr())["value"].mutable_tensor();
        tensor->set_dtype(tf::DT_STRING);
        tensor->mutable_tensor_shape();
        tensor->add_string_val(text);
      }
    });
    return builder_.node("Const", name, {});
  }

  std::string operand(const std::string& text) {
    const auto fresh = [&] { return fmt::format("x{}", count_++); };
    if (text[0] == '%') {
      const auto colon = text.find(':');
      const std::string named = named_.at(text.substr(1, colon - 1));
      return colon == std::string::npos ? named : named.substr(0, named.find(':')) + text.substr(colon);
    }
    if (text[0] == '^') return text;
    if (text[0] == '$') return text_constant(fresh(), text.substr(1));
    if (text[0] == '=') return builder_.constant(fresh(), narrow_array(integers(text), {}));
    if (text[0] == '.') return builder_.constant(fresh(), Array(std::stof("0" + text)));
    if (text.starts_with("[["))
      return builder_.constant(fresh(),
                               narrow_array(integers(text), {static_cast<std::int64_t>(integers(text).size()) / 2, 2}));
    if (text[0] == '[')
      return builder_.constant(fresh(),
                               narrow_array(integers(text), {static_cast<std::int64_t>(integers(text).size())}));
    static const std::map<char, DType> kTypes{{'f', f32}, {'h', f16}, {'d', f64},  {'z', c64},
                                              {'i', i32}, {'u', u32}, {'b', bool_}};
    return builder_.placeholder(fresh(), kTypes.at(text[0]), integers(text.substr(1)));
  }

  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& operands,
                   const std::vector<std::string>& attributes) {
    if (op == "Const") return builder_.constant(name, Array(1.5f));
    std::vector<std::string> inputs;
    for (const auto& o : join_lists(operands)) {
      if (!o.empty()) inputs.push_back(operand(o));
    }
    const std::string result = builder_.node(op, name, inputs);
    for (const auto& a : attributes) {
      if (!a.empty()) changes_.emplace_back([name, a](tf::GraphDef& graph) { set(graph, name, a); });
    }
    return result;
  }

  // In a prelude, commas separate operands and sizes alike: "f4,5" comes as two words.
  static std::vector<std::string> join_lists(const std::vector<std::string>& words) {
    std::vector<std::string> out;
    for (const auto& w : words) {
      if (!out.empty() && !w.empty() && std::isdigit(static_cast<unsigned char>(w[0]))) out.back() += "," + w;
      else out.push_back(w);
    }
    return out;
  }

  // name=value, name:TYPE, name:"text", name:["text"], name={shape}, name@function
  static void set(tf::GraphDef& graph, const std::string& node, const std::string& text) {
    const auto mark = text.find_first_of("=:@");
    const std::string value = text.substr(mark + 1);
    for (auto& n : *graph.mutable_node()) {
      if (n.name() != node) continue;
      tf::AttrValue& a = (*n.mutable_attr())[text.substr(0, mark)];
      if (text[mark] == '@' && value[0] == '[') {
        for (const auto& f : split_at(value.substr(1, value.size() - 2), ','))
          a.mutable_list()->add_func()->set_name(f);
      } else if (text[mark] == '@') {
        a.mutable_func()->set_name(value);
      } else if (text[mark] == ':' && value[0] == '[') {
        for (const auto& s : split_at(value.substr(1, value.size() - 2), ','))
          a.mutable_list()->add_s(s.substr(1, s.size() - 2));
      } else if (text[mark] == ':' && value[0] == '"') {
        detail::parse_text("s: " + value, a, text);
      } else if (text[mark] == ':') {
        detail::parse_text("type: DT_" + value, a, text);
      } else if (value == "true" || value == "false") {
        a.set_b(value == "true");
      } else if (value.starts_with("[.")) {
        for (const auto& f : split_at(value.substr(1, value.size() - 2), ','))
          a.mutable_list()->add_f(std::stof("0" + f));
      } else if (value[0] == '[') {
        a.mutable_list();
        for (const auto i : integers(value)) a.mutable_list()->add_i(i);
      } else if (value[0] == '{') {
        *a.mutable_shape() = detail::shape_to_proto(integers(value));
      } else if (value[0] == '.') {
        a.set_f(std::stof("0" + value));
      } else {
        a.set_i(std::stoll(value));
      }
    }
  }

  GraphBuilder builder_;
  std::map<std::string, std::string> named_;
  std::vector<std::function<void(tf::GraphDef&)>> changes_;
  int count_ = 0;
};

// The rows, each "3*ops|operands|attributes" with three variables before its operands: resources, and references.
std::vector<std::string> all_rows() {
  std::vector<std::string> out;
  std::istringstream rows(kRows);
  for (std::string row; std::getline(rows, row);) {
    if (row.size() < 2 || row[1] != '*') {
      if (!row.empty()) out.push_back(row);
      continue;
    }
    const auto mark = row.find('|');
    for (const bool is_resource : {true, false}) {
      std::string line, operands;
      for (int i = 0; i < row[0] - '0'; ++i) {
        line += fmt::format("{}(;dtype:FLOAT,shape={{3}})>v{} ", is_resource ? "VarHandleOp" : "VariableV2", i);
        operands += fmt::format("%v{} ", i);
      }
      for (const auto& op : split_at(row.substr(2, mark - 2), ' ')) line += (is_resource ? "Resource" : "") + op + " ";
      line.back() = '|';
      out.push_back(line + operands + row.substr(mark + 1));
    }
  }
  return out;
}

}  // namespace

std::vector<ValueGraph> value_graphs() {
  std::vector<ValueGraph> graphs;
  for (const std::string& row : all_rows()) {
    const auto first = row.find('|'), second = row.find('|', first + 1);
    const std::string operands = row.substr(first + 1, second - first - 1), attributes = row.substr(second + 1);
    std::string prelude;
    for (const auto& word : split_at(row.substr(0, first), ' ')) {
      if (word.find('>') != word.npos) {
        prelude += word + " ";
        continue;
      }
      graphs.push_back(RowBuilder().build(prelude + word, operands, attributes));
    }
  }
  return graphs;
}

ValueGraph draw_graph(const std::vector<ValueGraph>& rows, Draw& draw) {
  ValueGraph second = draw.of(rows);
  if (!draw.chance(0.3)) return second;
  const ValueGraph first = draw.of(rows);
  tf::GraphDef joined;
  for (auto node : first.graph.node()) {
    node.set_name("p_" + node.name());
    for (auto& input : *node.mutable_input()) input = (input[0] == '^' ? "^p_" + input.substr(1) : "p_" + input);
    *joined.add_node() = node;
  }
  std::vector<int> placeholders;
  for (int i = 0; i < second.graph.node_size(); ++i) {
    if (second.graph.node(i).op() == "Placeholder") placeholders.push_back(i);
  }
  const int replaced = placeholders.empty() ? -1 : draw.of(placeholders);
  const std::string gone = replaced < 0 ? "" : second.graph.node(replaced).name();
  for (int i = 0; i < second.graph.node_size(); ++i) {
    auto node = second.graph.node(i);
    for (auto& input : *node.mutable_input()) {
      if (!gone.empty() && input == gone) input = "p_y";
    }
    if (i != replaced) *joined.add_node() = node;
  }
  *joined.mutable_library() = second.graph.library();
  return {first.name + " + " + second.name, joined};
}

}  // namespace tf2jax::fuzz
