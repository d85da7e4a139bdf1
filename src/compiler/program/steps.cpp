// Running loops, products, kernel calls and slice updates.
#include "tf2jax/compiler/program/steps.h"

#include <algorithm>
#include <cstring>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/compiler/loops/simulate.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::compiler {

namespace {

// Row storage of this thread, 64-byte aligned.
void* row_storage(std::int64_t bytes) {
  if (bytes == 0) return nullptr;
  thread_local std::vector<std::byte> storage;
  if (storage.size() < static_cast<std::size_t>(bytes) + 64) storage.resize(static_cast<std::size_t>(bytes) + 64);
  const auto p = reinterpret_cast<std::uintptr_t>(storage.data());
  return reinterpret_cast<void*>((p + 63) / 64 * 64);
}

}  // namespace

void LoopStep::run(Frame& frame) const {
  void* few[64];
  std::vector<void*> many;
  void** at = few;
  if (buffers.size() > 64) {
    many.resize(buffers.size());
    at = many.data();
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) at[i] = buffers[i] < 0 ? nullptr : frame.slots[buffers[i]];
  if (!entry->function) return loops::simulate(kernel, at, range);
  if (range <= grain) {
    entry->function(at, 0, range, row_storage(entry->scratch_bytes));
    return;
  }
  parallel_for(range, grain, [&](std::int64_t begin, std::int64_t end) {
    entry->function(at, begin, end, row_storage(entry->scratch_bytes));
  });
}

namespace {

// Scalar operations and bytes accessed of a whole run of a block.
void count(const loops::Kernel& k, const loops::Block& block, double times, CostAnalysis& total) {
  for (const auto& s : block) {
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
      const loops::Node& n = k.nodes[e->node];
      if (n.op == loops::Op::load) total.bytes_accessed += times * itemsize(n.dtype);
      else if (n.op >= loops::Op::neg) total.flops += times;
    } else if (const auto* store = std::get_if<loops::Store>(&s.what)) {
      total.bytes_accessed += times * itemsize(k.buffers[store->buffer].dtype);
    } else if (std::holds_alternative<loops::Accumulate>(s.what)) {
      total.flops += times;
    } else {  // loops of unknown length count once
      const auto* l = std::get_if<loops::Loop>(&s.what);
      loops::for_blocks(s, [&](const loops::Block& inner) {
        count(k, inner, times * static_cast<double>(l ? l->extent : 1), total);
      });
    }
  }
}

}  // namespace

CostAnalysis LoopStep::cost() const {
  CostAnalysis total{0, 0, 1};
  count(kernel, kernel.body, static_cast<double>(range), total);
  return total;
}

DotStep::DotStep(const DotLayout& plan, DType dtype, Reuse rhs_reuse, std::optional<Operand> bias) : bias(bias) {
  kernels::MatmulSpec spec;
  spec.dtype = spec.out_dtype = dtype;
  spec.m = plan.m;
  spec.n = plan.n;
  spec.k = plan.k;
  spec.batch = plan.batch;
  spec.a_strides = plan.lhs.strides;
  spec.b_strides = plan.rhs.strides;
  spec.c_strides = plan.out_strides;
  // The stride of an axis of size 1 is free: give it what a dense matrix would have.
  const auto dense = [](Dims& strides, std::int64_t rows, std::int64_t columns) {
    std::int64_t &row = strides[strides.size() - 2], &column = strides.back();
    if (columns == 1) column = 1;
    if (rows == 1) row = columns * column;
  };
  dense(spec.a_strides, plan.m, plan.k);
  dense(spec.b_strides, plan.k, plan.n);
  dense(spec.c_strides, plan.m, plan.n);
  spec.constant_b = rhs_reuse == Reuse::always;
  spec.prepared_b = rhs_reuse == Reuse::prepared;
  spec.bias = bias.has_value();
  product = kernels::Matmul::create(spec);
  check<InternalError>(product != nullptr, "compile: no matrix product for {}.", short_name(dtype));
  const double batch = static_cast<double>(num_elements(plan.batch)), m = static_cast<double>(plan.m),
               n = static_cast<double>(plan.n), k = static_cast<double>(plan.k);
  analysis = {2 * batch * m * n * k, batch * (m * k + k * n + m * n) * itemsize(dtype), 1};
}

void DotStep::run(Frame& f) const { product->run(lhs.in(f), rhs.in(f), out.in(f), bias ? bias->in(f) : nullptr); }
std::string DotStep::describe() const { return product->description() + (bias ? " + bias" : ""); }

