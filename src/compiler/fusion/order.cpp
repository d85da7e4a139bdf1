// Order: groups and ops one after another, each behind what it reads, and updates in place behind other readers.
#include <algorithm>
#include <queue>

#include "tf2jax/compiler/fusion/internal/planner.h"

namespace tf2jax::compiler {

namespace {

class Ordering {
 public:
  Ordering(const Graph& graph, const FusionPlan& plan, const std::function<ValueId(ValueId)>& base_of)
      : g_(graph), plan_(plan), base_of_(base_of), unit_of_value_(graph.values.size(), -1) {
    for (std::size_t o = 0; o < g_.ops.size(); ++o)
      if (!is_fusible(g_.ops[o].kind) && !is_place(g_.ops[o].kind)) list_op(static_cast<OpId>(o));
    for (std::size_t i = 0; i < plan_.groups.size(); ++i)
      if (!plan_.groups[i].roots.empty()) list_group(static_cast<std::int32_t>(i));
    next_.resize(units_.size());
    waiting_.assign(units_.size(), 0);
    for (std::size_t u = 0; u < units_.size(); ++u)
      for (const ValueId v : reads_[u]) link(static_cast<std::int32_t>(u), base_of_(v));
    for (const auto& in : reads_)
      for (const ValueId v : in) ++unread_[base_of_(v)];
  }

  std::vector<Unit> run() {
    for (std::size_t u = 0; u < units_.size(); ++u)
      if (!waiting_[u]) push(static_cast<std::int32_t>(u));
    std::vector<Unit> out;
    while (!ready_.empty() || !updates_.empty()) {
      Queue& from = ready_.empty() ? updates_ : ready_;
      const std::int32_t u = from.top().second;
      from.pop();
      out.push_back(units_[u]);
      for (const ValueId v : reads_[u]) --unread_.at(base_of_(v));
      for (const std::int32_t w : next_[u])
        if (--waiting_[w] == 0) push(w);
    }
    check<InternalError>(out.size() == units_.size(), "fusion: the groups depend on each other in a cycle.");
    return out;
  }

 private:
  using Queue =
      std::priority_queue<std::pair<OpId, std::int32_t>, std::vector<std::pair<OpId, std::int32_t>>, std::greater<>>;

  void list(Unit unit, std::vector<ValueId> reads, OpId position) {
    units_.push_back(unit);
    reads_.push_back(std::move(reads));
    position_.push_back(position);
  }
  void list_op(OpId o) {
    const auto u = static_cast<std::int32_t>(units_.size());
    for (const ValueId v : g_.op(o).out) unit_of_value_[v] = u;
    if (const auto b = plan_.biases.find(o); b != plan_.biases.end()) unit_of_value_[b->second.result] = u;
    const auto dot = plan_.dots.find(o);
    if (dot == plan_.dots.end()) list({-1, o}, g_.op(o).in, o);
    else list({-1, o}, {dot->second.lhs.base, dot->second.rhs.base}, o);
  }
  void list_group(std::int32_t i) {
    const Group& group = plan_.groups[i];
    OpId last = 0;
    for (const ValueAt& r : group.roots) {
      unit_of_value_[r.value] = static_cast<std::int32_t>(units_.size());
      last = std::max(last, g_.value(r.value).op);
    }
    std::vector<ValueId> in;
    for (const auto& [v, maps] : group.demands)
      if (!group.is_inlined(v)) in.push_back(v);
    list({i, -1}, std::move(in), last);
  }

  // A unit waits for what is written where it reads.
  void link(std::int32_t u, ValueId base) {
    const auto wait_for = [&](ValueId written) {
      const std::int32_t from = unit_of_value_[written];
      if (from >= 0) {
        next_[from].push_back(u);
        ++waiting_[u];
      } else if (const GraphOp* op = g_.producer(written)) {
        raise<InternalError>("fusion: a value that is read was not computed: {}.", op->primitive.name());
      }
    };
    if (const auto pair = plan_.interleaved.find(base); pair != plan_.interleaved.end())
      std::ranges::for_each(pair->second, wait_for);
    else wait_for(base);
  }

  // A slice update, and what a scatter writes over, wait for other readers of their operand as long as anything else
  // can run: then they need no copy. -1 for other units.
  ValueId operand(std::int32_t u) const {
    const Unit& unit = units_[u];
    if (unit.op >= 0) return g_.op(unit.op).kind == OpKind::update_slice ? base_of_(g_.op(unit.op).in[0]) : -1;
    const Group& group = plan_.groups[unit.group];
    const ValueId v = group.roots[0].value;
    const std::vector<OpId>& users = g_.value(v).users;
    if (users.size() != 1 || g_.op(users[0]).kind != OpKind::scatter || g_.op(users[0]).in[0] != v) return -1;
    const ValueId from = g_.producer(v)->in[0];
    return group.is_inlined(from) ? -1 : base_of_(from);
  }
  void push(std::int32_t u) {
    const ValueId v = operand(u);
    (v >= 0 && unread_.at(v) > 1 ? updates_ : ready_).emplace(position_[u], u);
  }

  const Graph& g_;
  const FusionPlan& plan_;
  const std::function<ValueId(ValueId)>& base_of_;
  std::vector<std::int32_t> unit_of_value_;
  std::vector<Unit> units_;
  std::vector<std::vector<ValueId>> reads_;
  std::vector<OpId> position_;  // among the graph's operations: units that are ready keep their order
  std::vector<std::vector<std::int32_t>> next_;
  std::vector<int> waiting_;
  std::unordered_map<ValueId, int> unread_;
  Queue ready_, updates_;
};

}  // namespace

std::vector<Unit> order_units(const Graph& graph, const FusionPlan& plan,
                              const std::function<ValueId(ValueId)>& base_of) {
  return Ordering(graph, plan, base_of).run();
}

}  // namespace tf2jax::compiler
