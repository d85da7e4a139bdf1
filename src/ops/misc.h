// Primitives that JAX's programs contain and that mean little on one device: barriers, placements, uninitialised
// memory, and collectives over positional axes.
#pragma once
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

/// Memory whose contents do not matter; ours is zero.
struct EmptyMemory {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const EmptyMemory&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("dtype", self.dtype);
    v.fixed("memory_space", "MemorySpace.Device");
    v.hidden("shape", self.shape);
  }
  void after_read(ParamReader& r);
};
/// Placements, as JAX prints them; there is one device.
struct DevicePut {
  std::string copy_semantics, devices, srcs;
  bool operator==(const DevicePut&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("copy_semantics", self.copy_semantics);
    v.field("devices", self.devices);
    v.field("srcs", self.srcs);
  }
};
/// A collective over axes of the operand itself: what a mapped axis becomes under vmap.
struct PositionalAxes {
  Axes axes;
  bool operator==(const PositionalAxes&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("axes", self.axes);
    v.fixed("axis_index_groups", "None");
  }
};

const Primitive& empty2_p();
const Primitive& device_put_p();
const Primitive& optimization_barrier_p();
const Primitive& psum_p();
const Primitive& pmax_p();
const Primitive& pmin_p();
/// The primitives of misc.cpp.
void append_misc_primitives(std::vector<Primitive>& out);

/// The operands themselves, kept together and in place by compilers. Differentiable.
Arrays optimization_barrier(std::span<const Array> operands);

}  // namespace tf2jax
