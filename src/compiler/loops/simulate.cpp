// One scalar at a time. Values are kept in 64 bits: halves as floats that are rounded after each operation, integers
// extended, bool as 0 or 1. Longer than other files because it says what every operation means.
#include "tf2jax/compiler/loops/simulate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "tf2jax/backends/cpu/special.h"
#include "tf2jax/backends/cpu/threefry.h"
#include "tf2jax/base/error.h"

namespace tf2jax::loops {

namespace {

// ---- scalar operations

template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

/// Calls f with the type that a scalar of `d` computes in and the type that it is stored as.
template <class F>
auto with_types(DType d, F&& f) {
  return visit_dtype(d, [&]<class T>(std::type_identity<T>) {
    if constexpr (kIsHalf<T>) return f(std::type_identity<float>{}, std::type_identity<T>{});
    else return f(std::type_identity<T>{}, std::type_identity<T>{});
  });
}

using Bits = std::uint64_t;

template <class T>
T from_bits(Bits b) {
  T v{};
  if constexpr (sizeof(T) <= 8) std::memcpy(static_cast<void*>(&v), &b, sizeof v);
  return v;
}
template <class T>
Bits to_bits(T v) {
  Bits b = 0;
  if constexpr (sizeof(T) <= 8) std::memcpy(&b, &v, sizeof v);
  return b;
}
// The stored form of a computed value, and back.
template <class Computed, class Stored>
Bits pack(Computed v) {
  return to_bits<Stored>(static_cast<Stored>(v));
}
template <class Computed, class Stored>
Computed unpack(Bits b) {
  return static_cast<Computed>(from_bits<Stored>(b));
}

template <class T>
T extreme(T x, T y, bool largest) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(x) || std::isnan(y) || x == y)
      return std::isnan(x) || (!std::isnan(y) && std::signbit(x) != largest) ? x : y;  // 0 is above -0
  return (largest ? y > x : y < x) ? y : x;
}

template <class T>
T log_add_exp(T x, T y) {
  const T most = extreme(x, y, true), least = extreme(x, y, false);
  if (std::isnan(most) || most == least)
    return std::isnan(most) ? most : std::isinf(most) ? most : most + std::log(T(2));
  return most + std::log1p(std::exp(least - most));
}

template <class T>
T float_op(Op op, T x, T y) {
  switch (op) {
    case Op::neg: return -x;
    case Op::sign: return x > 0 ? T(1) : x < 0 ? T(-1) : x;
    case Op::floor: return std::floor(x);
    case Op::ceil: return std::ceil(x);
    case Op::round_away: return std::round(x);
    case Op::round_even: return std::nearbyint(x);
    case Op::exp: return std::exp(x);
    case Op::exp2: return std::exp2(x);
    case Op::expm1: return std::expm1(x);
    case Op::log: return std::log(x);
    case Op::log1p: return std::log1p(x);
    case Op::log2: return std::log2(x);
    case Op::tanh: return std::tanh(x);
    case Op::logistic: return 1 / (1 + std::exp(-x));
    case Op::sin: return std::sin(x);
    case Op::cos: return std::cos(x);
    case Op::tan: return std::tan(x);
    case Op::asin: return std::asin(x);
    case Op::acos: return std::acos(x);
    case Op::atan: return std::atan(x);
    case Op::sinh: return std::sinh(x);
    case Op::cosh: return std::cosh(x);
    case Op::asinh: return std::asinh(x);
    case Op::acosh: return std::acosh(x);
    case Op::atanh: return std::atanh(x);
    case Op::cbrt: return std::cbrt(x);
    case Op::erf: return std::erf(x);
    case Op::erfc: return std::erfc(x);
    case Op::erf_inv: return cpu::erf_inv_value(x);
    case Op::sqrt: return std::sqrt(x);
    case Op::rsqrt: return 1 / std::sqrt(x);
    case Op::abs: return std::abs(x);
    case Op::add: return x + y;
    case Op::sub: return x - y;
    case Op::mul: return x * y;
    case Op::div: return x / y;
    case Op::rem: return std::fmod(x, y);
    case Op::max: return extreme(x, y, true);
    case Op::min: return extreme(x, y, false);
    case Op::pow: return std::pow(x, y);
    case Op::atan2: return std::atan2(x, y);
    case Op::log_add_exp: return log_add_exp(x, y);
    default: raise<InternalError>("simulate: operation {} is not one of floats.", static_cast<int>(op));
  }
}

