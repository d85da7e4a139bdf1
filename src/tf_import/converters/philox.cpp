// TensorFlow's own random numbers for stateless operations and those with seeds, where Config::tf_exact_random asks for
// them. They are computed where the graph is staged, so seeds must be known.
#include "tf2jax/tf_import/converters/internal/philox.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "tf2jax/base/config.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {

Philox::Block Philox::block(std::uint64_t index) const {
  constexpr std::uint64_t kFactor0 = 0xD2511F53, kFactor1 = 0xCD9E8D57;
  constexpr std::uint32_t kStep0 = 0x9E3779B9, kStep1 = 0xBB67AE85;
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  const std::uint64_t first = counter[0] + index, second = counter[1] + (first < index ? 1 : 0);
  Block x{low(first), high(first), low(second), high(second)};
  std::uint32_t k0 = low(key), k1 = high(key);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = kFactor0 * x[0], b = kFactor1 * x[2];
    x = {high(b) ^ x[1] ^ k0, low(b), high(a) ^ x[3] ^ k1, low(a)};
    k0 += kStep0;
    k1 += kStep1;
  }
  return x;
}

Philox Philox::of_seed(std::uint64_t first, std::uint64_t second) {
  const Block mixed = Philox{0x02461e293ec8f720, {first, second}}.block(0);
  const auto pair = [&](int i) { return std::uint64_t{mixed[i + 1]} << 32 | mixed[i]; };
  return {pair(0), {0, pair(2)}};
}

