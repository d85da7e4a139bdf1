// Loop programs: what the planner hands to the code generator. Plain data: no LLVM here, no planning there.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tf2jax/base/dtype.h"

namespace tf2jax::loops {

using LoopVar = std::int32_t;
using NodeId = std::int32_t;
using BufferId = std::int32_t;

/// offset + sum of coefficient * loop variable. Variables ascend and appear once, with coefficients other than 0.
struct Affine {
  std::int64_t offset = 0;
  std::vector<std::pair<LoopVar, std::int64_t>> terms;
  bool operator==(const Affine&) const = default;
};

/// Operations on scalars (or on each lane). Semantics are those of the primitive of the same name; halves compute in
/// float and round after each operation. Operands have the node's dtype unless noted.
enum class Op : std::uint8_t {
  constant,  // `bits`
  index,     // `at` as a number of the node's (integer) dtype
  in_range,  // bool: 0 <= at < extent
  load,      // buffer[at + sum of scale * dynamic operand], in elements; with a mask operand, 0 where it is false
  read,      // the accumulator's value: the total when its loops are done, the running value inside them
  get,       // the cell's value
  // one operand
  neg,
  sign,
  floor,
  ceil,
  round_away,
  round_even,
  is_finite,
  exp,
  exp2,
  expm1,
  log,
  log1p,
  log2,
  tanh,
  logistic,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  cbrt,
  erf,
  erf_inv,
  erfc,
  sqrt,
  rsqrt,
  abs,
  bit_not,
  population_count,
  clz,
  convert,  // from the operand's dtype, as convert_element_type
  bitcast,  // same width
  // two operands; comparisons take operands of one dtype and give bool
  add,
  sub,
  mul,
  div,
  rem,
  max,
  min,
  pow,
  atan2,
  log_add_exp,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right_logical,
  shift_right_arithmetic,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  select,  // operands: bool, value where true, value where false
  // operands: the two words of a key and a counter c, all u32; threefry2x32 of (0, c): its words, or their exclusive or
  hash_first,
  hash_second,
  hash_both,
};
inline constexpr Op kLastOp = Op::hash_both;

/// Operations of ten instructions or more: elementary functions and hashes.
constexpr bool is_function(Op op) {
  return (op >= Op::exp && op <= Op::erfc) || op == Op::pow || op == Op::atan2 || op == Op::log_add_exp ||
         op >= Op::hash_first;
}

struct Node {
  Op op = Op::constant;
  DType dtype = DType::f32;
  std::array<NodeId, 3> in{-1, -1, -1};                  // for load: in[0] is the mask, or -1
  std::uint64_t bits = 0;                                // constant: the value's bytes, little endian, zero extended
  Affine at;                                             // index, in_range, load
  std::int64_t extent = 0;                               // in_range
  BufferId buffer = -1;                                  // load
  std::vector<std::pair<NodeId, std::int64_t>> dynamic;  // load: (integer node, scale)
  std::int32_t accumulator = -1;                         // read
  std::int32_t cell = -1;                                // get
};

/// A buffer of the caller's, or row storage private to a thread (`scratch`), which lives in the scratch argument.
struct Buffer {
  DType dtype = DType::f32;
  std::int64_t elements = 0;
  bool written = false;
  bool scratch = false;
};

struct Accumulator {
  DType dtype = DType::f32;   // of the running value: f32 for halves
  Op combine = Op::add;       // add, mul, max, min, bit_and, bit_or, log_add_exp
  std::uint64_t initial = 0;  // the neutral element's bytes
  bool running = false;       // in a lane loop that accumulates it, each lane reads the total up to its own
};

struct Statement;
using Block = std::vector<Statement>;

/// Computes a node here. Its operands (constants aside) were computed earlier in this block or in an enclosing one.
struct Eval {
  NodeId node;
};
struct Store {
  BufferId buffer;
  Affine at;
  NodeId value;
  NodeId mask = -1;
  bool streaming = false;                                     // larger than the caches
  std::vector<std::pair<NodeId, std::int64_t>> dynamic = {};  // as in loads
};
/// Starts an accumulator afresh.
struct Reset {
  std::int32_t accumulator;
};
struct Accumulate {
  std::int32_t accumulator;
  NodeId value;
};
/// for var in [0, extent). In a lane loop consecutive iterations are the lanes of vectors; lane loops do not nest.
/// An accumulator reset outside a lane loop and accumulated inside it is summed over its lanes where it is read after
/// it.
struct Loop {
  LoopVar var;
  std::int64_t extent;
  bool lanes;
  Block body;
};
/// Changes a cell: a scalar that keeps its value from one iteration of the loops around it to the next.
struct Set {
  std::int32_t cell;
  NodeId value;
};
/// Runs the condition, ends unless `test` holds, runs the body, and begins again. Outside lane loops.
struct While {
  Block condition;
  NodeId test;
  Block body;
};
/// Outside lane loops.
struct If {
  NodeId test;
  Block yes, no;
};

struct Statement {
  std::variant<Eval, Store, Reset, Accumulate, Loop, Set, While, If> what;
};

/// Calls f with each block inside a statement.
template <class S, class F>
void for_blocks(S& statement, F&& f) {
  if (auto* l = std::get_if<Loop>(&statement.what)) f(l->body);
  if (auto* w = std::get_if<While>(&statement.what)) f(w->condition), f(w->body);
  if (auto* i = std::get_if<If>(&statement.what)) f(i->yes), f(i->no);
}

/// One function `void(void* const* buffers, std::int64_t begin, std::int64_t end, void* scratch)`.
/// Variables 0 … parallel.size()-1 run over the flattened index space `parallel` (row-major), of which a call does
/// [begin, end); empty: the body runs once. With `parallel_lanes`, `parallel` has one entry and its loop is a lane
/// loop.
struct Kernel {
  std::string name;
  std::vector<std::int64_t> parallel;
  bool parallel_lanes = false;
  std::int32_t variables = 0;
  std::vector<Node> nodes;
  std::vector<Buffer> buffers;
  std::vector<Accumulator> accumulators;
  std::vector<DType> cells;
  Block body;
  bool rewrites = false;  // a part of a row is written again by the iteration that wrote it
};

using KernelFunction = void (*)(void* const* buffers, std::int64_t begin, std::int64_t end, void* scratch);

/// The functions of some kernels. Unloaded with the last handle.
class CompiledKernels {
 public:
  virtual ~CompiledKernels() = default;
  struct Entry {
    KernelFunction function = nullptr;  // null: it is simulated
    std::int64_t scratch_bytes = 0;     // per call, aligned to 64
  };
  std::vector<Entry> entries;  // one per kernel
};

struct CodegenOptions {
  bool check_bounds = false;    // every access is checked; a violation aborts with a message
  std::string cache_directory;  // empty: no object cache on disk
};

/// Emits machine code. Thread-safe.
class CodeGenerator {
 public:
  virtual ~CodeGenerator() = default;
  /// Throws nothing: on failure returns null and sets `error`. On success `error` may hold a warning.
  virtual std::shared_ptr<const CompiledKernels> compile(const std::vector<Kernel>& kernels,
                                                         const CodegenOptions& options, std::string& error) = 0;
  /// Lanes of f32 vectors: 16, 8 or 4.
  virtual int lanes() const = 0;
};

/// The text of a kernel, for `explain` and tests.
std::string to_string(const Kernel& kernel);

}  // namespace tf2jax::loops
