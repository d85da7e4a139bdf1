// If, Case and While of TF2 as cond, switch and while_loop.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/config.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/staging.h"

#include <algorithm>
#include <optional>
#include <set>

namespace tf2jax::tf_import {
namespace {

// The inputs of a branch or body, split into tensors, which become operands, and the rest, which is the same
// everywhere.
struct Operands {
  Values all;
  std::vector<std::size_t> positions;  // of the tensors
  Arrays tensors;

  // `fixed(i)`: operand i never changes, and stays what it is when it is known now.
  template <class Fixed>
  Operands(const Node& n, std::size_t first, Fixed fixed) {
    for (std::size_t i = first; i < n.num_inputs(); ++i) {
      const Value& v = n.input(i);
      if (v.get_if<Array>() && !(v.is_host() && fixed(i - first))) {
        positions.push_back(all.size());
        tensors.push_back(in_canonical_type(n.array(i)));
      }
      all.push_back(v);
    }
  }
  Values with(const Arrays& values) const {
    Values out = all;
    for (std::size_t i = 0; i < positions.size(); ++i) out[positions[i]] = Value(values[i]);
    return out;
  }
};

// Runs a function; its assignments would be lost outside.
Values call_pure(const Node& n, const FunctionRef& f, const Values& arguments, const std::optional<Array>& key = {}) {
  Interpreter& interpreter = n.interpreter();
  const auto before = interpreter.num_changes();
  Values out = interpreter.call(f.name, arguments, key);
  if (interpreter.num_changes() != before) {
    std::string names;
    for (std::size_t i = 0; i < interpreter.variables().size(); ++i) {
      if (interpreter.changed(i)) names += (names.empty() ? "'" : ", '") + interpreter.model().variables[i].name + "'";
    }
    raise<ValueError>("Some updated parameters are lost, [{}].", names);
  }
  return out;
}

Arrays tensors_of(const Node& n, const Values& values) {
  Arrays out;
  for (const Value& v : values) {
    if (const auto* x = v.get_if<Array>()) out.push_back(in_canonical_type(*x));
    else if (const auto* variable = v.get_if<VariableRef>()) out.push_back(n.interpreter().read(*variable));
    else n.fail(fmt::format("a branch returns {}; only tensors are supported.", v.kind()));
  }
  return out;
}

Values to_values(const Arrays& xs) { return {xs.begin(), xs.end()}; }

// Variables that a branch changes.
std::set<std::size_t> changes_of(const Node& n, const FunctionRef& f, const Operands& operands,
                                 const std::optional<Array>& key) {
  Interpreter& interpreter = n.interpreter();
  if (!interpreter.model().facts(*interpreter.model().body(f.name)).has_effect) return {};
  std::string call = f.name;
  for (const Value& v : operands.all)
    if (const auto* variable = v.get_if<VariableRef>()) call += fmt::format(" {}", variable->index);
  if (const auto it = interpreter.branch_changes().find(call); it != interpreter.branch_changes().end())
    return it->second;
  std::set<std::size_t> changed;
  Avals avals;
  for (const auto& x : operands.tensors) avals.push_back(x.aval().strong());
  stage(
      [&](const Arrays& xs) {
        const auto [out, after] = interpreter.undone([&] { return interpreter.call(f.name, operands.with(xs), key); });
        for (const auto& [i, value] : after) changed.insert(i);
        return tensors_of(n, out);
      },
      avals);
  interpreter.branch_changes()[call] = changed;
  return changed;
}

// Variables that some branch changes, which therefore every branch returns.
std::set<std::size_t> changed_variables(const Node& n, const std::vector<FunctionRef>& functions,
                                        const Operands& operands, const std::optional<Array>& key) {
  std::set<std::size_t> changed;
  for (const auto& f : functions) changed.merge(changes_of(n, f, operands, key));
  return changed;
}

// One of several functions, which one is known when the program runs. Changes of variables are results like others.
Values chosen(const Node& n, const std::vector<FunctionRef>& functions, const Array& index, const Operands& operands) {
  Interpreter& interpreter = n.interpreter();
  const bool random = interpreter.key() && std::ranges::any_of(functions, [&](const FunctionRef& f) {
                        return interpreter.model().body(f.name)->random_nodes > 0;
                      });
  // One key for whichever branch runs.
  const auto key = random ? std::optional(interpreter.next_key()) : std::nullopt;
  const auto changed = changed_variables(n, functions, operands, key);
  const auto named = [&](std::size_t i) { return VariableRef{i, interpreter.model().variables[i].name}; };
  std::vector<FlatFn> flat;
  for (const auto& f : functions) {
    flat.emplace_back([&, f](const Arrays& xs) {
      const auto [out, after] = interpreter.undone([&] { return interpreter.call(f.name, operands.with(xs), key); });
      Arrays results = tensors_of(n, out);
      for (const auto& [i, value] : after)  // where what is known of the operands decided which ones
        check(changed.contains(i), "Some updated parameters are lost, ['{}'].", named(i).name);
      for (const std::size_t i : changed) {
        const auto it = after.find(i);
        results.push_back(in_canonical_type(it == after.end() ? interpreter.read(named(i)) : it->second));
      }
      return results;
    });
  }
  Arrays results = switch_flat(index, flat, operands.tensors);
  const auto outputs = results.size() - changed.size();
  std::size_t next = outputs;
  for (const std::size_t i : changed) interpreter.assign(named(i), results[next++]);
  results.resize(outputs);
  return to_values(results);
}

Values branches(Node& n, const std::vector<FunctionRef>& functions, const Array& index) {
  check(!functions.empty(), "there are no branches. Expected at least one.");
  const Operands operands(n, 1, [](std::size_t) { return true; });
  if (!index.is_concrete()) return chosen(n, functions, index, operands);
  const auto i =
      std::clamp<std::int64_t>(index.item<std::int64_t>(), 0, static_cast<std::int64_t>(functions.size()) - 1);
  return n.call(functions[i], operands.all);
}

// Any tensor is a condition, as in Python: numbers by being other than zero, lists by being other than empty.
Array truth(const Array& x) {
  if (x.rank() > 0) return Array(x.size() > 0);
  return is_bool(x.dtype()) ? x : not_equal(x, 0);
}

Values if_node(Node& n) {
  n.ignore({"output_shapes"});
  const auto then_branch = n.attr<FunctionRef>("then_branch"), else_branch = n.attr<FunctionRef>("else_branch");
  const Array predicate = truth(n.array(0));
  return branches(n, {else_branch, then_branch},
                  predicate.is_concrete() ? Array(static_cast<int>(predicate.item<bool>())) : astype(predicate, i32));
}

Values case_node(Node& n) {
  n.ignore({"output_shapes"});
  const Array index = n.scalar(0);
  check<DtypeError>(is_integer(index.dtype()), "what chooses the branch must be an integer. Got {}.", index.aval());
  const auto functions = n.attr<std::vector<FunctionRef>>("branches");
  // Any index that is none takes the last branch; that of JAX's switch would be the first for negative ones.
  const Array last = astype(Array(static_cast<std::int32_t>(std::ssize(functions) - 1)), index.dtype());
  return branches(n, functions, select(less(index, zeros_like(index)), last, index));
}

// The loop body returns argument i as it came.
bool passes_through(const Body& body, std::size_t i) {
  if (i >= body.plan.outputs.size()) return false;
  TensorRef ref = body.plan.outputs[i];
  for (std::size_t steps = 0; ref.node >= 0 && steps <= body.scope.size(); ++steps) {
    const auto& node = body.scope.node(ref.node);
    if (node.op() != "Identity" || node.input_size() == 0) return false;
    ref = body.scope.resolve(node.input(0), "a loop");
  }
  return ref.node == -1 - static_cast<int>(i);
}

// Lists that the loop fills have the element types that one pass of its body gives them.
void type_lists(const Node& n, const FunctionRef& body, Operands& operands) {
  std::vector<std::size_t> lists;
  for (std::size_t i = 0; i < operands.all.size(); ++i) {
    if (operands.all[i].get_if<TensorSequence>()) lists.push_back(i);
  }
  if (lists.empty()) return;
  Avals avals;
  for (const auto& x : operands.tensors) avals.push_back(x.aval().strong());
  std::vector<std::size_t> filled;
  const Jaxpr pass = stage(
      [&](const Arrays& xs) {
        filled.clear();
        Arrays out;
        const Values next = call_pure(n, body, operands.with(xs));
        for (const auto i : lists) {
          if (const auto* x = next.at(i).get_if<Array>()) {
            filled.push_back(i);
            out.push_back(*x);
          }
        }
        return out;
      },
      avals);
  const Avals types = pass.output_avals();
  for (std::size_t k = 0; k < filled.size(); ++k) {
    const auto at = std::ranges::lower_bound(operands.positions, filled[k]) - operands.positions.begin();
    operands.positions.insert(operands.positions.begin() + at, filled[k]);
    operands.tensors.insert(operands.tensors.begin() + at, zeros_of(types[k].strong()));
    operands.all[filled[k]] = Value(operands.tensors[at]);
  }
}

constexpr std::int64_t kMaxCounted = 10000;
// Small programs only: a counter is not worth evaluating the loop's work for.
constexpr std::int64_t kMaxUpdate = 8, kMaxTest = 100;

// How often a loop runs, when its condition depends on nothing but counters and constants known now; else -1.
std::int64_t trip_count(const Node& n, const FunctionRef& condition, const Body& body) {
  Interpreter& interpreter = n.interpreter();
  const auto host = [](const Value& v) { return v.get_if<Array>() && v.is_host(); };
  // Everything else is left out: what reads it fails, and is then no counter.
  const auto attempt = [&](const Body& program, const Values& arguments) -> std::optional<Value> {
    try {
      const TraceScope eval(eval_trace());
      const Values out = interpreter.attempt(program, arguments);
      if (out.size() == 1 && host(out[0])) return out[0];
    } catch (const Error&) {
    }
    return std::nullopt;
  };
  const auto small = [&](const Body& program, std::int64_t limit) {
    const FunctionFacts facts = interpreter.model().facts(program);
    return facts.nodes <= limit && !facts.has_loop;
  };
  const auto test = interpreter.model().body(condition.name);
  if (!small(*test, kMaxTest)) return -1;
  Values state;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) state.push_back(host(n.input(i)) ? n.input(i) : Value());
  std::vector<std::unique_ptr<const Body>> updates(state.size());
  const PlanQueries nothing{[](const auto&) { return false; }, [](const auto&) { return std::vector<std::string>(); }};
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (!state[i].has_value()) continue;
      if (!updates[i])
        updates[i] =
            std::make_unique<const Body>(Body{body.scope, make_plan(body.scope, {body.plan.outputs[i]}, {}, nothing)});
      if (small(*updates[i], kMaxUpdate) && attempt(*updates[i], state)) continue;
      state[i] = Value();
      again = true;
    }
  }
  for (std::int64_t trips = 0; trips <= kMaxCounted; ++trips) {
    const auto more = attempt(*test, state);
    if (!more) return -1;
    if (!truth(*more->get_if<Array>()).item<bool>()) return trips;
    Values next(state.size());
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (!state[i].has_value()) continue;
      const auto value = attempt(*updates[i], state);
      if (!value) return -1;
      next[i] = *value;
    }
    state = std::move(next);
  }
  return -1;
}

