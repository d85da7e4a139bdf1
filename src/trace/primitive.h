// Primitive: an operation the system knows by name, with its rules. Declared once, in ops/<family>.cpp.
#pragma once
#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/trace/array.h"
#include "tf2jax/trace/params.h"
#include "tf2jax/trace/tangent.h"

namespace tf2jax {

class Primitive;

/// The axis of a value that vmap maps over; nullopt: not mapped.
using Axis = std::optional<std::int64_t>;

struct JvpResult {
  Arrays primals;
  Tangents tangents;
};
struct BatchResult {
  Arrays values;
  std::vector<Axis> axes;
};
/// An operand of a transpose rule: either known, or the linear variable itself, of which only the aval is known.
struct LinearArg {
  std::optional<Array> known;
  Aval aval;
  bool is_linear() const { return !known; }
};

/// What partial evaluation of one equation produced: values for all outputs, known ones concrete under the parent.
class PartialEvalContext;

/// Computes the outputs of one primitive on concrete arrays.
struct KernelCall {
  std::span<const Array> args;
  const EquationParams& params;
  std::span<const Aval> outputs;
};
using Kernel = std::function<Arrays(const KernelCall&)>;

/// How many operands a primitive takes: `2`, `OperandCount::at_least(1)`, or any number.
struct OperandCount {
  std::size_t least = 0, most = kAny;
  bool declared = false;

  constexpr OperandCount() = default;
  constexpr OperandCount(int exactly) : least(exactly), most(least), declared(true) {}  // NOLINT: a count
  static constexpr OperandCount at_least(std::size_t n) {
    OperandCount count;
    count.least = n;
    count.declared = true;
    return count;
  }
  constexpr bool admits(std::size_t n) const { return least <= n && n <= most; }

  static constexpr std::size_t kAny = static_cast<std::size_t>(-1);
};

namespace detail {
struct PrimitiveRecord {
  std::string name;
  OperandCount operands;
  std::function<Avals(std::span<const Aval>, const EquationParams&)> aval;
  std::function<JvpResult(std::span<const Array>, std::span<const Tangent>, const EquationParams&)> jvp;
  std::function<Tangents(std::span<const Tangent>, std::span<const LinearArg>, const EquationParams&)> transpose;
  std::function<BatchResult(std::span<const Array>, std::span<const Axis>, Dim, const EquationParams&)> batch;
  /// Splits an equation with some unknown operands (see transforms/partial_eval.h). Empty: stage it whole.
  std::function<Arrays(const PartialEvalContext&, std::span<const Array>, const EquationParams&)> partial_eval;
  /// Evaluation of higher-order primitives; the others have a kernel in the backend.
  std::function<Arrays(std::span<const Array>, const EquationParams&)> impl;
  std::function<EquationParams(ParamReader&)> read_params;
  /// The program that an application runs on its operands, where it is nothing but a call of one; else null.
  std::function<const Jaxpr*(const EquationParams&)> called;
  bool effectful = false;
  bool shares_names = false;
  mutable std::atomic<const Kernel*> kernel{nullptr};
};
}  // namespace detail

/// What make_primitive takes: a name, how many operands, and rules over the params type `P`. Missing rules throw
/// MissingRule when needed. Rules are asked with as many operands as are declared only. The aval rule may return Aval
/// or Avals.
template <ParamSet P = NoParams>
struct PrimitiveSpec {
  std::string name;
  OperandCount operands;
  std::function<Avals(std::span<const Aval>, const P&)> aval;
  std::function<JvpResult(std::span<const Array>, std::span<const Tangent>, const P&)> jvp;
  std::function<Tangents(std::span<const Tangent>, std::span<const LinearArg>, const P&)> transpose;
  std::function<BatchResult(std::span<const Array>, std::span<const Axis>, Dim, const P&)> batch;
  std::function<Arrays(const PartialEvalContext&, std::span<const Array>, const P&)> partial_eval;
  std::function<Arrays(std::span<const Array>, const P&)> impl;
  std::function<const Jaxpr*(const P&)> called;
  bool effectful = false;
  /// In texts the variables of its program have the names of what they are bound to, and the program that of the field
  /// `name`.
  bool shares_names = false;
};

/// An immutable record, compared by identity. Copying shares it.
class Primitive {
 public:
  explicit Primitive(std::shared_ptr<const detail::PrimitiveRecord> record) : record_(std::move(record)) {}

