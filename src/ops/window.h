// Reductions over sliding windows, and the two operations that differentiate pooling.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

using Padding = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// A window: one entry per axis. Empty strides, padding and dilations mean 1, (0, 0) and 1.
struct Window {
  Dims window_dimensions, window_strides;
  Padding padding;
  Dims base_dilation, window_dilation;
  bool operator==(const Window&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("base_dilation", self.base_dilation);
    v.field("padding", self.padding);
    v.field("window_dilation", self.window_dilation);
    v.field("window_dimensions", self.window_dimensions);
    v.field("window_strides", self.window_strides);
  }
};
/// `select_prim`: "ge" picks the largest element of a window, "le" the smallest; the first of equal ones.
struct SelectAndGather {
  std::string select_prim = "ge";
  Dims window_dimensions, window_strides;
  Padding padding;
  Dims base_dilation, window_dilation;
  bool operator==(const SelectAndGather&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("base_dilation", self.base_dilation);
    v.field("padding", self.padding);
    v.field("select_prim", self.select_prim);
    v.field("window_dilation", self.window_dilation);
    v.field("window_dimensions", self.window_dimensions);
    v.field("window_strides", self.window_strides);
  }
};
/// Params of select_and_scatter_add.
struct SelectAndScatter {
  std::string select_prim = "ge";
  Dims window_dimensions, window_strides;
  Padding padding;
  bool operator==(const SelectAndScatter&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("padding", self.padding);
    v.field("select_prim", self.select_prim);
    v.field("window_dimensions", self.window_dimensions);
    v.field("window_strides", self.window_strides);
  }
};

const Primitive& reduce_window_sum_p();
const Primitive& reduce_window_max_p();
const Primitive& reduce_window_min_p();
const Primitive& select_and_scatter_add_p();
const Primitive& select_and_gather_add_p();
/// The primitives of window.cpp.
void append_window_primitives(std::vector<Primitive>& out);

/// Sum over the elements of each window; padding counts as 0. Gradient: linear.
/// Shapes: per axis (dilated size + padding - dilated window) / stride + 1. Throws: ShapeError.
Array reduce_window_sum(const Array& x, const Window& window);
/// Largest (smallest) element of each window; padding never wins. Gradient: goes to the first of equal elements.
Array reduce_window_max(const Array& x, const Window& window);
/// Smallest element of each window; as reduce_window_max.
Array reduce_window_min(const Array& x, const Window& window);

/// Explicit padding of a window: "SAME" or "VALID" (any case), as in JAX. Throws: ValueError for another name.
Padding window_padding(const Dims& dims, const Dims& window, const Dims& strides, std::string_view name);

namespace rules {
/// The window with its empty fields filled in. Throws: ShapeError when lengths differ from `rank`.
Window complete_window(std::string_view name, Window w, std::int64_t rank);
/// Sizes after applying a window. Throws: ShapeError.
Shape window_shape(std::string_view name, const Shape& x, const Window& w);
/// Padding with which the cotangent of a convolution or window sum is convolved to give that of its operand.
/// Axes without windows may be symbolic. Throws: InconclusiveDimensionOperation when a padding depends on a size.
Padding adjoint_padding(const Shape& in, const Dims& window, const Dims& strides, const Shape& out,
                        const Padding& padding, const Dims& base_dilation, const Dims& window_dilation);
/// (n - 1) * dilation + 1, or 0.
std::int64_t dilated(std::int64_t n, std::int64_t dilation);
/// The same for a size that may be symbolic.
Dim dilated(Dim n, std::int64_t dilation);
}  // namespace rules

}  // namespace tf2jax
