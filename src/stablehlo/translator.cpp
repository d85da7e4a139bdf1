// Functions and regions of a module, run on arrays.
#include "tf2jax/stablehlo/internal/translator.h"

#include "tf2jax/base/config.h"
#include "tf2jax/stablehlo/internal/narrow_types.h"
#include "tf2jax/stablehlo/internal/table.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/jit_primitive.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

constexpr std::int64_t kMaxFolded = 256;  // elements of values that are computed now
constexpr std::size_t kMaxDepth = 100;    // of calls

bool is_known(const Array& x) {
  return x.is_concrete() && !is_inexact(x.dtype()) && is_concrete(x.shape()) && x.size() <= kMaxFolded;
}

std::string type_text(const Array& x) { return x.aval().to_string(); }

// Whether a value is of a type: open sizes take any.
bool fits(const Type& type, const Aval& aval) {
  if (type.kind == Type::Kind::token) return true;
  if (type.kind != Type::Kind::tensor || type.dims.size() != aval.shape.size()) return false;
  if (held_dtype(type) != aval.dtype) return false;
  for (std::size_t i = 0; i < type.dims.size(); ++i)
    if (type.dims[i] != kDynamic && !identical({Dim(type.dims[i])}, {aval.shape[i]})) return false;
  return true;
}

}  // namespace

Translator::Translator(const Module& module, const TranslateOptions& options) : module_(module), options_(options) {
  folds_ = !options.known_operands.empty() ||
           std::ranges::any_of(module.functions, [](const Function& f) { return f.types.has_open_sizes(); });
}

Arrays Translator::run(const Function& function, const Arrays& args) {
  check<ValueError>(std::ranges::find(active_, &function) == active_.end() && active_.size() < kMaxDepth,
                    "stablehlo: function '{}' calls itself, or calls are nested too deep. Got {} calls.", function.name,
                    active_.size());
  check<TypeError>(args.size() == function.inputs.size(),
                   "stablehlo: function '{}' has the wrong number of operands. Got {}; expected {}.", function.name,
                   args.size(), function.inputs.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Type& type = *function.inputs[i];
    if (fits(type, args[i].aval())) continue;
    const bool same_dtype = type.dtype() == args[i].dtype();
    const std::string message = fmt::format(
        "stablehlo: operand {} of function '{}' has another type. Got {}; "
        "expected {}.",
        i, function.name, type_text(args[i]), type.to_string());
    if (same_dtype) throw ShapeError(message);
    throw DtypeError(message);
  }
  active_.push_back(&function);
  Frame frame(function);
  Arrays out = run(function.body, args, frame);
  active_.pop_back();
  return out;
}

Arrays Translator::call(const Function& function, const Arrays& args) {
  if (folds_ && (function.types.has_open_sizes() || std::ranges::any_of(args, is_known))) return run(function, args);
  Avals avals;
  for (const Array& x : args) avals.push_back(x.aval().strong());
  const auto known =
      std::ranges::find_if(staged_, [&](const Staged& s) { return s.function == &function && s.inputs == avals; });
  if (known != staged_.end()) return call_jaxpr(known->jaxpr, function.name, args);
  const Jaxpr jaxpr = stage([&](const Arrays& xs) { return run(function, xs); }, avals);
  staged_.push_back({&function, std::move(avals), jaxpr});
  return call_jaxpr(jaxpr, function.name, args);
}

Arrays Translator::run(const Region& region, const Arrays& args, Frame& frame) {
  check<ValueError>(args.size() == region.arguments.size(),
                    "stablehlo: a region of function '{}' has the wrong number of operands. Got {}; expected {}.",
                    frame.function.name, args.size(), region.arguments.size());
  for (std::size_t i = 0; i < args.size(); ++i) frame.values[as_index(region.arguments[i])] = args[i];
  for (auto at = region.ops.begin(); at != region.ops.end(); ++at) {
    const Op op = *at;
    if (op.name != "return") {
      execute(at, op, frame);
      continue;
    }
    Arrays out;
    for (const ValueId v : op.operands) out.push_back(frame.values[as_index(v)]);
    return out;
  }
  return {};
}

bool Translator::can_fold(const Op& op, const Arrays& args, const Frame& frame) const {
  if (!folds_ || !op.regions.empty() || args.empty() || op.results.empty()) return false;
  if (op.name == "call" || op.name == "composite" || op.name == "custom_call" || op.name == "optimization_barrier")
    return false;
  if (!std::ranges::all_of(args, is_known)) return false;
  return std::ranges::all_of(op.results, [&](ValueId v) {
    const Type& type = *frame.function.types[as_index(v)];
    const auto dtype = type.dtype();
    if (!dtype || is_inexact(*dtype)) return false;
    double elements = 1;
    for (const auto d : type.dims) elements *= d == kDynamic ? 1 : static_cast<double>(d);
    return elements <= kMaxFolded;
  });
}

void Translator::execute(OpList::Iterator at, const Op& op, Frame& frame) {
  check<ResourceExhaustedError>(++steps_ <= config().max_expanded_nodes,
                                "stablehlo: the module has more operations, with those of the functions it calls, than "
                                "{}. Raise Config::max_expanded_nodes if it should.",
                                config().max_expanded_nodes);
  Arrays args;
  args.reserve(op.operands.size());
  for (const ValueId v : op.operands) {
    args.push_back(frame.values[as_index(v)]);
    check<ValueError>(args.back().has_value(),
                      "stablehlo: operation '{}' at {} uses a value that is not there yet. "
                      "Expected one that is made before it.",
                      op.name, op.offset);
  }
  const OpRow* row = find_row(op.name);
  check<NotImplementedError>(row, "stablehlo: operation '{}' is not supported.", op.name);
  Arrays results;
  const bool fold = can_fold(op, args, frame);
  Call call(*this, op, frame, std::move(args));
  if (fold) {
    const TraceScope scope(eval_trace());
    results = apply(*row, call);
  } else {
    results = apply(*row, call);
  }
  for (std::size_t i = 0; i < results.size() && i < op.results.size(); ++i)
    if (const NarrowType* narrow = narrow_type(*frame.function.types[as_index(op.results[i])]))
      results[i] = narrowed(results[i], *narrow);
  check_results(op, results, frame);
  for (std::size_t i = 0; i < results.size(); ++i) {
    frame.values[as_index(op.results[i])] = results[i];
    frame.producers[as_index(op.results[i])] = at;
  }
}

void Translator::check_results(const Op& op, const Arrays& results, const Frame& frame) const {
  check<ValueError>(results.size() == op.results.size(),
                    "stablehlo: operation '{}' at {} has the wrong number of results. Got {}; expected {}.", op.name,
                    op.offset, op.results.size(), results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Type& type = *frame.function.types[as_index(op.results[i])];
    check<ValueError>(fits(type, results[i].aval()),
                      "stablehlo: operation '{}' at {} contradicts the type of its result. Got {}; expected {}.",
                      op.name, op.offset, type_text(results[i]), type.to_string());
  }
}

}  // namespace tf2jax::stablehlo
