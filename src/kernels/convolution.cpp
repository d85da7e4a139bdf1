// The choice of an implementation for a convolution.
#include "tf2jax/kernels/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "tf2jax/kernels/internal/conv_problem.h"

namespace tf2jax::kernels {
namespace {

using Kind = ConvProblem::Kind;

// Maps the operands of the call to their roles.
class ChosenConvolution final : public Convolution {
 public:
  ChosenConvolution(const ConvProblem& p, std::unique_ptr<const ConvImplementation> implementation)
      : kind_(p.kind),
        text_(fmt::format("conv {} {}", implementation->name(), sizes_text(p))),
        implementation_(std::move(implementation)) {}

  void run(const void* lhs, const void* rhs, void* out, const void* bias, const void* residual) const override {
    switch (kind_) {
      case Kind::forward: return implementation_->run({lhs, rhs, out, bias, residual});
      case Kind::data_gradient: return implementation_->run({out, rhs, lhs, nullptr, nullptr});
      case Kind::kernel_gradient: return implementation_->run({lhs, out, rhs, nullptr, nullptr});
    }
  }
  std::string description() const override { return text_; }

 private:
  Kind kind_;
  std::string text_;
  std::unique_ptr<const ConvImplementation> implementation_;
};

// Where oneDNN leaves its vectors empty.
bool prefer_direct(const ConvProblem& p) {
  if (p.dtype == DType::f64) return true;
  if (p.kind == Kind::kernel_gradient) return p.groups == 1 && p.dst.features <= 4;
  return direct_advantage(p) > 1.1;
}

// A convolution and, behind it, the residual it does not fuse.
class WithEpilogue final : public ConvImplementation {
 public:
  WithEpilogue(const ConvProblem& p, std::unique_ptr<const ConvImplementation> bare) : p_(p), bare_(std::move(bare)) {}
  void run(const ConvBuffers& d) const override {
    bare_->run(d);
    apply_epilogue(p_, const_cast<void*>(d.dst), d.bias, d.residual);
  }
  std::string name() const override { return bare_->name() + " + epilogue"; }

 private:
  ConvProblem p_;
  std::unique_ptr<const ConvImplementation> bare_;
};

std::unique_ptr<const ConvImplementation> choose(const ConvProblem& p) {
  if (auto made = make_pointwise_convolution(p)) return made;
  if (prefer_direct(p)) {
    if (auto made = make_direct_convolution(p)) return made;
  }
  if (auto made = make_primitive_convolution(p)) return made;
  if (p.residual) {
    ConvProblem bare = p;
    bare.bias = bare.residual = bare.relu = false;
    if (auto made = make_primitive_convolution(bare)) return std::make_unique<WithEpilogue>(p, std::move(made));
  }
  // Inputs with holes: most of the products would be with zeros, but nothing else takes them.
  return p.groups <= 4 ? make_direct_convolution(p) : nullptr;
}

bool empty(const ConvSpec& s) {
  return num_elements(s.lhs) == 0 || num_elements(s.rhs) == 0 || num_elements(s.out) == 0;
}

}  // namespace

std::unique_ptr<const Convolution> Convolution::create(const ConvSpec& s) {
  if ((s.dtype != DType::f32 && s.dtype != DType::f64) || empty(s) || s.strides.empty()) return nullptr;
  const auto forward = forward_problem(s);
  // The own kernel multiplies the zeros between the inputs too.
  const double zeros = static_cast<double>(num_elements(s.lhs_dilation));
  if (const auto p = data_gradient_problem(s); p && !(forward && direct_advantage(*forward) > 2 * zeros)) {
    if (auto made = make_primitive_convolution(*p)) return std::make_unique<ChosenConvolution>(*p, std::move(made));
  }
  if (const auto p = kernel_gradient_problem(s)) {
    if (auto made = choose(*p)) return std::make_unique<ChosenConvolution>(*p, std::move(made));
  }
  if (!forward || ((s.bias || s.residual || s.relu) && !forward->dst.channels_last())) return nullptr;
  if (auto made = choose(*forward)) return std::make_unique<ChosenConvolution>(*forward, std::move(made));
  return nullptr;
}

namespace {

struct SpecHash {
  std::size_t operator()(const ConvSpec& s) const {
    std::size_t h = static_cast<std::size_t>(s.dtype);
    for (const Dims* d : {&s.lhs, &s.rhs, &s.out, &s.strides, &s.lhs_dilation, &s.rhs_dilation})
      for (const std::int64_t v : *d) h = (h ^ static_cast<std::size_t>(v)) * 0x9e3779b97f4a7c15u;
    return h;
  }
};

}  // namespace

std::shared_ptr<const Convolution> cached_convolution(const ConvSpec& spec) {
  static std::mutex mutex;
  static std::unordered_map<ConvSpec, std::shared_ptr<const Convolution>, SpecHash> made;
  {
    const std::lock_guard lock(mutex);
    if (const auto it = made.find(spec); it != made.end()) return it->second;
  }
  std::shared_ptr<const Convolution> convolution = Convolution::create(spec);
  const std::lock_guard lock(mutex);
  if (made.size() >= 512) made.clear();
  made.emplace(spec, convolution);
  return convolution;
}

}  // namespace tf2jax::kernels
