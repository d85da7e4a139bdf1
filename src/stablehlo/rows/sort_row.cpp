// Sorting by a comparator, which is understood by what it says about pairs of values.
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/trace/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tf2jax::stablehlo {
namespace {

// Values that tell orders apart; of the complex ones first and second part.
struct Probe {
  double re, im = 0;
};

std::vector<Probe> probes(DType dtype) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  if (is_bool(dtype)) return {{0}, {1}};
  if (is_unsigned_integer(dtype)) return {{0}, {1}, {2}, {200}};
  if (is_integer(dtype)) return {{-100}, {-1}, {0}, {1}, {100}};
  if (is_complex(dtype)) return {{-1, 1}, {-1, 2}, {0, -1}, {0, 3}, {2, 0}};
  return {{std::copysign(nan, -1.0)}, {-inf}, {-1}, {-0.0}, {0.0}, {1}, {inf}, {nan}};
}

Array scalar(const Probe& v, DType dtype) {
  return detail::exact_array(Aval{dtype, {}, false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      if constexpr (requires(T t) { t.real(); })
        *reinterpret_cast<T*>(out) =
            T(static_cast<typename T::value_type>(v.re), static_cast<typename T::value_type>(v.im));
      else if constexpr (std::same_as<T, float16> || std::same_as<T, bfloat16>)
        *reinterpret_cast<T*>(out) = T(static_cast<float>(v.re));
      else *reinterpret_cast<T*>(out) = static_cast<T>(v.re);
    });
  });
}

// How a key is ordered. `canonical`: zeros equal, every NaN last; `total`: by sign and bits; `plain`: NaN anywhere.
enum class Order : std::uint8_t { none, canonical, total, plain, reversed, total_reversed };

using Less = bool (*)(const Probe&, const Probe&);

bool canonical_less(const Probe& x, const Probe& y) {
  if (std::isnan(x.re)) return false;
  if (std::isnan(y.re)) return true;
  return x.re < y.re || (x.re == y.re && x.im < y.im);
}
bool plain_less(const Probe& x, const Probe& y) { return x.re < y.re || (x.re == y.re && x.im < y.im); }
// -NaN, -inf, …, -0, 0, …, inf, NaN.
int total_rank(double v) {
  if (std::isnan(v)) return std::signbit(v) ? -3 : 3;
  return 0;
}
bool total_less(const Probe& x, const Probe& y) {
  const int a = total_rank(x.re), b = total_rank(y.re);
  if (a != b) return a < b;
  if (a != 0) return false;
  return x.re < y.re || (x.re == y.re && std::signbit(x.re) && !std::signbit(y.re));
}
bool plain_greater(const Probe& x, const Probe& y) { return plain_less(y, x); }
bool total_greater(const Probe& x, const Probe& y) { return total_less(y, x); }

class Comparator {
 public:
  explicit Comparator(Call& c) : body_(c.body(0)), operands_(c.args) {}

  // Whether the left side comes first, where the sides differ as given and agree in every other operand.
  struct Difference {
    std::size_t operand;
    Probe left, right;
  };
  bool operator()(std::initializer_list<Difference> differences) const {
    Arrays args;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const DType dtype = operands_[i].dtype();
      Probe left = probes(dtype)[0], right = left;
      if (is_floating(dtype)) left = right = {1};
      for (const Difference& d : differences)
        if (d.operand == i) left = d.left, right = d.right;
      args.push_back(scalar(left, dtype));
      args.push_back(scalar(right, dtype));
    }
    const TraceScope scope(eval_trace());
    const Arrays out = body_(args);
    check<ValueError>(out.size() == 1 && out[0].is_concrete() && out[0].dtype() == DType::bool_,
                      "stablehlo: a comparator must return one bool that depends on its operands only. Got {} results.",
                      out.size());
    return out[0].item<bool>();
  }

  Order order(std::size_t operand) const {
    const auto values = probes(operands_[operand].dtype());
    std::vector<bool> table;
    for (const Probe& x : values)
      for (const Probe& y : values) table.push_back((*this)({{operand, x, y}}));
    const auto is = [&](Less less) {
      std::size_t k = 0;
      for (const Probe& x : values)
        for (const Probe& y : values)
          if (table[k++] != less(x, y)) return false;
      return true;
    };
    if (std::ranges::find(table, true) == table.end()) return Order::none;
    if (is(canonical_less)) return Order::canonical;
    if (is(plain_less)) return Order::plain;
    if (is(total_less)) return Order::total;
    if (is(plain_greater)) return Order::reversed;
    if (is(total_greater)) return Order::total_reversed;
    raise<NotImplementedError>("stablehlo: the order of a sort is not known. Got operand {} of {}.", operand,
                               operands_[operand].aval());
  }

 private:
  FlatFn body_;
  const Arrays& operands_;
};

