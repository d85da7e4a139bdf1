// jax2tf: functions of this library as TensorFlow functions, graphs and SavedModels.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tf2jax/tf_graph/graph.h"
#include "tf2jax/tf_graph/structured_value.h"
#include "tf2jax/tf_import/variables.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/transforms/make_jaxpr.h"

namespace tf2jax::jax2tf {

struct ConvertOptions {
  /// One shape a positional argument, or none of them: "(b, 28, 28)", "b, _", "(b, ...)". Names are dimension
  /// variables, which stand for sizes of at least 1, "_" takes the size from the argument, and "..." the rest of them.
  /// nullopt: the argument's own shape. For an argument that is a tree, the shape of every array in it.
  std::vector<std::optional<std::string>> polymorphic_shapes = {};
  /// What else is known of their variables: "a >= b", "mod(b, 4) == 0" (see SymbolicScope).
  std::vector<std::string> polymorphic_constraints = {};
  /// Stores custom gradients, so that TensorFlow differentiates as this library does; else asking for a gradient is an
  /// error in TensorFlow.
  bool with_gradient = true;
  /// How many times it may be differentiated.
  int gradient_order = 1;
  /// False: no Xla* operations; what needs one is a NotImplementedError naming the primitive.
  bool enable_xla = true;
  /// Nodes are named by the scopes that they come from.
  bool include_xla_op_metadata = true;
  /// True: the program and each of its gradients is one XlaCallModule node that holds a StableHLO module, instead of
  /// TensorFlow operations. Such a model needs XLA, and enable_xla says nothing of it.
  bool native_serialization = false;
  /// Where modules may run: "cpu", "cuda", "rocm", "tpu". Empty: "cpu".
  std::vector<std::string> native_serialization_platforms = {};
  /// What is not checked when modules are loaded: "platform", "custom_call:NAME", "shape_assertions".
  std::vector<std::string> native_serialization_disabled_checks = {};
  /// Names of the positional arguments; empty: args_0, args_1, ….
  std::vector<std::string> argument_names = {};
  /// Element types of the arguments where nothing else tells them (see save); empty: f32.
  std::vector<DType> dtypes = {};
};

struct Traced;
struct ExportState;

/// A function on its way to TensorFlow, with the argument types it was traced for. Cheap to copy; copies share their
/// traces. Not thread-safe.
class ExportedFunction {
 public:
  explicit ExportedFunction(ConvertOptions options);

  /// The number of argument types it was traced for.
  std::size_t num_traces() const;
  /// The program of one of them.
  const Jaxpr& jaxpr(std::size_t trace = 0) const;
  /// It as a graph of its own: inputs "jax2tf_arg_0", …, outputs "jax2tf_out", "jax2tf_out_1", ….
  /// Throws: LookupError without that trace; NotImplementedError naming a primitive that cannot be written.
  Graph graph(std::size_t trace = 0) const;
  /// Names of the tensors of `graph`.
  std::vector<std::string> graph_inputs(std::size_t trace = 0) const;
  std::vector<std::string> graph_outputs(std::size_t trace = 0) const;

  const ConvertOptions& options() const;
  ExportState& state() const { return *state_; }

 protected:
  /// What a trace needs: the arguments' leaves, their names and structure.
  struct Arguments {
    Avals leaves;
    std::vector<std::size_t> owner;  // the positional argument of each leaf
    std::size_t positional = 0;
    std::vector<StructuredValue> structure;  // of each positional argument
    std::string key;                         // their structure and what they hold beside arrays, see tree::structure
  };
  using Structure = std::function<StructuredValue()>;
  /// Traces `f` unless there is a trace for these types and this structure. Gives its number.
  std::size_t add_trace(const Arguments& arguments, const FlatFn& f, const Structure& result) const;
  /// Runs the graph of a trace on concrete arguments. Throws: ValueError for tracers, and when the arguments do not fit
  /// the polymorphic shapes.
  Arrays run(std::size_t trace, const Arrays& arguments) const;
  void set_default(std::function<void(const ExportedFunction&)> trace) const;

