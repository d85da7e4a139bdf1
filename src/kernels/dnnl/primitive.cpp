// Running a oneDNN primitive many times, from many threads, without allocating.
#include "tf2jax/kernels/dnnl/internal/primitive.h"

#include "tf2jax/base/error.h"
#include "tf2jax/kernels/internal/team.h"

namespace tf2jax::kernels {

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr call_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

struct DnnlPrimitive::Call {
  dnnl::stream stream{cpu_engine()};
  PooledBuffer scratchpad;
  explicit Call(std::size_t scratchpad_bytes) : scratchpad(scratchpad_bytes) {}
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

DnnlPrimitive::~DnnlPrimitive() { const std::unique_ptr<Call> last(spare_.load()); }

void DnnlPrimitive::run(std::span<const void* const> data) const {
  std::unique_ptr<Call> call(spare_.exchange(nullptr));
  if (!call) {
    call = std::make_unique<Call>(scratchpad_.get_size());
    for (const auto& [name, layout] : arguments_) {
      call->memories.emplace_back(layout, cpu_engine(), nullptr);
      call->arguments.push_back({name, call->memories.back().get()});
    }
    call->memories.emplace_back(scratchpad_, cpu_engine(), call->scratchpad.as<void>());
    call->arguments.push_back({DNNL_ARG_SCRATCHPAD, call->memories.back().get()});
  }
  for (std::size_t i = 0; i < data.size(); ++i) call->memories[i].set_data_handle(const_cast<void*>(data[i]));
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), call->stream.get(),
                                                      static_cast<int>(call->arguments.size()), call->arguments.data());
  check<InternalError>(status == dnnl_success, "oneDNN: a primitive failed with status {}.", static_cast<int>(status));
  const std::unique_ptr<Call> other(spare_.exchange(call.release()));
}

void reorder(const void* from, const dnnl::memory::desc& stored, void* to, const dnnl::memory::desc& wanted) {
  dnnl::memory source(stored, cpu_engine(), const_cast<void*>(from)), result(wanted, cpu_engine(), to);
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(source, result).execute(stream, source, result);
  stream.wait();
}

std::shared_ptr<const dnnl::memory> PackedOperand::get(const void* source, const dnnl::memory::desc& plain,
                                                       const dnnl::memory::desc& layout) const {
  const std::lock_guard lock(mutex_);
  if (packed_ && source_ == source && packed_->get_desc() == layout) return packed_;
  const auto packed = std::make_shared<dnnl::memory>(layout, cpu_engine());
  reorder(source, plain, packed->get_data_handle(), layout);
  source_ = source;
  packed_ = packed;
  return packed;
}

}  // namespace tf2jax::kernels
