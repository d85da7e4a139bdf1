// Array: an immutable handle to concrete data or to the tracer of a transform.
#pragma once
#include <atomic>
#include <complex>
#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tf2jax/trace/aval.h"

namespace tf2jax {

class Array;
class Trace;
using Arrays = std::vector<Array>;

namespace detail {
/// Arrays of exactly the type given, also where 64-bit types are off: for kernels, rules and files, which follow types
/// that exist already. Data of users goes through Array::from_bytes and its kin, which narrow.
Array exact_array(Aval aval, const std::function<void(std::byte*)>& fill);
Array exact_array(const Aval& aval, std::span<const std::byte> bytes);
Array exact_view(DType dtype, const Dims& dims, const void* data, std::function<void()> release);
}  // namespace detail

namespace detail {
/// Reference-counted payload of an Array: concrete data or a tracer.
struct Value {
  enum class Kind : std::uint8_t { concrete, tracer };
  Value(Kind k, Aval a) : aval(std::move(a)), kind(k) {}
  virtual ~Value() = default;
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  const Aval aval;
  const Kind kind;
  mutable std::atomic<std::uint32_t> references{0};
};

/// Intrusive pointer to a Value.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* p) : p_(p) { retain(); }
  Ref(const Ref& o) : p_(o.p_) { retain(); }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_ && p_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete p_;
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  void retain() const {
    if (p_) p_->references.fetch_add(1, std::memory_order_relaxed);
  }
  T* p_ = nullptr;
};

/// Concrete data: row-major, contiguous, never written after construction is finished, except by who holds the only
/// reference. Small arrays live inside the node, larger ones in a 64-byte aligned block or in borrowed memory.
struct ConcreteValue final : Value {
  static constexpr std::size_t kInline = 32;
  explicit ConcreteValue(Aval a);                                              // allocates, uninitialised
  ConcreteValue(Aval a, const void* borrowed, std::function<void()> release);  // borrows until released
  ConcreteValue(Aval a, ConcreteValue& donor);  // takes the donor's data, which is deleted
  ~ConcreteValue() override;

  bool is_deleted() const { return !data && !release; }
  /// Memory of its own that another value may take over.
  bool is_plain() const { return data && data != storage && !release; }

  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::function<void()> release;
  alignas(16) std::byte storage[kInline];
};
}  // namespace detail

/// What a transform puts behind an Array while it runs. Holds its trace, so that "mine" is pointer identity.
class Tracer : public detail::Value {
 public:
  Tracer(std::shared_ptr<const Trace> t, Aval a) : Value(Kind::tracer, std::move(a)), trace(std::move(t)) {}
  const std::shared_ptr<const Trace> trace;
};

template <class T>
concept Scalar =
    std::is_arithmetic_v<T> || std::same_as<T, std::complex<float>> || std::same_as<T, std::complex<double>>;

/// One entry of a subscript: an integer, a range, `all`, `newaxis`, `ellipsis`, an integer array, or a mask: an array
/// of bools whose values are known.
class Index;
class IndexedRef;

/// An n-dimensional value: immutable, reference counted, safe to share across threads.
/// A C++ scalar converts implicitly and is weakly typed, as a Python scalar is in JAX: int -> i32, float and
/// double -> f32 (i64 and f64 with Config::enable_x64), bool -> bool.
/// Unless Config::enable_x64 is set, new arrays have no 64-bit dtypes: data given as f64, i64, u64 or c128 becomes f32,
/// i32, u32 or c64, as in JAX. An array made while it was set keeps its dtype.
class Array {
 public:
  Array() = default;  ///< No value; every accessor throws ValueError.
  template <Scalar T>
  Array(T value) : Array(weak_scalar(value)) {}  // NOLINT: literals convert, as in NumPy
  Array(float16 value);                          // NOLINT
  Array(bfloat16 value);                         // NOLINT
  Array(const char*) = delete;
  explicit Array(detail::Ref<const detail::Value> value) : value_(std::move(value)) {}

  /// Copies `bytes` (row-major elements of `dtype`) into a new array. Throws: ShapeError when the length does not
  /// match.
  static Array from_bytes(DType dtype, const Dims& dims, std::span<const std::byte> bytes);
  /// Allocates a new array and lets `fill` write elements of the aval's dtype before anyone else can see it.
  static Array build(Aval aval, const std::function<void(std::byte*)>& fill);
  /// Borrows memory that outlives the array; `release` runs when the last handle is gone, at once where the elements
  /// had to be narrowed.
  static Array view(DType dtype, const Dims& dims, const void* data, std::function<void()> release);

  bool has_value() const { return static_cast<bool>(value_); }
  const Aval& aval() const {
    if (!value_) [[unlikely]]
      no_value();
    return value_->aval;
  }
  DType dtype() const { return aval().dtype; }
  const Shape& shape() const { return aval().shape; }
  Dims dims() const { return aval().dims(); }
  std::int64_t rank() const { return aval().rank(); }
  bool weak_type() const { return aval().weak_type; }
  /// Number of elements. Throws: InconclusiveDimensionOperation when symbolic.
  std::int64_t size() const { return num_elements(shape()).value(); }

