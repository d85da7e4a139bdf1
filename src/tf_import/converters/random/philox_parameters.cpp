// TensorFlow's own random numbers of distributions with parameters, which must be known like the seeds.
#include <cmath>
#include <cstring>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/tf_import/converters/random/internal/exact_random.h"
#include "tf2jax/tf_import/converters/random/internal/philox_samples.h"

namespace tf2jax::tf_import {
namespace {

// `dims` samples of distributions whose parameters have the shape of its last axes. TensorFlow numbers them by
// distribution, then by sample.
struct Layout {
  Dims dims;
  std::int64_t distributions = 1, samples = 1;

  Layout(const Shape& sizes, const Dims& parameters) : dims(concrete(sizes)), distributions(num_elements(parameters)) {
    check<ShapeError>(
        dims.size() >= parameters.size() && std::equal(parameters.rbegin(), parameters.rend(), dims.rbegin()),
        "the sizes must end with those of the parameters. Got {} and {}.", to_string(sizes), tuple_string(parameters));
    for (std::size_t i = 0; i + parameters.size() < dims.size(); ++i) samples *= dims[i];
  }
  // `f(distribution, number)`, the latter counted through all.
  template <class T, class F>
  std::vector<T> filled(F f) const {
    std::vector<T> out(distributions * samples);
    for (std::int64_t d = 0; d < distributions; ++d)
      for (std::int64_t s = 0; s < samples; ++s) out[s * distributions + d] = f(d, d * samples + s);
    return out;
  }
};

// The sizes of input 0 with those of the parameters behind.
Layout behind(const Node& n, const Dims& parameters) {
  Shape sizes = n.sizes(0);
  for (const std::int64_t d : parameters) sizes.emplace_back(d);
  check_sizes(sizes, n.op());
  return {sizes, parameters};
}

template <class T>
Value drawn(const Dims& dims, DType type, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return Value(in_canonical_type(detail::exact_array({type, symbolic(dims), false}, bytes)));
}

// Halves and floats are rounded as TensorFlow rounds: through float, whose subnormal numbers its threads make zero.
template <class T>
T converted(double x) {
  if constexpr (sizeof(T) == 8 || std::is_integral_v<T>) {
    return static_cast<T>(x);
  } else {
    const auto y = static_cast<float>(x);
    return std::fpclassify(y) == FP_SUBNORMAL ? std::copysign(0.0F, y) : y;
  }
}

// `f` with a type of those for which TensorFlow has kernels.
template <bool kIntegers, class F>
Values with_type(DType type, F f) {
  return visit_dtype(type, [&]<class T>(std::type_identity<T> t) -> Values {
    constexpr bool is_real = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, float16>;
    constexpr bool is_whole = kIntegers && (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t>);
    if constexpr (is_real || is_whole) return f(t);
    else raise<DtypeError>("TensorFlow draws no such numbers of this type. Got {}.", type);
  });
}

template <class T>
double highest_of() {
  if constexpr (std::is_same_v<T, float16>) return 65504;
  else return static_cast<double>(std::numeric_limits<T>::max());
}

Dims known_dims(const Array& x) { return concrete(x.shape()); }

// ---- gamma, Poisson

Values gammas(const Philox& generator, const Array& alpha, const Layout& layout, DType type) {
  const auto alphas = alpha.to_vector<double>();
  return with_type<false>(type, [&]<class T>(std::type_identity<T>) -> Values {
    return {drawn(layout.dims, type, layout.filled<T>([&](std::int64_t d, std::int64_t number) {
      return converted<T>(gamma_number(generator.skipped(256 * number), alphas[d]));
    }))};
  });
}

Values poissons(const Philox& generator, const Array& rate, const Layout& layout, DType type) {
  const auto rates = rate.to_vector<double>();
  return with_type<true>(type, [&]<class T>(std::type_identity<T>) -> Values {
    const double highest = highest_of<T>();
    return {drawn(layout.dims, type, layout.filled<T>([&](std::int64_t d, std::int64_t number) {
      if (!std::is_integral_v<T> && std::isinf(rates[d]) && rates[d] > 0) return converted<T>(rates[d]);
      return converted<T>(poisson_number(generator.skipped(256 * number), rates[d], highest));
    }))};
  });
}

// Stateless ones have the axes of alpha at the end of the shape. Inputs: shape, seed, alpha; or shape, key, counter,
// algorithm, alpha.
Values stateless_gamma(const Node& n) {
  n.ignore({"shape_dtype", "Tseed"});
  const bool v3 = n.op() == "StatelessRandomGammaV3";
  const Array alpha = known_input(n, v3 ? 4 : 2);
  return gammas(v3 ? given(n) : seeded(n, 1), alpha, {n.sizes(0), known_dims(alpha)}, n.attr<DType>("dtype"));
}
Values random_gamma(const Node& n) {
  n.ignore({"S"});
  const Array alpha = known_input(n, 1);
  return gammas(of_attributes(n), alpha, behind(n, known_dims(alpha)), n.attr_or<DType>("T", alpha.dtype()));
}
Values stateless_poisson(const Node& n) {
  n.ignore({"Rtype", "Tseed"});
  const Array rate = known_input(n, 2);
  return poissons(seeded(n, 1), rate, {n.sizes(0), known_dims(rate)}, n.attr<DType>("dtype"));
}
Values random_poisson(const Node& n) {
  n.ignore({"S", "R"});
  const Array rate = known_input(n, 1);
  return poissons(of_attributes(n), rate, behind(n, known_dims(rate)), n.attr_or<DType>("dtype", i64));
}

// ---- several parameters, which are broadcast

Dims common_dims(const Arrays& parameters) {
  std::vector<Shape> shapes;
  for (const Array& x : parameters) shapes.push_back(x.shape());
  return concrete(broadcast_shapes(shapes, "the parameters"));
}

// The elements of `x` broadcast to `dims`.
std::vector<double> spread(const Array& x, const Dims& dims) {
  const auto values = x.to_vector<double>();
  const Dims own = known_dims(x);
  std::vector<double> out(num_elements(dims));
  for (std::int64_t i = 0; i < std::ssize(out); ++i) {
    std::int64_t left = i, at = 0, stride = 1;
    for (std::size_t k = 1; k <= own.size(); ++k) {
      const std::int64_t size = own[own.size() - k];
      at += size == 1 ? 0 : left % dims[dims.size() - k] * stride;
      left /= dims[dims.size() - k];
      stride *= size;
    }
    out[i] = values[at];
  }
  return out;
}

// By the product with the less likely outcome's probability, rounded to T, the sampler is chosen.
template <class T>
double binomial_number(const Philox& generator, double count, double p, std::int64_t number) {
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  const bool mirrored = p > 0.5;
  const double q = mirrored ? static_cast<double>(converted<T>(1 - p)) : p;
  const double drawn = converted<T>(count * q) >= 10 ? binomial_by_rejection(generator.skipped(256 * number), count, q)
                                                     : binomial_by_gaps(generator.skipped(42 * number), count, q);
  return mirrored ? count - drawn : drawn;
}

}  // namespace

Values exact_binomials(const Node& n, const Philox& generator, std::size_t shape, std::size_t first) {
  n.ignore({"S", "Tseed"});
  const DType type = n.attr<DType>("dtype");
  const Arrays parameters{known_input(n, first), known_input(n, first + 1)};
  const Dims dims = common_dims(parameters);
  const Layout layout(n.sizes(shape), dims);
  const auto counts = spread(parameters[0], dims), probabilities = spread(parameters[1], dims);
  return with_type<false>(n.attr_or<DType>("T", parameters[0].dtype()), [&]<class T>(std::type_identity<T>) {
    return with_type<true>(type, [&]<class U>(std::type_identity<U>) -> Values {
      return {drawn(layout.dims, type, layout.filled<U>([&](std::int64_t d, std::int64_t number) {
        const double count = counts[d], p = probabilities[d];
        check(std::isfinite(count) && (!std::isnan(p) || !std::is_integral_v<U>),
              "counts must be finite, and probabilities numbers. Got {} and {}.", count, p);
        return converted<U>(std::isnan(p) ? p : binomial_number<T>(generator, count, p, number));
      }))};
    });
  });
}

std::int64_t blocks_of_binomial(const Node& n, const Dims& dims) {
  const Layout layout(symbolic(dims), common_dims({n.array(3), n.array(4)}));
  return layout.distributions * 2 * 100 * (layout.samples + 3) / 4;
}

namespace {

// ---- what TensorFlow draws in one run, or in several by as many threads, with other numbers

// TensorFlow's estimates of the work, in cycles; below the limit there is one run.
void check_one_run(std::int64_t parts, double cost) {
  constexpr double kLimit = 210000;
  check<NotImplementedError>(
      parts <= 1 || static_cast<double>(parts) * cost < kLimit,
      "TensorFlow's own numbers for so many depend on its threads, which is not implemented. Got "
      "{} parts. Draw fewer at once, or turn Config::tf_exact_random off.",
      parts);
}

// Inputs: logits, count, and a seed where it has none among its attributes.
Values multinomial(const Node& n, const Philox& generator) {
  n.ignore({"Tseed"});
  const Array logits = known_input(n, 0);
  check<ShapeError>(logits.rank() == 2, "logits must have rank 2. Got {}.", logits.aval());
  const Dims dims = known_dims(logits);
  const std::int64_t rows = dims[0], classes = dims[1], count = n.integer(1, 0);
  check(classes > 0, "there must be classes. Got {}.", logits.aval());
  check_sizes(Shape{Dim(rows), Dim(count)}, n.op());
  const auto work = static_cast<double>(count) * std::log(classes) / std::log(2) + static_cast<double>(classes);
  check_one_run(rows, std::floor(50 * work));
  const DType type = n.attr_or<DType>("output_dtype", i64);
  return with_type<true>(type, [&]<class T>(std::type_identity<T>) -> Values {
    const auto values = multinomial_numbers(generator, logits.to_vector<double>(), classes, count);
    return {drawn(Dims{rows, count}, type, std::vector<T>(values.begin(), values.end()))};
  });
}

template <class T>
std::vector<TruncatedNormal<T>> distributions(const Arrays& parameters, const Dims& dims) {
  std::vector<std::vector<double>> all;
  for (const Array& x : parameters) all.push_back(spread(x, dims));
  std::vector<TruncatedNormal<T>> out;
  for (std::size_t i = 0; i < all[0].size(); ++i)
    out.push_back({converted<T>(all[0][i]), converted<T>(all[1][i]), converted<T>(all[2][i]), converted<T>(all[3][i])});
  return out;
}

// What a distribution and a number of it cost.
template <class T>
std::array<double, 2> truncated_costs() {
  if constexpr (std::is_same_v<T, float>) return {53, 134};
  return std::is_same_v<T, double> ? std::array{90.0, 168.0} : std::array{62.0, 152.0};
}

Arrays known_inputs(const Node& n, std::size_t first, std::size_t count) {
  Arrays out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(known_input(n, first + i));
  return out;
}

// Inputs: shape, seed, means, deviations, lowest and highest values.
Values stateless_truncated_between(const Node& n) {
  n.ignore({"S", "Tseed"});
  const Arrays parameters = known_inputs(n, 2, 4);
  const Dims dims = common_dims(parameters);
  const Layout layout(n.sizes(0), dims);
  const DType type = n.attr_or<DType>("dtype", parameters[0].dtype());
  return with_type<false>(type, [&]<class T>(std::type_identity<T>) -> Values {
    const auto [setup, each] = truncated_costs<T>();
    check_one_run(layout.distributions * layout.samples, setup + each);
    Blocks blocks(seeded(n, 1));
    std::vector<T> out(layout.distributions * layout.samples);
    const auto all = distributions<T>(parameters, dims);
    for (std::int64_t d = 0; d < layout.distributions; ++d) {
      std::int64_t at = d;
      truncated_numbers<T>(blocks, all[d], layout.samples, [&](T value) {
        out[at] = value;
        at += layout.distributions;
      });
    }
    return {drawn(layout.dims, type, out)};
  });
}

// Inputs: shape, means, deviations, lowest and highest values, of the rows of the result. Where all rows have the same,
// TensorFlow cuts the numbers into hundreds.
Values truncated_between(const Node& n) {
  const Arrays parameters = known_inputs(n, 1, 4);
  const Dims dims = concrete(n.sizes(0));
  check<ShapeError>(!dims.empty(), "the sizes must have an axis. Got rank 0.");
  bool same = parameters[2].rank() == 0 && parameters[3].rank() == 0;
  for (const Array& x : parameters) {
    check<ShapeError>(x.rank() <= 1, "parameters must have rank 0 or 1. Got {}.", x.aval());
    same = same && num_elements(known_dims(x)) == 1;
  }
  const std::int64_t count = num_elements(dims), rows = same ? (count + 99) / 100 : dims[0];
  const std::int64_t samples = same ? 100 : rows == 0 ? 0 : count / rows;
  const DType type = n.attr_or<DType>("dtype", parameters[0].dtype());
  return with_type<false>(type, [&]<class T>(std::type_identity<T>) -> Values {
    const auto [setup, each] = truncated_costs<T>();
    check_one_run(rows, setup + each * static_cast<double>(samples));
    Blocks blocks(of_attributes(n));
    std::vector<T> out;
    for (const auto& of : distributions<T>(parameters, Dims{rows}))
      truncated_numbers<T>(blocks, of, std::min(samples, count - std::ssize(out)),
                           [&](T value) { out.push_back(value); });
    return {drawn(dims, type, out)};
  });
}

// The order is known, what is shuffled need not be.
Values shuffle(const Node& n, const Philox& generator) {
  const Array x = n.array(0, 1);
  if (concrete(x.shape())[0] < 2) return {x};
  const auto order = shuffled(generator, concrete(x.shape())[0]);
  return {take(x, in_canonical_type(
                      detail::exact_array({i64, {Dim(std::ssize(order))}, false}, std::as_bytes(std::span(order)))))};
}

constexpr ExactRandom kRows[] = {
    {"StatelessRandomGammaV2", stateless_gamma},
    {"StatelessRandomGammaV3", stateless_gamma},
    {"RandomGamma", random_gamma, true},
    {"StatelessRandomPoisson", stateless_poisson},
    {"RandomPoissonV2", random_poisson, true},
    {"StatelessRandomBinomial", [](const Node& n) { return exact_binomials(n, seeded(n, 1), 0, 2); }},
    {"StatelessMultinomial", [](const Node& n) { return multinomial(n, seeded(n, 2)); }},
    {"Multinomial", [](const Node& n) { return multinomial(n, of_attributes(n)); }, true},
    {"StatelessParameterizedTruncatedNormal", stateless_truncated_between},
    {"ParameterizedTruncatedNormal", truncated_between, true},
    {"StatelessShuffle", [](const Node& n) { return shuffle(n, given(n)); }},
    {"RandomShuffle", [](const Node& n) { return shuffle(n, of_attributes(n)); }, true}};

}  // namespace

std::span<const ExactRandom> exact_random_with_parameters() { return kRows; }

}  // namespace tf2jax::tf_import
