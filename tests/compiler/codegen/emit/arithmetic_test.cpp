// Every operation on every element type, against its definition in plain C++ (that of backends/cpu's kernels).
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <span>

#include "../codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

template <class T>
constexpr bool kHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;
template <class T>
constexpr bool kReal = kHalf<T> || std::is_floating_point_v<T>;

template <class T>
auto wide(T x) {
  if constexpr (kHalf<T>) return static_cast<float>(x);
  else return x;
}

template <class T>
std::vector<T> samples() {
  std::vector<T> out;
  std::mt19937_64 random(7);
  if constexpr (std::is_same_v<T, bool>) {
    return {false, true};
  } else if constexpr (kReal<T>) {
    for (const double v : {0.0,
                           -0.0,
                           1.0,
                           -1.0,
                           0.5,
                           -0.5,
                           1.5,
                           2.5,
                           -2.5,
                           0.49999997,
                           3.75,
                           -7.25,
                           127.5,
                           128.0,
                           -128.5,
                           255.9,
                           256.0,
                           300.0,
                           32767.5,
                           -32769.0,
                           65535.5,
                           65536.0,
                           2147483520.0,
                           2147483648.0,
                           -2147483648.0,
                           4294967040.0,
                           4294967296.0,
                           9.2e18,
                           9223372036854775808.0,
                           -9223372036854775808.0,
                           1.8446744073709552e19,
                           1e30,
                           -1e30,
                           6e-8,
                           1e-40,
                           -1e-40,
                           1.2e-38,
                           3.3e38,
                           65504.0,
                           65519.0,
                           65520.0,
                           8388607.5,
                           8388609.0,
                           static_cast<double>(INFINITY),
                           -static_cast<double>(INFINITY),
                           static_cast<double>(NAN)})
      out.push_back(static_cast<T>(static_cast<float>(v)));
    for (int i = 0; i < 40; ++i)
      out.push_back(static_cast<T>(static_cast<float>(
          std::ldexp(static_cast<double>(random()) / 1.8e19 - 0.5, static_cast<int>(random() % 24) - 8))));
  } else {
    using L = std::numeric_limits<T>;
    for (const auto v :
         {L::min(), static_cast<T>(L::min() + 1), L::max(), static_cast<T>(L::max() - 1), T(0), T(1), T(2), T(3), T(7),
          T(8), T(31), T(63), T(64), static_cast<T>(-1), static_cast<T>(-2), static_cast<T>(-7), static_cast<T>(0x55)})
      out.push_back(v);
    for (int i = 0; i < 16; ++i) out.push_back(static_cast<T>(random() >> (random() % 60)));
  }
  return out;
}

template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;  // vector<bool> has no data()