  bool is_concrete() const { return value_ && value_->kind == detail::Value::Kind::concrete; }
  /// True after the array was donated to a jitted function: its contents are gone, its type is still known.
  bool is_deleted() const;
  /// The bytes of a concrete array. Throws: ConcretizationError when traced, DeletedArrayError when donated.
  std::span<const std::byte> bytes() const;
  /// Elements of a concrete array, row-major. Throws: ConcretizationError when traced, DtypeError when T differs.
  template <class T>
  std::span<const T> data() const {
    require_dtype(dtype_of<T>);
    auto b = bytes();
    return {reinterpret_cast<const T*>(b.data()), b.size() / sizeof(T)};
  }
  /// One element converted to T; floats that an integer T does not hold saturate, NaN becomes 0. Throws:
  /// ConcretizationError when traced, ValueError when out of range.
  template <class T, std::integral... I>
  T item(I... index) const {
    const std::int64_t indices[] = {static_cast<std::int64_t>(index)..., 0};
    return item_as<T>(flat_index({indices, sizeof...(I)}));
  }
  /// All elements converted to T likewise, row-major.
  template <class T>
  std::vector<T> to_vector() const;

  /// Truth of a concrete scalar. Throws: ConcretizationError when traced, ValueError unless there is one element.
  explicit operator bool() const;

  /// x[0], x(all, 1), x(slice(1, {}), newaxis, ellipsis), x(indices): NumPy basic and integer-array indexing.
  /// Integer-array indices out of range are clamped for reads, as in JAX, and their gradients dropped. Axes as in
  /// NumPy.
  Array operator[](const Index& index) const;
  template <class... I>
  Array operator()(const I&... index) const;
  /// x.at(0, 2).set(9.f), .add, .multiply, .min, .max: a new array. Out-of-range updates are dropped.
  template <class... I>
  IndexedRef at(const I&... index) const;

  const detail::Value* get() const { return value_.get(); }
  const detail::Ref<const detail::Value>& ref() const { return value_; }
  /// The tracer behind it, or null.
  const Tracer* tracer() const {
    return value_ && value_->kind == detail::Value::Kind::tracer ? static_cast<const Tracer*>(value_.get()) : nullptr;
  }
  /// Same payload (not equal values).
  bool same_as(const Array& o) const { return value_.get() == o.value_.get(); }

 private:
  template <Scalar T>
  static Array weak_scalar(T value);
  static Array from_scalar(DType dtype, bool weak, const void* value);
  template <class T>
  T item_as(std::int64_t flat) const;
  std::int64_t flat_index(std::span<const std::int64_t> index) const;
  void require_dtype(DType dtype) const;
  [[noreturn]] static void no_value();

  detail::Ref<const detail::Value> value_;
};

Array index_array(const Array& x, std::span<const Index> indices);

class Index {
 public:
  enum class Kind : std::uint8_t { integer, range, newaxis, ellipsis, array };
  Index(int i) : kind(Kind::integer), start(i) {}                                     // NOLINT
  Index(std::int64_t i) : kind(Kind::integer), start(i) {}                            // NOLINT
  Index(std::size_t i) : kind(Kind::integer), start(static_cast<std::int64_t>(i)) {}  // NOLINT
  Index(const Array& a) : kind(Kind::array), array(a) {}                              // NOLINT
  Index(Kind k, std::optional<std::int64_t> a, std::optional<std::int64_t> b, std::int64_t s)
      : kind(k), start(a), stop(b), step(s) {}

  Kind kind;
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
  Array array;
};
/// start:stop:step; `{}` leaves an end open.
inline Index slice(std::optional<std::int64_t> start, std::optional<std::int64_t> stop = {}, std::int64_t step = 1) {
  return {Index::Kind::range, start, stop, step};
}
inline const Index all{Index::Kind::range, std::nullopt, std::nullopt, 1};
inline const Index newaxis{Index::Kind::newaxis, std::nullopt, std::nullopt, 1};
inline const Index ellipsis{Index::Kind::ellipsis, std::nullopt, std::nullopt, 1};

/// The result of `x.at(…)`: builds updated copies of x.
class IndexedRef {
 public:
  IndexedRef(Array x, std::vector<Index> indices) : x_(std::move(x)), indices_(std::move(indices)) {}
  Array get() const;
  Array set(const Array& value) const;
  Array add(const Array& value) const;
  Array multiply(const Array& value) const;
  Array min(const Array& value) const;
  Array max(const Array& value) const;

 private:
  Array x_;
  std::vector<Index> indices_;
};

template <class... I>
Array Array::operator()(const I&... index) const {
  const Index indices[] = {Index(index)...};
  return index_array(*this, indices);
}
template <class... I>
IndexedRef Array::at(const I&... index) const {
  return IndexedRef(*this, {Index(index)...});
}