template <class T>
T integer_op(Op op, T x, T y) {
  using U = std::make_unsigned_t<T>;
  constexpr U kWidth = sizeof(T) * 8;
  const auto u = static_cast<U>(x), v = static_cast<U>(y);
  switch (op) {
    case Op::neg: return static_cast<T>(U(0) - u);
    case Op::sign: return static_cast<T>((x > 0) - (x < 0));
    case Op::abs: return x < 0 ? static_cast<T>(U(0) - u) : x;
    case Op::bit_not: return static_cast<T>(~u);
    case Op::population_count: return static_cast<T>(std::popcount(u));
    case Op::clz: return static_cast<T>(std::countl_zero(u));
    case Op::add: return static_cast<T>(u + v);
    case Op::sub: return static_cast<T>(u - v);
    case Op::mul: return static_cast<T>(static_cast<std::uint64_t>(u) * v);
    case Op::div:
      return y == 0                                           ? static_cast<T>(-1)
             : std::is_signed_v<T> && y == static_cast<T>(-1) ? static_cast<T>(U(0) - u)
                                                              : static_cast<T>(x / y);
    case Op::rem: return y == 0 ? x : std::is_signed_v<T> && y == static_cast<T>(-1) ? T(0) : static_cast<T>(x % y);
    case Op::max: return extreme(x, y, true);
    case Op::min: return extreme(x, y, false);
    case Op::bit_and: return static_cast<T>(u & v);
    case Op::bit_or: return static_cast<T>(u | v);
    case Op::bit_xor: return static_cast<T>(u ^ v);
    case Op::shift_left: return v >= kWidth ? T(0) : static_cast<T>(u << v);
    case Op::shift_right_logical: return v >= kWidth ? T(0) : static_cast<T>(u >> v);
    case Op::shift_right_arithmetic:
      return static_cast<T>(static_cast<std::make_signed_t<T>>(x) >> std::min<U>(v, kWidth - 1));
    default: raise<InternalError>("simulate: operation {} is not one of integers.", static_cast<int>(op));
  }
}

bool bool_op(Op op, bool x, bool y) {
  switch (op) {
    case Op::bit_not: return !x;
    case Op::add:
    case Op::max:
    case Op::bit_or: return x || y;
    case Op::mul:
    case Op::min:
    case Op::bit_and: return x && y;
    case Op::sub:
    case Op::bit_xor: return x != y;
    default: raise<InternalError>("simulate: operation {} is not one of bools.", static_cast<int>(op));
  }
}

Bits apply(Op op, DType d, Bits x, Bits y) {
  return with_types(d, [&]<class C, class S>(std::type_identity<C>, std::type_identity<S>) -> Bits {
    const C a = unpack<C, S>(x), b = unpack<C, S>(y);
    if constexpr (std::is_same_v<C, bool>) return pack<C, S>(bool_op(op, a, b));
    else if constexpr (std::is_integral_v<C>) return pack<C, S>(integer_op(op, a, b));
    else if constexpr (std::is_floating_point_v<C>) return pack<C, S>(float_op(op, a, b));
    else raise<InternalError>("simulate: {} is no type of loops.", short_name(d));
  });
}

