// Operations that move, repeat, cut or create data without arithmetic.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

struct BroadcastInDim {
  Axes broadcast_dimensions;
  Shape shape;
  bool operator==(const BroadcastInDim& o) const { return broadcast_dimensions == o.broadcast_dimensions && identical(shape, o.shape); }
  template <class V> void visit_fields(V&& v) {
    v.field_unless("broadcast_dimensions", broadcast_dimensions, Axes{});
    v.hidden("shape", shape);   // JAX prints it in the result's type only
  }
  void after_read(ParamReader& r);
};
struct ReshapeParams {
  Shape new_sizes;
  std::optional<Axes> dimensions = {};   // permute the operand first
  bool operator==(const ReshapeParams& o) const { return identical(new_sizes, o.new_sizes) && dimensions == o.dimensions; }
  template <class V> void visit_fields(V&& v) {
    v.field("dimensions", dimensions);
    v.field("new_sizes", new_sizes);
    v.fixed("sharding", "None");
  }
};
struct SqueezeParams {
  Axes dimensions;
  bool operator==(const SqueezeParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("dimensions", dimensions); }
};
struct TransposeParams {
  Axes permutation;
  bool operator==(const TransposeParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("permutation", permutation); }
};
struct ConcatenateParams {
  std::int64_t dimension = 0;
  bool operator==(const ConcatenateParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("dimension", dimension); }
};
/// Padding of one axis: elements before, after, and between neighbours. Negative low and high cut.
struct PadAxis {
  Dim low, high, interior;
  bool operator==(const PadAxis& o) const { return identical(low, o.low) && identical(high, o.high) && identical(interior, o.interior); }
};
std::string param_text(const std::vector<PadAxis>& v);
std::size_t param_hash(const std::vector<PadAxis>& v);
void read_param(const ParsedValue& v, std::vector<PadAxis>& out);
struct PadParams {
  std::vector<PadAxis> padding_config;
  bool operator==(const PadParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("padding_config", padding_config); }
};
struct SliceParams {
  Shape start_indices, limit_indices;
  std::optional<Axes> strides;
  bool operator==(const SliceParams& o) const { return identical(start_indices, o.start_indices) && identical(limit_indices, o.limit_indices) && strides == o.strides; }
  template <class V> void visit_fields(V&& v) {
    v.field("limit_indices", limit_indices);
    v.field("start_indices", start_indices);
    v.field("strides", strides);
  }
};
struct SliceSizes {
  Shape slice_sizes;
  bool operator==(const SliceSizes& o) const { return identical(slice_sizes, o.slice_sizes); }
  template <class V> void visit_fields(V&& v) { v.field("slice_sizes", slice_sizes); }
};
struct IotaParams {
  DType dtype = DType::i32;
  Shape shape;
  std::int64_t dimension = 0;
  bool operator==(const IotaParams& o) const { return dtype == o.dtype && dimension == o.dimension && identical(shape, o.shape); }
  template <class V> void visit_fields(V&& v) {
    v.field("dimension", dimension);
    v.field("dtype", dtype);
    v.field("shape", shape);
    v.fixed("sharding", "None");
  }
};
struct SplitParams {
  Axes sizes;
  std::int64_t axis = 0;
  bool operator==(const SplitParams&) const = default;
  template <class V> void visit_fields(V&& v) {
    v.field("axis", axis);
    v.field("sizes", sizes);
  }
};
struct AxisParam {
  std::int64_t axis = 0;
  bool operator==(const AxisParam&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("axis", axis); }
};
struct TileParams {
  Axes reps;
  bool operator==(const TileParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("reps", reps); }
};
struct RevParams {
  Axes dimensions;
  bool operator==(const RevParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("dimensions", dimensions); }
};
struct EmptyParams {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const EmptyParams& o) const { return dtype == o.dtype && identical(shape, o.shape); }
  template <class V> void visit_fields(V&& v) { v.field("dtype", dtype); v.field("shape", shape); }
};

const Primitive& broadcast_in_dim_p(); const Primitive& reshape_p(); const Primitive& squeeze_p(); const Primitive& transpose_p();
const Primitive& rev_p(); const Primitive& concatenate_p(); const Primitive& pad_p(); const Primitive& slice_p();
const Primitive& dynamic_slice_p(); const Primitive& dynamic_update_slice_p(); const Primitive& iota_p(); const Primitive& split_p();
const Primitive& stack_p(); const Primitive& unstack_p(); const Primitive& tile_p();
void append_shape_primitives(std::vector<Primitive>& out);

