// Running a oneDNN primitive many times, from many threads, without allocating.
#include "tf2jax/backends/onednn/internal/dnnl_primitive.h"

#include "tf2jax/base/error.h"

namespace tf2jax::onednn {

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

struct DnnlPrimitive::Call {
  dnnl::stream stream{cpu_engine()};
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

DnnlPrimitive::~DnnlPrimitive() { const std::unique_ptr<Call> last(spare_.load()); }

void DnnlPrimitive::run(std::span<const void* const> data) const {
  std::unique_ptr<Call> call(spare_.exchange(nullptr));
  if (!call) {
    call = std::make_unique<Call>();
    for (const auto& [name, layout] : arguments_) {
      call->memories.emplace_back(layout, cpu_engine(), nullptr);
      call->arguments.push_back({name, call->memories.back().get()});
    }
  }
  for (std::size_t i = 0; i < data.size(); ++i) call->memories[i].set_data_handle(const_cast<void*>(data[i]));
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), call->stream.get(), static_cast<int>(call->arguments.size()), call->arguments.data());
  check<InternalError>(status == dnnl_success, "oneDNN: a primitive failed with status {}.", static_cast<int>(status));
  const std::unique_ptr<Call> other(spare_.exchange(call.release()));
}

const DnnlPrimitive* PrimitivePerTeam::find(int threads) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [count, primitive] : made_)
    if (count == threads) return primitive.get();
  return nullptr;
}

const DnnlPrimitive& PrimitivePerTeam::add(int threads, std::unique_ptr<const DnnlPrimitive> primitive) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [count, earlier] : made_)
    if (count == threads) return *earlier;
  return *made_.emplace_back(threads, std::move(primitive)).second;
}

std::shared_ptr<const dnnl::memory> PackedOperand::get(const void* source, const dnnl::memory::desc& plain, const dnnl::memory::desc& layout) const {
  const std::lock_guard lock(mutex_);
  if (packed_ && source_ == source && packed_->get_desc() == layout) return packed_;
  const auto packed = std::make_shared<dnnl::memory>(layout, cpu_engine());
  dnnl::memory from(plain, cpu_engine(), const_cast<void*>(source));
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(from, *packed).execute(stream, from, *packed);
  stream.wait();
  source_ = source;
  packed_ = packed;
  return packed;
}

}  // namespace tf2jax::onednn
