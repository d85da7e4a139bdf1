// Loops over small arrays as one kernel: the nests of the body, one after another, inside a sequential loop. What the
// loop carries lives where the results go. Longer than other files because one class holds what a nest is made of, and
// has a case for every kind of operation.
#include <algorithm>
#include <map>
#include <set>

#include "tf2jax/compiler/lower/cost.h"
#include "tf2jax/compiler/lower/group.h"
#include "tf2jax/compiler/native/native_loop.h"
#include "tf2jax/compiler/native/small_product.h"
#include "tf2jax/compiler/rewrite/build_graph.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax::compiler {

using loops::Affine;
using loops::Block;
using loops::BufferId;
using loops::LoopVar;
using loops::NodeId;
using loops::Op;

namespace {

constexpr std::size_t kMostNodes = 4000;  // bounds the time of code generation
constexpr std::int64_t kMostScratch = 1 << 18;
// Of a product. The library is faster with more of them, or when the weights do not stay in the first-level cache.
constexpr std::int64_t kMostMultiplications = 1 << 16, kLargestMatrix = 12 << 10;

// Whether every load of one buffer comes before the first store to another.
class LoadsPrecede {
 public:
  LoadsPrecede(const loops::Kernel& k, BufferId loaded, BufferId stored)
      : kernel_(k), loaded_(loaded), stored_(stored) {
    visit(k.body);
  }
  explicit operator bool() const { return yes_; }

 private:
  void visit(const Block& body) {
    for (const loops::Statement& s : body) {
      if (const auto* e = std::get_if<loops::Eval>(&s.what))
        yes_ = yes_ && !(done_ && kernel_.nodes[e->node].buffer == loaded_);
      if (const auto* st = std::get_if<loops::Store>(&s.what)) done_ = done_ || st->buffer == stored_;
      loops::for_blocks(s, [&](const Block& inner) { visit(inner); });
    }
  }
  const loops::Kernel& kernel_;
  BufferId loaded_, stored_;
  bool done_ = false, yes_ = true;
};

// A loop that computes too much is given up: what is emitted from then on is of no use.
class VectorLoop {
 public:
  explicit VectorLoop(int lanes) : lanes_(lanes) {}

  /// Empty where the loop is not small.
  std::optional<NativeLoop> build(const Graph& graph, const GraphOp& op) {
    std::vector<Storage> in, out;
    for (const ValueId v : op.in) in.push_back(outer(graph.value(v), v, false));
    for (const ValueId v : op.out) out.push_back(outer(graph.value(v), v, true));
    if (op.kind == OpKind::scan) scan(op.params.get<ScanParams>(), in, out);
    else while_loop(op.params.get<WhileParams>(), in, out);
    if (!is_small_) return std::nullopt;
    std::ranges::move(kernel_.body, std::back_inserter(prologue_));
    kernel_.body = std::move(prologue_);
    return NativeLoop{std::move(kernel_), std::move(buffers_)};
  }

 private:
  /// A dense value in a buffer.
  struct Storage {
    BufferId buffer = -1;
    Affine offset;
    std::int64_t elements = 0;
    bool operator==(const Storage&) const = default;
  };
  /// A graph and where its values are.
  struct Bindings {
    const Graph& graph;
    const FusionPlan& plan;
    std::map<ValueId, Storage> places;  // by base
    ValueId base(ValueId v) const { return plan.views.at(v).base; }
  };

  void statement(loops::Statement s) { block_->push_back(std::move(s)); }
  template <class F>
  Block inside(F&& f) {
    Block fresh;
    Block* outer = std::exchange(block_, &fresh);
    f();
    block_ = outer;
    return fresh;
  }
  NodeId emit(loops::Node n) {
    kernel_.nodes.push_back(std::move(n));
    const auto id = static_cast<NodeId>(kernel_.nodes.size() - 1);
    if (kernel_.nodes.back().op != Op::constant) statement({loops::Eval{id}});
    return id;
  }

  void give_up() { is_small_ = false; }

  // ---- memory

