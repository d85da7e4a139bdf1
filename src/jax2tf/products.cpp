// Rules of contractions, convolutions and Fourier transforms.
#include <algorithm>

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/fft.h"

#include "xla_dims.pb.h"

namespace tf2jax::jax2tf {
namespace {

void fill(auto* field, const Axes& axes) {
  for (const auto a : axes) field->Add(a);
}

// xla.PrecisionConfig: field 1, packed, one number per operand; JAX's texts name DEFAULT, HIGH, HIGHEST.
std::string precision_config(const std::optional<std::string>& precision) {
  if (!precision) return "";
  const auto level = [](std::string_view name) {
    if (name.find("HIGHEST") != name.npos) return '\2';
    return name.find("HIGH") != name.npos ? '\1' : '\0';
  };
  const std::string_view text = *precision;
  const std::size_t comma = text.find(',');
  const char lhs = level(text.substr(0, comma)), rhs = comma == text.npos ? lhs : level(text.substr(comma));
  return lhs || rhs ? std::string{'\n', '\2', lhs, rhs} : "";
}

// One letter per axis; the letters of paired axes agree.
std::string equation(const DotDims& d, std::size_t lhs_rank, std::size_t rhs_rank) {
  std::string lhs(lhs_rank, ' '), rhs(rhs_rank, ' '), out;
  char next = 'a';
  const auto pair = [&](const Axes& left, const Axes& right, bool kept) {
    for (std::size_t i = 0; i < left.size(); ++i, ++next) {
      lhs[left[i]] = rhs[right[i]] = next;
      if (kept) out += next;
    }
  };
  pair(d.lhs_batch, d.rhs_batch, true);
  pair(d.lhs_contract, d.rhs_contract, false);
  for (std::string* side : {&lhs, &rhs})
    for (char& letter : *side)
      if (letter == ' ') out += letter = next++;
  return lhs + "," + rhs + "->" + out;
}

// Kernels of Einsum: the others compute in a wider type, or in the signed type with the same bits.
DType einsum_type(DType dtype) {
  if (is_complex(dtype) || dtype == DType::f64 || dtype == DType::f32) return dtype;
  if (is_floating(dtype)) return DType::f32;
  return itemsize(dtype) == 8 ? i64 : i32;
}
Tensor as_signed(Lowering& c, const Tensor& x, DType dtype) {
  const bool same_bits = is_integer(x.dtype) && is_integer(dtype) && itemsize(x.dtype) == itemsize(dtype);
  return same_bits ? c.bitcast(x, dtype) : c.cast(x, dtype);
}

// Integers whose product is asked for as floats: XLA's kernels read their bits as if they were floats already.
Tensors as_inexact(Lowering& c, const Tensors& x, DType result) {
  Tensors out = x;
  for (Tensor& t : out)
    if (is_inexact(result) && !is_inexact(t.dtype)) t = c.cast(t, result);
  return out;
}

Tensors dot_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<DotParams>();
  const DotDims& d = p.dimension_numbers;
  const DType result = out[0].dtype;
  if (c.enable_xla() && !is_bool(x[0].dtype) && !is_bool(result)) {
    xla::DotDimensionNumbers n;
    fill(n.mutable_lhs_contracting_dimensions(), d.lhs_contract);
    fill(n.mutable_rhs_contracting_dimensions(), d.rhs_contract);
    fill(n.mutable_lhs_batch_dimensions(), d.lhs_batch);
    fill(n.mutable_rhs_batch_dimensions(), d.rhs_batch);
    return {c.node("XlaDotV2", as_inexact(c, x, result), out[0],
                   {{"dimension_numbers", detail::serialize(n)}, {"precision_config", precision_config(p.precision)}})};
  }
  if (is_bool(x[0].dtype) || is_bool(result)) {  // whether some product is true
    const Tensor l = c.cast(x[0], i32), r = c.cast(x[1], i32);
    return {c.cast(
        c.node("Einsum", {l, r}, {i32, out[0].shape}, {{"equation", equation(d, l.shape.size(), r.shape.size())}}),
        result)};
  }
  DType type = einsum_type(result);
  for (const Tensor& t : x)
    if (is_floating(t.dtype) && itemsize(t.dtype) > itemsize(type)) type = einsum_type(t.dtype);
  const Tensor l = as_signed(c, x[0], type), r = as_signed(c, x[1], type);
  const Tensor y =
      c.node("Einsum", {l, r}, {type, out[0].shape}, {{"equation", equation(d, l.shape.size(), r.shape.size())}});
  if (is_integer(result)) return {itemsize(result) == itemsize(type) ? c.bitcast(y, result) : c.cast(y, result)};
  return {c.cast(y, result)};
}

// ---- convolutions

Tensor xla_conv(Lowering& c, const Tensors& x, const ConvParams& p, const Aval& out) {
  xla::ConvolutionDimensionNumbers n;
  const ConvDims& d = p.dimension_numbers;
  const Tensors operands = as_inexact(c, x, out.dtype);
  n.set_input_batch_dimension(d.lhs_spec[0]);
  n.set_input_feature_dimension(d.lhs_spec[1]);
  n.set_kernel_output_feature_dimension(d.rhs_spec[0]);
  n.set_kernel_input_feature_dimension(d.rhs_spec[1]);
  n.set_output_batch_dimension(d.out_spec[0]);
  n.set_output_feature_dimension(d.out_spec[1]);
  const auto spatial = [](const Axes& spec) { return Axes(spec.begin() + 2, spec.end()); };
  fill(n.mutable_input_spatial_dimensions(), spatial(d.lhs_spec));
  fill(n.mutable_kernel_spatial_dimensions(), spatial(d.rhs_spec));
  fill(n.mutable_output_spatial_dimensions(), spatial(d.out_spec));
  const std::size_t rank = d.lhs_spec.size() - 2;
  const auto or_ones = [&](const Dims& v) { return v.empty() ? Dims(rank, 1) : v; };
  Axes padding;
  for (const auto& [low, high] : p.padding) padding.push_back(low), padding.push_back(high);
  return c.node(
      "XlaConvV2",
      {operands[0], operands[1], c.ints(or_ones(p.window_strides)), c.reshape(c.ints(padding), {Dim(rank), 2}),
       c.ints(or_ones(p.lhs_dilation)), c.ints(or_ones(p.rhs_dilation)), c.index(p.feature_group_count)},
      out,
      {{"dimension_numbers", detail::serialize(n)},
       {"precision_config", precision_config(p.precision)},
       {"batch_group_count", p.batch_group_count}});
}

// A piece along one axis.
Tensor piece(Lowering& c, const Tensor& x, std::int64_t axis, std::int64_t i, std::int64_t count) {
  Shape start(x.shape.size(), 0), limit = x.shape;
  const Dim size = floordiv(x.shape[axis], Dim(count));
  start[axis] = size * Dim(i), limit[axis] = size * Dim(i + 1);
  return c.slice(x, start, limit);
}

// One group, channels last: x dilated and padded by hand, then Conv2D or Conv3D.
Tensor plain_group(Lowering& c, const Tensor& x, const Tensor& kernel, const ConvParams& p, const Shape& spatial_out) {
  const std::size_t rank = spatial_out.size();
  const bool volume = rank == 3;
  const DType type = x.dtype;
  const Tensor zero = c.scalar(type, 0);
  Tensor v = x, k = kernel;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t gap = p.lhs_dilation.empty() ? 0 : p.lhs_dilation[i] - 1;
    if (gap == 0) continue;
    Shape lined = v.shape, none(v.shape.size() + 1, 0), after = none, merged = v.shape, limit;
    lined.insert(lined.begin() + static_cast<std::ptrdiff_t>(i) + 2, Dim(1));
    after[i + 2] = gap;
    merged[i + 1] = v.shape[i + 1] * (gap + 1);
    v = c.reshape(c.pad(c.reshape(v, lined), none, after, zero), merged);
    limit = merged;
    limit[i + 1] = merged[i + 1] - gap;
    v = c.slice(v, Shape(merged.size(), 0), limit);
  }
  Shape low(v.shape.size(), 0), high = low, start = low;
  for (std::size_t i = 0; i < rank; ++i) {
    low[i + 1] = std::max<std::int64_t>(p.padding[i].first, 0);
    high[i + 1] = std::max<std::int64_t>(p.padding[i].second, 0);
    start[i + 1] = std::max<std::int64_t>(-p.padding[i].first, 0);
  }
  v = c.pad(v, low, high, zero);
  Shape limit = v.shape;
  for (std::size_t i = 0; i < rank; ++i) limit[i + 1] = v.shape[i + 1] + std::min<std::int64_t>(p.padding[i].second, 0);
  v = c.slice(v, start, limit);
  Axes strides{1}, dilations{1};
  for (std::size_t i = 0; i < rank; ++i) {
    strides.push_back(p.window_strides.empty() ? 1 : p.window_strides[i]);
    dilations.push_back(p.rhs_dilation.empty() ? 1 : p.rhs_dilation[i]);
  }
  const auto widen = [&](const Tensor& t, std::ptrdiff_t at) {
    Shape s = t.shape;
    s.insert(s.begin() + at, 2 - rank, Dim(1));
    return c.reshape(t, s);
  };
  Shape out = spatial_out;
  if (!volume) {
    for (std::size_t i = rank; i < 2; ++i) {
      strides.insert(strides.begin() + 1, 1), dilations.insert(dilations.begin() + 1, 1);
      out.insert(out.begin(), Dim(1));
    }
    v = widen(v, 1), k = widen(k, 0);
  }
  strides.push_back(1), dilations.push_back(1);
  out.insert(out.begin(), v.shape[0]);
  out.push_back(k.shape.back());
  Attrs attrs{{"strides", strides},
              {"padding", std::string("VALID")},
              {"dilations", dilations},
              {"data_format", std::string(volume ? "NDHWC" : "NHWC")}};
  const Tensor y = c.node(volume ? "Conv3D" : "Conv2D", {v, k}, {type, out}, attrs);
  Shape narrow{v.shape[0]};
  narrow.insert(narrow.end(), spatial_out.begin(), spatial_out.end());
  narrow.push_back(out.back());
  return c.reshape(y, narrow);
}