  const std::string& name() const { return record_->name; }
  const void* id() const { return record_.get(); }
  bool effectful() const { return record_->effectful; }
  bool shares_names() const { return record_->shares_names; }
  const detail::PrimitiveRecord& rules() const { return *record_; }

  /// Applies the primitive under the thread's current trace. Throws: TypeError for a wrong number of operands.
  Arrays bind(std::span<const Array> args, const EquationParams& params = no_params()) const;
  Arrays bind(std::initializer_list<Array> args, const EquationParams& params = no_params()) const {
    return bind(std::span<const Array>(args.begin(), args.size()), params);
  }
  /// The single result of `bind`.
  Array bind1(std::initializer_list<Array> args, const EquationParams& params = no_params()) const {
    return std::move(bind(std::span<const Array>(args.begin(), args.size()), params)[0]);
  }
  /// Output avals. Throws: whatever the primitive's own checks throw; ShapeError when a size is negative,
  /// ResourceExhaustedError when an output has more elements than Config::max_array_elements.
  Avals output_avals(std::span<const Aval> inputs, const EquationParams& params) const;

  /// `rule`, or MissingRule naming the primitive and `what` ("batching") when it is empty.
  template <class R>
  const R& require(const R& rule, std::string_view what) const {
    if (!rule) missing(what);
    return rule;
  }

  friend bool operator==(const Primitive& a, const Primitive& b) { return a.record_ == b.record_; }

 private:
  [[noreturn]] void missing(std::string_view what) const;
  void check_operands(std::size_t count) const {
    if (!record_->operands.admits(count)) [[unlikely]]
      wrong_operands(count);
  }
  [[noreturn]] void wrong_operands(std::size_t count) const;
  std::shared_ptr<const detail::PrimitiveRecord> record_;
};

namespace detail {
Primitive make_primitive(PrimitiveRecord record);
}

template <ParamSet P>
Primitive make_primitive(PrimitiveSpec<P> spec) {
  auto record = std::make_shared<detail::PrimitiveRecord>();
  record->name = std::move(spec.name);
  record->operands = spec.operands;
  record->effectful = spec.effectful;
  record->shares_names = spec.shares_names;
  if (spec.aval)
    record->aval = [f = std::move(spec.aval)](auto a, const EquationParams& p) { return f(a, p.get<P>()); };
  if (spec.jvp)
    record->jvp = [f = std::move(spec.jvp)](auto x, auto t, const EquationParams& p) { return f(x, t, p.get<P>()); };
  if (spec.transpose)
    record->transpose = [f = std::move(spec.transpose)](auto ct, auto x, const EquationParams& p) {
      return f(ct, x, p.get<P>());
    };
  if (spec.batch)
    record->batch = [f = std::move(spec.batch)](auto x, auto ax, Dim n, const EquationParams& p) {
      return f(x, ax, n, p.get<P>());
    };
  if (spec.partial_eval)
    record->partial_eval = [f = std::move(spec.partial_eval)](const auto& c, auto x, const EquationParams& p) {
      return f(c, x, p.get<P>());
    };
  if (spec.impl)
    record->impl = [f = std::move(spec.impl)](auto x, const EquationParams& p) { return f(x, p.get<P>()); };
  if (spec.called) record->called = [f = std::move(spec.called)](const EquationParams& p) { return f(p.get<P>()); };
  record->read_params = [](ParamReader& r) { return read_params<P>(r); };
  return Primitive(std::move(record));
}
/// A primitive without params.
Primitive make_primitive(PrimitiveSpec<NoParams> spec);

/// Sets the eager kernel of a primitive, replacing the backend's. Thread-safe; lasts for the process.
void set_kernel(const Primitive& primitive, Kernel kernel);

/// Makes a primitive known to parse_jaxpr by its name. Thread-safe.
/// Throws: ValueError when another primitive has the name.
void register_primitive(const Primitive& primitive);
/// The registered primitive of that name. The library's own are registered on first use.
std::optional<Primitive> find_primitive(std::string_view name);
/// Every registered primitive, by name.
std::vector<Primitive> registered_primitives();

namespace detail {
/// Lists the library's own primitives; defined where everything is linked together.
void register_builtin_primitives();
}  // namespace detail

}  // namespace tf2jax
