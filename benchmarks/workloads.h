// The programs the benchmarks time, in this library: an MLP, LeNet, a transformer layer, and small functions.
#pragma once
#include <tf2jax/ops/conv.h>
#include <tf2jax/tf2jax.h>

namespace workloads {

using namespace tf2jax;

inline Array weights(std::uint32_t seed, const Shape& shape) { return 0.05f * random::normal(random::key(seed), shape); }
inline Array cross_entropy(const Array& logits, const Array& labels) { return -mean(sum(one_hot(labels, 10) * log_softmax(logits), 1)); }

// ---- MLP 784-512-512-10
struct Mlp { Array w1, b1, w2, b2, w3, b3; };
inline Mlp mlp() { return {weights(1, {784, 512}), zeros({512}), weights(2, {512, 512}), zeros({512}), weights(3, {512, 10}), zeros({10})}; }
inline Array mlp_loss(const Mlp& m, const Array& x, const Array& y) {
  const Array h1 = relu(matmul(x, m.w1) + m.b1), h2 = relu(matmul(h1, m.w2) + m.b2);
  return cross_entropy(matmul(h2, m.w3) + m.b3, y);
}

// ---- LeNet on 28x28, NHWC
struct LeNet { Array k1, c1, k2, c2, w3, b3, w4, b4, w5, b5; };
inline LeNet lenet() {
  return {weights(1, {5, 5, 1, 6}), zeros({6}), weights(2, {5, 5, 6, 16}), zeros({16}), weights(3, {256, 120}), zeros({120}),
          weights(4, {120, 84}), zeros({84}), weights(5, {84, 10}), zeros({10})};
}
inline Array lenet_loss(const LeNet& m, const Array& x, const Array& y) {
  ConvParams p;
  p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
  const auto stage = [&](const Array& in, const Array& k, const Array& b) {
    const Array h = relu(conv_general_dilated(in, k, p, "VALID") + b);
    return mean(reshape(h, {h.shape()[0], h.shape()[1].value() / 2, 2, h.shape()[2].value() / 2, 2, h.shape()[3]}), {2, 4});
  };
  const Array flat = reshape(stage(stage(x, m.k1, m.c1), m.k2, m.c2), {x.shape()[0], 256});
  const Array h3 = relu(matmul(flat, m.w3) + m.b3), h4 = relu(matmul(h3, m.w4) + m.b4);
  return cross_entropy(matmul(h4, m.w5) + m.b5, y);
}

// ---- One encoder layer: 8 x 128 tokens, width 512, 8 heads, feed-forward 2048, post-norm
struct Encoder { Array wqkv, bqkv, wo, bo, w1, b1, w2, b2, g1, e1, g2, e2; };
inline Encoder encoder() {
  return {weights(1, {512, 1536}), zeros({1536}), weights(2, {512, 512}), zeros({512}), weights(3, {512, 2048}), zeros({2048}),
          weights(4, {2048, 512}), zeros({512}), ones({512}), zeros({512}), ones({512}), zeros({512})};
}
inline Array layer_norm(const Array& x, const Array& gain, const Array& offset) {
  const Array centered = x - mean(x, -1, keepdims);
  return centered * rsqrt(mean(square(centered), -1, keepdims) + 1e-5f) * gain + offset;
}
inline Array encoder_loss(const Encoder& m, const Array& x) {
  const std::int64_t b = 8, s = 128, h = 8, d = 64;
  const Array qkv = transpose(reshape(matmul(x, m.wqkv) + m.bqkv, {b, s, 3, h, d}), {2, 0, 3, 1, 4});
  const Array q = qkv[0], k = qkv[1], v = qkv[2];
  const Array attention = softmax(matmul(q, swapaxes(k, -1, -2)) * 0.125f);
  const Array mixed = reshape(transpose(matmul(attention, v), {0, 2, 1, 3}), {b, s, h * d});
  const Array h1 = layer_norm(x + matmul(mixed, m.wo) + m.bo, m.g1, m.e1);
  const Array f = matmul(gelu(matmul(h1, m.w1) + m.b1), m.w2) + m.b2;
  return mean(square(layer_norm(h1 + f, m.g2, m.e2)));
}

inline Array rosenbrock(const Array& x) {
  const Array head = x(slice({}, -1)), tail = x(slice(1, {}));
  return sum(100.f * square(tail - square(head)) + square(1.f - head));
}

}  // namespace workloads
