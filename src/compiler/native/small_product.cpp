// A vector holds neighbouring columns of the result. Several rows, or several parts of each sum, are added side by
// side: one chain of additions alone waits four cycles for each of them.
#include "tf2jax/compiler/native/small_product.h"

#include <algorithm>
#include <utility>

namespace tf2jax::compiler {

using loops::Block;
using loops::LoopVar;
using loops::Node;
using loops::NodeId;
using loops::Op;

namespace {

Affine step(LoopVar v, std::int64_t stride) { return stride == 0 ? Affine{} : variable_index(v, stride); }
std::int64_t row_stride(const SmallProduct::Matrix& x) { return x.strides[x.strides.size() - 2]; }
std::int64_t column_stride(const SmallProduct::Matrix& x) { return x.strides.back(); }
std::int64_t vectors(std::int64_t n, int lanes) { return (n + lanes - 1) / lanes; }

SmallProduct transposed(SmallProduct p) {
  std::swap(p.lhs, p.rhs);
  std::swap(p.m, p.n);
  for (auto* x : {&p.lhs, &p.rhs, &p.out}) std::swap(x->strides[p.batch.size()], x->strides[p.batch.size() + 1]);
  return p;
}

bool may_copy(const SmallProduct& p) { return p.rhs.is_steady && p.batch.empty(); }

// Vectors loaded, weighed by how far apart their elements are.
double cost_by_columns(const SmallProduct& p, int lanes) {
  const double load = column_stride(p.rhs) == 1 || p.n == 1 ? 1 : may_copy(p) ? 1.2 : 8;
  const double store = column_stride(p.out) == 1 || p.n == 1 ? 2 : 16;
  return static_cast<double>(vectors(p.n, lanes) * p.m) * (static_cast<double>(p.k) * load + store);
}
double cost_by_sums(const SmallProduct& p, int lanes) {
  if ((column_stride(p.lhs) != 1 || row_stride(p.rhs) != 1) && p.k > 1) return 1e30;
  return static_cast<double>(p.m * p.n) * (2 * static_cast<double>(vectors(p.k, lanes)) + 16);
}

class Lowering {
 public:
  Lowering(loops::Kernel& kernel, int lanes) : kernel_(kernel), lanes_(lanes) {}

  // Each sum by itself, its terms in the lanes of a vector.
  Block by_sums(const SmallProduct& p) {
    const LoopVar i = kernel_.variables++, j = kernel_.variables++, q = kernel_.variables++;
    const std::int32_t sum = accumulator(p.dtype);
    Block terms, each;
    const NodeId x = load(terms, p, p.lhs, step(i, row_stride(p.lhs)) + step(q, column_stride(p.lhs)));
    const NodeId y = load(terms, p, p.rhs, step(q, row_stride(p.rhs)) + step(j, column_stride(p.rhs)));
    terms.push_back({loops::Accumulate{sum, multiply(terms, p, x, y)}});
    each.push_back({loops::Reset{sum}});
    each.push_back({loops::Loop{q, p.k, true, std::move(terms)}});
    const NodeId total = eval(each, {.op = Op::read, .dtype = p.dtype, .accumulator = sum});
    each.push_back(
        {loops::Store{p.out.buffer, p.out.offset + step(i, row_stride(p.out)) + step(j, column_stride(p.out)), total}});
    return wrapped(i, p.m, wrapped(j, p.n, std::move(each)));
  }

  Block by_columns(const SmallProduct& p) {
    const std::int64_t rows = std::min<std::int64_t>(p.m, 4), rest = p.m % rows;
    const LoopVar i = kernel_.variables++;
    Block out =
        wrapped(i, p.m / rows, rows_of(p, step(i, rows * row_stride(p.lhs)), step(i, rows * row_stride(p.out)), rows));
    if (rest)
      std::ranges::move(rows_of(p, constant_index((p.m - rest) * row_stride(p.lhs)),
                                constant_index((p.m - rest) * row_stride(p.out)), rest),
                        std::back_inserter(out));
    return out;
  }

  static Block wrapped(LoopVar v, std::int64_t extent, Block body) {
    Block out;
    out.push_back({loops::Loop{v, extent, false, std::move(body)}});
    return out;
  }

