// The dtypes that NumPy-like functions give: of one operand and of two, Python's scalars (weak types) among them.
#include <map>

#include "golden.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/ieee.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/statistics.h"

namespace conformance {

using namespace tf2jax;

namespace {

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

// Along the only axis; of a scalar, along that of the vector that holds it.
template <Array (*F)(const Array&, std::int64_t, bool)>
Array along(const Array& x) {
  return F(ravel(x), 0, false);
}

// Long because it is a list.
const std::map<std::string, Unary>& unary() {
  static const std::map<std::string, Unary> table = {
      {"abs", abs},
      {"negative", neg},
      {"sin", sin},
      {"exp", exp},
      {"sqrt", sqrt},
      {"sign", sign},
      {"floor", floor},
      {"square", square},
      {"conj", conj},
      {"real", real},
      {"imag", imag},
      {"isnan", isnan},
      {"logical_not", logical_not},
      {"invert", bitwise_not},
      {"round", rint},
      {"reciprocal", reciprocal},
      {"expm1", expm1},
      {"sum", [](const Array& x) { return sum(x); }},
      {"prod", [](const Array& x) { return prod(x); }},
      {"mean", [](const Array& x) { return mean(x); }},
      {"max", [](const Array& x) { return tf2jax::max(x); }},
      {"var", [](const Array& x) { return var(x); }},
      {"std", [](const Array& x) { return std_dev(x); }},
      {"any", [](const Array& x) { return any_true(x); }},
      {"median", [](const Array& x) { return median(x); }},
      {"angle", angle},
      {"argmax", [](const Array& x) { return argmax(ravel(x), 0); }},
      {"cumsum", along<cumsum>},
      {"cumprod", along<cumprod>},
      {"sort", [](const Array& x) { return sort(x.rank() == 0 ? ravel(x) : x); }},
  };
  return table;
}
const std::map<std::string, Binary>& binary() {
  static const std::map<std::string, Binary> table = {
      {"add", add},
      {"arctan2", atan2},
      {"equal", equal},
      {"floor_divide", floor_divide},
      {"left_shift", shift_left},
      {"maximum", maximum},
      {"power", pow},
      {"true_divide", divide},
      {"logaddexp", logaddexp},
      {"matmul_outer", [](const Array& x, const Array& y) { return outer(ravel(x), ravel(y)); }},
      {"where", [](const Array& x, const Array& y) { return where(full(Shape{}, true), x, y); }},
  };
  return table;
}

// A value of the kind that a row or column is named by.
Array sample(const std::string& kind) {
  if (kind == "py_bool") return Array(true);
  if (kind == "py_int") return Array(1);
  if (kind == "py_float") return Array(1.0);
  if (kind == "py_complex") return Array(complex128(1, 0));
  const auto dtype = parse_dtype(kind);
  if (!dtype) throw Unsupported("dtype " + kind);
  return ones({2}, *dtype);
}
// "int32", "int32*" where the type is weak, "error" where there is one.
std::string outcome(const std::function<Array()>& f) {
  try {
    const Array y = f();
    return std::string(numpy_name(y.dtype())) + (y.aval().weak_type ? "*" : "");
  } catch (const NotImplementedError&) {
    throw;
  } catch (const Error&) {
    return "error";
  }
}

void check_entry(const std::string& what, const json& recorded, const std::function<Array()>& f, CaseResult& result) {
  std::string want = recorded.get<std::string>();
  if (want.starts_with("error")) want = "error";
  if (want == "bool*") want = "bool";  // there are no two kinds of bools: both become any other type
  const std::string got = outcome(f);
  if (got != want) result.fail("outputs", what + ": got " + got + ", expected " + want);
}

void check_binary_table(const json& c, CaseResult& result) {
  const std::string op = c.at("op").get<std::string>();
  if (!binary().contains(op)) throw Unsupported("operation " + op);
  const Binary f = binary().at(op);
  for (const auto& [left, row] : c.at("table").items())
    for (const auto& [right, recorded] : row.items()) {
      // jnp.power(2, 2) is not weak but x ** 2 of a weak x is; both are pow here.
      if (op == "power" && left == "py_int" && right == left) continue;
      const auto call = [&, &x = left, &y = right] { return f(sample(x), sample(y)); };
      check_entry(op + " of " + left + " and " + right, recorded, call, result);
    }
}

void check_unary_table(const json& c, CaseResult& result) {
  std::string missing;
  for (const auto& [op, row] : c.at("table").items()) {
    if (!unary().contains(op)) {
      missing += " " + op;
      continue;
    }
    for (const auto& [operand, recorded] : row.items()) {
      const auto call = [f = unary().at(op), &x = operand] { return f(sample(x)); };
      check_entry(op + " of " + operand, recorded, call, result);
    }
  }
  if (!missing.empty()) throw Unsupported("functions" + missing);
}

}  // namespace

void run_dtype_table_case(const json& c, CaseResult& result) {
  const auto scope = override_config(&Config::enable_x64, c.at("x64").get<bool>());
  const std::string kind = c.at("kind").get<std::string>();
  result.part("outputs", [&] {
    if (kind == "binary_dtype_table") return check_binary_table(c, result);
    if (kind == "unary_dtype_table") return check_unary_table(c, result);
    throw Unsupported(kind);
  });
}

}  // namespace conformance
