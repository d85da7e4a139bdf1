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

namespace tf2jax::onednn {

dnnl::engine& cpu_engine();

/// One created primitive. The memory objects of a call are kept for the next one.
class DnnlPrimitive {
 public:
  using Argument = std::pair<int, dnnl::memory::desc>;   // DNNL_ARG_…, layout
  DnnlPrimitive(dnnl::primitive primitive, std::vector<Argument> arguments) : primitive_(std::move(primitive)), arguments_(std::move(arguments)) {}
  ~DnnlPrimitive();
  DnnlPrimitive(const DnnlPrimitive&) = delete;
  DnnlPrimitive& operator=(const DnnlPrimitive&) = delete;

  /// `data`: one pointer per argument, in their order.
  void run(std::initializer_list<const void*> data) const { run(std::span<const void* const>(data.begin(), data.size())); }
  void run(std::span<const void* const> data) const;

 private:
  struct Call;
  dnnl::primitive primitive_;
  std::vector<Argument> arguments_;
  mutable std::atomic<Call*> spare_{nullptr};
};

/// A primitive per number of threads: oneDNN divides its work when a primitive is created.
class PrimitivePerTeam {
 public:
  const DnnlPrimitive* find(int threads) const;
  const DnnlPrimitive& add(int threads, std::unique_ptr<const DnnlPrimitive> primitive) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<int, std::unique_ptr<const DnnlPrimitive>>> made_;
};

/// Data reordered once from a source that does not change.
class PackedOperand {
 public:
  /// The packed form of `source`; `layout` is what the primitive wants, `plain` what the source has.
  std::shared_ptr<const dnnl::memory> get(const void* source, const dnnl::memory::desc& plain, const dnnl::memory::desc& layout) const;

 private:
  mutable std::mutex mutex_;
  mutable const void* source_ = nullptr;
  mutable std::shared_ptr<const dnnl::memory> packed_;
};

/// False for oneDNN's reference implementations, slower than anything else here.
inline bool is_fast(std::string_view implementation) { return !implementation.starts_with("ref") && !implementation.starts_with("simple"); }

}  // namespace tf2jax::onednn