 private:
  // Some rows of the result, from where `left` and `to` say.
  Block rows_of(const SmallProduct& p, const Affine& left, const Affine& to, std::int64_t rows) {
    const std::int64_t chains = std::min(p.k, std::max<std::int64_t>(1, (vectors(p.n, lanes_) == 1 ? 8 : 4) / rows)),
                       rounds = p.k / chains;
    const LoopVar j = kernel_.variables++, q = kernel_.variables++;
    std::vector<std::int32_t> sums;
    Block body, round;
    for (std::int64_t s = 0; s < rows * chains; ++s) {
      sums.push_back(accumulator(p.dtype));
      body.push_back({loops::Reset{sums.back()}});
    }
    const auto add = [&](Block& block, std::int64_t chain, const Affine& lhs_term, const Affine& rhs_term) {
      const NodeId y = load(block, p, p.rhs, rhs_term + step(j, column_stride(p.rhs)));
      for (std::int64_t r = 0; r < rows; ++r) {
        const NodeId x = load(block, p, p.lhs, left + lhs_term + r * row_stride(p.lhs));
        block.push_back({loops::Accumulate{sums[r * chains + chain], multiply(block, p, x, y)}});
      }
    };
    for (std::int64_t c = 0; c < chains; ++c)
      add(round, c, step(q, chains * column_stride(p.lhs)) + c * column_stride(p.lhs),
          step(q, chains * row_stride(p.rhs)) + c * row_stride(p.rhs));
    body.push_back({loops::Loop{q, rounds, false, std::move(round)}});
    for (std::int64_t c = 0; c < p.k % chains; ++c)
      add(body, c, constant_index((rounds * chains + c) * column_stride(p.lhs)),
          constant_index((rounds * chains + c) * row_stride(p.rhs)));
    for (std::int64_t r = 0; r < rows; ++r) {
      const NodeId total = sum(body, p.dtype, std::span(sums).subspan(r * chains, chains));
      body.push_back({loops::Store{p.out.buffer,
                                   p.out.offset + to + r * row_stride(p.out) + step(j, column_stride(p.out)), total}});
    }
    Block out;
    out.push_back({loops::Loop{j, p.n, true, std::move(body)}});
    return out;
  }

  NodeId eval(Block& block, Node n) {
    kernel_.nodes.push_back(std::move(n));
    block.push_back({loops::Eval{static_cast<NodeId>(kernel_.nodes.size() - 1)}});
    return static_cast<NodeId>(kernel_.nodes.size() - 1);
  }
  NodeId load(Block& block, const SmallProduct& p, const SmallProduct::Matrix& x, const Affine& where) {
    return eval(block, {.op = Op::load, .dtype = p.dtype, .at = x.offset + where, .buffer = x.buffer});
  }
  NodeId multiply(Block& block, const SmallProduct& p, NodeId x, NodeId y) {
    Node n{.op = Op::mul, .dtype = p.dtype};
    n.in = {x, y, -1};
    return eval(block, std::move(n));
  }
  NodeId sum(Block& block, DType dtype, std::span<const std::int32_t> accumulators) {
    if (accumulators.size() == 1) return eval(block, {.op = Op::read, .dtype = dtype, .accumulator = accumulators[0]});
    const std::size_t half = accumulators.size() / 2;
    const NodeId first = sum(block, dtype, accumulators.first(half)),
                 second = sum(block, dtype, accumulators.subspan(half));
    Node n{.op = Op::add, .dtype = dtype};
    n.in = {first, second, -1};
    return eval(block, std::move(n));
  }
  std::int32_t accumulator(DType dtype) {
    kernel_.accumulators.push_back({dtype, Op::add, 0, false});
    return static_cast<std::int32_t>(kernel_.accumulators.size() - 1);
  }

  loops::Kernel& kernel_;
  const int lanes_;
};

}  // namespace

Block lower_small_product(loops::Kernel& kernel, SmallProduct p, int lanes, const CopyOnce& copy_once) {
  if (cost_by_columns(transposed(p), lanes) < cost_by_columns(p, lanes)) p = transposed(std::move(p));
  std::vector<LoopVar> batch;
  for (std::size_t b = 0; b < p.batch.size(); ++b) {
    batch.push_back(kernel.variables++);
    for (auto* x : {&p.lhs, &p.rhs, &p.out}) x->offset = x->offset + step(batch.back(), x->strides[b]);
  }
  Lowering lowering(kernel, lanes);
  Block out;
  if (cost_by_sums(p, lanes) < cost_by_columns(p, lanes)) {
    out = lowering.by_sums(p);
  } else {
    if (column_stride(p.rhs) != 1 && p.n > 1 && may_copy(p)) p.rhs = {copy_once(p.rhs, p.k, p.n), {}, {p.n, 1}, true};
    out = lowering.by_columns(p);
  }
  for (std::size_t b = batch.size(); b-- > 0;) out = Lowering::wrapped(batch[b], p.batch[b], std::move(out));
  return out;
}

double time_of(const SmallProduct& p, int lanes) {
  const double cost =
      std::min({cost_by_columns(p, lanes), cost_by_columns(transposed(p), lanes), cost_by_sums(p, lanes)});
  return static_cast<double>(num_elements(p.batch)) * cost * 0.4 + 5;
}

}  // namespace tf2jax::compiler
