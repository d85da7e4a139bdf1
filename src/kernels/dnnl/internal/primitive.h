// Running a oneDNN primitive many times, from many threads, without allocating.
#pragma once
#include <dnnl.hpp>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tf2jax::kernels {

dnnl::engine& cpu_engine();

/// Attributes every primitive here starts from. oneDNN's own scratchpad belongs to the thread that created the
/// primitive, so each call brings one.
dnnl::primitive_attr call_attributes();

/// One created primitive. The memory objects and the scratchpad of a call are kept for the next one.
class DnnlPrimitive {
 public:
  using Argument = std::pair<int, dnnl::memory::desc>;  // DNNL_ARG_…, layout
  DnnlPrimitive(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, std::vector<Argument> arguments)
      : primitive_(std::move(primitive)), scratchpad_(scratchpad), arguments_(std::move(arguments)) {}
  ~DnnlPrimitive();
  DnnlPrimitive(const DnnlPrimitive&) = delete;
  DnnlPrimitive& operator=(const DnnlPrimitive&) = delete;

  /// `data`: one pointer per argument, in their order.
  void run(std::initializer_list<const void*> data) const {
    run(std::span<const void* const>(data.begin(), data.size()));
  }
  void run(std::span<const void* const> data) const;

 private:
  struct Call;
  dnnl::primitive primitive_;
  dnnl::memory::desc scratchpad_;
  std::vector<Argument> arguments_;
  mutable std::atomic<Call*> spare_{nullptr};
};

/// Something made per number of threads: oneDNN divides its work when a primitive is created.
template <class T>
class PerTeam {
 public:
  const T* find(int threads) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [count, made] : made_)
      if (count == threads) return made.get();
    return nullptr;
  }
  const T& add(int threads, std::unique_ptr<const T> value) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [count, earlier] : made_)
      if (count == threads) return *earlier;
    return *made_.emplace_back(threads, std::move(value)).second;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<int, std::unique_ptr<const T>>> made_;
};

/// Writes what `from` holds in one layout to `to` in another.
void reorder(const void* from, const dnnl::memory::desc& stored, void* to, const dnnl::memory::desc& wanted);

/// Data reordered once from a source that does not change.
class PackedOperand {
 public:
  /// The packed form of `source`; `layout` is what the primitive wants, `plain` what the source has.
  std::shared_ptr<const dnnl::memory> get(const void* source, const dnnl::memory::desc& plain,
                                          const dnnl::memory::desc& layout) const;

 private:
  mutable std::mutex mutex_;
  mutable const void* source_ = nullptr;
  mutable std::shared_ptr<const dnnl::memory> packed_;
};

/// False for oneDNN's reference implementations, slower than anything else here.
inline bool is_fast(std::string_view implementation) {
  return !implementation.starts_with("ref") && !implementation.starts_with("simple");
}

}  // namespace tf2jax::kernels
