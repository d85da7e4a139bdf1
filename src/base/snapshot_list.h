// SnapshotList: a short list that many threads search while others add to it.
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tf2jax::detail {

/// Newest first. Readers take the whole list and search it without holding anything: the lock is held to copy a
/// pointer, so that nobody waits for a comparison. Thread-safe.
template <class T>
class SnapshotList {
 public:
  using Items = std::vector<std::shared_ptr<const T>>;

  std::shared_ptr<const Items> items() const {
    const std::lock_guard lock(mutex_);
    return items_;
  }
  /// The first item that fits, null when none does.
  template <class Fits>
  std::shared_ptr<const T> find(Fits&& fits) const {
    std::shared_ptr<const Items> now = items();
    for (const auto& item : *now)
      if (fits(*item)) return {std::move(now), item.get()};  // one count for the list and the item
    return nullptr;
  }
  /// Adds an item unless one that fits came first, and returns that or `item`. The oldest go beyond `most`.
  template <class Fits>
  std::shared_ptr<const T> add(std::shared_ptr<const T> item, std::size_t most, Fits&& fits) {
    const std::lock_guard lock(writers_);
    if (auto found = find(fits)) return found;
    const auto before = items();
    Items after;
    after.reserve(before->size() + 1);
    after.push_back(item);
    after.insert(after.end(), before->begin(), before->end());
    if (after.size() > most) after.resize(most);
    replace(std::make_shared<const Items>(std::move(after)));
    return item;
  }
  void clear() {
    const std::lock_guard lock(writers_);
    replace(std::make_shared<const Items>());
  }

 private:
  // What goes out is destroyed after the lock, by whoever has it last.
  void replace(std::shared_ptr<const Items> items) {
    const std::lock_guard lock(mutex_);
    items_.swap(items);
  }

  mutable std::mutex mutex_;
  std::mutex writers_;
  std::shared_ptr<const Items> items_ = std::make_shared<const Items>();
};

}  // namespace tf2jax::detail