// ---- strict functions, as in jax.lax. All are linear, so the gradient is the transposed movement.
/// `x` repeated to `shape`; axis i of x becomes axis dims[i], where its size must match or be 1.
Array broadcast_in_dim(const Array& x, const Shape& shape, const Axes& dims);
/// `x` with other sizes, row-major order kept; one size may be -1. Throws: TypeError when the element counts differ.
Array reshape(const Array& x, const Shape& new_sizes);
/// Drops size-1 axes. Throws: ValueError when one has another size.
Array squeeze(const Array& x, const Axes& axes);
Array squeeze(const Array& x);
/// Permutes the axes; without a permutation, reverses them.
Array transpose(const Array& x, const Axes& permutation);
Array transpose(const Array& x);
Array rev(const Array& x, const Axes& axes);
/// Joins along `axis`; dtypes are promoted.
Array concatenate(std::span<const Array> xs, std::int64_t axis);
inline Array concatenate(std::initializer_list<Array> xs, std::int64_t axis) { return concatenate(std::span<const Array>(xs.begin(), xs.size()), axis); }
/// lax.pad: low, high and interior padding per axis with a scalar value.
Array pad(const Array& x, const Array& value, const std::vector<PadAxis>& config);
/// Pads with zeros or `value`: (before, after) per axis.
Array pad(const Array& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, const Array& value = 0);
/// Elements start, start+stride, … below limit, per axis. `strides` empty: 1.
Array slice(const Array& x, const Shape& start, const Shape& limit, const Axes& strides = {});
/// lax.slice_in_dim.
Array slice_in_dim(const Array& x, std::int64_t start, std::int64_t limit, std::int64_t stride, std::int64_t axis);
/// A window of `sizes` at traced start indices (one scalar per axis), moved inside the bounds when it sticks out.
Array dynamic_slice(const Array& x, std::span<const Array> start, const Shape& sizes);
Array dynamic_update_slice(const Array& x, const Array& update, std::span<const Array> start);
Array dynamic_index_in_dim(const Array& x, const Array& index, std::int64_t axis, bool keepdims = false);
/// Pieces of the given sizes along `axis`.
Arrays split(const Array& x, const Axes& sizes, std::int64_t axis);
/// New axis joining equal shapes.
Array stack(std::span<const Array> xs, std::int64_t axis = 0);
inline Array stack(std::initializer_list<Array> xs, std::int64_t axis = 0) { return stack(std::span<const Array>(xs.begin(), xs.size()), axis); }
Arrays unstack(const Array& x, std::int64_t axis = 0);
Array tile(const Array& x, const Axes& reps);
Array repeat(const Array& x, std::int64_t count, std::int64_t axis);
Array expand_dims(const Array& x, const Axes& axes);
Array broadcast_to(const Array& x, const Shape& shape);
Array moveaxis(const Array& x, std::int64_t from, std::int64_t to);
Array swapaxes(const Array& x, std::int64_t a, std::int64_t b);
Array ravel(const Array& x);
Array flip(const Array& x, const Axes& axes);
Array roll(const Array& x, std::int64_t shift, std::int64_t axis);

// ---- creation. Without a dtype: f32, or f64 with Config::enable_x64. A 64-bit dtype without that switch is narrowed, with
// one warning.
/// The dtype asked for, or the default float. `where` names the function in the warning.
DType dtype_or_float(std::string_view where, std::optional<DType> dtype);
Array full(const Shape& shape, const Array& value, std::optional<DType> dtype = {});
Array zeros(const Shape& shape, std::optional<DType> dtype = {});
Array ones(const Shape& shape, std::optional<DType> dtype = {});
Array zeros_like(const Array& x);
Array ones_like(const Array& x);
Array full_like(const Array& x, const Array& value);
/// Zeros of an aval.
Array zeros_of(const Aval& aval);
/// 0, 1, …, n-1 (i32; i64 with x64), or start, start+step, … below stop.
Array arange(std::int64_t stop);
Array arange(std::int64_t start, std::int64_t stop, std::int64_t step = 1);
Array linspace(double start, double stop, std::int64_t count);
/// lax.broadcasted_iota: the index along `dimension`.
Array iota(DType dtype, const Shape& shape, std::int64_t dimension);
Array eye(std::int64_t n, std::optional<std::int64_t> m = {}, std::optional<DType> dtype = {});
Array tril(const Array& x, std::int64_t k = 0);
Array triu(const Array& x, std::int64_t k = 0);
Array diagonal(const Array& x);

}  // namespace tf2jax
