// Values and derivatives at singular points, ties and edges of domains, against a table from JAX:
// tests/golden/edge_values. Each function of ops/ is called by its name, op by op and compiled.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

namespace tf2jax {
namespace {

using Fn = std::function<Array(const Arrays&)>;
using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

std::map<std::string, Fn, std::less<>> make_functions() {
  std::map<std::string, Fn, std::less<>> t;
  for (const auto& [name, f] :
       std::initializer_list<std::pair<const char*, Unary>>{{"neg", neg},
                                                            {"sign", sign},
                                                            {"floor", floor},
                                                            {"ceil", ceil},
                                                            {"round", round},
                                                            {"rint", rint},
                                                            {"abs", abs},
                                                            {"exp", exp},
                                                            {"exp2", exp2},
                                                            {"expm1", expm1},
                                                            {"log", log},
                                                            {"log1p", log1p},
                                                            {"log2", log2},
                                                            {"tanh", tanh},
                                                            {"logistic", logistic},
                                                            {"sin", sin},
                                                            {"cos", cos},
                                                            {"tan", tan},
                                                            {"asin", asin},
                                                            {"acos", acos},
                                                            {"atan", atan},
                                                            {"sinh", sinh},
                                                            {"cosh", cosh},
                                                            {"asinh", asinh},
                                                            {"acosh", acosh},
                                                            {"atanh", atanh},
                                                            {"sqrt", sqrt},
                                                            {"rsqrt", rsqrt},
                                                            {"cbrt", cbrt},
                                                            {"square", square},
                                                            {"reciprocal", reciprocal},
                                                            {"erf", erf},
                                                            {"erfc", erfc},
                                                            {"erf_inv", erf_inv},
                                                            {"lgamma", lgamma},
                                                            {"digamma", digamma},
                                                            {"bessel_i0e", bessel_i0e},
                                                            {"bessel_i1e", bessel_i1e},
                                                            {"relu", relu},
                                                            {"relu6", relu6},
                                                            {"selu", selu},
                                                            {"silu", silu},
                                                            {"sigmoid", sigmoid},
                                                            {"softplus", softplus},
                                                            {"is_finite", is_finite},
                                                            {"isnan", isnan},
                                                            {"isinf", isinf},
                                                            {"logical_not", logical_not},
                                                            {"bitwise_not", bitwise_not},
                                                            {"population_count", population_count},
                                                            {"clz", clz},
                                                            {"real", real},
                                                            {"imag", imag},
                                                            {"conj", conj}})
    t[name] = [f = f](const Arrays& x) { return f(x[0]); };
  for (const auto& [name, f] :
       std::initializer_list<std::pair<const char*, Binary>>{{"add", add},
                                                             {"sub", sub},
                                                             {"mul", mul},
                                                             {"divide", divide},
                                                             {"div", div},
                                                             {"rem", rem},
                                                             {"mod", mod},
                                                             {"floor_divide", floor_divide},
                                                             {"maximum", maximum},
                                                             {"minimum", minimum},
                                                             {"pow", pow},
                                                             {"atan2", atan2},
                                                             {"nextafter", nextafter},
                                                             {"squared_difference", squared_difference},
                                                             {"igamma", igamma},
                                                             {"igammac", igammac},
                                                             {"polygamma", polygamma},
                                                             {"zeta", zeta},
                                                             {"equal", equal},
                                                             {"not_equal", not_equal},
                                                             {"less", less},
                                                             {"less_equal", less_equal},
                                                             {"greater", greater},
                                                             {"greater_equal", greater_equal},
                                                             {"logical_and", logical_and},
                                                             {"logical_or", logical_or},
                                                             {"logical_xor", logical_xor},
                                                             {"shift_left", shift_left},
                                                             {"shift_right_logical", shift_right_logical},
                                                             {"shift_right_arithmetic", shift_right_arithmetic},
                                                             {"bitwise_and", bitwise_and},
                                                             {"bitwise_or", bitwise_or},
                                                             {"bitwise_xor", bitwise_xor}})
    t[name] = [f = f](const Arrays& x) { return f(x[0], x[1]); };
  for (const int n : {-2, -1, 0, 1, 2, 3, 4})
    t["integer_pow(" + std::to_string(n) + ")"] = [n](const Arrays& x) { return integer_pow(x[0], n); };
  t["leaky_relu"] = [](const Arrays& x) { return leaky_relu(x[0]); };
  t["elu"] = [](const Arrays& x) { return elu(x[0]); };
  t["gelu"] = [](const Arrays& x) { return gelu(x[0]); };
  t["gelu(false)"] = [](const Arrays& x) { return gelu(x[0], false); };
  t["clamp(-1,x,y)"] = [](const Arrays& x) { return clamp(-1, x[0], x[1]); };
  t["clamp(x,y,1)"] = [](const Arrays& x) { return clamp(x[0], x[1], 1); };
  t["select(x>0,x,y)"] = [](const Arrays& x) { return select(greater(x[0], 0), x[0], x[1]); };
  t["softmax"] = [](const Arrays& x) { return softmax(x[0]); };
  t["log_softmax"] = [](const Arrays& x) { return log_softmax(x[0]); };
  t["logsumexp"] = [](const Arrays& x) { return logsumexp(x[0], -1); };
  t["max"] = [](const Arrays& x) { return max(x[0], -1); };
  t["min"] = [](const Arrays& x) { return min(x[0], -1); };
  t["sum"] = [](const Arrays& x) { return sum(x[0], -1); };
  t["prod"] = [](const Arrays& x) { return prod(x[0], -1); };
  t["mean"] = [](const Arrays& x) { return mean(x[0], -1); };
  t["var"] = [](const Arrays& x) { return var(x[0], -1); };
  t["cumsum"] = [](const Arrays& x) { return cumsum(x[0], 1, false); };
  t["cumprod"] = [](const Arrays& x) { return cumprod(x[0], 1, false); };
  t["cummax"] = [](const Arrays& x) { return cummax(x[0], 1, false); };
  t["cummin"] = [](const Arrays& x) { return cummin(x[0], 1, false); };
  t["cumlogsumexp"] = [](const Arrays& x) { return cumlogsumexp(x[0], 1, false); };
  return t;
}

// ---- the table

struct Row {
  std::string function, partial;
  DType dtype;
  std::vector<std::string> tokens;
};
struct Points {
  Arrays arguments;
  std::vector<std::vector<std::string>> tokens;
  std::vector<Row> rows;
};

std::vector<std::string> expand(const std::string& words) {
  std::vector<std::string> out;
  std::istringstream in(words);
  for (std::string w; in >> w;) {
    const std::size_t star = w.find('*');
    out.insert(out.end(), star == std::string::npos ? 1 : std::stoul(w.substr(star + 1)), w.substr(0, star));
  }
  return out;
}

complex128 number(const std::string& token) {
  const std::size_t comma = token.find(',');
  const double re = std::strtod(token.c_str(), nullptr);
  return comma == std::string::npos ? complex128(re, 0)
                                    : complex128(re, std::strtod(token.c_str() + comma + 1, nullptr));
}

Array array_of(DType dtype, const Dims& dims, const std::vector<std::string>& tokens) {
  return Array::build(Aval{dtype, symbolic(dims), false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        if constexpr (std::unsigned_integral<T>) reinterpret_cast<T*>(out)[i] = static_cast<T>(std::stoull(tokens[i]));
        else if constexpr (std::integral<T>) reinterpret_cast<T*>(out)[i] = static_cast<T>(std::stoll(tokens[i]));
        else if constexpr (requires(T v) { v.real(); }) reinterpret_cast<T*>(out)[i] = T(number(tokens[i]));
        else reinterpret_cast<T*>(out)[i] = static_cast<T>(std::strtod(tokens[i].c_str(), nullptr));
      }
    });
  });
}