namespace {

template <class T>
constexpr bool kIsWide = sizeof(T) == 8;
// What is made of one block.
template <class T>
using Drawn = std::array<T, kIsWide<T> ? 2 : 4>;

template <class T>
Drawn<T> bits(const Philox::Block& x) {
  Drawn<T> out;
  if constexpr (kIsWide<T>) {
    for (int i = 0; i < 2; ++i) out[i] = static_cast<T>(std::uint64_t{x[2 * i + 1]} << 32 | x[2 * i]);
  } else {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<T>(x[i]);
  }
  return out;
}

// In [0, 1), from as many low bits as the type has digits.
template <class T>
Drawn<T> uniform(const Philox::Block& x) {
  Drawn<T> out;
  if constexpr (kIsWide<T>) {
    for (int i = 0; i < 2; ++i) {  // here the first word is the high one
      const std::uint64_t digits = std::uint64_t{x[2 * i] & 0xfffffU} << 32 | x[2 * i + 1];
      out[i] = static_cast<double>(digits) * 0x1p-52;
    }
  } else {
    const int digits = std::is_same_v<T, float> ? 23 : std::is_same_v<T, float16> ? 10 : 7;
    for (int i = 0; i < 4; ++i)
      out[i] = static_cast<T>(std::ldexp(static_cast<float>(x[i] & ((1U << digits) - 1)), -digits));
  }
  return out;
}

// Box and Muller's: two normal numbers from two uniform ones, in the steps that TensorFlow rounds.
template <class T>
std::array<T, 2> normal_pair(T u, T v) {
  const T radius = std::sqrt(T{-2} * std::log(std::max(u, static_cast<T>(1.0e-7F))));
  const T angle = static_cast<T>(2 * std::numbers::pi * v);
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

// Halves are rounded floats.
template <class T>
Drawn<T> normal(const Philox::Block& x) {
  if constexpr (kIsWide<T>) {
    const auto u = uniform<double>(x);
    return normal_pair(u[0], u[1]);
  } else {
    const auto u = uniform<float>(x);
    const auto a = normal_pair(u[0], u[1]), b = normal_pair(u[2], u[3]);
    return {static_cast<T>(a[0]), static_cast<T>(a[1]), static_cast<T>(b[0]), static_cast<T>(b[1])};
  }
}

// Normal numbers within two deviations; each block of results has blocks of its own to try.
template <class T>
Drawn<T> truncated(const Philox& generator, std::uint64_t index) {
  Drawn<T> out;
  std::uint64_t at = index * out.size() * 256 / 4;
  for (std::size_t found = 0; found < out.size(); ++at) {
    using Wide = std::conditional_t<kIsWide<T>, double, float>;
    for (const Wide v : normal<Wide>(generator.block(at)))
      if (std::abs(v) < 2 && found < out.size()) out[found++] = static_cast<T>(v);
  }
  return out;
}

// ---- the operations

std::vector<std::uint64_t> words(const Node& n, std::size_t i, std::int64_t count) {
  const auto* x = n.input(i).get_if<Array>();
  if (!x) n.fail(fmt::format("input {} is {}; expected integers.", i, n.input(i).kind()));
  check<ShapeError>(is_integer(x->dtype()) && identical(x->shape(), Shape{Dim(count)}),
                    "input {} must be {} integers. Got {}.", i, count, x->aval());
  check<ConcretizationError>(x->is_concrete(),
                             "TensorFlow's own random numbers need a seed that is known. Got {}. Pass it as a "
                             "constant, call without jit, or turn Config::tf_exact_random off.",
                             x->aval());
  if (x->dtype() == u64) return x->to_vector<std::uint64_t>();
  const auto narrow = x->to_vector<std::int64_t>();
  return {narrow.begin(), narrow.end()};
}

Philox seeded(const Node& n, std::size_t i) {
  const auto seed = words(n, i, 2);
  return Philox::of_seed(seed[0], seed[1]);
}

// Inputs: shape, key, counter, algorithm.
Philox given(const Node& n) {
  constexpr std::int64_t kPhilox = 1, kAny = 3;
  const std::int64_t algorithm = n.integer(3);
  check<NotImplementedError>(algorithm == kPhilox || algorithm == kAny,
                             "TensorFlow's own random numbers are implemented for Philox. Got algorithm {}.",
                             algorithm);
  const auto counter = words(n, 2, 2);
  return {words(n, 1, 1)[0], {counter[0], counter[1]}};
}

// Of the seeds in the attributes, as the first call of a session has it.
Philox of_attributes(const Node& n) {
  const auto seed = [&](const char* name) { return static_cast<std::uint64_t>(n.attr_or<std::int64_t>(name, 0)); };
  n.ignore({"T"});
  return {seed("seed"), {0, seed("seed2")}};
}
bool is_seeded(const Node& n) {
  return n.attr_or<std::int64_t>("seed", 0) != 0 || n.attr_or<std::int64_t>("seed2", 0) != 0;
}

// `f(i)` is the i-th block of results.
template <class T, class F>
Value filled(const Shape& sizes, DType type, F f) {
  std::vector<std::byte> out(num_elements(concrete(sizes)) * sizeof(T));
  std::uint64_t index = 0;
  for (auto left = std::span(out); !left.empty(); ++index) {
    const Drawn<T> values = f(index);
    const auto bytes = std::as_bytes(std::span(values));
    const auto size = std::min(bytes.size(), left.size());
    std::memcpy(left.data(), bytes.data(), size);
    left = left.subspan(size);
  }
  return Value(in_canonical_type(detail::exact_array({type, sizes, false}, out)));
}

enum class Kind : std::uint8_t { uniform, normal, truncated };

Values floats(const Node& n, const Philox& generator, Kind kind) {
  n.ignore({"Tshape", "Tseed"});
  const DType type = n.attr_or<DType>("dtype", f32);
  const Shape sizes = n.sizes(0);
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> Values {
    constexpr bool is_real = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, float16> ||
                             std::is_same_v<T, bfloat16>;
    if constexpr (is_real) {
      return {filled<T>(sizes, type, [&](std::uint64_t i) -> Drawn<T> {
        if (kind == Kind::truncated) return truncated<T>(generator, i);
        return kind == Kind::normal ? normal<T>(generator.block(i)) : uniform<T>(generator.block(i));
      })};
    } else {
      raise<DtypeError>("the dtype must be a real type. Got {}.", type);
    }
  });
}

template <class F>
Values integers(const Node& n, DType type, F f) {
  n.ignore({"Tshape", "Tseed", "dtype"});
  const Shape sizes = n.sizes(0);
  return visit_dtype(type, [&]<class T>(std::type_identity<T> t) -> Values {
    if constexpr (std::is_integral_v<T> && sizeof(T) >= 4) {
      return {filled<T>(sizes, type, [&](std::uint64_t i) { return f(t, i); })};
    } else {
      raise<DtypeError>("the dtype must be an integer type of 32 or 64 bits. Got {}.", type);
    }
  });
}

Values full_integers(const Node& n, const Philox& generator) {
  return integers(n, n.attr_or<DType>("dtype", u64),
                  [&]<class T>(std::type_identity<T>, std::uint64_t i) { return bits<T>(generator.block(i)); });
}

// Inputs `i` and `i` + 1: the range.
Values integers_between(const Node& n, const Philox& generator, std::size_t i) {
  const Array low = n.scalar(i), high = n.scalar(i + 1);
  check<ConcretizationError>(low.is_concrete() && high.is_concrete(),
                             "TensorFlow's own random numbers need a range that is known. Got {} and {}.", low.aval(),
                             high.aval());
  check<DtypeError>(low.dtype() == high.dtype(), "the range must have one type. Got {} and {}.", low.aval(),
                    high.aval());
  return integers(n, low.dtype(), [&]<class T>(std::type_identity<T>, std::uint64_t index) {
    using Unsigned = std::make_unsigned_t<T>;
    const T from = low.item<T>(), to = high.item<T>();
    check(from < to, "the range must not be empty. Got {} to {}.", from, to);
    const auto range = static_cast<Unsigned>(static_cast<Unsigned>(to) - static_cast<Unsigned>(from));
    Drawn<T> out;
    const auto drawn = bits<Unsigned>(generator.block(index));
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<T>(static_cast<Unsigned>(from) + drawn[k] % range);
    return out;
  });
}

Value known_words(std::span<const std::uint64_t> values) {
  return {detail::exact_array({u64, {Dim(std::ssize(values))}, false}, std::as_bytes(values)), true};
}

Values key_and_counter(const Node& n) {
  n.ignore({"Tseed"});
  const Philox generator = seeded(n, 0);
  return {known_words({&generator.key, 1}), known_words(generator.counter)};
}

Values key_counter_algorithm(const Node& n) {
  Values out = key_and_counter(n);
  out.emplace_back(Array(1), true);
  return out;
}

struct Row {
  const char* op;
  Values (*convert)(const Node&);  // null: not implemented
  bool stateful = false;           // TensorFlow's numbers are known when there is a seed
};

constexpr Row kRows[] = {
    {"StatelessRandomGetKeyCounter", key_and_counter},
    {"StatelessRandomGetKeyCounterAlg", key_counter_algorithm},
    {"StatelessRandomGetAlg", [](const Node&) { return Values{Value(Array(1), true)}; }},
    {"StatelessRandomUniformV2", [](const Node& n) { return floats(n, given(n), Kind::uniform); }},
    {"StatelessRandomNormalV2", [](const Node& n) { return floats(n, given(n), Kind::normal); }},
    {"StatelessTruncatedNormalV2", [](const Node& n) { return floats(n, given(n), Kind::truncated); }},
    {"StatelessRandomUniformIntV2", [](const Node& n) { return integers_between(n, given(n), 4); }},
    {"StatelessRandomUniformFullIntV2", [](const Node& n) { return full_integers(n, given(n)); }},
    {"StatelessRandomUniform", [](const Node& n) { return floats(n, seeded(n, 1), Kind::uniform); }},
    {"StatelessRandomNormal", [](const Node& n) { return floats(n, seeded(n, 1), Kind::normal); }},
    {"StatelessTruncatedNormal", [](const Node& n) { return floats(n, seeded(n, 1), Kind::truncated); }},
    {"StatelessRandomUniformInt", [](const Node& n) { return integers_between(n, seeded(n, 1), 2); }},
    {"RandomUniform", [](const Node& n) { return floats(n, of_attributes(n), Kind::uniform); }, true},
    {"RandomStandardNormal", [](const Node& n) { return floats(n, of_attributes(n), Kind::normal); }, true},
    {"TruncatedNormal", [](const Node& n) { return floats(n, of_attributes(n), Kind::truncated); }, true},
    {"RandomUniformInt", [](const Node& n) { return integers_between(n, of_attributes(n), 1); }, true},
    {"StatelessRandomGammaV2", nullptr},
    {"StatelessRandomGammaV3", nullptr},
    {"StatelessRandomPoisson", nullptr},
    {"StatelessRandomBinomial", nullptr},
    {"StatelessShuffle", nullptr},
    {"StatelessParameterizedTruncatedNormal", nullptr},
    {"StatelessMultinomial", nullptr}};

}  // namespace

void add_exact_random(ConverterTable& table) {
  for (const auto& row : kRows) {
    const auto* found = table.find(row.op);
    check<InternalError>(found != nullptr, "exact random numbers: there is no converter for '{}' to extend.", row.op);
    table.add(
        row.op,
        [otherwise = found->convert, convert = row.convert, stateful = row.stateful](Node& n) {
          if (!config().tf_exact_random || (stateful && !is_seeded(n))) return otherwise(n);
          check<NotImplementedError>(convert != nullptr,
                                     "TensorFlow's own random numbers are not implemented for {}. Turn "
                                     "Config::tf_exact_random off.",
                                     n.op());
          return convert(n);
        },
        found->traits);
  }
}

}  // namespace tf2jax::tf_import