template <Scalar T>
Array Array::weak_scalar(T value) {
  if constexpr (std::same_as<T, bool>) {
    return from_scalar(DType::bool_, false, &value);
  } else if constexpr (std::integral<T>) {
    const auto v = static_cast<std::int64_t>(value);
    return from_scalar(DType::i64, true, &v);
  } else if constexpr (std::floating_point<T>) {
    const auto v = static_cast<double>(value);
    return from_scalar(DType::f64, true, &v);
  } else {
    const complex128 v(value);
    return from_scalar(DType::c128, true, &v);
  }
}

namespace detail {
template <class To, class From>
To convert_scalar(From v) {
  if constexpr (requires { v.real(); }) {
    if constexpr (requires(To t) { t.real(); }) return To(v);
    else return convert_scalar<To>(v.real());
  } else if constexpr (requires(To t) { t.real(); }) {
    return To(static_cast<typename To::value_type>(static_cast<double>(v)));
  } else if constexpr (std::same_as<From, float16> || std::same_as<From, bfloat16>) {
    return convert_scalar<To>(static_cast<float>(v));
  } else if constexpr (std::floating_point<From> && std::integral<To> && !std::same_as<To, bool>) {
    return saturated<To>(v);
  } else {
    return static_cast<To>(v);
  }
}
}  // namespace detail

template <class T>
T Array::item_as(std::int64_t flat) const {
  const std::byte* p = bytes().data();
  return visit_dtype(dtype(), [&]<class S>(std::type_identity<S>) {
    return detail::convert_scalar<T>(reinterpret_cast<const S*>(p)[flat]);
  });
}
template <class T>
std::vector<T> Array::to_vector() const {
  const auto n = size();
  const std::byte* p = bytes().data();
  std::vector<T> out(n);
  visit_dtype(dtype(), [&]<class S>(std::type_identity<S>) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = detail::convert_scalar<T>(reinterpret_cast<const S*>(p)[i]);
  });
  return out;
}

/// A new array with the elements of `values`, which are copied.
template <class T>
Array from_span(std::span<const T> values, const Dims& dims) {
  return Array::from_bytes(dtype_of<T>, dims, std::as_bytes(values));
}
/// A concrete `x` with 64-bit types narrowed unless Config::enable_x64 is set; the others as they are.
Array canonical_array(const Array& x);
/// Borrows `values` without copying; `release` runs when the last handle is gone.
template <class T>
Array view_of(std::span<const T> values, const Dims& dims, std::function<void()> release = {}) {
  check<ShapeError>(num_elements(dims) == static_cast<std::int64_t>(values.size()),
                    "view_of: the span has the wrong size. Got {}; expected {} for shape {}.", values.size(),
                    num_elements(dims), tuple_string(dims));
  return Array::view(dtype_of<T>, dims, values.data(), std::move(release));
}

namespace detail {
template <class T>
using Row = std::initializer_list<T>;
template <class T>
Array from_nested(std::vector<T> flat, const Dims& dims) {
  if constexpr (sizeof(T) >= 8) requested_dtype("array", dtype_of<T>);
  if constexpr (std::same_as<T, bool>) {
    const std::vector<std::uint8_t> bytes(flat.begin(), flat.end());
    return Array::from_bytes(DType::bool_, dims, std::as_bytes(std::span(bytes)));
  } else {
    return from_span<T>(std::span<const T>(flat), dims);
  }
}
[[noreturn]] void ragged();
}  // namespace detail

/// Arrays of rank 0 to 3 from literals: array<float>({{1, 2}, {3, 4}}). A 64-bit T without Config::enable_x64 warns
/// once and gives 32 bits. Throws: ShapeError when ragged.
template <class T>
Array array(T value) {
  return detail::from_nested<T>({value}, {});
}
template <class T>
Array array(detail::Row<T> v) {
  return detail::from_nested<T>(std::vector<T>(v), {static_cast<std::int64_t>(v.size())});
}
template <class T>
Array array(detail::Row<detail::Row<T>> v) {
  std::vector<T> flat;
  for (const auto& r : v) {
    if (r.size() != v.begin()->size()) detail::ragged();
    flat.insert(flat.end(), r);
  }
  return detail::from_nested<T>(std::move(flat), {static_cast<std::int64_t>(v.size()),
                                                  static_cast<std::int64_t>(v.size() ? v.begin()->size() : 0)});
}
template <class T>
Array array(detail::Row<detail::Row<detail::Row<T>>> v) {
  std::vector<T> flat;
  const std::size_t rows = v.size() ? v.begin()->size() : 0, columns = rows ? v.begin()->begin()->size() : 0;
  for (const auto& m : v) {
    if (m.size() != rows) detail::ragged();
    for (const auto& r : m) {
      if (r.size() != columns) detail::ragged();
      flat.insert(flat.end(), r);
    }
  }
  return detail::from_nested<T>(std::move(flat), {static_cast<std::int64_t>(v.size()), static_cast<std::int64_t>(rows),
                                                  static_cast<std::int64_t>(columns)});
}

/// Prints values as NumPy does; traced values print as Traced<f32[3]>.
std::ostream& operator<<(std::ostream& os, const Array& x);
std::string to_string(const Array& x);

}  // namespace tf2jax
