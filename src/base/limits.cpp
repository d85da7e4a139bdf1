// Checks of sizes, and translation of exceptions.
#include "tf2jax/base/limits.h"

#include "tf2jax/base/config.h"

#include <filesystem>
#include <new>
#include <stdexcept>

namespace tf2jax {

namespace {
constexpr std::size_t kMaxRank = 254;  // TensorFlow's
}

void check_sizes(const Shape& sizes, std::string_view where) {
  check<ShapeError>(sizes.size() <= kMaxRank, "{}: there are too many axes. Got {}; expected at most {}.", where,
                    sizes.size(), kMaxRank);
  const std::int64_t limit = config().max_array_elements;
  std::int64_t elements = 1;
  for (const Dim d : sizes) {
    if (!d.is_constant() || identical(d, Dim(0))) continue;
    check<ShapeError>(d.value() > 0, "{}: a size is negative. Got shape {}; expected sizes of at least 0.", where,
                      to_string(sizes));
    const bool fits = !__builtin_mul_overflow(elements, d.value(), &elements) && elements <= limit;
    check<ResourceExhaustedError>(fits,
                                  "{}: the array is too large. Got shape {}; expected at most {} elements. Raise "
                                  "Config::max_array_elements if it is meant.",
                                  where, to_string(sizes), limit);
  }
}

void check_sizes(const Dims& sizes, std::string_view where) { check_sizes(symbolic(sizes), where); }

std::size_t checked_count(std::int64_t count, std::int64_t limit, std::string_view where) {
  check(count >= 0, "{}: a count is out of range. Got {}; expected 0 to {}.", where, count, limit);
  check<ResourceExhaustedError>(count <= limit, "{}: a count is too large. Got {}; expected at most {}.", where, count,
                                limit);
  return count;
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
    raise<InternalError>(
        "{}: {}. Unless a function of yours threw this, it is a defect of the library; please report it.", where,
        e.what());
  }
}

}  // namespace tf2jax
