// Products of (batches of) matrices on raw buffers, by whatever is fastest for the shape.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "tf2jax/base/config.h"
#include "tf2jax/base/dtype.h"
#include "tf2jax/base/shape.h"

namespace tf2jax::kernels {

/// c = activation(a * b [+ c] [+ bias]).
struct MatmulSpec {
  DType dtype = DType::f32;  // of a, b and bias: f32, f64, bf16, f16, or integers of 32 or 64 bits without an epilogue
  DType out_dtype = DType::f32;  // of c: dtype, or f32 when dtype is a half
  std::int64_t m = 1, n = 1, k = 1;
  Dims batch;                            // sizes of the batch axes, any number
  Dims a_strides, b_strides, c_strides;  // elements: batch axes, then (m, k), (k, n), (m, n); 0 repeats
  bool accumulate = false;               // adds to what c holds
  enum class Activation { none, relu, gelu_tanh, tanh, logistic };
  Activation activation = Activation::none;
  bool bias = false;        // a contiguous vector [n]
  bool constant_b = false;  // the elements of b never change while its pointer stays the same: b is packed once
  bool prepared_b = false;  // `run` takes b as `prepare` wrote it, where `prepared_bytes` is not 0
  bool deterministic = config().deterministic;  // the same bits with any number of threads
  bool operator==(const MatmulSpec&) const = default;
};

/// Contiguous operands: a [batch…, m, k], b [batch…, k, n], c [batch…, m, n].
MatmulSpec contiguous_matmul(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k, const Dims& batch = {});

/// Runs on the process's threads (num_threads()), or on the caller's inside a parallel loop. `run` may be called by
/// many threads at once.
class Matmul {
 public:
  /// Null when the dtypes are not supported; never null for f32 and f64. Integers wrap.
  static std::unique_ptr<const Matmul> create(const MatmulSpec& spec);
  virtual ~Matmul() = default;
  virtual void run(const void* a, const void* b, void* c, const void* bias = nullptr) const = 0;
  /// With prepared_b: the size of b as `run` wants it, aligned to 64 bytes; 0 when that is b itself.
  virtual std::size_t prepared_bytes() const { return 0; }
  /// Writes prepared_bytes() from b, for any number of runs.
  virtual void prepare(const void* /*b*/, void* /*prepared*/) const {}
  /// The implementation and the sizes, as in "sgemm 128x512x784".
  virtual std::string description() const = 0;
};

/// Matmul::create, remembering the last few hundred specs: for callers that meet the same shapes again and again.
std::shared_ptr<const Matmul> cached_matmul(const MatmulSpec& spec);

}  // namespace tf2jax::kernels