  void take_scratch(std::int64_t bytes) {
    scratch_bytes_ += bytes;
    if (scratch_bytes_ > kMostScratch) give_up();
  }
  Storage add_buffer(DType dtype, std::int64_t elements, bool written, bool scratch) {
    if (is_complex(dtype) || dtype == DType::float0 || dtype == DType::key) give_up();
    kernel_.buffers.push_back({dtype, elements, written, scratch});
    return {static_cast<BufferId>(kernel_.buffers.size() - 1), {}, elements};
  }
  Storage outer(const GraphValue& x, std::variant<ValueId, Array> what, bool written) {
    buffers_.push_back(std::move(what));
    return add_buffer(x.aval.dtype, x.elements(), written, false);
  }
  Storage scratch(const GraphValue& x) {
    take_scratch(x.elements() * itemsize(x.aval.dtype));
    return add_buffer(x.aval.dtype, x.elements(), true, true);
  }
  Storage& place(Bindings& s, ValueId v) {
    const ValueId base = s.base(v);
    const auto it = s.places.find(base);
    if (it != s.places.end()) return it->second;
    const GraphValue& x = s.graph.value(base);
    return s.places[base] = x.is_constant() ? outer(x, x.constant, false) : scratch(x);
  }
  void copy(const Storage& from, const Storage& to) {
    if (from == to) return;
    const LoopVar i = kernel_.variables++;
    const DType dtype = kernel_.buffers[from.buffer].dtype;
    Block body = inside([&] {
      const NodeId x =
          emit({.op = Op::load, .dtype = dtype, .at = from.offset + variable_index(i), .buffer = from.buffer});
      statement({loops::Store{to.buffer, to.offset + variable_index(i), x}});
    });
    statement({loops::Loop{i, to.elements, true, std::move(body)}});
  }

  // ---- kernels

  // Appends a kernel's statements, its buffers being these.
  void append(loops::Kernel k, const std::vector<Storage>& storages) {
    const auto first_node = static_cast<NodeId>(kernel_.nodes.size());
    const auto first_accumulator = static_cast<std::int32_t>(kernel_.accumulators.size());
    const LoopVar first_variable = kernel_.variables;
    if (kernel_.nodes.size() + k.nodes.size() > kMostNodes) return give_up();
    std::vector<Storage> buffers;
    std::size_t next = 0;
    for (const loops::Buffer& b : k.buffers) {
      if (!b.scratch) {
        buffers.push_back(storages[next++]);
        continue;
      }
      take_scratch(b.elements * itemsize(b.dtype));
      buffers.push_back(add_buffer(b.dtype, b.elements, true, true));
    }
    const auto moved = [&](NodeId& n) { n = n < 0 ? n : n + first_node; };
    const auto index = [&](Affine& a, BufferId b) {
      for (auto& [v, c] : a.terms) v += first_variable;
      if (b >= 0) a = a + buffers[b].offset;
    };
    for (loops::Node& n : k.nodes) {
      for (NodeId& x : n.in) moved(x);
      for (auto& d : n.dynamic) moved(d.first);
      index(n.at, n.buffer);
      if (n.buffer >= 0) n.buffer = buffers[n.buffer].buffer;
      if (n.accumulator >= 0) n.accumulator += first_accumulator;
      kernel_.nodes.push_back(std::move(n));
    }
    std::ranges::move(k.accumulators, std::back_inserter(kernel_.accumulators));
    kernel_.variables += k.variables;
    const std::function<void(Block&)> rename = [&](Block& body) {
      for (loops::Statement& s : body) {
        if (auto* e = std::get_if<loops::Eval>(&s.what)) moved(e->node);
        if (auto* st = std::get_if<loops::Store>(&s.what)) {
          index(st->at, st->buffer);
          moved(st->value);
          moved(st->mask);
          for (auto& d : st->dynamic) moved(d.first);
          st->buffer = buffers[st->buffer].buffer;
        }
        if (auto* r = std::get_if<loops::Reset>(&s.what)) r->accumulator += first_accumulator;
        if (auto* a = std::get_if<loops::Accumulate>(&s.what)) a->accumulator += first_accumulator, moved(a->value);
        if (auto* l = std::get_if<loops::Loop>(&s.what)) l->var += first_variable;
        loops::for_blocks(s, rename);
      }
    };
    rename(k.body);
    Block body = std::move(k.body);
    for (std::size_t i = k.parallel.size(); i-- > 0;) {
      Block nest;
      nest.push_back(
          {loops::Loop{first_variable + static_cast<LoopVar>(i), k.parallel[i], k.parallel_lanes, std::move(body)}});
      body = std::move(nest);
    }
    for (auto& s : body) statement(std::move(s));
  }

  // ---- graphs

  struct Lowered {
    Unit unit;
    std::vector<LoweredGroup> kernels;
    std::set<ValueId> reads;  // bases
  };

