// TextBudget: how much text one operation may write.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tf2jax/base/error.h"

namespace tf2jax::tf_import {

/// Counts the memory of strings before they are made: a short file may ask for long ones many times over.
class TextBudget {
 public:
  static constexpr std::int64_t kMaxBytes = std::int64_t{1} << 28;

  /// Requires: `bytes` is not negative.
  /// Throws: ResourceExhaustedError when all of them together are more than kMaxBytes.
  void spend(std::int64_t bytes) { spend(1, bytes); }
  /// The same for `count` texts of `bytes` each.
  void spend(std::int64_t count, std::int64_t bytes) {
    check<ResourceExhaustedError>(bytes == 0 || count <= left_ / bytes,
                                  "strings: one operation writes more than {} bytes of text.", kMaxBytes);
    left_ -= count * bytes;
  }
  void spend(std::string_view text) { spend(std::ssize(text) + kString); }
  /// Requires: `count` is the number of elements of an array.
  void spend_strings(std::int64_t count) { spend(count * kString); }

 private:
  static constexpr std::int64_t kString = sizeof(std::string);
  std::int64_t left_ = kMaxBytes;
};

}  // namespace tf2jax::tf_import