 private:
  std::shared_ptr<ExportState> state_;
};

namespace detail {
/// The structure of a value as SavedModels record it; arrays are numbered from `next` on.
template <class T>
StructuredValue structure_of(const T& t, std::size_t& next) {
  using Kind = StructuredValue::Kind;
  using U = std::remove_cvref_t<T>;
  StructuredValue v;
  if constexpr (std::same_as<U, Array> || std::same_as<U, Aval>) {
    v.kind = Kind::tensor;
    v.integer = static_cast<std::int64_t>(next++);
  } else if constexpr (std::same_as<U, Tree>) {
    if (t.is_leaf()) return structure_of(t.array(), next);
    check<NotImplementedError>(t.kind() != Tree::Kind::strings,
                               "jax2tf: strings as arguments or results are not implemented. Got {}.", t.to_string());
    if (t.kind() == Tree::Kind::list) {
      v.kind = Kind::list;
      for (const Tree& x : t.list()) v.items.push_back({"", structure_of(x, next)});
    } else if (t.kind() == Tree::Kind::dict) {
      v.kind = Kind::dict;
      for (const auto& [key, x] : t.dict()) v.items.push_back({key, structure_of(x, next)});
    }
  } else if constexpr (std::same_as<U, Variables>) {
    v.kind = Kind::dict;
    for (const auto& [key, x] : t) v.items.push_back({key, structure_of(x.value(), next)});
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    v.kind = Kind::string;
    v.string = std::string(std::string_view(t));
  } else if constexpr (std::same_as<U, bool>) {
    v.kind = Kind::boolean;
    v.boolean = t;
  } else if constexpr (std::integral<U> || std::is_enum_v<U>) {
    v.kind = Kind::integer;
    v.integer = static_cast<std::int64_t>(t);
  } else if constexpr (std::floating_point<U>) {
    v.kind = Kind::real;
    v.real = static_cast<double>(t);
  } else if constexpr (tree::Static<U>) {
    v.kind = Kind::none;
  } else if constexpr (tree::detail::Mapping<const U>) {
    v.kind = Kind::dict;
    for (const auto& [key, x] : t) {
      StructuredItem item;
      if constexpr (std::convertible_to<decltype(key), std::string>) item.first = key;
      else item.first = fmt::format("{}", key);
      item.second = structure_of(x, next);
      v.items.push_back(std::move(item));
    }
  } else if constexpr (tree::detail::Optional<const U>) {
    if (t) return structure_of(*t, next);
  } else if constexpr (tree::detail::Sequence<const U>) {
    v.kind = Kind::list;
    for (const auto& x : t) v.items.push_back({"", structure_of(x, next)});
  } else {
    v.kind = Kind::tuple;
    std::apply([&](const auto&... x) { (v.items.push_back({"", structure_of(x, next)}), ...); },
               tree::detail::fields(t));
  }
  return v;
}
template <class T>
StructuredValue structure_of(const T& t) {
  std::size_t next = 0;
  return structure_of(t, next);
}
template <class F, std::size_t... I>
constexpr bool takes_arrays(std::index_sequence<I...>) {
  return std::invocable<const F&, decltype((void(I), std::declval<const Array&>()))...>;
}
template <class F, std::size_t N>
constexpr bool kTakesArrays = takes_arrays<F>(std::make_index_sequence<N>());
}  // namespace detail

/// The result of `convert`.
template <class F>
class Converted : public ExportedFunction {
 public:
  Converted(F f, ConvertOptions options) : ExportedFunction(std::move(options)), f_(std::move(f)) {
    this->set_default([f = f_](const ExportedFunction& e) { Converted(f, e).trace_declared(); });
  }

  /// Runs the function as TensorFlow would: through the graph that is written for these arguments.
  /// Throws: ValueError inside a transform, and where the arguments do not fit the polymorphic shapes; TypeError when
  /// polymorphic_shapes has another length; what tracing throws; NotImplementedError naming a primitive.
  template <class... A>
    requires ::tf2jax::detail::Callable<F, A...>
  auto operator()(const A&... args) const {
    const auto flat = ::tf2jax::detail::flatten(f_, args...);
    const std::size_t n = traced(flat, args...);
    const Arrays results = this->run(n, tree::leaves_of(::tf2jax::detail::Arg<A>(args)...));
    if (!*flat.result) stage(flat, avals_of(args...));  // an earlier call traced it: only the structure is missing
    return flat.rebuild(results);
  }
  /// Traces for arguments or descriptions, as `spec(f32, {2, 3})`: one TensorFlow function for each.
  template <class... A>
  const Converted& trace(const A&... args) const {
    const auto typed = std::tuple(::tf2jax::detail::from_spec(args)...);
    std::apply([&](const auto&... a) { traced(::tf2jax::detail::flatten(f_, a...), a...); }, typed);
    return *this;
  }