  // Gives up where a unit is dear, or none that a kernel has.
  std::vector<Lowered> lower(const Graph& g, const FusionPlan& plan) {
    std::vector<Lowered> out;
    for (const Unit& u : plan.order) {
      out.push_back({u, {}, {}});
      if (u.group >= 0) lower_group_of(g, plan, out.back());
      else lower_op(g, plan, out.back());
      if (!is_small_) break;
    }
    return out;
  }
  void lower_group_of(const Graph& g, const FusionPlan& plan, Lowered& l) {
    const Group& group = plan.groups[l.unit.group];
    if (group.scatter) return give_up();
    l.kernels = lower_group(g, plan, group, lanes_);
    for (const LoweredGroup& k : l.kernels)
      if (is_parallel(k.kernel, lanes_)) give_up();
    for (const auto& [v, maps] : group.demands)
      if (!group.is_inlined(v)) l.reads.insert(plan.views.at(v).base);
  }
  void lower_op(const Graph& g, const FusionPlan& plan, Lowered& l) {
    const GraphOp& op = g.op(l.unit.op);
    if (op.kind == OpKind::dot) {
      const DotLayout& dot = plan.dots.at(l.unit.op);
      if (num_elements(dot.batch) * dot.m * dot.n * dot.k > kMostMultiplications ||
          std::max(dot.m, dot.n) * dot.k > kLargestMatrix)
        give_up();
      l.reads = {dot.lhs.base, dot.rhs.base};
    } else if (op.kind == OpKind::scan || op.kind == OpKind::while_loop || op.kind == OpKind::branch) {
      for (const ValueId v : op.in) l.reads.insert(plan.views.at(v).base);
    } else {
      give_up();
    }
  }

  // Whether a root may be written over a value that its group reads: element by element, nobody else needing it later.
  static bool is_elementwise(const Graph& g, const FusionPlan& plan, const Lowered& l, ValueId written, ValueId read) {
    const Group& group = plan.groups[l.unit.group];
    const auto root =
        std::ranges::find_if(group.roots, [&](const ValueAt& r) { return plan.views.at(r.value).base == written; });
    if (root == group.roots.end()) return false;
    const auto address = [&](ValueId v, MapId m) {
      return group.space.address(m, plan.views.at(v).offset, plan.views.at(v).strides);
    };
    for (const auto& [v, maps] : group.demands) {
      if (group.is_inlined(v)) {
        const GraphOp& op = *g.producer(v);
        if ((op.kind == OpKind::dynamic_slice || op.kind == OpKind::gather) && plan.views.at(op.in[0]).base == read)
          return false;
      } else if (plan.views.at(v).base == read) {
        for (const MapId m : maps)
          if (address(v, m) != address(root->value, root->map)) return false;
      }
    }
    for (const LoweredGroup& k : l.kernels) {
      const auto buffer = [&](ValueId base) {  // scratch buffers have no base
        std::size_t next = 0;
        for (std::size_t b = 0; b < k.kernel.buffers.size(); ++b)
          if (!k.kernel.buffers[b].scratch && k.bases[next++] == base) return static_cast<BufferId>(b);
        return BufferId{-2};
      };
      if (!LoadsPrecede(k.kernel, buffer(read), buffer(written))) return false;
    }
    return true;
  }