// Lists that the loop makes longer have no one type.
bool grows_lists(const Node& n, const Body& body) {
  const FunctionFacts facts = n.interpreter().model().facts(body);
  if (facts.grows_list) return true;
  for (std::size_t i = 0; facts.writes_array && i < n.num_inputs(); ++i)
    if (is_growing_array(n.input(i))) return true;
  return false;
}

// One pass after the other, of a loop whose condition is known each time.
Values unrolled(const Node& n, const FunctionRef& condition, const FunctionRef& body) {
  Values state;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) state.push_back(n.input(i));
  while (true) {
    const Array more = truth(tensors_of(n, call_pure(n, condition, state)).at(0));
    check<NotImplementedError>(more.is_concrete(),
                               "the loop makes a list longer and ends when the running program says so, which is not "
                               "implemented. Give the list its final length.");
    if (!more.item<bool>()) return state;
    state = call_pure(n, body, state);
  }
}

Values while_node(Node& n) {
  n.ignore({"output_shapes", "parallel_iterations"});
  const auto condition = n.attr<FunctionRef>("cond"), body = n.attr<FunctionRef>("body");
  const auto program = n.interpreter().model().body(body.name);
  check(program->plan.outputs.size() == n.num_inputs(),
        "the body '{}' returns {} values. Expected one for each of the {} inputs.", body.name,
        program->plan.outputs.size(), n.num_inputs());
  check(n.interpreter().model().body(condition.name)->plan.outputs.size() == 1,
        "the condition '{}' must return one value.", condition.name);
  if (grows_lists(n, *program)) return unrolled(n, condition, body);
  Operands operands(n, 0, [&](std::size_t i) { return passes_through(*program, i); });
  type_lists(n, body, operands);
  Interpreter& interpreter = n.interpreter();
  const bool random =
      interpreter.key() && program->random_nodes + interpreter.model().body(condition.name)->random_nodes > 0;
  // The key travels with the loop; each pass splits it into its successor, the condition's and the body's.
  Arrays init = operands.tensors;
  if (random) init.push_back(interpreter.next_key());
  const auto tensors = [&](const Arrays& xs) { return random ? Arrays(xs.begin(), xs.end() - 1) : xs; };
  const auto key = [&](const Arrays& xs, std::size_t which) {
    return random ? std::optional(split_key(xs.back(), 3)[which]) : std::nullopt;
  };
  const FlatFn test = [&](const Arrays& xs) {
    return Arrays{truth(tensors_of(n, call_pure(n, condition, operands.with(tensors(xs)), key(xs, 1))).at(0))};
  };
  const FlatFn step = [&](const Arrays& xs) {
    const Values next = call_pure(n, body, operands.with(tensors(xs)), key(xs, 2));
    Arrays out;
    for (const auto i : operands.positions) out.push_back(tensors_of(n, {next.at(i)})[0]);
    if (random) out.push_back(*key(xs, 0));
    return out;
  };
  const std::int64_t trips = random ? -1 : trip_count(n, condition, *program);
  const std::int64_t limit = config().max_loop_steps;
  check<ResourceExhaustedError>(limit == 0 || trips <= limit,
                                "the loop takes too many steps. Got {}; expected at most {}. Raise "
                                "Config::max_loop_steps if it should take more.",
                                trips, limit);
  // A counted loop is a scan, which reverse mode can differentiate.
  const Arrays last = trips >= 0 ? scan_flat(step, init, {}, trips) : while_flat(test, step, init);
  return operands.with(last);
}

}  // namespace

void add_control_operations(ConverterTable& table) {
  for (const char* op : {"If", "StatelessIf"}) table.add(op, if_node);
  for (const char* op : {"Case", "StatelessCase"}) table.add(op, case_node);
  for (const char* op : {"While", "StatelessWhile"}) table.add(op, while_node, {.is_loop = true});
}

}  // namespace tf2jax::tf_import
