// Primitives that JAX's programs contain and that mean little on one device: barriers, placements, uninitialised
// memory, and collectives over positional axes.
#pragma once
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

/// Memory whose contents do not matter; ours is zero.
struct EmptyMemory {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const EmptyMemory& o) const { return dtype == o.dtype && identical(shape, o.shape); }
  template <class V> void visit_fields(V&& v) {
    v.field("dtype", dtype);
    v.fixed("memory_space", "MemorySpace.Device");
    v.hidden("shape", shape);
  }
  void after_read(ParamReader& r);
};
/// Placements, as JAX prints them; there is one device.
struct DevicePut {
  std::string copy_semantics, devices, srcs;
  bool operator==(const DevicePut&) const = default;
  template <class V> void visit_fields(V&& v) {
    raw(v, "copy_semantics", copy_semantics);
    raw(v, "devices", devices);
    raw(v, "srcs", srcs);
  }

 private:
  template <class V> static void raw(V& v, std::string_view name, std::string& text) {
    if constexpr (requires { v.take(name); }) text = v.take(name).text;
    else v.field(name, text);
  }
};
/// A collective over axes of the operand itself: what a mapped axis becomes under vmap.
struct PositionalAxes {
  Axes axes;
  bool operator==(const PositionalAxes&) const = default;
  template <class V> void visit_fields(V&& v) {
    v.field("axes", axes);
    v.fixed("axis_index_groups", "None");
  }
};

const Primitive& empty2_p(); const Primitive& device_put_p(); const Primitive& optimization_barrier_p();
const Primitive& psum_p(); const Primitive& pmax_p(); const Primitive& pmin_p();
void append_misc_primitives(std::vector<Primitive>& out);

/// The operands themselves, kept together and in place by compilers. Differentiable.
Arrays optimization_barrier(std::span<const Array> operands);

}  // namespace tf2jax
