// Gather and scatter: reads and updates of windows at traced positions.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// What happens to windows that stick out: moved inside; reads give a fill value and updates are dropped; or the
/// caller promises that there are none.
enum class GatherScatterMode : std::uint8_t { clip, fill_or_drop, promise_in_bounds, one_hot };
std::string param_text(GatherScatterMode v);
void read_param(const ParsedValue& v, GatherScatterMode& out);

/// How positions and windows correspond to axes, for gather. The last axis of the indices holds vectors; each is where
/// a window of `slice_sizes` starts in the operand. The other axes of the indices, their batch axes, count the windows.
///   start_index_map: the operand axis that each component of a vector is a position on; windows start at 0 on the
///   others. collapsed_slice_dims: operand axes with windows of size 1 that the result does not have. offset_dims: the
///   axes of the result along which windows lie; along the others lie the batch axes, in order. operand_batching_dims,
///   start_indices_batching_dims: axes of operand and indices that are walked together, pair by pair: a window lies
///   where its own position along them is. They have size 1 in windows, and are not in the result twice.
/// Source: XLA's operation semantics, "Gather"; batching dims as in StableHLO.
struct GatherDims {
  Axes offset_dims, collapsed_slice_dims, start_index_map, operand_batching_dims, start_indices_batching_dims;
  bool operator==(const GatherDims&) const = default;
  static constexpr std::string_view kTextName = "GatherDimensionNumbers";
  static void visit_fields(auto& self, auto& v) {
    v.field("offset_dims", self.offset_dims);
    v.field("collapsed_slice_dims", self.collapsed_slice_dims);
    v.field("start_index_map", self.start_index_map);
    v.field_or("operand_batching_dims", self.operand_batching_dims, {});
    v.field_or("start_indices_batching_dims", self.start_indices_batching_dims, {});
  }
};

/// The same for scatters, whose updates are laid out as the result of a gather: update_window_dims are its offset_dims,
/// inserted_window_dims its collapsed_slice_dims, scatter_dims_to_operand_dims its start_index_map, and
/// scatter_indices_batching_dims its start_indices_batching_dims.
struct ScatterDims {
  Axes update_window_dims, inserted_window_dims, scatter_dims_to_operand_dims, operand_batching_dims,
      scatter_indices_batching_dims;
  bool operator==(const ScatterDims&) const = default;
  static constexpr std::string_view kTextName = "ScatterDimensionNumbers";
  static void visit_fields(auto& self, auto& v) {
    v.field("update_window_dims", self.update_window_dims);
    v.field("inserted_window_dims", self.inserted_window_dims);
    v.field("scatter_dims_to_operand_dims", self.scatter_dims_to_operand_dims);
    v.field_or("operand_batching_dims", self.operand_batching_dims, {});
    v.field_or("scatter_indices_batching_dims", self.scatter_indices_batching_dims, {});
  }
};

/// The value of reads outside: none (NaN, lowest, largest unsigned, true, by dtype), or a number spelled as Python
/// does.
struct FillValue {
  std::string text = "None";
  bool operator==(const FillValue&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("text", self.text); }
  /// Null for none.
  std::optional<complex128> value() const;
  /// One element of what reads outside the operand give: this value, or, for none, NaN, the smallest signed, the
  /// largest unsigned integer, true, the key of zeros.
  void write(DType dtype, std::byte* out) const;
};
std::string param_text(const FillValue& v);
void read_param(const ParsedValue& v, FillValue& out);
/// The fill value of a number.
FillValue fill_value(double v);

/// Params of gather.
struct GatherParams {
  GatherDims dimension_numbers;
  Dims slice_sizes;
  bool unique_indices = false, indices_are_sorted = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  FillValue fill_value;
  bool operator==(const GatherParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dimension_numbers", self.dimension_numbers);
    v.field("fill_value", self.fill_value);
    v.field("indices_are_sorted", self.indices_are_sorted);
    v.field("mode", self.mode);
    v.field("slice_sizes", self.slice_sizes);
    v.field("unique_indices", self.unique_indices);
  }
};
/// `update_jaxpr` is the scalar program JAX prints with the updating kinds; it carries no information here beyond the
/// primitive's name, except for the plain scatter, where a program makes it scatter_apply.
struct ScatterParams {
  ScatterDims dimension_numbers;
  bool indices_are_sorted = false, unique_indices = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  std::optional<Jaxpr> update_jaxpr;
  bool operator==(const ScatterParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dimension_numbers", self.dimension_numbers);
    v.field("indices_are_sorted", self.indices_are_sorted);
    v.field("mode", self.mode);
    v.field("unique_indices", self.unique_indices);
    v.fixed("update_consts", "()");
    v.field_or("update_jaxpr", self.update_jaxpr, std::nullopt);
  }
};

const Primitive& gather_p();
const Primitive& scatter_p();
const Primitive& scatter_add_p();
const Primitive& scatter_sub_p();
const Primitive& scatter_mul_p();
const Primitive& scatter_min_p();
const Primitive& scatter_max_p();
/// The primitives of gather.cpp and scatter.cpp.
void append_gather_primitives(std::vector<Primitive>& out);

/// Options shared by gather and the scatters.
struct GatherOptions {
  bool indices_are_sorted = false, unique_indices = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  FillValue fill_value;  // gather only
};

/// Windows of `operand` of size `slice_sizes` at the positions in the last axis of `start_indices`.
/// Shapes: the batch axes of start_indices, with the window axes inserted at `offset_dims`.
/// Gradient: linear in operand; its transpose is scatter_add.
/// Throws: TypeError where dimension numbers and shapes disagree.
Array gather(const Array& operand, const Array& start_indices, const GatherDims& dims, const Dims& slice_sizes,
             const GatherOptions& options = {});

/// x[..., indices, ...] along `axis`, the first `batch` axes of both walked together; positions outside are filled.
/// Requires: batch <= axis. Shapes: those of x with the axis replaced by the axes of the indices after their first
/// `batch`. Sizes other than the axis' own may be symbolic. Gradient: as that of gather.
Array gather_along(const Array& x, const Array& indices, std::int64_t axis, std::int64_t batch = 0);

/// `operand` with windows replaced by `updates`; where windows overlap, which one stays is not specified.
/// Gradient: needs unique_indices for reverse mode.
Array scatter(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
              const GatherOptions& options = {});
/// `operand` with `updates` added to, subtracted from, multiplied into, or compared with windows; overlaps accumulate.
/// Gradient: scatter_add and scatter_sub are linear; scatter_mul needs unique_indices with respect to updates; min and
/// max share the cotangent evenly among equal candidates.
Array scatter_add(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options = {});
Array scatter_sub(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options = {});
Array scatter_mul(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options = {});
Array scatter_min(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options = {});
Array scatter_max(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options = {});

}  // namespace tf2jax