  /// Runs a graph. Output k goes to `results[k]`; the first `carried` of them hold inputs `first`… until then.
  void run(const Graph& g, std::vector<Storage> inputs, const std::vector<Storage>& results, std::size_t first = 0,
           std::size_t carried = 0) {
    if (!is_small_) return;
    const FusionPlan plan = plan_fusion(g, false);
    std::vector<Lowered> units = lower(g, plan);
    if (!is_small_) return;
    Bindings s{g, plan, {}};
    for (std::size_t i = 0; i < inputs.size(); ++i) s.places[g.inputs[i]] = std::move(inputs[i]);
    const auto output = [&](std::size_t k) { return s.base(g.outputs[k]); };
    for (std::size_t k = carried; k < results.size(); ++k)
      if (!g.value(output(k)).is_constant()) s.places.try_emplace(output(k), results[k]);
    for (std::size_t k = 0; k < carried; ++k) {
      const ValueId state = g.inputs[first + k], next = output(k);
      if (s.places.count(next) || g.value(next).is_constant()) continue;
      const auto written = std::ranges::find_if(units, [&](const Lowered& l) {
        return l.unit.group >= 0 && std::ranges::any_of(plan.groups[l.unit.group].roots,
                                                        [&](const ValueAt& r) { return s.base(r.value) == next; });
      });
      const bool is_free =
          written != units.end() &&
          std::none_of(written + 1, units.end(), [&](const Lowered& l) { return l.reads.count(state) > 0; }) &&
          std::ranges::none_of(g.outputs, [&](ValueId v) { return s.base(v) == state; });
      if (is_free && is_elementwise(g, plan, *written, next, state)) s.places.emplace(next, results[k]);
    }
    for (Lowered& l : units) {
      if (!is_small_) return;
      if (l.unit.group < 0) {
        if (g.op(l.unit.op).kind == OpKind::dot) product(s, l.unit.op);
        else control(s, g.op(l.unit.op));
        continue;
      }
      for (LoweredGroup& k : l.kernels) {
        std::vector<Storage> storages;
        for (const ValueId base : k.bases) storages.push_back(place(s, base));
        append(std::move(k.kernel), storages);
      }
    }
    // Results that are still where others go are saved first: carries may trade places.
    std::vector<std::pair<Storage, Storage>> copies;
    for (std::size_t k = 0; k < results.size(); ++k) {
      const Storage from = place(s, g.outputs[k]);
      if (!(from == results[k])) copies.emplace_back(from, results[k]);
    }
    for (auto& [from, to] : copies) {
      if (std::ranges::none_of(copies, [&](const auto& c) { return c.second.buffer == from.buffer; })) continue;
      const BufferId source = from.buffer;
      scratch_bytes_ += from.elements * itemsize(kernel_.buffers[source].dtype);
      const Storage saved = add_buffer(kernel_.buffers[source].dtype, from.elements, true, true);
      copy(from, saved);
      from = saved;
    }
    for (const auto& [from, to] : copies) copy(from, to);
  }

  void product(Bindings& s, OpId id) {
    const ValueId result = s.graph.op(id).out[0];
    const DotLayout& dot = s.plan.dots.at(id);
    const auto matrix = [&](const View& v) {
      const Storage& x = place(s, v.base);
      const loops::Buffer& b = kernel_.buffers[x.buffer];
      return SmallProduct::Matrix{x.buffer, x.offset + v.offset, v.strides,
                                  !b.written && !b.scratch && x.offset.terms.empty()};
    };
    const SmallProduct p{
        s.graph.value(result).aval.dtype,    dot.batch, dot.m, dot.n, dot.k, matrix(dot.lhs), matrix(dot.rhs),
        matrix({result, 0, dot.out_strides})};
    Block body = lower_small_product(kernel_, p, lanes_,
                                     [&](const SmallProduct::Matrix& x, std::int64_t rows, std::int64_t columns) {
                                       return copy_once(x, rows, columns);
                                     });
    if (kernel_.nodes.size() > kMostNodes) give_up();
    for (auto& x : body) statement(std::move(x));
  }

  // Before the outermost loop.
  BufferId copy_once(const SmallProduct::Matrix& x, std::int64_t rows, std::int64_t columns) {
    const auto [it, fresh] = copies_.try_emplace({x.buffer, x.offset.offset, x.strides, rows, columns}, -1);
    if (!fresh) return it->second;
    const DType dtype = kernel_.buffers[x.buffer].dtype;
    take_scratch(rows * columns * itemsize(dtype));
    it->second = add_buffer(dtype, rows * columns, true, true).buffer;
    const LoopVar i = kernel_.variables++, j = kernel_.variables++;
    Block row = inside([&] {
      const NodeId value = emit({.op = Op::load,
                                 .dtype = dtype,
                                 .at = x.offset + variable_index(i, x.strides[0]) + variable_index(j, x.strides[1]),
                                 .buffer = x.buffer});
      statement({loops::Store{it->second, variable_index(i, columns) + variable_index(j), value}});
    });
    Block lanes;
    lanes.push_back({loops::Loop{j, columns, true, std::move(row)}});
    prologue_.push_back({loops::Loop{i, rows, false, std::move(lanes)}});
    return it->second;
  }

  void control(Bindings& s, const GraphOp& op) {
    std::vector<Storage> in, out;
    for (const ValueId v : op.in) in.push_back(place(s, v));
    for (const ValueId v : op.out) out.push_back(place(s, v));
    if (op.kind == OpKind::scan) return scan(op.params.get<ScanParams>(), in, out);
    if (op.kind == OpKind::while_loop) return while_loop(op.params.get<WhileParams>(), in, out);
    branch(s.graph.value(op.in[0]), op.params.get<CondParams>().branches, in, out);
  }

