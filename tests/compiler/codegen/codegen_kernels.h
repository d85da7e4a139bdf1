// Builds kernels by hand and runs them, for the tests of the code generator.
#pragma once
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "tf2jax/compiler/codegen/load.h"

namespace tf2jax::loops::testing {

/// A kernel under construction.
struct Builder {
  Kernel k;

  Builder() { k.name = "test"; }
  BufferId buffer(DType dtype, std::int64_t elements, bool written = false) {
    k.buffers.push_back({dtype, elements, written, false});
    return static_cast<BufferId>(k.buffers.size() - 1);
  }
  NodeId node(Node n) {
    k.nodes.push_back(std::move(n));
    return static_cast<NodeId>(k.nodes.size() - 1);
  }
  NodeId constant(DType dtype, std::uint64_t bits) { return node({.op = Op::constant, .dtype = dtype, .bits = bits}); }
  NodeId constant(float v) { return constant(DType::f32, std::bit_cast<std::uint32_t>(v)); }
  NodeId load(BufferId b, Affine at, NodeId mask = -1) {
    return node({.op = Op::load, .dtype = k.buffers[b].dtype, .in = {mask, -1, -1}, .at = std::move(at), .buffer = b});
  }
  NodeId op(Op o, DType dtype, NodeId a, NodeId b = -1, NodeId c = -1) {
    return node({.op = o, .dtype = dtype, .in = {a, b, c}});
  }
  std::int32_t accumulator(DType dtype, Op combine, std::uint64_t initial) {
    k.accumulators.push_back({dtype, combine, initial});
    return static_cast<std::int32_t>(k.accumulators.size() - 1);
  }
  NodeId read(std::int32_t a) { return node({.op = Op::read, .dtype = k.accumulators[a].dtype, .accumulator = a}); }
};

inline Statement eval(NodeId n) { return {Eval{n}}; }
inline Statement store(BufferId b, Affine at, NodeId value, NodeId mask = -1) {
  return {Store{b, std::move(at), value, mask}};
}
inline Statement loop(LoopVar v, std::int64_t extent, bool lanes, Block body) {
  return {Loop{v, extent, lanes, std::move(body)}};
}

inline std::shared_ptr<const CompiledKernels> compile(const std::vector<Kernel>& kernels,
                                                      const CodegenOptions& options = {}) {
  std::string error;
  auto out = code_generator().compile(kernels, options, error);
  EXPECT_TRUE(out) << error;
  return out;
}

inline void run(const Kernel& kernel, std::vector<void*> buffers, std::int64_t begin = 0, std::int64_t end = 0,
                const CodegenOptions& options = {}) {
  const auto compiled = compile({kernel}, options);
  ASSERT_TRUE(compiled);
  std::vector<char> scratch(static_cast<std::size_t>(compiled->entries[0].scratch_bytes) + 64);
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) / 64 * 64);
  compiled->entries[0].function(buffers.data(), begin, end, aligned);
}

/// out[i] = op(in...[i]) for i in [begin, end), one parallel lane loop.
inline Kernel elementwise(Op op, DType out, const std::vector<DType>& operands, std::int64_t n) {
  Builder b;
  b.k.parallel = {n};
  b.k.parallel_lanes = true;
  b.k.variables = 1;
  const Affine at{0, {{0, 1}}};
  Node node{.op = op, .dtype = out};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const NodeId x = b.load(b.buffer(operands[i], n), at);
    b.k.body.push_back(eval(x));
    node.in[i] = x;
  }
  const NodeId y = b.node(node);
  b.k.body.push_back(eval(y));
  b.k.body.push_back(store(b.buffer(out, n, true), at, y));
  return b.k;
}

}  // namespace tf2jax::loops::testing
