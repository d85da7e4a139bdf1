// Trains a small convolutional classifier with jit(value_and_grad(loss)) on digits it draws, and writes it as a
// SavedModel. Usage: digits_train DIRECTORY [STEPS]
#include <tf2jax/ops/conv.h>
#include <tf2jax/ops/window.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_graph/graph_builder.h>

#include <cstdlib>
#include <iostream>

#include "digits.h"

using namespace tf2jax;

struct Model {
  Array kernel1, bias1, kernel2, bias2, dense, bias;
};

Array conv(const Array& x, const Array& kernel) {
  ConvParams p;
  p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
  return conv_general_dilated(x, kernel, p, "SAME");
}
Array pool(const Array& x) {
  const Array blocks =
      reshape(x, {x.shape()[0], x.shape()[1].value() / 2, 2, x.shape()[2].value() / 2, 2, x.shape()[3]});
  return max(blocks, {2, 4});
}
Array logits(const Model& m, const Array& images) {
  const Array h1 = pool(relu(conv(images, m.kernel1) + m.bias1));  // [n, 8, 8, 8]
  const Array h2 = pool(relu(conv(h1, m.kernel2) + m.bias2));      // [n, 4, 4, 16]
  return matmul(reshape(h2, {h2.shape()[0], 256}), m.dense) + m.bias;
}
Array loss(const Model& m, const Array& images, const Array& labels) {
  return -mean(sum(one_hot(labels, 10) * log_softmax(logits(m, images)), 1));
}
Array accuracy(const Model& m, const digits::Batch& b) {
  return mean(astype(argmax(logits(m, b.images), 1) == b.labels, f32));
}

void save(const Model& m, const std::string& directory) {
  GraphBuilder g;
  const std::string x = g.placeholder("image", f32, {-1, digits::kSize, digits::kSize, 1});
  const auto layer = [&](const std::string& name, const std::string& input, const Array& kernel, const Array& bias) {
    const std::string c = g.node("Conv2D", name + "/Conv2D", {input, g.variable(name + "/kernel", kernel)},
                                 {{"T", f32},
                                  {"strides", std::vector<std::int64_t>{1, 1, 1, 1}},
                                  {"padding", std::string("SAME")},
                                  {"data_format", std::string("NHWC")},
                                  {"dilations", std::vector<std::int64_t>{1, 1, 1, 1}}});
    const std::string b = g.node("BiasAdd", name + "/BiasAdd", {c, g.variable(name + "/bias", bias)},
                                 {{"T", f32}, {"data_format", std::string("NHWC")}});
    return g.node("MaxPool", name + "/MaxPool", {g.node("Relu", name + "/Relu", {b}, f32)},
                  {{"T", f32},
                   {"ksize", std::vector<std::int64_t>{1, 2, 2, 1}},
                   {"strides", std::vector<std::int64_t>{1, 2, 2, 1}},
                   {"padding", std::string("VALID")},
                   {"data_format", std::string("NHWC")}});
  };
  const std::string h = layer("conv2", layer("conv1", x, m.kernel1, m.bias1), m.kernel2, m.bias2);
  const std::string flat =
      g.node("Reshape", "flatten", {h, g.constant("flatten/shape", array<std::int32_t>({-1, 256}))},
             {{"T", f32}, {"Tshape", i32}});
  const std::string product = g.node("MatMul", "dense/MatMul", {flat, g.variable("dense/kernel", m.dense)},
                                     {{"T", f32}, {"transpose_a", false}, {"transpose_b", false}});
  const std::string scores = g.node("BiasAdd", "logits", {product, g.variable("dense/bias", m.bias)},
                                    {{"T", f32}, {"data_format", std::string("NHWC")}});
  const std::string probabilities = g.node("Softmax", "probabilities", {scores}, f32);
  g.save(directory, {{"serving_default", {{{"image", x}}, {{"logits", scores}, {"probabilities", probabilities}}}}});
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: digits_train DIRECTORY [STEPS]\n";
    return 2;
  }
  const int steps = argc > 2 ? std::atoi(argv[2]) : 600;
  auto keys = random::split(random::key(7), 3);
  Model m{random::normal(keys[0], {3, 3, 1, 8}) * 0.3f,   zeros({8}),
          random::normal(keys[1], {3, 3, 8, 16}) * 0.15f, zeros({16}),
          random::normal(keys[2], {256, 10}) * 0.06f,     zeros({10})};
  Model momentum = tree::map([](const Array& p) { return zeros_like(p); }, m);
  auto step = jit([](const Model& m, const Model& v, const Array& x, const Array& y, const Array& rate) {
    auto [l, g] = value_and_grad(loss)(m, x, y);
    Model velocity = tree::map([](const Array& v, const Array& d) { return 0.9f * v + d; }, v, g);
    Model next = tree::map([&](const Array& p, const Array& v) { return p - rate * v; }, m, velocity);
    return std::tuple{next, velocity, l};
  });
  for (int i = 0; i < steps; ++i) {
    const digits::Batch batch = digits::draw(64, 1000u + static_cast<unsigned>(i));
    auto [next, velocity, l] = step(m, momentum, batch.images, batch.labels, i < steps * 2 / 3 ? 0.03f : 0.006f);
    m = next;
    momentum = velocity;
    if (i % 100 == 0) std::cout << "step " << i << " loss " << l << "\n";
  }
  std::cout << "accuracy on fresh digits " << accuracy(m, digits::draw(1000, 1)) << "\n";
  save(m, argv[1]);
}