std::vector<Points> read_table(const std::string& path) {
  std::ifstream file(path);
  std::vector<Points> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    std::vector<std::string> f;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, '\t');) f.push_back(field);
    const std::size_t id = std::stoul(f[0] == "points" ? f[1] : f[2]);
    if (id >= out.size()) out.resize(id + 1);
    if (f[0] == "row") {
      out[id].rows.push_back({f[1], f[3] == "-" ? "" : f[3], *parse_dtype(f[4]), expand(f[5])});
      continue;
    }
    Dims dims;
    std::istringstream sizes(f[3]);
    for (std::string n; std::getline(sizes, n, 'x');) dims.push_back(std::stol(n));
    out[id].tokens.push_back(expand(f[4]));
    out[id].arguments.push_back(array_of(*parse_dtype(f[2]), dims, out[id].tokens.back()));
  }
  return out;
}

// ---- what ours gives

// The derivative along ones in argument x or y, or along (1, 2, -1) in the rows of x.
Fn along(Fn f, char letter) {
  return [f = std::move(f), letter](const Arrays& x) {
    const std::size_t moving = letter == 'y' ? 1 : 0;
    Tangents t;
    for (const Array& v : x) t.push_back(Tangent::zero(v.aval()));
    t[moving] = Tangent(letter == 'u' ? broadcast_to(astype(array<float>({1, 2, -1}), x[0].dtype()), x[0].shape())
                                      : ones_like(x[moving]));
    const JvpResult r = jvp_flat([&](const Arrays& v) { return Arrays{f(v)}; }, x, t);
    return r.tangents[0].is_zero() ? zeros_like(r.primals[0]) : r.tangents[0].value();
  };
}