void PrepareOperandStep::run(Frame& f) const { product->prepare(rhs.in(f), out.in(f)); }
std::string PrepareOperandStep::describe() const { return "prepare an operand for " + product->description(); }
CostAnalysis PrepareOperandStep::cost() const { return {0, 2.0 * static_cast<double>(product->prepared_bytes()), 1}; }

ConvolutionStep::ConvolutionStep(const Graph& graph, const GraphOp& op,
                                 std::shared_ptr<const kernels::Convolution> chosen)
    : convolution(std::move(chosen)) {
  const GraphValue &x = graph.value(op.in[0]), &w = graph.value(op.in[1]), &y = graph.value(op.out[0]);
  const auto features = static_cast<double>(w.dims[op.params.get<ConvParams>().dimension_numbers.rhs_spec[0]]);
  analysis = {2 * static_cast<double>(y.elements()) * static_cast<double>(w.elements()) / features,
              static_cast<double>(x.elements() + w.elements() + y.elements()) * itemsize(x.aval.dtype), 1};
}

void ConvolutionStep::run(Frame& f) const {
  convolution->run(lhs.in(f), rhs.in(f), out.in(f), bias ? bias->in(f) : nullptr);
}
std::string ConvolutionStep::describe() const { return convolution->description() + (bias ? " + bias" : ""); }

void CallStep::run(Frame& frame) const {
  Arrays args;
  for (std::size_t i = 0; i < in.size(); ++i)
    args.push_back(detail::exact_view(in_avals[i].dtype, in_avals[i].dims(), frame.slots[in[i]], {}));
  const TraceScope scope(eval_trace());
  Arrays results = kernel ? (*kernel)({args, params, out_avals}) : primitive.rules().impl(args, params);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto bytes = results[i].bytes();
    if (fixed[i]) {
      if (!bytes.empty()) std::memcpy(frame.slots[out[i]], bytes.data(), bytes.size());
      continue;
    }
    // A result may be a view of an operand, whose memory is about to be used again.
    bool borrowed = false;
    for (std::size_t k = 0; k < in.size(); ++k) {
      const auto* from = static_cast<const std::byte*>(frame.slots[in[k]]);
      borrowed |= bytes.data() >= from && bytes.data() < from + std::max<std::int64_t>(in_bytes[k], 1);
    }
    if (borrowed) results[i] = detail::exact_array(out_avals[i], bytes);
    frame.slots[out[i]] = const_cast<std::byte*>(results[i].bytes().data());
    frame.kept.push_back(std::move(results[i]));
  }
}

CostAnalysis CallStep::cost() const {
  double bytes = 0;
  for (const std::int64_t b : in_bytes) bytes += static_cast<double>(b);
  for (const Aval& a : out_avals) bytes += static_cast<double>(num_elements(a.dims()) * itemsize(a.dtype));
  return {0, bytes, 1};
}

namespace {

std::int64_t read_index(const void* p, DType type) {
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> std::int64_t {
    if constexpr (std::is_integral_v<T>) {
      T v;
      std::memcpy(&v, p, sizeof v);
      return std::is_unsigned_v<T> && sizeof(T) == 8 ? static_cast<std::int64_t>(std::min<std::uint64_t>(v, INT64_MAX))
                                                     : static_cast<std::int64_t>(v);
    } else {
      return 0;
    }
  });
}

void copy_window(std::byte* to, const std::byte* from, const Dims& dims, const Dims& window, std::size_t axis,
                 std::int64_t itemsize) {
  std::int64_t inner_to = itemsize, inner_from = itemsize;
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner_to *= dims[i], inner_from *= window[i];
  if (axis >= dims.size() || inner_to == inner_from) {
    std::memcpy(to, from, axis < dims.size() ? window[axis] * inner_from : itemsize);
    return;
  }
  for (std::int64_t i = 0; i < window[axis]; ++i)
    copy_window(to + i * inner_to, from + i * inner_from, dims, window, axis + 1, itemsize);
}

}  // namespace

void UpdateSliceStep::run(Frame& frame) const {
  auto* to = static_cast<std::byte*>(frame.slots[out]);
  const auto* from = static_cast<const std::byte*>(frame.slots[operand]);
  if (to != from) std::memcpy(to, from, num_elements(dims) * itemsize);
  std::int64_t offset = 0, stride = itemsize;
  for (std::size_t i = dims.size(); i-- > 0;) {
    offset +=
        std::clamp<std::int64_t>(read_index(frame.slots[starts[i]], start_types[i]), 0, dims[i] - window[i]) * stride;
    stride *= dims[i];
  }
  copy_window(to + offset, static_cast<const std::byte*>(frame.slots[update]), dims, window, 0, itemsize);
}

}  // namespace tf2jax::compiler