template <class T>
bool same(T a, T b) {
  if constexpr (kReal<T>) {
    const auto x = wide(a), y = wide(b);
    if (x != x || y != y) return x != x && y != y;
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}
template <class T>
std::string shown(T x) {
  if constexpr (kReal<T>) return std::to_string(static_cast<double>(wide(x)));
  else return std::to_string(x);
}

// What is compared without knowing its type: this file would take minutes to compile otherwise.
struct Element {
  std::size_t size;
  bool (*same)(const std::byte*, const std::byte*);
  std::string (*shown)(const std::byte*);
};
template <class T>
T read(const std::byte* p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
template <class T>
Element element() {
  return {sizeof(T), [](const std::byte* a, const std::byte* b) { return same(read<T>(a), read<T>(b)); },
          [](const std::byte* x) { return shown(read<T>(x)); }};
}
struct Operand {
  Element element;
  std::vector<std::byte> values;
  const std::byte* at(std::size_t i) const { return values.data() + i * element.size; }
};
template <class T>
Operand operand(const std::vector<T>& v) {
  const auto bytes = std::as_bytes(std::span(v));
  return {element<T>(), {bytes.begin(), bytes.end()}};
}
struct Pending {
  Kernel kernel;
  Op op;
  std::vector<Operand> inputs;
  Operand expected;

  void run(KernelFunction function) {
    std::vector<std::byte> got(expected.values.size());
    std::vector<void*> buffers;
    for (Operand& x : inputs) buffers.push_back(x.values.data());
    buffers.push_back(got.data());
    const std::size_t n = got.size() / expected.element.size;
    function(buffers.data(), 0, static_cast<std::int64_t>(n), nullptr);
    int shown_failures = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::byte* value = got.data() + i * expected.element.size;
      if (expected.element.same(value, expected.at(i)) || ++shown_failures > 3) continue;
      std::string operands;
      for (const Operand& x : inputs) operands += x.element.shown(x.at(i)) + " ";
      ADD_FAILURE() << "op " << static_cast<int>(op) << " of " << operands << "gives " << expected.element.shown(value)
                    << ", not " << expected.element.shown(expected.at(i));
    }
  }
};
std::map<std::string, Pending>& pending() {
  static std::map<std::string, Pending> all;
  return all;
}
// All kernels of a test are compiled in one call.
void run_pending() {
  std::vector<Kernel> kernels;
  for (const auto& [name, entry] : pending()) kernels.push_back(entry.kernel);
  const auto compiled = compile(kernels);
  ASSERT_TRUE(compiled);
  std::size_t i = 0;
  for (auto& [name, entry] : pending()) {
    SCOPED_TRACE(name);
    entry.run(compiled->entries[i++].function);
  }
  pending().clear();
}
void enqueue(Op op, DType out, const std::vector<DType>& in, std::vector<Operand> inputs, Operand expected) {
  Kernel k = elementwise(op, out, in, static_cast<std::int64_t>(expected.values.size() / expected.element.size));
  k.name = std::to_string(static_cast<int>(op)) + " to " + std::string(short_name(out)) + " of " +
           std::string(short_name(in[0]));
  pending().insert_or_assign(k.name, Pending{k, op, std::move(inputs), std::move(expected)});
}

template <class Out, class... In, class F>
void expect_op(Op op, F f, const std::vector<Stored<In>>&... inputs) {
  std::vector<Stored<Out>> expected(std::get<0>(std::tie(inputs...)).size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] = static_cast<Stored<Out>>(static_cast<Out>(f(static_cast<In>(inputs[i])...)));
  enqueue(op, dtype_of<Out>, {dtype_of<In>...}, {operand(inputs)...}, operand(expected));
}

template <class T>
std::vector<Stored<T>> stored(const std::vector<T>& v) {
  return std::vector<Stored<T>>(v.begin(), v.end());
}

template <class T, class F>
void unary(Op op, F f) {
  expect_op<T, T>(op, f, stored(samples<T>()));
}
template <class Out, class T, class F>
void binary(Op op, F f) {
  std::vector<Stored<T>> x, y;
  for (const T a : samples<T>())
    for (const T b : samples<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  expect_op<Out, T, T>(op, f, x, y);
}

template <class F>
void for_integers(F f) {
  [&]<class... T>(std::type_identity<std::tuple<T...>>) {
    (f(std::type_identity<T>{}), ...);
  }(std::type_identity<std::tuple<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                  std::uint32_t, std::uint64_t>>{});
}
template <class F>
void for_reals(F f) {
  [&]<class... T>(std::type_identity<std::tuple<T...>>) {
    (f(std::type_identity<T>{}), ...);
  }(std::type_identity<std::tuple<float16, bfloat16, float, double>>{});
}
template <class F>
void for_numbers(F f) {
  for_integers(f);
  for_reals(f);
}

template <class T>
T wrap(std::uint64_t v) {
  return static_cast<T>(v);
}
template <class T>
std::uint64_t u64(T v) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(v));
}

}  // namespace

TEST(CodegenOps, ArithmeticOfIntegersWraps) {
  for_integers([]<class T>(std::type_identity<T>) {
    binary<T, T>(Op::add, [](T a, T b) { return wrap<T>(u64(a) + u64(b)); });
    binary<T, T>(Op::sub, [](T a, T b) { return wrap<T>(u64(a) - u64(b)); });
    binary<T, T>(Op::mul, [](T a, T b) { return wrap<T>(u64(a) * u64(b)); });
    binary<T, T>(Op::div, [](T a, T b) -> T {
      if (b == 0) return static_cast<T>(-1);
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return wrap<T>(0 - u64(a));
      return static_cast<T>(a / b);
    });
    binary<T, T>(Op::rem, [](T a, T b) -> T {
      if (b == 0) return a;
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
      return static_cast<T>(a % b);
    });
    binary<T, T>(Op::max, [](T a, T b) { return std::max(a, b); });
    binary<T, T>(Op::min, [](T a, T b) { return std::min(a, b); });
    unary<T>(Op::neg, [](T a) { return wrap<T>(0 - u64(a)); });
    unary<T>(Op::abs, [](T a) { return a < 0 ? wrap<T>(0 - u64(a)) : a; });
    unary<T>(Op::sign, [](T a) { return static_cast<T>((a > 0) - (a < 0)); });
  });
  run_pending();
}

