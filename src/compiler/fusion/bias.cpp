// Biases of products and convolutions.
#include "tf2jax/compiler/fusion/bias.h"

#include <algorithm>

#include "tf2jax/compiler/fusion/dot_operands.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

bool all_one(const Dims& d) {
  return std::ranges::all_of(d, [](std::int64_t n) { return n == 1; });
}

// The vector that v repeats along the last axis of `dims`, if it lies in memory from the start.
std::optional<ValueId> repeated_vector(const Graph& g, ValueId v, const Dims& dims) {
  const auto features = dims.back();
  for (;;) {
    const GraphValue& x = g.value(v);
    const bool is_row = x.elements() == features && (features == 1 || (!x.dims.empty() && x.dims.back() == features));
    const GraphOp* op = g.producer(v);
    if (!op)
      return is_row && (x.is_constant() || std::ranges::find(g.inputs, v) != g.inputs.end()) ? std::optional(v)
                                                                                             : std::nullopt;
    if (op->kind == OpKind::broadcast) {
      const Axes& axes = op->params.get<BroadcastInDim>().broadcast_dimensions;
      const Dims& inner = g.value(op->in[0]).dims;
      for (std::size_t k = 0; k < inner.size(); ++k)
        if (inner[k] != 1 && axes[k] != static_cast<std::int64_t>(x.dims.size()) - 1) return std::nullopt;
    } else if (op->kind != OpKind::reshape || !is_row) {
      return std::nullopt;
    }
    v = op->in[0];
  }
}

bool has_features_last(const Axes& spec) {
  if (spec[0] != 0 || spec[1] != static_cast<std::int64_t>(spec.size()) - 1) return false;
  return std::ranges::is_sorted(spec.begin() + 2, spec.end());
}

}  // namespace

std::optional<kernels::ConvSpec> conv_spec(const Graph& graph, const GraphOp& op, bool constant_rhs) {
  const ConvParams& p = op.params.get<ConvParams>();
  const GraphValue &x = graph.value(op.in[0]), &w = graph.value(op.in[1]), &y = graph.value(op.out[0]);
  if (x.aval.dtype != w.aval.dtype || x.aval.dtype != y.aval.dtype) return std::nullopt;
  const std::size_t spatial = x.dims.size() - 2;
  const auto filled = [&](const Dims& d) { return d.empty() ? Dims(spatial, 1) : d; };
  kernels::ConvSpec spec{.dtype = x.aval.dtype,
                         .lhs = x.dims,
                         .rhs = w.dims,
                         .out = y.dims,
                         .lhs_spec = p.dimension_numbers.lhs_spec,
                         .rhs_spec = p.dimension_numbers.rhs_spec,
                         .out_spec = p.dimension_numbers.out_spec,
                         .strides = filled(p.window_strides),
                         .padding = p.padding,
                         .lhs_dilation = filled(p.lhs_dilation),
                         .rhs_dilation = filled(p.rhs_dilation),
                         .feature_group_count = p.feature_group_count,
                         .batch_group_count = p.batch_group_count,
                         .constant_rhs = constant_rhs};
  if (spec.padding.empty()) spec.padding.assign(spatial, {0, 0});
  return spec;
}

std::optional<std::pair<OpId, Bias>> find_bias(const Graph& g, const GraphOp& sum) {
  if (sum.scalar != loops::Op::add || sum.in[0] == sum.in[1]) return std::nullopt;
  const GraphValue& out = g.value(sum.out[0]);
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const GraphValue& product = g.value(sum.in[k]);
    const GraphOp* op = g.producer(sum.in[k]);
    if (!op || (op->kind != OpKind::dot && op->kind != OpKind::convolution) || product.users.size() != 1 ||
        product.times_output || product.dims != out.dims || out.dims.empty())
      continue;
    const auto vector = repeated_vector(g, sum.in[1 - k], out.dims);
    if (!vector) continue;
    Bias bias{*vector, sum.out[0], nullptr};
    if (op->kind == OpKind::dot) {
      const DotLayout dot = dot_layout(g, *op, row_major_strides(out.dims));
      if (g.value(dot.rhs.base).is_constant() && dot.n == out.dims.back())
        return std::pair(product.op, std::move(bias));
      continue;
    }
    auto spec = conv_spec(g, *op, true);
    if (!spec || !g.value(op->in[1]).is_constant() || !all_one(spec->lhs_dilation) ||
        !has_features_last(spec->out_spec))
      continue;
    spec->bias = true;
    bias.convolution = kernels::Convolution::create(*spec);
    if (bias.convolution) return std::pair(product.op, std::move(bias));
  }
  return std::nullopt;
}

}  // namespace tf2jax::compiler
