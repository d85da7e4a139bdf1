// Storage of concrete arrays and access to their elements.
#include "tf2jax/trace/array.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "tf2jax/base/buffer_pool.h"
#include "tf2jax/base/config.h"

namespace tf2jax {

namespace detail {

ConcreteValue::ConcreteValue(Aval a) : Value(Kind::concrete, std::move(a)) {
  bytes = byte_size(aval);
  data = bytes <= kInline ? storage : static_cast<std::byte*>(allocate_buffer(bytes));
}

ConcreteValue::ConcreteValue(Aval a, const void* borrowed, std::function<void()> on_release)
    : Value(Kind::concrete, std::move(a)), release(std::move(on_release)) {
  bytes = byte_size(aval);
  data = const_cast<std::byte*>(static_cast<const std::byte*>(borrowed));
  if (!release) release = [] {};
}

ConcreteValue::ConcreteValue(Aval a, ConcreteValue& donor)
    : Value(Kind::concrete, std::move(a)), bytes(donor.bytes), release(std::exchange(donor.release, {})) {
  if (donor.data == donor.storage) std::memcpy(data = storage, donor.storage, kInline);
  else data = donor.data;
  donor.data = nullptr;
}

ConcreteValue::~ConcreteValue() {
  if (release) release();
  else if (data && data != storage) free_buffer(data, bytes);
}

Array exact_array(Aval aval, const std::function<void(std::byte*)>& fill) {
  Ref<ConcreteValue> value(new ConcreteValue(std::move(aval)));
  fill(value->data);
  return Array(Ref<const Value>(value.get()));
}

Array exact_array(const Aval& aval, std::span<const std::byte> bytes) {
  return exact_array(aval, [&](std::byte* out) {
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  });
}

Array exact_view(DType dtype, const Dims& dims, const void* data, std::function<void()> release) {
  return Array(Ref<const Value>(new ConcreteValue({dtype, symbolic(dims), false}, data, std::move(release))));
}

void ragged() {
  raise<ShapeError>("array: the rows have different lengths. Give every row the same number of elements.");
}

}  // namespace detail

Array::Array(float16 value) : Array(from_scalar(DType::f16, false, &value)) {}
Array::Array(bfloat16 value) : Array(from_scalar(DType::bf16, false, &value)) {}

namespace {

template <class To, class From>
void narrow_elements(const std::byte* from, std::byte* to, std::int64_t n) {
  const auto* in = reinterpret_cast<const From*>(from);
  std::transform(in, in + n, reinterpret_cast<To*>(to), [](From v) { return static_cast<To>(v); });
}

// The elements of a 64-bit dtype in the 32-bit one: integers keep their low bits, as NumPy's conversion does.
void narrow(DType dtype, const std::byte* from, std::byte* to, std::int64_t n) {
  switch (dtype) {
    case DType::i64: return narrow_elements<std::int32_t, std::int64_t>(from, to, n);
    case DType::u64: return narrow_elements<std::uint32_t, std::uint64_t>(from, to, n);
    case DType::f64: return narrow_elements<float, double>(from, to, n);
    default: return narrow_elements<complex64, complex128>(from, to, n);
  }
}

Array narrowed(const Aval& aval, const std::byte* elements) {
  const Aval to{canonical_dtype(aval.dtype), aval.shape, aval.weak_type};
  return detail::exact_array(to, [&](std::byte* out) { narrow(aval.dtype, elements, out, num_elements(aval.dims())); });
}

bool too_wide(DType dtype) { return is_64_bit(dtype) && canonical_dtype(dtype) != dtype; }

}  // namespace

Array Array::build(Aval aval, const std::function<void(std::byte*)>& fill) {
  if (!too_wide(aval.dtype)) return detail::exact_array(std::move(aval), fill);
  std::vector<std::byte> wide(byte_size(aval));
  fill(wide.data());
  return narrowed(aval, wide.data());
}

Array Array::from_bytes(DType dtype, const Dims& dims, std::span<const std::byte> bytes) {
  const Aval aval{dtype, symbolic(dims), false};
  const std::size_t expected = byte_size(aval, "Array::from_bytes");
  if (expected != bytes.size()) [[unlikely]]
    raise<ShapeError>("Array::from_bytes: the number of bytes is wrong. Got {}; expected {} for {}{}.", bytes.size(),
                      expected, short_name(dtype), tuple_string(dims));
  return too_wide(dtype) ? narrowed(aval, bytes.data()) : detail::exact_array(aval, bytes);
}

Array Array::view(DType dtype, const Dims& dims, const void* data, std::function<void()> release) {
  if (!too_wide(dtype)) return detail::exact_view(dtype, dims, data, std::move(release));
  Array copy = narrowed({dtype, symbolic(dims), false}, static_cast<const std::byte*>(data));
  if (release) release();
  return copy;
}

Array canonical_array(const Array& x) { return too_wide(x.dtype()) ? narrowed(x.aval(), x.bytes().data()) : x; }

Array Array::from_scalar(DType dtype, bool weak, const void* value) {
  const DType canonical = weak ? canonical_dtype(dtype) : dtype;
  return detail::exact_array({canonical, {}, weak}, [&](std::byte* out) {
    if (canonical == dtype) {
      std::memcpy(out, value, itemsize(dtype));
    } else if (dtype == DType::i64) {
      const auto wide = *static_cast<const std::int64_t*>(value);
      check(wide >= std::numeric_limits<std::int32_t>::min() && wide <= std::numeric_limits<std::uint32_t>::max(),
            "Array: the integer does not fit i32. Got {}. Set Config::enable_x64, or give the dtype explicitly.", wide);
      const auto narrow = static_cast<std::int32_t>(wide);
      std::memcpy(out, &narrow, sizeof narrow);
    } else if (dtype == DType::f64) {
      const auto narrow = static_cast<float>(*static_cast<const double*>(value));
      std::memcpy(out, &narrow, sizeof narrow);
    } else {
      const complex64 narrow(*static_cast<const complex128*>(value));
      std::memcpy(out, &narrow, sizeof narrow);
    }
  });
}

std::span<const std::byte> Array::bytes() const {
  const Aval& a = aval();
  if (value_->kind != detail::Value::Kind::concrete)
    raise<ConcretizationError>(
        "Array: a traced {} has no value here. Return it from the traced function and read it there.", a);
  const auto* c = static_cast<const detail::ConcreteValue*>(value_.get());
  if (c->is_deleted()) [[unlikely]]
    raise<DeletedArrayError>(
        "Array has been deleted: this {} was donated to a jitted function. Use what the function returned, pass a "
        "copy, or leave the argument out of donate_argnums.",
        a);
  return {c->data, c->bytes};
}

bool Array::is_deleted() const {
  return is_concrete() && static_cast<const detail::ConcreteValue*>(value_.get())->is_deleted();
}

Array::operator bool() const {
  const Aval& a = aval();
  if (!is_concrete())
    raise<ConcretizationError>(
        "bool(Array): a traced {} has no value here. Use where(cond, a, b) or cond(pred, f, g, x).", a);
  check(
      size() == 1,
      "bool(Array): the truth of an array with {} elements is ambiguous. Got {}; expected one element. Use any or all.",
      size(), a);
  return item<bool>();
}

std::int64_t Array::flat_index(std::span<const std::int64_t> index) const {
  const Dims d = dims();
  if (index.empty()) {
    check(num_elements(d) == 1, "item: an index is needed. Got {}; expected one element.", aval());
    return 0;
  }
  if (index.size() == 1 && d.size() != 1) {  // flat
    const std::int64_t n = num_elements(d), i = index[0] < 0 ? index[0] + n : index[0];
    check(i >= 0 && i < n, "item: the index is out of range. Got {} for {}, which has {} elements.", index[0], aval(),
          n);
    return i;
  }
  check(index.size() == d.size(), "item: the number of indices is wrong. Got {}; expected {} for {}.", index.size(),
        d.size(), aval());
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const std::int64_t k = index[i] < 0 ? index[i] + d[i] : index[i];
    check(k >= 0 && k < d[i], "item: an index is out of range. Got {} on axis {} of {}.", index[i], i, aval());
    flat = flat * d[i] + k;
  }
  return flat;
}

void Array::require_dtype(DType wanted) const {
  if (dtype() == wanted) return;
  const char* hint = canonical_dtype(wanted) == dtype()
                         ? " 64-bit types are off: set Config::enable_x64 before the array is made, or"
                         : "";
  raise<DtypeError>(
      "Array::data: elements are {}. Got a request for {}.{} {}onvert with astype(x, {}), or read with to_vector.",
      dtype(), wanted, hint, *hint ? "c" : "C", *hint ? canonical_dtype(wanted) : wanted);
}

void Array::no_value() { raise<ValueError>("Array: it has no value (default constructed). Assign one before use."); }

}  // namespace tf2jax
