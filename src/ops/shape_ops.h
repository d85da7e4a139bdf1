// Operations that move, repeat, cut or create data without arithmetic.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// Params of broadcast_in_dim: where each axis of the operand goes, and the result's shape.
struct BroadcastInDim {
  Axes broadcast_dimensions;
  Shape shape;
  bool operator==(const BroadcastInDim&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field_unless("broadcast_dimensions", self.broadcast_dimensions, {});
    v.hidden("shape", self.shape);  // JAX prints it in the result's type only
  }
  void after_read(ParamReader& r);
};
/// Params of reshape.
struct ReshapeParams {
  Shape new_sizes;
  std::optional<Axes> dimensions = {};  // permute the operand first
  bool operator==(const ReshapeParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dimensions", self.dimensions);
    v.field("new_sizes", self.new_sizes);
    v.fixed("sharding", "None");
  }
};
/// Params of squeeze.
struct SqueezeParams {
  Axes dimensions;
  bool operator==(const SqueezeParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("dimensions", self.dimensions); }
};
/// Params of transpose: axis i of the result is axis permutation[i] of the operand.
struct TransposeParams {
  Axes permutation;
  bool operator==(const TransposeParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("permutation", self.permutation); }
};
/// Params of concatenate.
struct ConcatenateParams {
  std::int64_t dimension = 0;
  bool operator==(const ConcatenateParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("dimension", self.dimension); }
};
/// Padding of one axis: elements before, after, and between neighbours. Negative low and high cut.
struct PadAxis {
  Dim low, high, interior;
  bool operator==(const PadAxis&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("low", self.low);
    v.field("high", self.high);
    v.field("interior", self.interior);
  }
};
/// JAX's text: "((0, 0, 0), (1, 1, 0))".
std::string param_text(const std::vector<PadAxis>& v);
/// Reads it. Throws: ParseError.
void read_param(const ParsedValue& v, std::vector<PadAxis>& out);
/// Params of pad.
struct PadParams {
  std::vector<PadAxis> padding_config;
  bool operator==(const PadParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("padding_config", self.padding_config); }
};
/// Params of slice.
struct SliceParams {
  Shape start_indices, limit_indices;
  std::optional<Axes> strides;
  bool operator==(const SliceParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("limit_indices", self.limit_indices);
    v.field("start_indices", self.start_indices);
    v.field("strides", self.strides);
  }
};
/// Params of dynamic_slice.
struct SliceSizes {
  Shape slice_sizes;
  bool operator==(const SliceSizes&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("slice_sizes", self.slice_sizes); }
};
/// Params of iota.
struct IotaParams {
  DType dtype = DType::i32;
  Shape shape;
  std::int64_t dimension = 0;
  bool operator==(const IotaParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dimension", self.dimension);
    v.field("dtype", self.dtype);
    v.field("shape", self.shape);
    v.fixed("sharding", "None");
  }
};
/// Params of split.
struct SplitParams {
  Axes sizes;
  std::int64_t axis = 0;
  bool operator==(const SplitParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axis", self.axis);
    v.field("sizes", self.sizes);
  }
};
/// Params of stack: the new axis.
struct AxisParam {
  std::int64_t axis = 0;
  bool operator==(const AxisParam&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("axis", self.axis); }
};
/// Params of tile.
struct TileParams {
  Axes reps;
  bool operator==(const TileParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("reps", self.reps); }
};
/// Params of rev.
struct RevParams {
  Axes dimensions;
  bool operator==(const RevParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("dimensions", self.dimensions); }
};

const Primitive& broadcast_in_dim_p();
const Primitive& reshape_p();
const Primitive& squeeze_p();
const Primitive& transpose_p();
const Primitive& rev_p();
const Primitive& concatenate_p();
const Primitive& pad_p();
const Primitive& slice_p();
const Primitive& dynamic_slice_p();
const Primitive& dynamic_update_slice_p();
const Primitive& iota_p();
const Primitive& split_p();
const Primitive& stack_p();
const Primitive& unstack_p();
const Primitive& tile_p();
/// The primitives of shape_ops.cpp, slice.cpp and creation.cpp.
void append_shape_primitives(std::vector<Primitive>& out);

// ---- strict functions, as in jax.lax. All are linear, so the gradient is the transposed movement.
/// `x` repeated to `shape`; axis i of x becomes axis dims[i], where its size must match or be 1.
Array broadcast_in_dim(const Array& x, const Shape& shape, const Axes& dims);
/// `x` with other sizes, row-major order kept; one size may be -1. Throws: TypeError when the element counts differ.
Array reshape(const Array& x, const Shape& new_sizes);
/// Drops size-1 axes. Throws: ValueError when one has another size.
Array squeeze(const Array& x, const Axes& axes);
/// Drops every axis of size 1.
Array squeeze(const Array& x);
/// Permutes the axes; without a permutation, reverses them.
Array transpose(const Array& x, const Axes& permutation);
/// Reverses the order of the axes.
Array transpose(const Array& x);
/// Reverses the order of the elements along `axes`. TF: ReverseV2.
Array rev(const Array& x, const Axes& axes);
/// Joins along `axis`; dtypes are promoted.
Array concatenate(std::span<const Array> xs, std::int64_t axis);
/// The same for a list of arrays.
inline Array concatenate(std::initializer_list<Array> xs, std::int64_t axis) {
  return concatenate(std::span<const Array>(xs.begin(), xs.size()), axis);
}
/// lax.pad: low, high and interior padding per axis with a scalar value.
Array pad(const Array& x, const Array& value, const std::vector<PadAxis>& config);
/// Pads with zeros or `value`: (before, after) per axis.
Array pad(const Array& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, const Array& value = 0);
/// Elements start, start+stride, … below limit, per axis. `strides` empty: 1.
Array slice(const Array& x, const Shape& start, const Shape& limit, const Axes& strides = {});
/// lax.slice_in_dim.
Array slice_in_dim(const Array& x, std::int64_t start, std::int64_t limit, std::int64_t stride, std::int64_t axis);
/// A window of `sizes` at traced start indices (one scalar per axis), moved inside the bounds when it sticks out.
/// Negative indices count from the end of their axis, as in lax.dynamic_slice; else they are outside.
Array dynamic_slice(const Array& x, std::span<const Array> start, const Shape& sizes,
                    bool allow_negative_indices = true);
