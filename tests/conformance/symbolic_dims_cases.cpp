// Symbolic dimensions: their texts, arithmetic, comparisons, and constraints.
#include <fmt/format.h>

#include <functional>
#include <map>

#include "expected_error.h"
#include "expression.h"
#include "runners.h"
#include "tf2jax/base/symbolic_scope.h"

namespace conformance {

using namespace tf2jax;

namespace {

std::string text_of(const Value& v) {
  if (const bool* b = std::get_if<bool>(&v.is)) return *b ? "True" : "False";
  return dim_of(v).to_string();
}

using Function2 = Dim (*)(Dim, Dim);

// Functions of two dimensions, and what Python and JAX have beside them.
std::optional<Value> size_function(const std::string& name) {
  const std::pair<std::string_view, Function2> table[] = {{"max", max},     {"max_dim", max},       {"min", min},
                                                          {"min_dim", min}, {"floordiv", floordiv}, {"mod", mod}};
  const auto of_dims = [](auto f) {
    return make_function([f](const Arguments& a) {
      std::vector<Dim> x;
      for (const Value& v : a.positional) x.push_back(dim_of(v));
      return f(x);
    });
  };
  for (const auto& [known, f] : table)
    if (known == name) return of_dims([f](const std::vector<Dim>& x) { return make_dim(f(x.at(0), x.at(1))); });
  if (name == "divmod")
    return of_dims([](const std::vector<Dim>& x) {
      return make_tuple({make_dim(floordiv(x.at(0), x.at(1))), make_dim(mod(x.at(0), x.at(1)))});
    });
  if (name == "stride_dim")  // windows that fit
    return of_dims(
        [](const std::vector<Dim>& x) { return make_dim(max(floordiv(x.at(0) - x.at(1), x.at(2)) + 1, 0)); });
  if (name == "dilate_dim")
    return of_dims([](const std::vector<Dim>& x) { return make_dim(max(x.at(1) * (x.at(0) - 1) + 1, 0)); });
  if (name == "int") return of_dims([](const std::vector<Dim>& x) { return Value{x.at(0).value()}; });
  if (name == "bool") return of_dims([](const std::vector<Dim>& x) { return Value{!(x.at(0) == Dim(0))}; });
  if (name == "hash")
    return of_dims(
        [](const std::vector<Dim>& x) { return Value{static_cast<std::int64_t>(hash_value(x.at(0)) >> 1)}; });
  return std::nullopt;
}

// A Python expression; a name that is no function is the dimension that `variable` gives.
Value evaluated(const std::string& text, const std::function<Dim(const std::string&)>& variable) {
  return evaluate(text, [&](const std::string& name) {
    const auto f = size_function(name);
    return f ? f : std::optional(make_dim(variable(name)));
  });
}

// How often `text` is true and false at sizes that the constraints allow.
struct Tally {
  int holds = 0, fails = 0;
};
Tally tally(const std::string& text, const std::vector<std::string>& constraints) {
  std::string all = text;
  for (const std::string& c : constraints) all += " " + c;
  const auto largest = [&](char name) {  // of variables that do not occur: one size
    const std::ptrdiff_t used =
        std::ranges::count_if(std::string_view("abc"), [&](char n) { return all.find(n) != all.npos; });
    return all.find(name) == all.npos ? 1 : used == 1 ? 2000 : used == 2 ? 100 : 24;
  };
  const int last_a = largest('a'), last_b = largest('b'), last_c = largest('c');
  Tally out;
  std::map<std::string, Dim> sizes;
  const auto value = [&](const std::string& t) {
    return std::get<bool>(evaluated(t, [&](const std::string& name) { return sizes.at(name); }).is);
  };
  for (int a = 1; a <= last_a; ++a)
    for (int b = 1; b <= last_b; ++b)
      for (int c = 1; c <= last_c; ++c) {
        sizes = {{"a", a}, {"b", b}, {"c", c}};
        if (std::ranges::all_of(constraints, value)) ++(value(text) ? out.holds : out.fails);
      }
  return out;
}

void check_answer(const json& want, const Value& got, CaseResult& result) {
  const std::string kind = want.at("kind").get<std::string>();
  const json& value = want.at("value");
  const std::string expected = kind == "bool"  ? (value.get<bool>() ? "True" : "False")
                               : kind == "int" ? fmt::format("{}", value.get<std::int64_t>())
                                               : value.get<std::string>();
  const bool same_kind = kind == "bool"  ? std::holds_alternative<bool>(got.is)
                         : kind == "int" ? std::holds_alternative<std::int64_t>(got.is)
                                         : std::holds_alternative<Dim>(got.is);
  if (!same_kind || text_of(got) != expected)
    result.fail("value", fmt::format("got {}, expected {} {}", text_of(got), kind, expected));
}

// What a case computes.
struct Computation {
  std::string text;  // of an expression; else a shape
  std::vector<std::string> constraints;
  std::string spec;
  SymbolicShapeOptions options;
  std::string left, right,
      operation;  // or an operation on "x" and "y", two dimensions that are read as sizes of shapes

