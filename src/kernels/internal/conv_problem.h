// A convolution by its roles rather than its layout, and the pieces Convolution is put together from.
#pragma once
#include <memory>
#include <string>

#include "tf2jax/kernels/convolution.h"

namespace tf2jax::kernels {

/// A tensor [batch, features, spatial…] with strides in elements.
struct ConvTensor {
  std::int64_t batch, features;
  Dims spatial;
  std::int64_t batch_stride, feature_stride;
  Dims spatial_strides;
  /// Batch, spatial, features, row-major without gaps.
  bool channels_last() const;
  std::int64_t points() const { return num_elements(spatial); }
};
/// The kernel: [out features, in features of one group, spatial…].
struct ConvKernel {
  std::int64_t out_features, in_features;
  Dims spatial;
  std::int64_t out_stride, in_stride;
  Dims spatial_strides;
};

/// dst = conv(src, kernel), or the gradient of that with respect to src or the kernel: then src or the kernel is what
/// is computed, and `dst` holds the cotangent.
struct ConvProblem {
  enum class Kind { forward, data_gradient, kernel_gradient };
  Kind kind = Kind::forward;
  DType dtype = DType::f32;
  std::int64_t groups = 1;
  ConvTensor src, dst;
  ConvKernel kernel;
  bool reversed_kernel = false;  // data_gradient: the kernel's spatial axes run backwards
  Dims strides, src_dilation, kernel_dilation, low, high;
  bool constant_kernel = false, bias = false, residual = false, relu = false, deterministic = false;

  std::size_t rank() const { return strides.size(); }
  std::int64_t multiplications() const;
};

/// The forward form of the spec; nothing when it has several batch groups.
std::unique_ptr<ConvProblem> forward_problem(const ConvSpec& spec);
/// The spec as a gradient with respect to the kernel, or with respect to the input; null when it is not one.
std::unique_ptr<ConvProblem> kernel_gradient_problem(const ConvSpec& spec);
std::unique_ptr<ConvProblem> data_gradient_problem(const ConvSpec& spec);
std::string sizes_text(const ConvProblem& p);

/// Pointers by role.
struct ConvBuffers {
  const void* src;
  const void* kernel;
  const void* dst;
  const void* bias;
  const void* residual;
};
class ConvImplementation {
 public:
  virtual ~ConvImplementation() = default;
  virtual void run(const ConvBuffers& data) const = 0;
  virtual std::string name() const = 0;
};

/// Products of matrices: kernels of one point. Null when the case is another.
std::unique_ptr<const ConvImplementation> make_pointwise_convolution(const ConvProblem& p);
/// Own kernels for few features: forward (with dilated inputs too) and kernel gradients, 1 or 2 spatial axes, f32 and
/// f64.
std::unique_ptr<const ConvImplementation> make_direct_convolution(const ConvProblem& p);
/// How many times faster than oneDNN's the own forward kernel should be.
double direct_advantage(const ConvProblem& p);
/// oneDNN. Null when it has no fast implementation, or is not there.
std::unique_ptr<const ConvImplementation> make_primitive_convolution(const ConvProblem& p);

/// out = relu(out + bias + residual), whichever of them the problem has. Requires: dst is channels_last.
void apply_epilogue(const ConvProblem& p, void* out, const void* bias, const void* residual);

}  // namespace tf2jax::kernels