  // ---- control flow

  void scan(const ScanParams& p, const std::vector<Storage>& in, const std::vector<Storage>& out) {
    const std::size_t nc = p.num_consts, n = p.num_carry;
    for (std::size_t k = 0; k < n; ++k) copy(in[nc + k], out[k]);
    if (p.length == 0) return;
    const LoopVar step = kernel_.variables++;
    const auto slice = [&](Storage whole) {
      whole.elements /= p.length;
      if (p.reverse)
        whole.offset = whole.offset + variable_index(step, -whole.elements) + (p.length - 1) * whole.elements;
      else whole.offset = whole.offset + variable_index(step, whole.elements);
      return whole;
    };
    std::vector<Storage> inputs(in.begin(), in.begin() + p.num_consts), results(out.begin(), out.begin() + p.num_carry);
    inputs.insert(inputs.end(), results.begin(), results.end());
    for (std::size_t i = nc + n; i < in.size(); ++i) inputs.push_back(slice(in[i]));
    for (std::size_t i = n; i < out.size(); ++i) results.push_back(slice(out[i]));
    Block body = inside([&] { run(build_graph(p.jaxpr), std::move(inputs), results, nc, n); });
    statement({loops::Loop{step, p.length, false, std::move(body)}});
  }

  void while_loop(const WhileParams& p, const std::vector<Storage>& in, const std::vector<Storage>& out) {
    const auto cc = static_cast<std::ptrdiff_t>(p.cond_nconsts), bc = static_cast<std::ptrdiff_t>(p.body_nconsts);
    for (std::size_t k = 0; k < out.size(); ++k) copy(in[(cc + bc) + k], out[k]);
    std::vector<Storage> condition(in.begin(), in.begin() + cc), body(in.begin() + cc, in.begin() + cc + bc);
    condition.insert(condition.end(), out.begin(), out.end());
    body.insert(body.end(), out.begin(), out.end());
    loops::While loop{{}, -1, {}};
    loop.condition = inside([&] {
      const Graph g = build_graph(p.cond_jaxpr);
      if (!g.value(g.outputs[0]).dims.empty()) return give_up();
      const Storage running = add_buffer(DType::bool_, 1, true, true);
      run(g, std::move(condition), {running});
      loop.test = emit({.op = Op::load, .dtype = DType::bool_, .buffer = running.buffer});
    });
    loop.body = inside([&] { run(build_graph(p.body_jaxpr), std::move(body), out, bc, out.size()); });
    statement({std::move(loop)});
  }

  void branch(const GraphValue& index, const std::vector<Jaxpr>& branches, const std::vector<Storage>& in,
              const std::vector<Storage>& out) {
    if (index.aval.dtype != DType::i32 || !index.dims.empty()) return give_up();
    const NodeId which = emit({.op = Op::load, .dtype = DType::i32, .at = in[0].offset, .buffer = in[0].buffer});
    std::vector<NodeId> tests;
    for (std::size_t b = 0; b + 1 < branches.size(); ++b) {
      const NodeId limit = emit({.op = Op::constant, .dtype = DType::i32, .bits = b});
      loops::Node test{.op = Op::le, .dtype = DType::bool_};
      test.in = {which, limit, -1};
      tests.push_back(emit(std::move(test)));
    }
    Block chosen;
    for (std::size_t b = branches.size(); b-- > 0;) {
      Block mine = inside([&] { run(build_graph(branches[b]), {in.begin() + 1, in.end()}, out); });
      if (b + 1 == branches.size()) {
        chosen = std::move(mine);
        continue;
      }
      Block outer;
      outer.push_back({loops::If{tests[b], std::move(mine), std::move(chosen)}});
      chosen = std::move(outer);
    }
    for (auto& x : chosen) statement(std::move(x));
  }

  const int lanes_;
  bool is_small_ = true;
  loops::Kernel kernel_;
  std::vector<std::variant<ValueId, Array>> buffers_;
  Block* block_ = &kernel_.body;
  Block prologue_;  // before the loop
  std::map<std::tuple<BufferId, std::int64_t, Dims, std::int64_t, std::int64_t>, BufferId> copies_;
  std::int64_t scratch_bytes_ = 0;
};

}  // namespace

std::optional<NativeLoop> lower_vector_loop(const Graph& graph, const GraphOp& op, int lanes) {
  return VectorLoop(lanes).build(graph, op);
}

}  // namespace tf2jax::compiler