bool compare(Op op, DType d, Bits x, Bits y) {
  return with_types(d, [&]<class C, class S>(std::type_identity<C>, std::type_identity<S>) -> bool {
    if constexpr (!std::is_arithmetic_v<C>) raise<InternalError>("simulate: {} is no type of loops.", short_name(d));
    else {
      const C a = unpack<C, S>(x), b = unpack<C, S>(y);
      switch (op) {
        case Op::eq: return a == b;
        case Op::ne: return a != b;
        case Op::lt: return a < b;
        case Op::le: return a <= b;
        case Op::gt: return a > b;
        default: return a >= b;
      }
    }
  });
}

template <class To, class From>
To converted(From x) {
  if constexpr (std::is_same_v<To, bool>) return x != From(0);
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return saturated<To>(x);
  else return static_cast<To>(x);
}

// Halves are rounded once, from float.
template <class T, class TS, class F>
Bits converted_bits(F v) {
  if constexpr (kIsHalf<TS> && !std::is_same_v<F, float>) return to_bits<TS>(static_cast<TS>(static_cast<float>(v)));
  else return pack<T, TS>(converted<T>(v));
}

Bits convert(DType from, DType to, Bits x) {
  return with_types(from, [&]<class F, class FS>(std::type_identity<F>, std::type_identity<FS>) -> Bits {
    return with_types(to, [&]<class T, class TS>(std::type_identity<T>, std::type_identity<TS>) -> Bits {
      if constexpr (std::is_arithmetic_v<F> && std::is_arithmetic_v<T>) {
        return converted_bits<T, TS>(unpack<F, FS>(x));
      } else {
        raise<InternalError>("simulate: no conversion from {} to {}.", short_name(from), short_name(to));
      }
    });
  });
}

// ---- the machine

constexpr std::int64_t kMostAccesses = 1 << 15;  // of a kernel that is counted

struct TooMany {};

