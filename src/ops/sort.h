// Sorting and selection of the largest elements.
#pragma once
#include <utility>
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Params of sort.
struct SortParams {
  std::int64_t dimension = 0;
  bool is_stable = true;
  std::int64_t num_keys = 1;
  bool operator==(const SortParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dimension", self.dimension);
    v.field("is_stable", self.is_stable);
    v.field("num_keys", self.num_keys);
  }
};
/// Params of top_k.
struct TopK {
  std::int64_t k = 1, axis = 0;
  bool is_stable = true;
  bool operator==(const TopK&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axis", self.axis);
    v.field("is_stable", self.is_stable);
    v.field("k", self.k);
  }
};

/// The exact elements are returned whatever the recall target; `reduction_dimension` may be negative.
struct ApproxTopK {
  bool aggregate_to_topk = true, is_max_k = true;
  std::int64_t k = 1;
  double recall_target = 0.95;
  std::int64_t reduction_dimension = -1, reduction_input_size_override = -1;
  bool operator==(const ApproxTopK&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("aggregate_to_topk", self.aggregate_to_topk);
    v.field("is_max_k", self.is_max_k);
    v.field("k", self.k);
    v.field("recall_target", self.recall_target);
    v.field("reduction_dimension", self.reduction_dimension);
    v.field("reduction_input_size_override", self.reduction_input_size_override);
  }
};

const Primitive& sort_p();
const Primitive& approx_top_k_p();
const Primitive& top_k_p();
/// The primitives of sort.cpp.
void append_sort_primitives(std::vector<Primitive>& out);

/// `operands` permuted together along `dimension` so that the first `num_keys` of them ascend lexicographically.
/// -0 and 0 are equal, NaN comes last. Gradient: the tangents are permuted alike.
/// Throws: ShapeError when shapes differ, AxisError.
Arrays sort(std::span<const Array> operands, std::int64_t dimension = -1, bool is_stable = true,
            std::int64_t num_keys = 1);
/// `x` ascending along `dimension`; stable.
Array sort(const Array& x, std::int64_t dimension = -1);
/// Indices (i32, i64 with x64) that would sort `x`; stable.
Array argsort(const Array& x, std::int64_t dimension = -1);
/// The `k` largest elements along `axis`, descending, and their indices (i32); equal ones by index, NaN first.
std::pair<Array, Array> top_k(const Array& x, std::int64_t k, std::int64_t axis = -1);
/// The k largest (or smallest) elements along `axis` in order, and their indices (i32). Floating dtypes.
std::pair<Array, Array> approx_max_k(const Array& x, std::int64_t k, std::int64_t axis = -1);
/// The k smallest elements along `axis`, ascending, and their indices.
std::pair<Array, Array> approx_min_k(const Array& x, std::int64_t k, std::int64_t axis = -1);

/// x[…, indices[…], …] along `axis`; `indices` has the shape of the result. Indices are promised to be in bounds.
Array take_along(const Array& x, const Array& indices, std::int64_t axis);

}  // namespace tf2jax