  Value value() const {
    const SymbolicScope scope(constraints);
    if (left.empty()) return evaluated(text, [&](const std::string& name) { return Dim::variable(name, scope); });
    const Dim x = Dim::parse(left), y = Dim::parse(right);
    return evaluated(operation, [&](const std::string& name) { return name == "x" ? x : y; });
  }
  Shape shape() const { return symbolic_shape(spec, options); }
};

Computation shape_of(const json& c) {
  Computation out;
  out.spec = c.at("spec").is_null() ? "..." : c.at("spec").get<std::string>();
  if (!c.contains("like")) return out;
  out.options.like.emplace();
  for (const json& size : c.at("like"))
    out.options.like->push_back(size.is_null() ? std::nullopt : std::optional(size.get<std::int64_t>()));
  return out;
}

Computation expression_of(const json& c) {
  if (c.contains("expr"))
    return {c.at("expr").get<std::string>(), c.value("constraints", std::vector<std::string>()), {}, {}, {}, {}, {}};
  const std::string op = c.at("op").get<std::string>(), left = c.at("left").get<std::string>(),
                    right = c.at("right").get<std::string>();
  const auto written = [&](const std::string& x, const std::string& y) {
    const bool is_call = op == "max" || op == "min";
    return is_call ? fmt::format("{}({}, {})", op, x, y) : fmt::format("({}) {} ({})", x, op, y);
  };
  return {written(left, right), {}, {}, {}, left, right, written("x", "y")};
}

void check_shape(const json& c, const Shape& shape, CaseResult& result) {
  const json& want = c.at("result");
  if (shape.size() != want.size())
    return result.fail("value", fmt::format("got {} for {}", to_string(shape), want.dump()));
  for (std::size_t i = 0; i < shape.size(); ++i) check_answer(want[i], make_dim(shape[i]), result);
  if (!c.contains("evaluations")) return;
  for (const json& e : c.at("evaluations")) {
    const auto environment = e.at("env").get<std::map<std::string, std::int64_t>>();
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t got = shape[i].evaluate(environment);
      if (got != e.at("values")[i].get<std::int64_t>())
        result.fail("value", fmt::format("got {} for {}", got, e.dump()));
    }
  }
}

// JAX answers False to == where it cannot tell; the documents say that this is an error. Whether it is so here: both
// answers occur.
bool is_open(const Computation& x) {
  if (x.text.find("==") == std::string::npos && x.text.find("!=") == std::string::npos) return false;
  const Tally t = tally(x.text, x.constraints);
  return t.holds > 0 && t.fails > 0;
}
// What JAX cannot tell ours may; then it is so for every size.
bool is_known_here(const Computation& x) {
  try {
    const Value got = x.value();
    const bool* answer = std::get_if<bool>(&got.is);
    if (!answer) return false;
    const Tally t = tally(x.text, x.constraints);
    return (*answer ? t.fails : t.holds) == 0;
  } catch (const Error&) {
    return false;
  }
}

// Constraints that no sizes meet: JAX notices when it first compares, and not always.
bool is_impossible(const Computation& x) {
  if (x.constraints.empty()) return false;
  const Tally t = tally("1 == 1", x.constraints);
  return t.holds == 0;
}

}  // namespace

void run_symbolic_dims_case(const json& c, CaseResult& result) {
  const bool is_shape = c.contains("spec");
  const Computation x = is_shape ? shape_of(c) : expression_of(c);
  if (c.contains("error")) {
    const json& error = c.at("error");
    if (!is_shape && error.at("type") == "InconclusiveDimensionOperation" && is_known_here(x))
      return result.passed_part();
    if (error.at("message").get<std::string>().starts_with("Unsatisfiable constraint") && is_impossible(x))
      return result.passed_part();
    return expect_error(error, "error", result, [&] {
      if (is_shape) (void)x.shape();
      else (void)x.value();
    });
  }
  result.part("value", [&] {
    if (is_shape) return check_shape(c, x.shape(), result);
    try {
      check_answer(c.at("result"), x.value(), result);
    } catch (const InconclusiveDimensionOperation&) {
      if (!is_open(x)) throw;
    } catch (const ValueError& e) {
      if (!std::string_view(e.what()).starts_with("Unsatisfiable constraint") || !is_impossible(x)) throw;
    }
  });
}

}  // namespace conformance