// Signed integers in the total order of floats: negative ones with their other bits flipped.
Array total_key(const Array& x) {
  const DType bits = itemsize(x.dtype()) == 2 ? DType::i16 : itemsize(x.dtype()) == 4 ? DType::i32 : DType::i64;
  const Array word = bitcast_convert_type_p().bind1({x}, NewDtype{bits});
  const auto flip = bits == DType::i16 ? 0x7FFF : bits == DType::i32 ? 0x7FFFFFFF : INT64_MAX;
  const Array mask = scalar({0}, bits);
  const Array all =
      detail::exact_array(Aval{bits, {}, false}, std::as_bytes(std::span(&flip, 1)).first(as_index(itemsize(bits))));
  const auto like = [&](const Array& s) { return broadcast_in_dim_p().bind1({s}, BroadcastInDim{{}, x.shape()}); };
  return select(lt_p().bind1({word, like(mask)}), xor_p().bind1({word, like(all)}), word);
}

// A key whose ascending order is the one that is asked for. Zeros of both signs are equal unless the order is total.
Array ascending_key(const Array& x, Order order) {
  if (order == Order::canonical || order == Order::plain) return x;
  check<NotImplementedError>(!is_complex(x.dtype()), "stablehlo: complex numbers are sorted ascending only.");
  Array key = x;
  if (is_floating(x.dtype())) {
    const Array zeros = zeros_like(x);
    key = total_key(order == Order::reversed ? select(eq_p().bind1({x, zeros}), zeros, x) : x);
  }
  return order == Order::total ? key : not_p().bind1({key});
}

}  // namespace

Arrays sort_row(Call& c) {
  if (c.args.empty()) c.fail("it has no operands.");
  for (const Array& x : c.args)
    if (!identical(x.shape(), c[0].shape())) c.fail("its operands must have one shape.");
  const std::int64_t dimension = normalize_axis(c.integer("dimension"), c[0].rank(), "sort");
  const bool stable = c.flag("is_stable");
  const Comparator compare(c);
  std::vector<Order> orders;
  for (std::size_t i = 0; i < c.args.size(); ++i) orders.push_back(compare.order(i));
  const auto keys = as_index(std::ranges::find(orders, Order::none) - orders.begin());
  const bool leading = std::all_of(orders.begin() + static_cast<std::ptrdiff_t>(keys), orders.end(),
                                   [](Order o) { return o == Order::none; });
  bool lexicographic = keys > 0 && leading;
  for (std::size_t i = 0; i + 1 < keys && lexicographic; ++i) {
    // The values 1 and 2 of probes, or their order reversed: the earlier key decides.
    const auto first = probes(c[i].dtype()), second = probes(c[i + 1].dtype());
    const std::size_t a = is_floating(c[i].dtype()) ? 2 : 0, b = is_floating(c[i + 1].dtype()) ? 2 : 0;
    const bool up = orders[i] < Order::reversed, next_up = orders[i + 1] < Order::reversed;
    const auto pair = [](const std::vector<Probe>& v, std::size_t at, bool ascending) {
      const std::size_t last = v.size() - 1 - at;
      return ascending ? std::pair(v[at], v[last]) : std::pair(v[last], v[at]);
    };
    const auto [low, high] = pair(first, a, up);
    const auto [less, more] = pair(second, b, next_up);
    lexicographic = compare({{i, low, high}, {i + 1, more, less}}) && !compare({{i, high, low}, {i + 1, less, more}});
  }
  check<NotImplementedError>(lexicographic,
                             "stablehlo: the comparator of operation 'sort' at {} does not order by leading operands.",
                             c.op.offset);
  Arrays operands;
  const bool as_they_are = std::all_of(orders.begin(), orders.begin() + static_cast<std::ptrdiff_t>(keys),
                                       [](Order o) { return o == Order::canonical || o == Order::plain; });
  if (!as_they_are)
    for (std::size_t i = 0; i < keys; ++i) operands.push_back(ascending_key(c[i], orders[i]));
  const std::size_t added = operands.size();
  operands.insert(operands.end(), c.args.begin(), c.args.end());
  Arrays out = sort_p().bind(operands, SortParams{dimension, stable, static_cast<std::int64_t>(keys)});
  out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(added));
  return out;
}

}  // namespace tf2jax::stablehlo
