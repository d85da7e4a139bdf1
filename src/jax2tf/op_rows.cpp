// The operations that are written: names of their outputs, and attributes that follow from types.
#include "tf2jax/jax2tf/internal/function_writer.h"

#include <sstream>

namespace tf2jax::jax2tf {
namespace {

// A row: operations; outputs; attributes. An output "x+" is a list of all results. Attributes: "T=0" the type of input
// 0, "T=$" of the last one, "T>0" of result 0, "T*" the types of all inputs, "T*1" of those from 1 on, "T*$" of all but
// the last, "T*/" of the first half, "T>*" of the results, "N#" the number of inputs, "N#$" of all but the last, "N>#"
// of results.
constexpr const char* kRows = R"(
Abs Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Exp Expm1 Log Log1p Sqrt Rsqrt Floor Ceil; y; T=0
IsFinite IsNan Neg Sign Round Erf Erfc Erfinv Lgamma Digamma BesselI0e BesselI1e Sigmoid Square Invert; y; T=0
PopulationCount; y; T=0
LogicalNot; y;
Real Imag; output; T=0 Tout>0
Conj; output; T=0
Complex; out; T=0 Tout>0
ComplexAbs; y; T=0 Tout>0
Identity StopGradient PreventGradient; output; T=0
IdentityN XlaOptimizationBarrier; output+; T*
Cast; y; SrcT=0 DstT>0
Bitcast; output; T=0 type>0
AddV2 Sub Mul RealDiv TruncateDiv TruncateMod FloorDiv FloorMod Maximum Minimum Pow Atan2; z; T=0
BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift Equal NotEqual Less LessEqual Greater GreaterEqual; z; T=0
Igamma Igammac IgammaGradA Polygamma Zeta Betainc; z; T=0
LogicalAnd LogicalOr; z;
NextAfter RandomGammaGrad; output; T=0
SelectV2; output; T=1
ClipByValue; output; T=0
Reshape; output; T=0 Tshape=1
BroadcastTo; output; T=0 Tidx=1
Squeeze; output; T=0
Transpose; y; T=0 Tperm=1
ReverseV2; output; T=0 Tidx=1
ConcatV2; output; N#$ T=0 Tidx=$
PadV2; output; T=0 Tpaddings=1
Slice; output; T=0 Index=1
StridedSlice; output; T=0 Index=1
Range; output; Tidx=0
SplitV; output+; num_split># T=0 Tlen=1
Pack; output; N# T=0
Unpack; output+; num># T=0
Tile; output; T=0 Tmultiples=1
Fill; output; T=1 index_type=0
Shape; output; T=0 out_type>0
Sum Prod Max Min; output; T=0 Tidx=1
All Any; output; Tidx=1
ArgMax ArgMin; output; T=0 Tidx=1 output_type>0
Cumsum Cumprod CumulativeLogsumexp; out; T=0 Tidx=1
TopKV2; values indices; T=0 Tk=1 index_type>1
GatherV2; output; Tparams=0 Tindices=1 Taxis=2
GatherNd; output; Tparams=0 Tindices=1
TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMin TensorScatterMax; output; T=0 Tindices=1
MatMul; product; T=0
BatchMatMulV2; output; T=0
Einsum; output; N# T=0
Conv2D Conv3D; output; T=0
FFT FFT2D FFT3D IFFT IFFT2D IFFT3D; output; Tcomplex=0
RFFT RFFT2D RFFT3D; output; Treal=0 Tcomplex>0
IRFFT IRFFT2D IRFFT3D; output; Tcomplex=0 Treal>0
Cholesky MatrixTriangularSolve; output; T=0
SelfAdjointEigV2; e v; T=0
Eig; e v; T=0 Tout>0
Svd; s u v; T=0
Qr; q r; T=0
Lu; lu p; T=0 output_idx_type>1
MatrixBandPart; band; T=0 Tindex=1
MatrixSetDiagV3; output; T=0
StatelessIf; output+; Tcond=0 Tin*1 Tout>*
StatelessCase; output+; Tin*1 Tout>*
StatelessWhile; output+; T*
PartitionedCall StatefulPartitionedCall; output+; Tin* Tout>*
XlaDotV2; output; LhsT=0 RhsT=1 preferred_element_type>0
XlaConvV2; output; LhsT=0 RhsT=1 Tindices=2 preferred_element_type>0
XlaPad; output; T=0 Tindices=2
XlaGather; output; T=0 Tindices=1
XlaScatter; output; T=0 Tindices=1
XlaDynamicSlice; output; T=0 Tindices=1
XlaDynamicUpdateSlice; output; T=0 Tindices=2
XlaReduceWindow; output; T=0 Tindices=2
XlaVariadicReduceV2; outputs+; T*/
XlaVariadicSort; outputs+; T*$
XlaRngBitGenerator; output_key output; Tshape=2
XlaSelectAndScatter; output; T=0 Tindices=1
XlaReducePrecision; output; T=0
XlaCallModule; output+; Tin* Tout>*
)";

std::map<std::string, OpRow, std::less<>> read_rows() {
  std::map<std::string, OpRow, std::less<>> table;
  std::istringstream rows(kRows);
  for (std::string row; std::getline(rows, row);) {
    if (row.empty()) continue;
    std::istringstream parts(row);
    std::string names, outputs, types;
    std::getline(parts, names, ';');
    std::getline(parts, outputs, ';');
    std::getline(parts, types, ';');
    OpRow op;
    std::istringstream output_list(outputs), type_list(types), name_list(names);
    for (std::string s; output_list >> s;) op.outputs.push_back(s);
    for (std::string s; type_list >> s;) op.types.push_back(s);
    for (std::string name; name_list >> name;) table[name] = op;
  }
  return table;
}
const std::map<std::string, OpRow, std::less<>>& rows() {
  static const auto table = read_rows();
  return table;
}

}  // namespace

const OpRow& op_row(std::string_view op) {
  const auto it = rows().find(op);
  check<InternalError>(it != rows().end(), "jax2tf: operation '{}' is not in the table.", op);
  return it->second;
}

std::vector<std::string> known_ops() {
  std::vector<std::string> names;
  for (const auto& [name, row] : rows()) names.push_back(name);
  return names;
}

}  // namespace tf2jax::jax2tf