 private:
  Converted(F f, const ExportedFunction& base) : ExportedFunction(base), f_(std::move(f)) {}

  template <class... A>
  static Avals avals_of(const A&... args) {
    Avals out;
    for (const Array& x : tree::leaves_of(::tf2jax::detail::Arg<A>(args)...)) out.push_back(x.aval().strong());
    return out;
  }
  template <class Flat, class... A>
  std::size_t traced(const Flat& flat, const A&... args) const {
    Arguments arguments;
    arguments.leaves = avals_of(args...);
    arguments.positional = sizeof...(A);
    std::size_t next = 0, position = 0;
    const auto add = [&](const auto& x) {
      arguments.structure.push_back(detail::structure_of(x, next));
      tree::append_structure(arguments.key, x);
      while (arguments.owner.size() < next) arguments.owner.push_back(position);
      ++position;
    };
    (add(::tf2jax::detail::Arg<A>(args)), ...);
    return this->add_trace(arguments, flat, [&] { return detail::structure_of(**flat.result); });
  }
  template <std::size_t N = 1>
  void trace_declared() const {
    const auto& shapes = this->options().polymorphic_shapes;
    if constexpr (N <= 8) {
      if constexpr (detail::kTakesArrays<F, N>) {
        if (shapes.size() == N) {
          [&]<std::size_t... I>(std::index_sequence<I...>) { trace(declared(I)...); }(std::make_index_sequence<N>());
          return;
        }
      }
      trace_declared<N + 1>();
    }
  }
  Aval declared(std::size_t i) const;

  F f_;
};

/// The argument that polymorphic_shapes[i] describes by itself. Throws: ValueError where it does not.
Aval declared_argument(const ConvertOptions& options, std::size_t i);
template <class F>
Aval Converted<F>::declared(std::size_t i) const {
  return declared_argument(this->options(), i);
}

/// `f` as a TensorFlow function: traced for the arguments of each call, or by `trace`, and written by `graph` or
/// `save`. Anything that can be jitted can be converted.
template <class F>
Converted<F> convert(F f, ConvertOptions options = {}) {
  return {std::move(f), std::move(options)};
}

/// A size as a number of the program, `x.shape()[0]` of a mean: in TensorFlow it is read from the arguments' shapes.
/// An i32 scalar, weakly typed. Throws, outside programs: InconclusiveDimensionOperation when the size is symbolic.
Array dim_as_value(Dim dim);

struct SaveOptions {
  /// Arrays that functions hold and that are saved as variables instead of being written into the graph: those of these
  /// values, recognised by identity.
  Variables variables = {};
  /// Signature -> function. Empty: the function "serving_default", or the only one, is the signature "serving_default".
  std::map<std::string, std::string> signatures = {};
};
/// The arrays of a tree as variables, "w/0", "w/1", …; a single one "w".
template <class T>
Variables variables_of(const T& tree, const std::string& name = "params") {
  Variables out;
  const Arrays leaves = tree::leaves(tree);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    out.set(Variable(leaves.size() == 1 ? name : fmt::format("{}/{}", name, i), leaves[i]));
  return out;
}

/// Writes a SavedModel whose functions TensorFlow calls by these names: tf.saved_model.load(path).f(x). A function
/// without traces is traced for its polymorphic_shapes. The directory holds the old model or the new one at every
/// moment.
/// Throws: ValueError for names, signatures and shapes that do not fit, for a function whose gradient cannot be traced
/// ("Error when tracing gradients for SavedModel"), and for a graph of 2 GB; NotImplementedError naming a primitive;
/// IoError.
void save(const std::filesystem::path& directory, const std::map<std::string, ExportedFunction>& functions,
          const SaveOptions& options = {});

}  // namespace tf2jax::jax2tf
