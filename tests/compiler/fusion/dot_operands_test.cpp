// Products that read their operands where they lie, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, ProductsReadTheirOperandsInPlace) {
  check_function([](const Array& a, const Array& b) { return matmul(a, b) + 1.f; }, values({5, 7}), values({7, 3}, 1));
  check_function([](const Array& a, const Array& b) { return matmul(transpose(a), b); }, values({7, 5}),
                 values({7, 3}, 1));
  check_function([](const Array& a, const Array& b) { return transpose(matmul(a, transpose(b))); }, values({5, 7}),
                 values({3, 7}, 1));
  check_function([](const Array& a, const Array& b) { return einsum("bshd,bthd->bhst", {a, b}); }, values({2, 5, 3, 4}),
                 values({2, 6, 3, 4}, 1));
  check_function([](const Array& a, const Array& b) { return einsum("abcd,cbe->dea", {a, b}); }, values({2, 5, 3, 4}),
                 values({3, 5, 6}, 1));
  const auto attention = [](const Array& qkv) {
    const Array h = transpose(reshape(qkv, {2, 8, 3, 4, 16}), {2, 0, 3, 1, 4});
    const Array w = softmax(matmul(h(0), swapaxes(h(1), -1, -2)) * 0.25f);
    return reshape(transpose(matmul(w, h(2)), {0, 2, 1, 3}), {2, 8, 64});
  };
  check_function(attention, values({2, 8, 192}));
  check_function(grad([&](const Array& x) { return sum(square(attention(x))); }), values({2, 8, 192}));
}

}  // namespace
}  // namespace tf2jax
