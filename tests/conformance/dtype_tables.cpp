// The dtypes that NumPy-like functions give: of one operand and of two, Python's scalars (weak types) among them.
#include "call_functions.h"
#include "golden.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/shape_ops.h"

namespace conformance {

using namespace tf2jax;

namespace {

Arguments positional(const Arrays& operands) {
  Arguments a;
  for (const Array& x : operands) a.positional.push_back({x});
  return a;
}
Array call_unary(const std::string& op, const Array& x) {
  // Scalars are sorted as the vector that holds them.
  return call_public("jnp." + op, positional({op == "sort" && x.rank() == 0 ? ravel(x) : x}));
}
Array call_binary(const std::string& op, const Array& x, const Array& y) {
  if (op == "where") return call_public("jnp.where", positional({full(Shape{}, true), x, y}));
  if (op == "matmul_outer") return call_public("jnp.outer", positional({ravel(x), ravel(y)}));
  return call_public("jnp." + op, positional({x, y}));
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
  for (const auto& [left, row] : c.at("table").items())
    for (const auto& [right, recorded] : row.items()) {
      // jnp.power(2, 2) is not weak but x ** 2 of a weak x is; both are pow here.
      if (op == "power" && left == "py_int" && right == left) continue;
      const auto call = [&, &x = left, &y = right] { return call_binary(op, sample(x), sample(y)); };
      check_entry(op + " of " + left + " and " + right, recorded, call, result);
    }
}

void check_unary_table(const json& c, CaseResult& result) {
  for (const auto& [op, row] : c.at("table").items())
    for (const auto& [operand, recorded] : row.items()) {
      const auto call = [&f = op, &x = operand] { return call_unary(f, sample(x)); };
      check_entry(op + " of " + operand, recorded, call, result);
    }
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
