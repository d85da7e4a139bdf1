// The kinds of steps.
#pragma once
#include "tf2jax/compiler/program/program.h"
#include "tf2jax/kernels/convolution.h"
#include "tf2jax/kernels/matmul.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax::compiler {

/// A slot from an element on.
struct Operand {
  SlotId slot = -1;
  std::int64_t offset_bytes = 0;
  void* in(const Frame& f) const { return static_cast<std::byte*>(f.slots[slot]) + offset_bytes; }
};

/// Calls a compiled kernel, on several threads when there is enough to do.
struct LoopStep final : Step {
  const loops::CompiledKernels::Entry* entry = nullptr;
  std::vector<SlotId> buffers;
  std::int64_t range = 1;  // of the parallel index space
  std::int64_t grain = 1;  // iterations worth a thread
  loops::Kernel kernel;    // what was compiled
  void run(Frame& frame) const override;
  std::string describe() const override { return loops::to_string(kernel); }
  CostAnalysis cost() const override;
};

/// For how long an operand stays as it is: one run, until the program is prepared again, or for ever.
enum class Reuse : std::uint8_t { once, prepared, always };

/// A (batched) matrix product.
struct DotStep final : Step {
  std::shared_ptr<const kernels::Matmul> product;
  Operand lhs, rhs, out;
  std::optional<Operand> bias;
  CostAnalysis analysis;
  DotStep(const DotLayout& plan, DType dtype, Reuse rhs_reuse, std::optional<Operand> bias);
  void run(Frame& f) const override;
  std::string describe() const override;
  CostAnalysis cost() const override { return analysis; }
};

/// Brings the right operand of products into the form that they read fastest.
struct PrepareOperandStep final : Step {
  std::shared_ptr<const kernels::Matmul> product;
  Operand rhs, out;
  void run(Frame& f) const override;
  std::string describe() const override;
  CostAnalysis cost() const override;
};

/// A convolution. `bias`: what it adds, where `convolution` does.
struct ConvolutionStep final : Step {
  std::shared_ptr<const kernels::Convolution> convolution;
  Operand lhs, rhs, out;
  std::optional<Operand> bias;
  CostAnalysis analysis;
  ConvolutionStep(const Graph& graph, const GraphOp& op, std::shared_ptr<const kernels::Convolution> chosen);
  void run(Frame& f) const override;
  std::string describe() const override;
  CostAnalysis cost() const override { return analysis; }
};

/// Calls a primitive's eager kernel or evaluation rule.
struct CallStep final : Step {
  Primitive primitive;
  EquationParams params;
  const Kernel* kernel = nullptr;
  std::vector<SlotId> in, out;
  Avals in_avals, out_avals;
  std::vector<std::int64_t> in_bytes;
  std::vector<bool> fixed;  // results to copy into their slot
  CallStep(Primitive p, EquationParams q) : primitive(std::move(p)), params(std::move(q)) {}
  void run(Frame& frame) const override;
  std::string describe() const override { return "call " + primitive.name(); }
  CostAnalysis cost() const override;
};

/// operand with update written at the (clamped) start indices.
struct UpdateSliceStep final : Step {
  SlotId operand, update, out;
  std::vector<SlotId> starts;
  std::vector<DType> start_types;
  Dims dims, window;
  std::int64_t itemsize = 4;
  void run(Frame& frame) const override;
  std::string describe() const override { return "dynamic_update_slice"; }
  CostAnalysis cost() const override { return {0, 2.0 * static_cast<double>(num_elements(window) * itemsize), 1}; }
};

struct ScanStep final : Step {
  std::shared_ptr<const Program> body;
  std::vector<SlotId> in, out;
  std::int64_t length = 0, num_consts = 0, num_carry = 0;
  bool reverse = false;
  std::vector<std::int64_t> carry_bytes, x_bytes, y_bytes;  // of a slice
  SlotId scratch = -1;  // second copies of the carries that alternate, then the body's arena
  void run(Frame& frame) const override;
  std::string describe() const override;
  CostAnalysis cost() const override;
};

struct WhileStep final : Step {
  std::shared_ptr<const Program> condition, body;
  std::vector<SlotId> in, out;
  std::int64_t cond_consts = 0, body_consts = 0;
  std::vector<std::int64_t> carry_bytes;
  SlotId scratch = -1;
  void run(Frame& frame) const override;
  std::string describe() const override;
  CostAnalysis cost() const override;
};

struct BranchStep final : Step {
  std::vector<std::shared_ptr<const Program>> branches;
  std::vector<SlotId> in, out;
  SlotId scratch = -1;
  void run(Frame& frame) const override;
  std::string describe() const override;
  CostAnalysis cost() const override;
};

constexpr std::int64_t aligned_size(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace tf2jax::compiler
