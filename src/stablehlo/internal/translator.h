// Runs a module's functions on arrays under the current trace, operation by operation, through the table of rows.
#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax::stablehlo {

/// What the values of a function's run are. Nested regions write into the same one.
struct Frame {
  explicit Frame(const Function& f) : function(f), values(f.types.size()), producers(f.types.size()) {}
  const Function& function;
  Arrays values;
  std::vector<OpList::Iterator> producers;  ///< false for arguments
};

class Translator {
 public:
  Translator(const Module& module, const TranslateOptions& options);

  const Module& module() const { return module_; }
  const TranslateOptions& options() const { return options_; }

  /// Runs a function on `args`, checked against its types.
  Arrays run(const Function& function, const Arrays& args);
  /// Calls it: an equation of its own, unless something of it must be known now.
  Arrays call(const Function& function, const Arrays& args);
  /// Runs a region; what it returns.
  Arrays run(const Region& region, const Arrays& args, Frame& frame);

 private:
  void execute(OpList::Iterator at, const Op& op, Frame& frame);
  bool can_fold(const Op& op, const Arrays& args, const Frame& frame) const;
  void check_results(const Op& op, const Arrays& results, const Frame& frame) const;

  const Module& module_;
  const TranslateOptions& options_;
  bool folds_ = false;  ///< values that are known are computed now: there are open sizes, or known operands
  std::int64_t steps_ = 0;
  std::vector<const Function*> active_;
  struct Staged {
    const Function* function;
    Avals inputs;
    Jaxpr jaxpr;
  };
  std::vector<Staged> staged_;
};

/// One operation that is being run. Attributes that are missing or of another kind are ValueErrors that name it.
class Call {
 public:
  Call(Translator& t, const Op& o, Frame& f, Arrays a) : translator(t), op(o), frame(f), args(std::move(a)) {}

  Translator& translator;
  const Op& op;
  Frame& frame;
  Arrays args;

  /// Operand `i`. Throws: ValueError when there are fewer.
  const Array& operator[](std::size_t i) const;
  void expect_operands(std::size_t least, std::size_t most) const;

  const Type& result_type(std::size_t i = 0) const;
  DType result_dtype(std::size_t i = 0) const;
  /// Throws: ValueError where a size is open.
  Shape result_shape(std::size_t i = 0) const;

  bool has(std::string_view name) const;
  Axes integers(std::string_view name) const;
  Axes integers_or(std::string_view name, Axes fallback) const { return has(name) ? integers(name) : fallback; }
  std::int64_t integer(std::string_view name) const;
  bool flag(std::string_view name, bool fallback = false) const;
  const std::string& text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string fallback) const { return has(name) ? text(name) : fallback; }
  /// Pairs of a list of 2n integers.
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs(std::string_view name) const;

  const Region& region(std::size_t i) const;
  /// Region `i` as a function.
  FlatFn body(std::size_t i) const;
  /// The integers of operand `i`, which must be known now.
  std::vector<std::int64_t> known(std::size_t i) const;
  /// The one integer of operand `i`, likewise.
  std::int64_t known_number(std::size_t i) const;
  /// The operation that made operand `i`; nullopt for arguments and captured constants.
  std::optional<Op> producer(std::size_t i) const;
  std::optional<Op> producer_of(ValueId v) const;

  [[noreturn]] void fail(const std::string& message) const;
};

/// Reads integers from a tensor, an array of integers, or one integer; nullopt for other attributes.
std::optional<Axes> integers_of(const Attr& attribute);
/// A constant as an array, which shares the memory of a large attribute; what is filled by one element is broadcast
/// under the current trace.
Array constant(const AttrPtr& attribute);
/// The value of a concrete integer array.
std::vector<std::int64_t> integer_values(const Array& x);

}  // namespace tf2jax::stablehlo
