// The programs the benchmarks time, in this library: an MLP, LeNet, a transformer layer, and small functions.
#pragma once
#include <tf2jax/ops/conv.h>
#include <tf2jax/tf2jax.h>

namespace workloads {

using namespace tf2jax;

inline Array weights(std::uint32_t seed, const Shape& shape) {
  return 0.05f * random::normal(random::key(seed), shape);
}
inline Array cross_entropy(const Array& logits, const Array& labels) {
  return -mean(sum(one_hot(labels, 10) * log_softmax(logits), 1));
}

// ---- MLP 784-512-512-10
struct Mlp {
  Array w1, b1, w2, b2, w3, b3;
};
inline Mlp mlp() {
  return {weights(1, {784, 512}), zeros({512}),          weights(2, {512, 512}),
          zeros({512}),           weights(3, {512, 10}), zeros({10})};
}
inline Array mlp_loss(const Mlp& m, const Array& x, const Array& y) {
  const Array h1 = relu(matmul(x, m.w1) + m.b1), h2 = relu(matmul(h1, m.w2) + m.b2);
  return cross_entropy(matmul(h2, m.w3) + m.b3, y);
}

// One example: x [784], y [].
inline Array mlp_example_loss(const Mlp& m, const Array& x, const Array& y) {
  const Array h1 = relu(matmul(x, m.w1) + m.b1), h2 = relu(matmul(h1, m.w2) + m.b2);
  return -sum(one_hot(y, 10) * log_softmax(matmul(h2, m.w3) + m.b3));
}

// ---- LeNet on 28x28, NHWC
struct LeNet {
  Array k1, c1, k2, c2, w3, b3, w4, b4, w5, b5;
};
inline LeNet lenet() {
  return {weights(1, {5, 5, 1, 6}), zeros({6}),   weights(2, {5, 5, 6, 16}), zeros({16}),
          weights(3, {256, 120}),   zeros({120}), weights(4, {120, 84}),     zeros({84}),
          weights(5, {84, 10}),     zeros({10})};
}
inline Array lenet_loss(const LeNet& m, const Array& x, const Array& y) {
  ConvParams p;
  p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
  const auto stage = [&](const Array& in, const Array& k, const Array& b) {
    const Array h = relu(conv_general_dilated(in, k, p, "VALID") + b);
    return mean(reshape(h, {h.shape()[0], h.shape()[1].value() / 2, 2, h.shape()[2].value() / 2, 2, h.shape()[3]}),
                {2, 4});
  };
  const Array flat = reshape(stage(stage(x, m.k1, m.c1), m.k2, m.c2), {x.shape()[0], 256});
  const Array h3 = relu(matmul(flat, m.w3) + m.b3), h4 = relu(matmul(h3, m.w4) + m.b4);
  return cross_entropy(matmul(h4, m.w5) + m.b5, y);
}

// ---- One encoder layer: 8 x 128 tokens, width 512, 8 heads, feed-forward 2048, post-norm
struct Encoder {
  Array wqkv, bqkv, wo, bo, w1, b1, w2, b2, g1, e1, g2, e2;
};
inline Encoder encoder() {
  return {weights(1, {512, 1536}),
          zeros({1536}),
          weights(2, {512, 512}),
          zeros({512}),
          weights(3, {512, 2048}),
          zeros({2048}),
          weights(4, {2048, 512}),
          zeros({512}),
          ones({512}),
          zeros({512}),
          ones({512}),
          zeros({512})};
}
inline Array layer_norm(const Array& x, const Array& gain, const Array& offset) {
  const Array centered = x - mean(x, -1, keepdims);
  return centered * rsqrt(mean(square(centered), -1, keepdims) + 1e-5f) * gain + offset;
}
inline Array gelu_layer_norm(const Array& x, const Array& gain, const Array& offset) {
  return layer_norm(gelu(x), gain, offset);
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

// ---- ResNet-18 at inference, NHWC, batch normalisation kept as its own operations
struct Resnet {
  struct Layer {
    Array kernel, gain, offset, mean, variance;
    std::int64_t stride;
  };
  std::vector<Layer> layers;
  Array head = weights(99, {512, 1000}), head_bias = zeros({1000});

  Resnet() {
    const auto add = [&](std::int64_t out, std::int64_t in, std::int64_t k, std::int64_t stride) {
      layers.push_back({weights(static_cast<std::uint32_t>(layers.size()), {k, k, in, out}), ones({out}), zeros({out}),
                        zeros({out}), ones({out}), stride});
    };
    add(64, 3, 7, 2);
    std::int64_t in = 64;
    for (const std::int64_t out : {64, 128, 256, 512})
      for (int block = 0; block < 2; ++block, in = out) {
        const std::int64_t stride = out > 64 && block == 0 ? 2 : 1;
        add(out, in, 3, stride);
        add(out, out, 3, 1);
        if (stride != 1) add(out, in, 1, stride);
      }
  }
  Array operator()(const Array& x) const {
    std::size_t next = 0;
    const auto conv = [&](const Array& in) {
      const Layer& l = layers[next++];
      const std::int64_t pad = l.kernel.shape()[0].value() / 2;
      ConvParams p;
      p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
      p.window_strides = {l.stride, l.stride};
      p.padding = {{pad, pad}, {pad, pad}};
      return (conv_general_dilated(in, l.kernel, p) - l.mean) * (rsqrt(l.variance + 1e-5f) * l.gain) + l.offset;
    };
    Array h = reduce_window_max(relu(conv(x)), {.window_dimensions = {1, 3, 3, 1},
                                                .window_strides = {1, 2, 2, 1},
                                                .padding = {{0, 0}, {1, 1}, {1, 1}, {0, 0}}});
    for (int stage = 0; stage < 4; ++stage)
      for (int block = 0; block < 2; ++block) {
        const Array y = conv(relu(conv(h)));
        h = relu(y + (stage > 0 && block == 0 ? conv(h) : h));
      }
    return matmul(mean(h, {1, 2}), head) + head_bias;
  }
};

// ---- LSTM over 128 steps, batch 32, width 256
struct Lstm {
  Array wi, wh, b;
};
inline Lstm lstm() { return {weights(1, {256, 1024}), weights(2, {256, 1024}), zeros({1024})}; }
inline Array lstm_outputs(const Lstm& m, const Array& x) {
  const auto step = [&](const std::pair<Array, Array>& carry, const Array& in) {
    const Array g = in + matmul(carry.first, m.wh);
    const Array i = logistic(g(all, slice(0, 256))), f = logistic(g(all, slice(256, 512))),
                o = logistic(g(all, slice(768, 1024)));
    const Array c = f * carry.second + i * tanh(g(all, slice(512, 768))), h = o * tanh(c);
    return std::pair(std::pair(h, c), h);
  };
  return scan(step, std::pair(zeros({32, 256}), zeros({32, 256})), matmul(x, m.wi) + m.b).second;
}

// ---- 100-100-100 with tanh
struct TanhMlp {
  Array w1 = weights(1, {100, 100}), w2 = weights(2, {100, 100}), b = zeros({100});
  Array operator()(const Array& x) const { return tanh(matmul(tanh(matmul(x, w1) + b), w2) + b); }
};

inline Array rosenbrock(const Array& x) {
  const Array head = x(slice({}, -1)), tail = x(slice(1, {}));
  return sum(100.f * square(tail - square(head)) + square(1.f - head));
}

}  // namespace workloads