Fn function_of(const Row& row) {
  static const auto functions = make_functions();
  const auto it = functions.find(row.function);
  if (it == functions.end()) throw std::runtime_error("no function " + row.function);
  Fn f = it->second;
  for (const char letter : row.partial) f = along(std::move(f), letter);
  return f;
}

// ---- where ours is not JAX's: rules with their own expected value. docs/conformance.md gives the reasons.

bool is_negative_zero(double v) { return v == 0 && std::signbit(v); }

// The table's value at a point of one complex argument.
std::optional<complex128> entry(const Points& points, const Row& row, complex128 z) {
  for (std::size_t i = 0; i < row.tokens.size(); ++i) {
    const complex128 p = number(points.tokens[0][i]);
    if (p == z && std::signbit(p.real()) == std::signbit(z.real()) && std::signbit(p.imag()) == std::signbit(z.imag()))
      return number(row.tokens[i]);
  }
  return std::nullopt;
}

// A zero's sign chooses the side of a branch cut, as in C and NumPy; XLA's formulas take it for +0 in most functions.
// So the value there is the reflection of the one at +0: f(conj z) = conj f(z), and f(-z) = -f(z) of odd functions.
std::optional<complex128> reflected(const Points& points, const Row& row, std::size_t i) {
  static const std::vector<std::string_view> odd{"neg", "sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh"};
  if (points.arguments.size() != 1 || !is_complex(points.arguments[0].dtype()) || !is_complex(row.dtype))
    return std::nullopt;
  const complex128 z = number(points.tokens[0][i]);
  const bool below = is_negative_zero(z.imag());
  const bool left = is_negative_zero(z.real()) && std::ranges::find(odd, row.function) != odd.end();
  if (!below && !left) return std::nullopt;
  auto f = entry(points, row, {left ? 0.0 : z.real(), below ? 0.0 : z.imag()});
  if (!f) return std::nullopt;
  if (left) f = std::conj(*f) * (row.partial.size() % 2 ? 1.0 : -1.0);
  return below ? std::conj(*f) : *f;
}