/// `x` with the window at traced start indices replaced by `update`; moved inside the bounds likewise.
Array dynamic_update_slice(const Array& x, const Array& update, std::span<const Array> start,
                           bool allow_negative_indices = true);
/// The slice of `x` at a traced index along `axis`, which is dropped unless `keepdims`; indices as those of
/// dynamic_slice.
Array dynamic_index_in_dim(const Array& x, const Array& index, std::int64_t axis, bool keepdims = false,
                           bool allow_negative_indices = true);
/// Pieces of the given sizes along `axis`.
Arrays split(const Array& x, const Axes& sizes, std::int64_t axis);
/// That many pieces of one size along `axis`, which may be symbolic: NumPy's split by a count. Throws: ValueError
/// unless the count, positive, divides the size for certain.
Arrays split_evenly(const Array& x, std::int64_t sections, std::int64_t axis = 0);
/// New axis joining equal shapes.
Array stack(std::span<const Array> xs, std::int64_t axis = 0);
/// The same for a list of arrays.
inline Array stack(std::initializer_list<Array> xs, std::int64_t axis = 0) {
  return stack(std::span<const Array>(xs.begin(), xs.size()), axis);
}
/// The slices along `axis`, without it. TF: Unpack.
Arrays unstack(const Array& x, std::int64_t axis = 0);
/// `x` repeated reps[i] times along axis i. TF: Tile.
Array tile(const Array& x, const Axes& reps);
/// `x` with each slice along `axis` `count` times in a row.
Array repeat(const Array& x, std::int64_t count, std::int64_t axis);
/// `x` with axes of size 1 where the result has `axes`. TF: ExpandDims.
Array expand_dims(const Array& x, const Axes& axes);
/// `x` repeated to `shape` by NumPy's rule. Throws: ShapeError. TF: BroadcastTo.
Array broadcast_to(const Array& x, const Shape& shape);
/// `x` with axis `from` moved to `to`; the others keep their order.
Array moveaxis(const Array& x, std::int64_t from, std::int64_t to);
/// `x` with two axes exchanged.
Array swapaxes(const Array& x, std::int64_t a, std::int64_t b);
/// The elements as a vector, in row-major order.
Array ravel(const Array& x);
/// Reverses the order of the elements along `axes`; they may be negative.
Array flip(const Array& x, const Axes& axes);
/// `x` moved by `shift` places along `axis`; what leaves at one end comes in at the other. TF: Roll.
Array roll(const Array& x, std::int64_t shift, std::int64_t axis);

// ---- creation. Without a dtype: f32, or f64 with Config::enable_x64. A 64-bit dtype without that switch is narrowed,
// with one warning.
/// The dtype asked for, or the default float. `where` names the function in the warning.
DType dtype_or_float(std::string_view where, std::optional<DType> dtype);
/// `value` everywhere. TF: Fill.
Array full(const Shape& shape, const Array& value, std::optional<DType> dtype = {});
/// 0 everywhere.
Array zeros(const Shape& shape, std::optional<DType> dtype = {});
/// 1 everywhere.
Array ones(const Shape& shape, std::optional<DType> dtype = {});
/// 0 in the shape and dtype of `x`.
Array zeros_like(const Array& x);
/// 1 in the shape and dtype of `x`.
Array ones_like(const Array& x);
/// `value` in the shape and dtype of `x`.
Array full_like(const Array& x, const Array& value);
/// Zeros of an aval.
Array zeros_of(const Aval& aval);
/// 0, 1, …, n-1 (i32; i64 with x64), or start, start+step, … below stop.
Array arange(std::int64_t stop);
/// start, start+step, … below stop.
Array arange(std::int64_t start, std::int64_t stop, std::int64_t step = 1);
/// `count` numbers from `start` to `stop`, both included, at equal distances.
Array linspace(double start, double stop, std::int64_t count);
/// lax.broadcasted_iota: the index along `dimension`.
Array iota(DType dtype, const Shape& shape, std::int64_t dimension);
/// [n, m] (m = n by default) with 1 on the diagonal.
Array eye(std::int64_t n, std::optional<std::int64_t> m = {}, std::optional<DType> dtype = {});
/// `x` with zeros above diagonal k of its last two axes.
Array tril(const Array& x, std::int64_t k = 0);
/// `x` with zeros below diagonal k of its last two axes.
Array triu(const Array& x, std::int64_t k = 0);
/// The diagonal of a matrix.
Array diagonal(const Array& x);

}  // namespace tf2jax
