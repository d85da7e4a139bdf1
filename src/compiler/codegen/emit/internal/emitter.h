// Emits the function of one kernel.
#pragma once
#include <llvm/IR/LLVMContext.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tf2jax/compiler/codegen/math/internal/vec.h"
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::codegen {

struct EmitOptions {
  int lanes = 16;
  bool avx512 = true;
  bool check_bounds = false;
};

/// Adds function `symbol` for `kernel` to `module`. Throws: std::runtime_error where the kernel breaks the contract.
void emit_kernel(llvm::Module& module, const loops::Kernel& kernel, const std::string& symbol,
                 const EmitOptions& options);
/// Bytes that the kernel's scratch buffers take, each from a multiple of 64 on.
std::int64_t scratch_bytes(const loops::Kernel& kernel);

inline constexpr std::int64_t kMaxUnroll = 4;
/// Vectors that one iteration of a lane loop handles; `extent` < 0 is unknown.
int unroll_of(const loops::Kernel& kernel, const loops::Block& body, std::int64_t extent, int lanes);
/// Rough number of instructions of a block, loops inside it counted once per iteration up to a limit.
int weight_of(const loops::Kernel& kernel, const loops::Block& body);

/// How an accumulator is used, found before emission.
struct AccumulatorUse {
  bool per_lane = false;      // reset inside a lane loop: a running value for each lane
  bool across_lanes = false;  // reset outside, accumulated inside: lanes are combined where it is read
  bool scalar = false;        // accumulated outside lane loops
  int parts = 0;              // vectors of the lane loops that accumulate it
};

class Emitter {
 public:
  Emitter(Ir& ir, const loops::Kernel& kernel, const EmitOptions& options);
  void run();

 private:
  struct Access;  // memory.cpp
  struct Slots {
    llvm::AllocaInst* scalar = nullptr;
    Parts vectors;
  };

  // emitter.cpp: control flow
  void block(const loops::Block& body);
  void statement(const loops::Statement& s);
  void loop(const loops::Loop& l);
  void serial(const loops::Loop& l);
  void lane_loop(loops::LoopVar var, llvm::Value* begin, llvm::Value* end, std::int64_t extent,
                 const loops::Block& body);
  void lanes_at(loops::LoopVar var, llvm::Value* base, int unroll, const Vec& mask, const loops::Block& body);
  void parallel();
  void hoist(loops::LoopVar var, const loops::Block& body);
  void hoist(loops::LoopVar var, std::initializer_list<const loops::Block*> blocks);
  void while_loop(const loops::While& w);
  void branch(const loops::If& i);
  void set(const loops::Set& s);
  template <class F>
  void counted(llvm::Value* begin, llvm::Value* end, std::int64_t step, bool known_nonempty, F&& body);
  Vec tail_mask(llvm::Value* remaining);

  // memory.cpp
  llvm::Value* pointer(loops::BufferId buffer);
  llvm::Value* uniform_index(const loops::Affine& at);
  std::int64_t lane_coefficient(const loops::Affine& at) const;
  Access place(loops::BufferId buffer, const loops::Affine& at,
               const std::vector<std::pair<loops::NodeId, std::int64_t>>& dynamic);
  Vec indices(const Access& p, llvm::Type* element);
  Vec load(loops::NodeId id);
  Vec load_vectors(const Access& p, llvm::Type* memory, const Vec& mask);
  llvm::Value* load_shuffled(const Access& p, llvm::Value* first);
  void store(const loops::Store& s);
  void store_vectors(const Access& p, const Vec& value, const Vec& mask, bool streaming);
  void store_vector(llvm::Value* x, llvm::Value* address, llvm::Align align, bool streaming);
  void check(const Access& p, loops::BufferId buffer, std::int64_t node, const Vec& mask);
  Vec combine_masks(const Vec& mask) const;
  llvm::Value* zero_slot();

  // nodes.cpp
  const Vec& value(loops::NodeId id);
  Vec evaluate(loops::NodeId id);
  Vec constant(const loops::Node& n);
  Vec index(const loops::Node& n);
  Vec in_range(const loops::Node& n);

  // accumulators.cpp
  void find_uses(const loops::Block& body, int unroll);
  void reset(const loops::Reset& r);
  void accumulate(const loops::Accumulate& a);
  void run_along_lanes(std::size_t id, const Vec& lanes);
  Vec read(const loops::Node& n);
  llvm::Value* across_lanes(loops::Op combine, DType dtype, const Vec& vectors);

  Ir& ir_;
  const loops::Kernel& kernel_;
  EmitOptions options_;
  std::vector<Vec> values_;
  std::vector<llvm::Value*> vars_;
  std::vector<std::int64_t> extents_;  // of the variables, for bounds of index arithmetic; < 0: unknown
  std::vector<llvm::Value*> pointers_;
  std::vector<AccumulatorUse> uses_;
  std::vector<Slots> slots_;
  std::map<std::size_t, Vec> running_;  // of accumulators, in the lane loop being emitted
  std::vector<llvm::AllocaInst*> cells_, promotable_;
  std::set<loops::NodeId> hoisted_;      // evaluated before the loop whose body lists them
  std::set<std::int32_t> accumulating_;  // accumulators of the lane loop being emitted
  llvm::Value* zero_slot_ = nullptr;
  bool streamed_ = false;
  loops::LoopVar lane_var_ = -1;  // -1: outside lane loops
  int unroll_ = 1;
  Vec mask_;  // of the lanes in range; empty: all
};

llvm::Type* register_type(Ir& ir, DType dtype);
llvm::Type* memory_type(Ir& ir, DType dtype);
/// Between memory and registers: bools are bytes there and i1 here, halves are floats here.
Vec from_memory(DType dtype, const Vec& x);
Vec to_memory(DType dtype, const Vec& x);
/// Rounds a float to the half type `dtype`; other types pass.
Vec round_to(DType dtype, const Vec& x);
std::string name_of(loops::Op op);
int bytes_of(DType dtype);

// arithmetic.cpp, convert.cpp: operations on register values
Vec arithmetic(loops::Op op, DType dtype, const Vec& x);
Vec arithmetic(loops::Op op, DType operand_dtype, const Vec& x, const Vec& y);
/// `y` joined to a running value `x`. As arithmetic, but the sign of an extreme that is zero is open: which of the
/// zeros comes first is too, and ordering them would double the cost.
Vec combined(loops::Op op, DType dtype, const Vec& x, const Vec& y);
Vec convert(DType from, DType to, const Vec& x);
Vec bitcast(DType from, DType to, const Vec& x);

}  // namespace tf2jax::codegen