// XLA's zeta stops after a few terms, which leaves polygamma wrong far below 0. Here: the sum that defines it, shifted
// to arguments where both agree.
std::optional<complex128> polygamma_below_zero(const Points& points, const Row& row, std::size_t i) {
  const bool from_lgamma = row.function == "lgamma";
  if (!from_lgamma && row.function != "digamma") return std::nullopt;
  const auto order = static_cast<int>(row.partial.size()) - (from_lgamma ? 1 : 0);
  double x = points.arguments[0].to_vector<double>()[i];
  if (order < 1 || !(x < -9) || x == std::floor(x)) return std::nullopt;
  double sum = 0;
  for (; x < 1; ++x) sum += std::pow(x, -order - 1);
  const auto x64 = override_config(&Config::enable_x64, true);
  const double sign = order % 2 ? 1 : -1;
  return polygamma(Array(static_cast<double>(order)), Array(x)).item<double>() + sign * std::tgamma(order + 1) * sum;
}

// In halves XLA computes e^(x log 2) with a rounded log 2; ours rounds 2^x once.
std::optional<complex128> exp2_of_halves(const Points& points, const Row& row, std::size_t i) {
  if (row.function != "exp2" || itemsize(row.dtype) != 2) return std::nullopt;
  const double x = points.arguments[0].to_vector<double>()[i],
               value = std::exp2(x) * (row.partial.empty() ? 1 : std::log(2.0));
  const double most = row.dtype == DType::f16 ? 65520.0 : 3.3962e38;
  return std::abs(value) >= most ? std::copysign(HUGE_VAL, value) : value;
}

// JAX pads an odd axis with ones, and infinity * 0 of their tangents is NaN. Here: the product rule.
std::optional<complex128> product_of_infinities(const Points& points, const Row& row, std::size_t i) {
  if (row.function != "prod" || row.partial.size() != 1) return std::nullopt;
  const std::vector<double> x = points.arguments[0].to_vector<double>();
  const double direction[] = {1, row.partial == "u" ? 2.0 : 1.0, row.partial == "u" ? -1.0 : 1.0};
  if (std::ranges::none_of(std::span(x).subspan(3 * i, 3), [](double v) { return std::isinf(v); })) return std::nullopt;
  double sum = 0;
  for (std::size_t k = 0; k < 3; ++k) sum += direction[k] * x[3 * i + (k + 1) % 3] * x[3 * i + (k + 2) % 3];
  return sum;
}

// The limits of P(a, x) and Q(a, x) for a to 0 and to infinity, and at a large a = x, where JAX gives NaN or loses all
// digits.
std::optional<complex128> incomplete_gamma_limits(const Points& points, const Row& row, std::size_t i) {
  const bool upper = row.function == "igammac";
  if ((!upper && row.function != "igamma") || !row.partial.empty()) return std::nullopt;
  const double a = number(points.tokens[0][i]).real(), x = number(points.tokens[1][i]).real();
  if (a == 0 && x > 0) return upper ? 0 : 1;
  if (std::isinf(a) && a > 0 && x >= 0 && !std::isinf(x)) return upper ? 1 : 0;
  if (a == x && a > 1e20 && !std::isinf(a)) return 0.5;
  return std::nullopt;
}

// JAX 0.11 differs from the JAX that made the tables, and ours follows the newer: acosh' is a product of two roots,
// which is NaN where the function is; digamma(0) and so lgamma'(0) are -inf.
std::optional<complex128> newer_rules(const Points& points, const Row& row, std::size_t i) {
  const std::size_t order = row.partial.size();
  if (is_complex(row.dtype)) return std::nullopt;
  const double x = number(points.tokens.back()[i]).real();
  if (row.function == "polygamma" && number(points.tokens[0][i]).real() + static_cast<double>(order) == 0 && x == 0)
    return -HUGE_VAL;
  if (row.function == "acosh" && order > 0) {
    if (x <= -1) return std::nan("");
    if (x == 1 && order == 3) return HUGE_VAL;
    if (x >= 1e10)
      return (order == 2 ? -1 : order) / x * std::pow(x, 1.0 - static_cast<double>(order)) * (order == 3 ? 2.0 / 3 : 1);
  }
  if (x == 0 && ((row.function == "digamma" && order == 0) || (row.function == "lgamma" && order == 1)))
    return -HUGE_VAL;
  return std::nullopt;
}