Tensor plain_conv(Lowering& c, const Tensors& x, const ConvParams& p, const Aval& out) {
  const ConvDims& d = p.dimension_numbers;
  const std::size_t rank = d.lhs_spec.size() - 2;
  const DType result = out.dtype;
  if (rank > 3) refuse("conv_general_dilated", "TensorFlow's convolutions have at most three spatial axes");
  if (!is_floating(result))
    refuse("conv_general_dilated", "TensorFlow's convolutions are of floating and complex numbers");
  const bool dilated = std::ranges::any_of(p.rhs_dilation, [](auto n) { return n != 1; });
  if (rank == 3 && dilated) refuse("conv_general_dilated", "TensorFlow's Conv3D has no dilation on CPUs");
  const DType type = result == DType::f64 ? DType::f64 : DType::f32;
  Axes channels_last{d.lhs_spec[0]}, kernel_order, restored;
  for (std::size_t i = 0; i < rank; ++i) channels_last.push_back(d.lhs_spec[i + 2]);
  channels_last.push_back(d.lhs_spec[1]);
  for (std::size_t i = 0; i < rank; ++i) kernel_order.push_back(d.rhs_spec[i + 2]);
  kernel_order.push_back(d.rhs_spec[1]);
  kernel_order.push_back(d.rhs_spec[0]);
  const Tensor lhs = c.transpose(c.cast(x[0], type), channels_last),
               rhs = c.transpose(c.cast(x[1], type), kernel_order);
  Shape spatial;
  for (std::size_t i = 0; i < rank; ++i) spatial.push_back(out.shape[d.out_spec[i + 2]]);
  const auto last = static_cast<std::int64_t>(rank) + 1;
  const std::int64_t features = p.feature_group_count, batches = p.batch_group_count;
  Tensors groups;
  for (std::int64_t g = 0; g < features * batches; ++g) {
    const Tensor part = features > 1 ? piece(c, lhs, last, g, features) : piece(c, lhs, 0, g, batches);
    groups.push_back(plain_group(c, part, piece(c, rhs, last, g, features * batches), p, spatial));
  }
  const Tensor y = c.cast(c.concat(groups, last), result);
  Axes order(rank + 2);
  order[d.out_spec[0]] = 0, order[d.out_spec[1]] = last;
  for (std::size_t i = 0; i < rank; ++i) order[d.out_spec[i + 2]] = static_cast<std::int64_t>(i) + 1;
  return c.transpose(y, order);
}

