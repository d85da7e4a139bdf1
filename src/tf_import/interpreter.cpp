// Evaluation of planned graphs.
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/tf_import/internal/linear_position.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/trace/name_scope.h"

#include <algorithm>

namespace tf2jax::tf_import {

namespace tf = tensorflow;

namespace {

template <class E>
void throw_if(const Error& error, const std::string& text) {
  if (dynamic_cast<const E*>(&error)) throw E(text);
}

// Throws the error that is being handled with `text`, as the first of the types that it has.
template <class... E>
[[noreturn]] void rethrow_as(const Error& error, const std::string& text) {
  (throw_if<E>(error, text), ...);
  throw;
}

// Runs `body`; errors leave it naming the node, with the type they came with.
template <class F>
auto naming(const tf::NodeDef& node, F body) {
  const auto where = [&] { return fmt::format("import '{}' ({})", node.name(), node.op()); };
  try {
    return body();
  } catch (const Error& e) {
    const std::string_view text = e.what();
    if (text.starts_with("import '")) throw;
    const auto named = fmt::format("{}: {}", where(), text);
    if (dynamic_cast<const ValueError*>(&e)) throw ImportError(node.name(), node.op(), named);
    rethrow_as<ConcretizationError, DtypeError, TypeError, UnsupportedOpError, MissingRule, NotImplementedError,
               LookupError, InconclusiveDimensionOperation, ResourceExhaustedError, UnexpectedTracerError,
               MissingInputError, DeletedArrayError, DataLossError, IoError, BackendError, InternalError>(e, named);
  } catch (...) {
    rethrow_as_error(where());
  }
}

}  // namespace

Interpreter::Interpreter(std::shared_ptr<const Model> model, Arrays variables, std::optional<Array> key)
    : model_(std::move(model)),
      variables_(std::move(variables)),
      changed_(variables_.size(), false),
      key_(std::move(key)),
      trace_(current_trace()) {}

Array Interpreter::read(const VariableRef& variable) const {
  const Array& x = variables_.at(variable.index);
  check(x.has_value(), "Some parameters are missing, ['{}'].", variable.name);
  return x;
}

void Interpreter::assign(const VariableRef& variable, Array value) {
  variables_.at(variable.index) = std::move(value);
  changed_[variable.index] = true;
  ++changes_;
}

std::pair<Values, std::map<std::size_t, Array>> Interpreter::undone(const std::function<Values()>& f) {
  struct Restore {
    Interpreter& of;
    Arrays variables;
    std::vector<bool> changed;
    std::size_t changes;
    ~Restore() {
      of.variables_ = std::move(variables);
      of.changed_ = std::move(changed);
      of.changes_ = changes;
    }
  } const restore{*this, variables_, std::exchange(changed_, std::vector<bool>(changed_.size())), changes_};
  Values results = f();
  std::map<std::size_t, Array> after;
  for (std::size_t i = 0; i < variables_.size(); ++i)
    if (changed_[i]) after.emplace(i, variables_[i]);
  return {std::move(results), std::move(after)};
}

Array Interpreter::next_key() {
  Frame& frame = *frames_.back();
  check(key_.has_value() || !frame.keys.empty(), "PRNG key required for random ops, found rng=None.");
  if (!frame.keys_made) {
    frame.keys = split_key(*key_, static_cast<std::int64_t>(std::max<std::size_t>(frame.body->random_nodes, 1)));
    frame.keys_made = true;
  }
  check<InternalError>(!frame.keys.empty(), "there are more random nodes than were counted.");
  Array key = frame.keys.back();
  frame.keys.pop_back();
  return key;
}

std::optional<std::int64_t> Interpreter::constant_distance(TensorRef a, TensorRef b, int element) const {
  const Body& body = *frames_.back()->body;
  return tf_import::constant_distance(body.scope, body.plan, a, b, element);
}

std::optional<std::int64_t> Interpreter::constant_element(TensorRef x, int element) const {
  const Body& body = *frames_.back()->body;
  return tf_import::constant_element(body.scope, body.plan, x, element);
}

std::optional<Value> Interpreter::captured(const std::string& tensor, const std::string& function) const {
  for (auto it = frames_.rbegin(); it != frames_.rend(); ++it) {
    const Frame& frame = **it;
    if (frame.body->scope.name() != function) continue;
    const TensorRef ref = frame.body->scope.resolve(tensor, "a gradient function");
    const bool known = ref.node < 0 || frame.body->plan.fed.contains(ref) ||
                       static_cast<std::size_t>(ref.output) < frame.env[ref.node].size();
    if (!known) return std::nullopt;
    return value(frame, ref);
  }
  return std::nullopt;
}

void Interpreter::assume(const std::function<Array()>& holds) {
  if (current_trace() != trace_) return;
  if (const Array x = holds(); !x.is_concrete()) assumptions_.push_back(x);
}

std::optional<Array> Interpreter::assumptions() const {
  if (assumptions_.empty()) return std::nullopt;
  Array all = assumptions_.front();
  for (std::size_t i = 1; i < assumptions_.size(); ++i) all = logical_and(all, assumptions_[i]);
  return all;
}

Value Interpreter::value(const Frame& frame, TensorRef ref) const {
  if (const auto it = frame.body->plan.fed.find(ref); it != frame.body->plan.fed.end())
    return (*frame.arguments)[it->second];
  if (ref.node < 0) return (*frame.arguments)[-1 - ref.node];
  const auto& outputs = frame.env[ref.node];
  const auto& node = frame.body->scope.node(ref.node);
  check(static_cast<std::size_t>(ref.output) < outputs.size(),
        "there is no output {3} of node '{0}' ({1}). Expected one of {2}.", node.name(), node.op(), outputs.size(),
        ref.output);
  return outputs[ref.output];
}

Value Interpreter::take(Frame& frame, TensorRef ref) const {
  Value result = value(frame, ref);
  const std::size_t node = ref.node;
  if (ref.node >= 0 && !frame.uses.empty() && --frame.uses[node] == 0) frame.env[node] = {};
  return result;
}

Values Interpreter::evaluate(Frame& frame, const PlanStep& step) {
  const tf::NodeDef& def = frame.body->scope.node(step.node);
  const NameScope name_scope(def.name());
  return naming(def, [&]() -> Values {
    Values inputs;
    inputs.reserve(step.inputs.size());
    for (const auto ref : step.inputs) inputs.push_back(take(frame, ref));
    const auto* entry = model_->converters->find(def.op());
    if (!entry && model_->library.find(def.op())) return call(def.op(), inputs);
    if (!entry) raise<UnsupportedOpError>("Unsupported operations in graph: ['{}'].", def.op());
    Node node(*this, def, step, std::move(inputs));
    const bool host = node.on_host() && !entry->traits.is_never_on_host && !step.calls;
    struct Leave {
      int& slot;
      int value;
      ~Leave() { slot = value; }
    } const leave{loops_, loops_};
    loops_ += entry->traits.is_loop ? 1 : 0;
    Values outputs;
    if (host) {
      // Shape arithmetic is done at once and in full width; it never enters the traced program.
      const TraceScope eval(eval_trace());
      const auto x64 = override_config(&Config::enable_x64, true);
      outputs = entry->convert(node);
    } else {
      outputs = entry->convert(node);
    }
    node.check_attributes(entry->traits.ignored);
    if (host) {
      for (auto& v : outputs) {
        if (const auto* x = v.get_if<Array>(); x && x->is_concrete()) v = Value(*x, true);
      }
    }
    return outputs;
  });
}

void Interpreter::check_nesting(const Body& body) const {
  const std::int64_t limit = config().max_function_depth;
  if (static_cast<std::int64_t>(frames_.size()) < limit) return;
  const bool itself = std::ranges::any_of(frames_, [&](const Frame* f) { return f->body == &body; });
  check(!itself, "functions call one another more than {} deep. '{}' is called by itself.", limit, body.scope.name());
  raise<ResourceExhaustedError>(
      "functions call one another more than {} deep, function '{}' among them. Raise Config::max_function_depth if "
      "they should.",
      limit, body.scope.name());
}

Values Interpreter::run(const Body& body, const Values& arguments) {
  check_nesting(body);
  check(!body.scope.function() || arguments.size() == body.scope.num_arguments(),
        "function '{0}' has another number of arguments. Got {2}; expected {1}.", body.scope.name(),
        body.scope.num_arguments(), arguments.size());
  Frame frame{&body, &arguments, std::vector<Values>(body.scope.size()), body.uses};
  frames_.push_back(&frame);
  struct Pop {
    std::vector<Frame*>& frames;
    ~Pop() { frames.pop_back(); }
  } const pop{frames_};
  const std::int64_t limit = config().max_expanded_nodes;
  for (const auto& step : body.plan.steps) {
    check<ResourceExhaustedError>(
        ++evaluated_ <= limit,
        "import '{}': more than {} nodes are evaluated. Raise Config::max_expanded_nodes if it should be more.",
        body.scope.node(step.node).name(), limit);
    frame.env[step.node] = evaluate(frame, step);
  }
  Values outputs;
  for (const auto ref : body.plan.outputs) outputs.push_back(value(frame, ref));
  return outputs;
}

Values Interpreter::attempt(const Body& body, const Values& arguments) {
  struct Restore {
    std::int64_t& slot;
    std::int64_t value;
    ~Restore() { slot = value; }
  } const restore{evaluated_, evaluated_};
  return run(body, arguments);
}

Values Interpreter::call(const std::string& function, const Values& arguments, const std::optional<Array>& key) {
  const auto body = model_->body(function);
  struct Restore {
    std::optional<Array>& slot;
    std::optional<Array> value;
    ~Restore() { slot = std::move(value); }
  } const restore{key_, key_};
  if (key) key_ = key;
  else if (!frames_.empty() && key_ && body->random_nodes > 0) key_ = next_key();
  return run(*body, arguments);
}

}  // namespace tf2jax::tf_import