// Likewise of complex numbers: 1 / (sqrt(z-1) sqrt(z+1)) and its derivative. Adding 1 may lose the sign of a zero.
std::vector<complex128> acosh_slopes(const Points& points, const Row& row, std::size_t i) {
  if (row.function != "acosh" || !is_complex(row.dtype) || row.partial.empty()) return {};
  const complex128 z = number(points.tokens[0][i]), above(z.real() + 1, z.imag() + 0.0);
  std::vector<complex128> out;
  for (const complex128 second : {complex128(z.real() + 1, z.imag()), above}) {
    const complex128 slope = 1.0 / (std::sqrt(complex128(z.real() - 1, z.imag())) * std::sqrt(second));
    out.push_back(row.partial.size() == 1 ? slope : -z * slope * slope * slope);
  }
  return out;
}

// What counts as right: the table's value, or those of a rule.
std::vector<complex128> expected(const Points& points, const Row& row, std::size_t i) {
  for (const auto& rule :
       {polygamma_below_zero, exp2_of_halves, product_of_infinities, incomplete_gamma_limits, newer_rules})
    if (const auto own = rule(points, row, i)) return {*own};
  if (auto slopes = acosh_slopes(points, row, i); !slopes.empty()) return slopes;
  const complex128 table = number(row.tokens[i]);
  const auto own = reflected(points, row, i);
  if (!own) return {table};
  if (row.partial.empty()) return {*own};
  return {*own, table};  // on a branch cut: of formulas in which the side is lost, and of others
}

bool same_number(double want, double got, double relative, double absolute, bool is_value) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) == std::isnan(got);
  if (want == 0 && got == 0) return !is_value || std::signbit(want) == std::signbit(got);
  if (std::isinf(want) && std::abs(got) > 1.79769313486231e308)
    return std::signbit(want) == std::signbit(got);  // its 15 digits round up
  if (std::isinf(want) || std::isinf(got)) return want == got;
  return std::abs(want - got) <= relative * std::abs(want) + absolute;
}

// Complex numbers with an infinite part are one infinity, whatever the other part, and XLA gives NaN for it; signs of
// zero parts are open.
bool same_complex(complex128 want, complex128 got, double relative, double absolute) {
  const auto is_finite_number = [](complex128 v) { return std::isfinite(v.real()) && std::isfinite(v.imag()); };
  if (!is_finite_number(want) || !is_finite_number(got)) return is_finite_number(want) == is_finite_number(got);
  return std::abs(want - got) <= relative * std::abs(want) + absolute;
}

std::string text(complex128 v, DType d) {
  return is_complex(d) ? fmt::format("{}{:+}j", v.real(), v.imag()) : fmt::format("{}", v.real());
}

// Of the numbers that a result depends on, if they are rows: differences of large ones carry their rounding.
double largest(const Points& points, std::size_t i, std::size_t results) {
  const std::size_t width = points.tokens[0].size() / results, first = width > 0 ? i * width : 0;
  double out = 1;
  const bool is_row = points.arguments[0].rank() == 2;
  const std::size_t begin = is_row ? first / 3 * 3 : 0, end = is_row ? begin + 3 : 0;
  for (std::size_t k = begin; k < end; ++k)
    if (const double v = std::abs(number(points.tokens[0][k])); std::isfinite(v)) out = std::max(out, v);
  return out;
}

// The slopes of the angle grow as the radius shrinks, and so does the rounding of their differences.
double slope_scale(const Points& points, const Row& row, std::size_t i) {
  if (row.function != "atan2" || row.partial.empty()) return 1;
  const double radius = std::hypot(number(points.tokens[0][i]).real(), number(points.tokens[1][i]).real());
  return radius > 0 && radius < 1 ? std::pow(radius, -static_cast<double>(row.partial.size())) : 1;
}