Tensor real_conv(Lowering& c, const Tensors& x, const ConvParams& p, const Aval& out) {
  return c.enable_xla() ? xla_conv(c, x, p, out) : plain_conv(c, x, p, out);
}
// Four convolutions of real numbers: XLA's of complex128 ends the process.
Tensor complex_conv(Lowering& c, const Tensors& x, const ConvParams& p, const Aval& out) {
  const Aval part{real_dtype(out.dtype), out.shape};
  const auto half = [&](const char* op, const Tensor& t) {
    const Tensor v = c.cast(t, out.dtype);
    return c.node(op, {v}, {part.dtype, v.shape});
  };
  const Tensor lr = half("Real", x[0]), li = half("Imag", x[0]), rr = half("Real", x[1]), ri = half("Imag", x[1]);
  const auto product = [&](const Tensor& l, const Tensor& r) { return real_conv(c, {l, r}, p, part); };
  const Tensor real = c.binary("Sub", product(lr, rr), product(li, ri));
  const Tensor imag = c.binary("AddV2", product(lr, ri), product(li, rr));
  return c.node("Complex", {real, imag}, out);
}

Tensors conv_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<ConvParams>();
  const bool empty = std::ranges::any_of(out[0].shape, [](Dim n) { return identical(n, Dim(0)); });
  if (empty) return {c.zeros(out[0])};  // TensorFlow refuses kernels that are larger than what they slide over
  return {is_complex(out[0].dtype) ? complex_conv(c, x, p, out[0]) : real_conv(c, x, p, out[0])};
}

// ---- Fourier transforms

Tensors fft_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<FftParams>();
  constexpr const char* kNames[] = {"FFT", "IFFT", "RFFT", "IRFFT"};
  const std::size_t rank = p.fft_lengths.size();
  if (rank == 0) return {c.cast(x[0], out[0].dtype)};
  if (rank > 3) refuse("fft", "TensorFlow's transforms are of at most three axes");
  std::string op = kNames[static_cast<int>(p.fft_type)];
  if (rank > 1) op += fmt::format("{}D", rank);
  if (p.fft_type == FftType::fft || p.fft_type == FftType::ifft) return {c.node(op, x, out[0])};
  return {c.node(op, {x[0], c.ints(p.fft_lengths)}, out[0])};
}

}  // namespace

void add_product_rules(Rules& rules) {
  rules.set(dot_general_p(), dot_rule).set(conv_general_dilated_p(), conv_rule).set(fft_p(), fft_rule);
}

}  // namespace tf2jax::jax2tf