TEST(CodegenOps, BitsAndShifts) {
  for_integers([]<class T>(std::type_identity<T>) {
    using U = std::make_unsigned_t<T>;
    constexpr auto width = static_cast<U>(sizeof(T) * 8);
    binary<T, T>(Op::bit_and, [](T a, T b) { return static_cast<T>(a & b); });
    binary<T, T>(Op::bit_or, [](T a, T b) { return static_cast<T>(a | b); });
    binary<T, T>(Op::bit_xor, [](T a, T b) { return static_cast<T>(a ^ b); });
    binary<T, T>(Op::shift_left, [](T a, T b) {
      return static_cast<U>(b) >= width ? T(0) : static_cast<T>(static_cast<U>(a) << static_cast<U>(b));
    });
    binary<T, T>(Op::shift_right_logical, [](T a, T b) {
      return static_cast<U>(b) >= width ? T(0) : static_cast<T>(static_cast<U>(a) >> static_cast<U>(b));
    });
    binary<T, T>(Op::shift_right_arithmetic, [](T a, T b) {
      return static_cast<T>(static_cast<std::make_signed_t<T>>(a) >>
                            std::min<U>(static_cast<U>(b), static_cast<U>(width - 1)));
    });
    unary<T>(Op::bit_not, [](T a) { return static_cast<T>(~a); });
    unary<T>(Op::population_count, [](T a) { return static_cast<T>(std::popcount(static_cast<U>(a))); });
    unary<T>(Op::clz, [](T a) { return static_cast<T>(std::countl_zero(static_cast<U>(a))); });
  });
  run_pending();
}

TEST(CodegenOps, Bools) {
  binary<bool, bool>(Op::add, [](bool a, bool b) { return a || b; });
  binary<bool, bool>(Op::sub, [](bool a, bool b) { return a != b; });
  binary<bool, bool>(Op::mul, [](bool a, bool b) { return a && b; });
  binary<bool, bool>(Op::div, [](bool a, bool b) { return b ? a : true; });
  binary<bool, bool>(Op::max, [](bool a, bool b) { return a || b; });
  binary<bool, bool>(Op::min, [](bool a, bool b) { return a && b; });
  binary<bool, bool>(Op::lt, [](bool a, bool b) { return a < b; });
  binary<bool, bool>(Op::ge, [](bool a, bool b) { return a >= b; });
  binary<bool, bool>(Op::eq, [](bool a, bool b) { return a == b; });
  binary<bool, bool>(Op::bit_xor, [](bool a, bool b) { return a != b; });
  binary<bool, bool>(Op::shift_left, [](bool a, bool) { return a; });
  unary<bool>(Op::bit_not, [](bool a) { return !a; });
  run_pending();
}

TEST(CodegenOps, ArithmeticOfFloatsRoundsOnce) {
  for_reals([]<class T>(std::type_identity<T>) {
    const auto better = [](auto a, auto b, bool largest) {
      if (a != a || b != b) return a != a ? a : b;
      if (a == b) return std::signbit(a) == largest ? b : a;  // 0 is above -0
      return (largest ? b > a : b < a) ? b : a;
    };
    binary<T, T>(Op::add, [](T a, T b) { return wide(a) + wide(b); });
    binary<T, T>(Op::sub, [](T a, T b) { return wide(a) - wide(b); });
    binary<T, T>(Op::mul, [](T a, T b) { return wide(a) * wide(b); });
    binary<T, T>(Op::div, [](T a, T b) { return wide(a) / wide(b); });
    binary<T, T>(Op::rem, [](T a, T b) { return std::fmod(wide(a), wide(b)); });
    binary<T, T>(Op::max, [=](T a, T b) { return better(wide(a), wide(b), true); });
    binary<T, T>(Op::min, [=](T a, T b) { return better(wide(a), wide(b), false); });
    unary<T>(Op::neg, [](T a) { return -wide(a); });
    unary<T>(Op::abs, [](T a) { return std::abs(wide(a)); });
    unary<T>(Op::sign, [](T a) {
      const auto x = wide(a);
      return x > 0 ? decltype(x)(1) : x < 0 ? decltype(x)(-1) : x;
    });
    unary<T>(Op::floor, [](T a) { return std::floor(wide(a)); });
    unary<T>(Op::ceil, [](T a) { return std::ceil(wide(a)); });
    unary<T>(Op::round_away, [](T a) { return std::round(wide(a)); });
    unary<T>(Op::round_even, [](T a) { return std::nearbyint(wide(a)); });
    unary<T>(Op::sqrt, [](T a) { return std::sqrt(wide(a)); });
    expect_op<bool, T>(Op::is_finite, [](T a) { return std::isfinite(wide(a)); }, samples<T>());
  });
  run_pending();
}

