// Compile ahead of time, look at the plan, and call from several threads.
#include <tf2jax/tf2jax.h>

#include <iostream>
#include <thread>

using namespace tf2jax;

int main() {
  const auto f = [](const Array& x) { return softmax(2.f * x); };
  const auto lowered = jit(f).lower(spec(f32, {128, 784}));
  std::cout << lowered.as_text() << "\n\n";
  const auto exe = lowered.compile();
  std::cout << exe.explain() << exe.cost() << exe.memory();  // fusions, buffers, flops, bytes

  const Array x = random::normal(random::key(0), {128, 784});
  Array a, b;
  std::thread other([&] { a = exe(x); });  // safe from many threads at once
  b = exe(x);
  other.join();
  std::cout << "rows sum to one: " << all_true(less(abs(sum(a, 1) - 1.f), 1e-5f))
            << ", both threads agree: " << all_true(equal(a, b)) << "\n";
  std::cout << "close to op by op: " << all_true(less(abs(a - f(x)), 1e-7f)) << "\n";
  try {
    exe(ones({2, 784}));
  } catch (const TypeError& e) {
    std::cout << "TypeError: " << e.what() << "\n";
  }
}
