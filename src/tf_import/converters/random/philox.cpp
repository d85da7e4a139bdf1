// TensorFlow's own random numbers for stateless operations and those with seeds, where Config::tf_exact_random asks for
// them. They are computed where the graph is staged, so seeds must be known.
#include <cmath>
#include <cstring>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/internal/philox.h"
#include "tf2jax/tf_import/converters/random/internal/exact_random.h"
#include "tf2jax/tf_import/converters/random/internal/philox_draws.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

namespace tf2jax::tf_import {

namespace {

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
  const Array x = known_input(n, i);
  check<ShapeError>(is_integer(x.dtype()) && identical(x.shape(), Shape{Dim(count)}),
                    "input {} must be {} integers. Got {}.", i, count, x.aval());
  if (x.dtype() == u64) return x.to_vector<std::uint64_t>();
  const auto narrow = x.to_vector<std::int64_t>();
  return {narrow.begin(), narrow.end()};
}

// The generator of a seed of two numbers, as TensorFlow mixes them.
Philox of_seed(std::uint64_t first, std::uint64_t second) {
  const Philox::Block mixed = Philox{0x02461e293ec8f720, {first, second}}.block(0);
  const auto pair = [&](int i) { return std::uint64_t{mixed[i + 1]} << 32 | mixed[i]; };
  return {pair(0), {0, pair(2)}};
}

}  // namespace

Array known_input(const Node& n, std::size_t i) {
  const auto* value = n.input(i).get_if<Array>();
  const Array x = value ? *value : n.array(i);
  check<ConcretizationError>(x.is_concrete(),
                             "TensorFlow's own random numbers need seeds and parameters that are known. Got {}. Pass "
                             "it as a constant, call without jit, or turn Config::tf_exact_random off.",
                             x.aval());
  return x;
}

Philox seeded(const Node& n, std::size_t i) {
  const auto seed = words(n, i, 2);
  return of_seed(seed[0], seed[1]);
}

Philox given(const Node& n) {
  constexpr std::int64_t kPhilox = 1, kAny = 3;
  const std::int64_t algorithm = n.integer(3);
  check<NotImplementedError>(algorithm == kPhilox || algorithm == kAny,
                             "TensorFlow's own random numbers are implemented for Philox. Got algorithm {}.",
                             algorithm);
  const auto counter = words(n, 2, 2);
  return {words(n, 1, 1)[0], {counter[0], counter[1]}};
}

Philox of_attributes(const Node& n) {
  check<NotImplementedError>(!n.interpreter().in_loop(),
                             "TensorFlow's own random numbers of {} are not implemented in a loop, each turn of which "
                             "has others. Turn Config::tf_exact_random off.",
                             n.op());
  const auto seed = [&](const char* name) { return static_cast<std::uint64_t>(n.attr_or<std::int64_t>(name, 0)); };
  return {seed("seed"), {0, seed("seed2")}};
}

namespace {

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

// Input `shape` is the shape.
Values floats(const Node& n, const Philox& generator, Kind kind, std::size_t shape = 0) {
  n.ignore({"Tshape", "Tseed"});
  const DType type = n.attr_or<DType>("dtype", f32);
  const Shape sizes = n.sizes(shape);
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
Values integers(const Node& n, DType type, F f, std::size_t shape) {
  n.ignore({"Tshape", "Tseed", "dtype"});
  const Shape sizes = n.sizes(shape);
  return visit_dtype(type, [&]<class T>(std::type_identity<T> t) -> Values {
    if constexpr (std::is_integral_v<T> && sizeof(T) >= 4) {
      return {filled<T>(sizes, type, [&](std::uint64_t i) { return f(t, i); })};
    } else {
      raise<DtypeError>("the dtype must be an integer type of 32 or 64 bits. Got {}.", type);
    }
  });
}

Values full_integers(const Node& n, const Philox& generator, std::size_t shape = 0) {
  const auto draw = [&]<class T>(std::type_identity<T>, std::uint64_t i) { return bits<T>(generator.block(i)); };
  return integers(n, n.attr_or<DType>("dtype", u64), draw, shape);
}

// Inputs `i` and `i` + 1: the range.
Values integers_between(const Node& n, const Philox& generator, std::size_t i, std::size_t shape = 0) {
  const Array low = n.scalar(i), high = n.scalar(i + 1);
  check<ConcretizationError>(low.is_concrete() && high.is_concrete(),
                             "TensorFlow's own random numbers need a range that is known. Got {} and {}.", low.aval(),
                             high.aval());
  check<DtypeError>(low.dtype() == high.dtype(), "the range must have one type. Got {} and {}.", low.aval(),
                    high.aval());
  const auto draw = [&]<class T>(std::type_identity<T>, std::uint64_t index) {
    using Unsigned = std::make_unsigned_t<T>;
    const T from = low.item<T>(), to = high.item<T>();
    check(from < to, "the range must not be empty. Got {} to {}.", from, to);
    const auto range = static_cast<Unsigned>(static_cast<Unsigned>(to) - static_cast<Unsigned>(from));
    Drawn<T> out;
    const auto drawn = bits<Unsigned>(generator.block(index));
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<T>(static_cast<Unsigned>(from) + drawn[k] % range);
    return out;
  };
  return integers(n, low.dtype(), draw, shape);
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

}  // namespace

Philox known_state(const Array& state) {
  check<ConcretizationError>(state.is_concrete(),
                             "TensorFlow's own random numbers need a state that is known. Got {}. Call without jit, or "
                             "turn Config::tf_exact_random off.",
                             state.aval());
  const auto words = state.to_vector<std::uint64_t>();
  return {words[2], {words[0], words[1]}};
}

Values exact_of_state(const Node& n, const Philox& generator) {
  const std::string& op = n.op();
  if (op == "StatefulUniform") return floats(n, generator, Kind::uniform, 2);
  if (op == "StatefulStandardNormalV2") return floats(n, generator, Kind::normal, 2);
  if (op == "StatefulTruncatedNormal") return floats(n, generator, Kind::truncated, 2);
  if (op == "StatefulUniformInt") return integers_between(n, generator, 3, 2);
  if (op == "StatefulUniformFullInt") return full_integers(n, generator, 2);
  return exact_binomials(n, generator, 2, 3);
}

namespace {

constexpr ExactRandom kRows[] = {
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
    {"RandomUniformInt", [](const Node& n) { return integers_between(n, of_attributes(n), 1); }, true}};

void extend(ConverterTable& table, const ExactRandom& row) {
  const auto* found = table.find(row.op);
  check<InternalError>(found != nullptr, "exact random numbers: there is no converter for '{}' to extend.", row.op);
  table.add(
      row.op,
      [otherwise = found->convert, row](Node& n) {
        return config().tf_exact_random && (!row.stateful || is_seeded(n)) ? row.convert(n) : otherwise(n);
      },
      found->traits);
}

}  // namespace

void add_exact_random(ConverterTable& table) {
  for (const ExactRandom& row : kRows) extend(table, row);
  for (const ExactRandom& row : exact_random_with_parameters()) extend(table, row);
}

}  // namespace tf2jax::tf_import
