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
std::size_t param_hash(GatherScatterMode v);
void read_param(const ParsedValue& v, GatherScatterMode& out);

/// Source: XLA's operation semantics, "Gather"; batching dims as in StableHLO.
struct GatherDims {
  Axes offset_dims, collapsed_slice_dims, start_index_map, operand_batching_dims, start_indices_batching_dims;
  bool operator==(const GatherDims&) const = default;
};
std::string param_text(const GatherDims& v);
std::size_t param_hash(const GatherDims& v);
void read_param(const ParsedValue& v, GatherDims& out);

struct ScatterDims {
  Axes update_window_dims, inserted_window_dims, scatter_dims_to_operand_dims, operand_batching_dims, scatter_indices_batching_dims;
  bool operator==(const ScatterDims&) const = default;
};
std::string param_text(const ScatterDims& v);
std::size_t param_hash(const ScatterDims& v);
void read_param(const ParsedValue& v, ScatterDims& out);

/// The value of reads outside: none (NaN, lowest, largest unsigned, true, by dtype), or a number spelled as Python does.
struct FillValue {
  std::optional<complex128> value;
  std::string text = "None";
  bool operator==(const FillValue& o) const { return text == o.text; }
};
std::string param_text(const FillValue& v);
std::size_t param_hash(const FillValue& v);
void read_param(const ParsedValue& v, FillValue& out);
FillValue fill_value(double v);

struct GatherParams {
  GatherDims dimension_numbers;
  Dims slice_sizes;
  bool unique_indices = false, indices_are_sorted = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  FillValue fill_value;
  bool operator==(const GatherParams&) const = default;
  template <class V> void visit_fields(V&& v) {
    v.field("dimension_numbers", dimension_numbers);
    v.field("fill_value", fill_value);
    v.field("indices_are_sorted", indices_are_sorted);
    v.field("mode", mode);
    v.field("slice_sizes", slice_sizes);
    v.field("unique_indices", unique_indices);
  }
};
/// `update_jaxpr` is the scalar program JAX prints with the updating kinds; it carries no information here beyond the
/// primitive's name, except for the plain scatter, where a program makes it scatter_apply.
struct ScatterParams {
  ScatterDims dimension_numbers;
  bool indices_are_sorted = false, unique_indices = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  std::optional<Jaxpr> update_jaxpr;
  bool operator==(const ScatterParams& o) const {
    return dimension_numbers == o.dimension_numbers && indices_are_sorted == o.indices_are_sorted && unique_indices == o.unique_indices && mode == o.mode;
  }
  template <class V> void visit_fields(V&& v) {
    v.field("dimension_numbers", dimension_numbers);
    v.field("indices_are_sorted", indices_are_sorted);
    v.field("mode", mode);
    v.field("unique_indices", unique_indices);
    v.fixed("update_consts", "()");
    visit_program(v);
  }

 private:
  template <class V> void visit_program(V& v) {
    if constexpr (requires { v.ignore("update_jaxpr"); }) {   // reading
      if (v.has("update_jaxpr")) read_param(v.take("update_jaxpr"), update_jaxpr);
    } else if (update_jaxpr) {
      v.field("update_jaxpr", *update_jaxpr);
    } else {
      v.fixed("update_jaxpr", "None");
    }
  }
};

const Primitive& gather_p();
const Primitive& scatter_p(); const Primitive& scatter_add_p(); const Primitive& scatter_sub_p(); const Primitive& scatter_mul_p();
const Primitive& scatter_min_p(); const Primitive& scatter_max_p();
void append_gather_primitives(std::vector<Primitive>& out);

/// Options shared by gather and the scatters.
struct GatherOptions {
  bool indices_are_sorted = false, unique_indices = false;
  GatherScatterMode mode = GatherScatterMode::fill_or_drop;
  FillValue fill_value;   // gather only
};

/// Windows of `operand` of size `slice_sizes` at the positions in the last axis of `start_indices`.
/// Shapes: the batch axes of start_indices, with the window axes inserted at `offset_dims`.
/// Gradient: linear in operand; its transpose is scatter_add.
/// Throws: TypeError where dimension numbers and shapes disagree.
Array gather(const Array& operand, const Array& start_indices, const GatherDims& dims, const Dims& slice_sizes, const GatherOptions& options = {});

/// `operand` with windows replaced by `updates`; where windows overlap, which one stays is not specified.
/// Gradient: needs unique_indices for reverse mode.
Array scatter(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});
/// `operand` with `updates` added to, subtracted from, multiplied into, or compared with windows; overlaps accumulate.
/// Gradient: scatter_add and scatter_sub are linear; scatter_mul needs unique_indices with respect to updates; min and
/// max share the cotangent evenly among equal candidates.
Array scatter_add(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});
Array scatter_sub(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});
Array scatter_mul(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});
Array scatter_min(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});
Array scatter_max(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims, const GatherOptions& options = {});

}  // namespace tf2jax