class Machine {
 public:
  Machine(const Kernel& kernel, void* const* buffers) : Machine(kernel) {
    for (std::size_t i = 0; i < kernel.buffers.size(); ++i) {
      const Buffer& b = kernel.buffers[i];
      if (b.scratch) scratch_.emplace_back(std::max<std::int64_t>(b.elements, 1) * itemsize(b.dtype), std::byte{0xff});
      data_.push_back(b.scratch ? scratch_.back().data() : static_cast<std::byte*>(buffers[i]));
      memory_.push_back(b.scratch ? -1 : static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(data_.back())));
    }
    watch();
  }
  Machine(const Kernel& kernel, const std::vector<std::int64_t>& memory) : Machine(kernel) {
    memory_ = memory;
    for (const Buffer& b : kernel.buffers) counts_.emplace_back(b.written ? b.elements : 0, 0);
    watch();
  }

  void run(std::int64_t range) {
    for (iteration_ = 0; iteration_ < range; ++iteration_) {
      std::int64_t rest = iteration_;
      for (std::size_t k = kernel_.parallel.size(); k-- > 0;) {
        variables_[k] = rest % kernel_.parallel[k];
        rest /= kernel_.parallel[k];
      }
      if (kernel_.parallel_lanes) lane_ = iteration_;
      run(kernel_.body);
    }
  }
  std::vector<std::vector<std::int32_t>> counts() { return std::move(counts_); }

 private:
  explicit Machine(const Kernel& kernel)
      : kernel_(kernel),
        values_(kernel.nodes.size()),
        variables_(kernel.variables, 0),
        accumulators_(kernel.accumulators.size()),
        cells_(kernel.cells.size()) {
    for (std::size_t i = 0; i < kernel.nodes.size(); ++i)
      if (kernel.nodes[i].op == Op::constant) values_[i] = kernel.nodes[i].bits;
  }
  void watch() {
    for (std::size_t i = 0; i < memory_.size(); ++i)
      if (kernel_.buffers[i].written && memory_[i] != -1) visits_[memory_[i]].resize(kernel_.buffers[i].elements);
  }

  bool has_data() const { return !data_.empty(); }

  std::int64_t place(const Affine& a) const {
    std::int64_t out = a.offset;
    for (const auto& [v, c] : a.terms) out += c * variables_[v];
    return out;
  }
  std::int64_t integer(NodeId n) const {
    return static_cast<std::int64_t>(convert(kernel_.nodes[n].dtype, DType::i64, values_[n]));
  }
  std::int64_t place(const Affine& a, const std::vector<std::pair<NodeId, std::int64_t>>& dynamic) const {
    std::int64_t out = place(a);
    for (const auto& [n, scale] : dynamic) out += integer(n) * scale;
    return out;
  }

  // Who touched an element: an iteration, and in it a turn of a lane loop and a lane. Stores at computed places are
  // made lane by lane, in order.
  struct Visit {
    std::int64_t iteration = -1, turn = 0, lane = -1;
    bool in_order = false;
    bool beside(const Visit& o) const {
      return iteration >= 0 &&
             (iteration != o.iteration || (lane >= 0 && turn == o.turn && lane != o.lane && !(in_order && o.in_order)));
    }
  };
  struct Visits {
    Visit write, read;
  };

  void visit(BufferId b, std::int64_t i, bool stores, bool in_order) {
    const Buffer& buffer = kernel_.buffers[b];
    if (i < 0 || i >= buffer.elements)
      raise<InternalError>("simulate: {} element {} of buffer {}, which has {}:\n{}",
                           stores ? "a store to" : "a load of", i, b, buffer.elements, to_string(kernel_));
    const auto shared = visits_.find(memory_[b]);
    if (shared == visits_.end() || (in_order && !has_data())) return;  // without data nobody knows which places are one
    const Visit me{iteration_, turn_, lane_, in_order};
    Visits& before = shared->second.at(i);
    if (!stores && !buffer.written && before.write.iteration >= 0)
      raise<InternalError>(
          "simulate: element {} of buffer {} is read after another buffer's result was written over it:\n{}", i, b,
          to_string(kernel_));
    if (before.write.beside(me) || (stores && before.read.beside(me))) {
      const Visit& other = before.write.beside(me) ? before.write : before.read;
      raise<InternalError>(
          "simulate: element {} of buffer {} is {} by iteration {}, lane {}, and touched by iteration {}, lane {}:\n{}",
          i, b, stores ? "written" : "read", me.iteration, me.lane, other.iteration, other.lane, to_string(kernel_));
    }
    (stores ? before.write : before.read) = me;
  }

  Bits load(const Node& n, std::int64_t i) {
    visit(n.buffer, i, false, false);
    if (!has_data()) {
      if (++accesses_ > kMostAccesses) throw TooMany{};
      return 0;
    }
    Bits out = 0;
    const std::int64_t size = itemsize(n.dtype);
    std::memcpy(&out, data_[n.buffer] + i * size, size);
    return out;
  }
  void store(const Store& s, std::int64_t i) {
    visit(s.buffer, i, true, !s.dynamic.empty());
    if (!has_data()) {
      if (++accesses_ > kMostAccesses) throw TooMany{};
      if (kernel_.buffers[s.buffer].written) ++counts_[s.buffer][i];
      return;
    }
    const std::int64_t size = itemsize(kernel_.buffers[s.buffer].dtype);
    std::memcpy(data_[s.buffer] + i * size, &values_[s.value], size);
  }

  Bits evaluate(const Node& n) {
    const auto in = [&](std::size_t k) { return values_[n.in[k]]; };
    const auto type = [&](std::size_t k) { return kernel_.nodes[n.in[k]].dtype; };
    switch (n.op) {
      case Op::constant: return n.bits;
      case Op::index: return convert(DType::i64, n.dtype, static_cast<Bits>(place(n.at)));
      case Op::in_range: {
        const std::int64_t i = place(n.at);
        return i >= 0 && i < n.extent;
      }
      case Op::load: return n.in[0] >= 0 && !in(0) ? 0 : load(n, place(n.at, n.dynamic));
      case Op::read: return accumulators_[n.accumulator];
      case Op::get: return cells_[n.cell];
      case Op::is_finite:
        return with_types(type(0), [&]<class C, class S>(std::type_identity<C>, std::type_identity<S>) -> Bits {
          if constexpr (std::is_floating_point_v<C>) return std::isfinite(unpack<C, S>(in(0)));
          else return 1;
        });
      case Op::convert: return convert(type(0), n.dtype, in(0));
      case Op::bitcast: return in(0);
      case Op::eq:
      case Op::ne:
      case Op::lt:
      case Op::le:
      case Op::gt:
      case Op::ge: return compare(n.op, type(0), in(0), in(1));
      case Op::select: return in(0) ? in(1) : in(2);
      case Op::hash_first:
      case Op::hash_second:
      case Op::hash_both: {
        const PrngKeyData h = cpu::threefry({static_cast<std::uint32_t>(in(0)), static_cast<std::uint32_t>(in(1))}, 0,
                                            static_cast<std::uint32_t>(in(2)));
        return n.op == Op::hash_first ? h.k0 : n.op == Op::hash_second ? h.k1 : h.k0 ^ h.k1;
      }
      default: return apply(n.op, n.dtype, in(0), n.in[1] >= 0 ? in(1) : 0);
    }
  }

  void run(const Block& block) {
    for (const Statement& s : block) std::visit([&](const auto& what) { run(what); }, s.what);
  }
  void run(const Eval& e) { values_[e.node] = evaluate(kernel_.nodes[e.node]); }
  void run(const Store& s) {
    if (s.mask < 0 || values_[s.mask]) store(s, place(s.at, s.dynamic));
  }
  void run(const Reset& r) { accumulators_[r.accumulator] = kernel_.accumulators[r.accumulator].initial; }
  void run(const Accumulate& a) {
    const Accumulator& info = kernel_.accumulators[a.accumulator];
    Bits& total = accumulators_[a.accumulator];
    total = apply(info.combine, info.dtype, total, values_[a.value]);
  }
  void run(const Loop& l) {
    const std::int64_t outer = lane_;
    if (l.lanes) ++turn_;
    for (std::int64_t i = 0; i < l.extent; ++i) {
      variables_[l.var] = i;
      if (l.lanes) lane_ = i;
      run(l.body);
    }
    lane_ = outer;
    if (l.lanes) ++turn_;
  }
  void run(const Set& s) { cells_[s.cell] = values_[s.value]; }
  void run(const While& w) {
    run(w.condition);
    if (!has_data()) return run(w.body);
    for (; values_[w.test]; run(w.condition)) run(w.body);
  }
  void run(const If& i) {
    if (!has_data() || values_[i.test]) run(i.yes);
    if (!has_data() || !values_[i.test]) run(i.no);
  }

  const Kernel& kernel_;
  std::vector<std::byte*> data_;      // of each buffer; empty where there is none
  std::vector<std::int64_t> memory_;  // what names its memory; -1: the kernel's own
  std::vector<std::vector<std::byte>> scratch_;
  std::vector<std::vector<std::int32_t>> counts_;
  std::vector<Bits> values_;
  std::vector<std::int64_t> variables_;
  std::vector<Bits> accumulators_, cells_;
  std::int64_t iteration_ = 0, turn_ = 0, lane_ = -1, accesses_ = 0;
  std::unordered_map<std::int64_t, std::vector<Visits>> visits_;  // of memory that is written
};

}  // namespace

void simulate(const Kernel& kernel, void* const* buffers, std::int64_t range) { Machine(kernel, buffers).run(range); }

std::optional<std::vector<std::vector<std::int32_t>>> count_writes(const Kernel& kernel,
                                                                   const std::vector<std::int64_t>& memory) {
  std::int64_t range = 1;
  for (const std::int64_t n : kernel.parallel) range *= n;
  try {
    Machine machine(kernel, memory);
    machine.run(range);
    return machine.counts();
  } catch (const TooMany&) {
    return std::nullopt;
  }
}

}  // namespace tf2jax::loops
