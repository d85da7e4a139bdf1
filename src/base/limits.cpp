// Checks of sizes, and translation of exceptions.
#include "tf2jax/base/limits.h"

#include "tf2jax/base/config.h"

#include <filesystem>
#include <new>
#include <stdexcept>

namespace tf2jax {

namespace {
constexpr std::size_t kMaxRank = 254;   // TensorFlow's
}

void check_sizes(const Shape& sizes, std::string_view where) {
  check<ShapeError>(sizes.size() <= kMaxRank, "{}: {} sizes are given; an array has at most {} axes.", where, sizes.size(), kMaxRank);
  const std::int64_t limit = config().max_array_elements;
  std::int64_t elements = 1;
  for (const Dim d : sizes) {
    if (!d.is_constant() || identical(d, Dim(0))) continue;
    check<ShapeError>(d.value() > 0, "{}: the shape {} has a negative size; expected sizes of at least 0.", where, to_string(sizes));
    const bool fits = !__builtin_mul_overflow(elements, d.value(), &elements) && elements <= limit;
    check<ResourceExhaustedError>(fits, "{}: an array of shape {} would have more than {} elements. Raise Config::max_array_elements if it should.", where,
                                  to_string(sizes), limit);
  }
}

void check_sizes(const Dims& sizes, std::string_view where) { check_sizes(symbolic(sizes), where); }

std::size_t checked_count(std::int64_t count, std::int64_t limit, std::string_view where) {
  check(count >= 0, "{}: {} is negative; expected a number from 0 to {}.", where, count, limit);
  check<ResourceExhaustedError>(count <= limit, "{}: {} is more than the {} that are allowed.", where, count, limit);
  return static_cast<std::size_t>(count);
}

void rethrow_as_error(std::string_view where) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    raise<ResourceExhaustedError>("{}: there is not enough memory.", where);
  } catch (const std::length_error& e) {
    raise<ResourceExhaustedError>("{}: more memory is asked for than there can be ({}).", where, e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    raise<IoError>("{}: {}", where, e.what());
  } catch (const std::exception& e) {
    raise<InternalError>("{}: {}. Unless a function of yours threw this, it is a defect of the library; please report it.", where, e.what());
  }
}

}  // namespace tf2jax