TEST(CodegenOps, Comparisons) {
  for_numbers([]<class T>(std::type_identity<T>) {
    binary<bool, T>(Op::eq, [](T a, T b) { return wide(a) == wide(b); });
    binary<bool, T>(Op::ne, [](T a, T b) { return wide(a) != wide(b); });
    binary<bool, T>(Op::lt, [](T a, T b) { return wide(a) < wide(b); });
    binary<bool, T>(Op::le, [](T a, T b) { return wide(a) <= wide(b); });
    binary<bool, T>(Op::gt, [](T a, T b) { return wide(a) > wide(b); });
    binary<bool, T>(Op::ge, [](T a, T b) { return wide(a) >= wide(b); });
    std::vector<std::uint8_t> which;
    std::vector<T> x = samples<T>(), y(x.rbegin(), x.rend());
    for (std::size_t i = 0; i < x.size(); ++i) which.push_back(i % 3 == 0);
    expect_op<T, bool, T, T>(Op::select, [](bool c, T a, T b) { return c ? a : b; }, which, x, y);
  });
  run_pending();
}

namespace {

template <class To, class From>
To converted(From x) {
  if constexpr (kHalf<From> && !std::is_same_v<To, From>) return converted<To>(static_cast<float>(x));
  else if constexpr (std::is_same_v<To, From>) return x;
  else if constexpr (std::is_same_v<To, bool>) return x != From(0);
  else if constexpr (kHalf<To>) return To(static_cast<float>(x));
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (x != x) return 0;
    if (x >= std::ldexp(From(1), std::numeric_limits<To>::digits)) return std::numeric_limits<To>::max();
    if (x <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    return static_cast<To>(x);
  } else return static_cast<To>(x);
}

template <class To>
void conversions_to() {
  const auto from = []<class T>(std::type_identity<T>) {
    expect_op<To, T>(Op::convert, [](T x) { return converted<To>(x); }, stored(samples<T>()));
  };
  for_numbers(from);
  from(std::type_identity<bool>{});
}

}  // namespace

TEST(CodegenOps, ConversionsBetweenAllTypes) {
  for_numbers([]<class To>(std::type_identity<To>) { conversions_to<To>(); });
  conversions_to<bool>();
  run_pending();
}

TEST(CodegenOps, BitcastsKeepTheBits) {
  const auto both = []<class A, class B>(std::type_identity<A>, std::type_identity<B>) {
    std::vector<A> numbers;
    for (const A a : samples<A>())
      if (wide(a) == wide(a)) numbers.push_back(a);  // NaNs may be made quiet
    expect_op<B, A>(Op::bitcast, [](A x) { return std::bit_cast<B>(x); }, numbers);
  };
  both(std::type_identity<float>{}, std::type_identity<std::int32_t>{});
  both(std::type_identity<double>{}, std::type_identity<std::uint64_t>{});
  both(std::type_identity<float16>{}, std::type_identity<std::uint16_t>{});
  both(std::type_identity<bfloat16>{}, std::type_identity<std::int16_t>{});
  both(std::type_identity<std::int32_t>{}, std::type_identity<float>{});
  both(std::type_identity<std::uint16_t>{}, std::type_identity<bfloat16>{});
  both(std::type_identity<std::int8_t>{}, std::type_identity<std::uint8_t>{});
  run_pending();
}

}  // namespace tf2jax::loops::testing
