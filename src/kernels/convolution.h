// Convolutions on raw buffers, the two gradients among them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/base/config.h"
#include "tf2jax/base/dtype.h"
#include "tf2jax/base/shape.h"

namespace tf2jax::kernels {

/// conv_general_dilated on row-major operands: the parameters of ops/conv.h with concrete sizes, and an epilogue
/// out = relu(conv(lhs, rhs) [+ bias] [+ residual]), for outputs stored batch, spatial, features.
struct ConvSpec {
  DType dtype = DType::f32;           // of every operand: f32 or f64
  Dims lhs, rhs, out;                 // shapes
  Axes lhs_spec, rhs_spec, out_spec;  // (N, C, spatial…), (O, I, spatial…), (N, C, spatial…)
  Dims strides;
  std::vector<std::pair<std::int64_t, std::int64_t>> padding;
  Dims lhs_dilation, rhs_dilation;
  std::int64_t feature_group_count = 1, batch_group_count = 1;
  bool constant_rhs = false;  // the elements of rhs never change while its pointer stays the same
  bool bias = false;          // a vector [features of out]
  bool residual = false;      // an array like out, but not out itself
  bool relu = false;
  bool deterministic = config().deterministic;  // the same bits with any number of threads
  bool operator==(const ConvSpec&) const = default;
};

/// `run` may be called by many threads at once.
class Convolution {
 public:
  /// Null when the case is not supported. A gradient is recognised by its form: with respect to the input, a
  /// convolution with lhs_dilation; with respect to the kernel, one whose kernel is larger than its output,
  /// rhs_dilation the stride.
  static std::unique_ptr<const Convolution> create(const ConvSpec& spec);
  virtual ~Convolution() = default;
  virtual void run(const void* lhs, const void* rhs, void* out, const void* bias = nullptr,
                   const void* residual = nullptr) const = 0;
  virtual std::string description() const = 0;
};

/// Convolution::create, remembering the last few hundred specs.
std::shared_ptr<const Convolution> cached_convolution(const ConvSpec& spec);

}  // namespace tf2jax::kernels