// Every element of the result that differs, as a line.
std::string differences(const Points& points, const Row& row, const Array& got, bool compiled) {
  if (got.dtype() != row.dtype) return fmt::format("dtype {}; expected {}\n", got.dtype(), row.dtype);
  std::string out;
  const std::vector<complex128> values = got.to_vector<complex128>();
  const double eps = is_inexact(row.dtype) ? epsilon(row.dtype) : 0;
  // Exponentials carry the rounding of an argument near the limit of their range: 88 in singles, 709 in doubles.
  // Rounding grows with each derivative: products of factors that cancel in part.
  const int size = is_inexact(row.dtype) ? itemsize(real_dtype(row.dtype)) : 8;
  const double growth = std::pow(4, row.partial.size()), relative = eps *
                                                                    (size == 2   ? 4
                                                                     : size == 4 ? 64
                                                                                 : 512) *
                                                                    growth;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::vector<complex128> wanted = expected(points, row, i);
    // Compiled running extremes leave the sign of a zero open; see combined() of the code generator.
    const bool running =
        row.function == "max" || row.function == "min" || row.function == "cummax" || row.function == "cummin";
    const bool signed_zeros = row.partial.empty() && !(compiled && running);
    const double absolute = 32 * eps * growth * largest(points, i, values.size()) * slope_scale(points, row, i);
    const auto same = [&](complex128 want) {
      if (!is_inexact(row.dtype)) return want == values[i];
      if (is_complex(row.dtype)) return same_complex(want, values[i], relative, absolute);
      return same_number(want.real(), values[i].real(), relative, absolute, signed_zeros);
    };
    if (std::ranges::any_of(wanted, same)) continue;
    std::string at;
    const std::size_t width = points.tokens[0].size() / values.size();  // more than one: a function of rows
    for (const auto& tokens : points.tokens)
      for (std::size_t k = 0; k < std::max<std::size_t>(width, 1); ++k)
        at += (at.empty() ? "" : ", ") + tokens[i * std::max<std::size_t>(width, 1) + k];
    out += fmt::format("  at ({}): {}; expected {}{}\n", at, text(values[i], row.dtype), text(wanted[0], row.dtype),
                       compiled ? " (compiled)" : "");
  }
  return out;
}

class EdgeValues : public ::testing::TestWithParam<std::pair<const char*, bool>> {};

TEST_P(EdgeValues, AreThoseOfJax) {
  const auto [name, compiled] = GetParam();
  const auto scope = override_config(&Config::enable_x64, std::string_view(name) == "x64");
  const std::vector<Points> table =
      read_table(std::string(TF2JAX_SOURCE_DIR) + "/tests/golden/edge_values/" + name + ".tsv");
  ASSERT_GT(table.size(), 5u);
  for (const Points& p : table) {
    std::vector<Fn> functions;
    for (const Row& row : p.rows) functions.push_back(function_of(row));
    const auto all_of_them = [&](const Arrays& x) {
      Arrays out;
      for (const Fn& f : functions) out.push_back(f(x));
      return out;
    };
    const Arrays got = compiled ? jit(all_of_them)(p.arguments) : all_of_them(p.arguments);
    for (std::size_t i = 0; i < p.rows.size(); ++i) {
      const std::string found = differences(p, p.rows[i], got[i], compiled);
      if (!found.empty())
        ADD_FAILURE() << p.rows[i].function << " d" << p.rows[i].partial << " of " << p.arguments[0].aval() << "\n"
                      << found;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, EdgeValues,
                         ::testing::Values(std::pair("x32", false), std::pair("x32", true), std::pair("x64", false),
                                           std::pair("x64", true)),
                         [](const auto& info) {
                           return std::string(info.param.first) + (info.param.second ? "_compiled" : "_op_by_op");
                         });

}  // namespace
}  // namespace tf2jax
