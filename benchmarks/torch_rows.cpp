// libtorch's rows, eager autograd: "<workload>/<variant>"; the driver takes the fastest variant and environment.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "rows.h"

namespace {

using rows::row;
using torch::Tensor;
using Tensors = std::vector<Tensor>;
namespace F = torch::nn::functional;

Tensor weights(torch::IntArrayRef shape) { return (torch::randn(shape) * 0.05).set_requires_grad(true); }
void keep(const Tensor& t) { benchmark::DoNotOptimize(t.data_ptr()); }
void keep(const Tensors& ts) {
  for (const Tensor& t : ts) keep(t);
}
// A row whose call records nothing for a gradient.
template <class Make>
void forward_row(const std::string& name, Make make) {
  row(name, [=] {
    return [f = make()]() mutable {
      const torch::NoGradGuard guard;
      keep(f());
    };
  });
}
template <class Make>
void gradient_row(const std::string& name, Make make) {
  row(name, [=] { return [f = make()]() mutable { keep(f()); }; });
}

void small_rows() {
  forward_row("dispatch scalar/eager", [] { return [x = torch::ones({})] { return x + x; }; });
  gradient_row("scalar gradient/eager", [] {
    return [x = torch::ones({}).set_requires_grad(true)] { return torch::autograd::grad({torch::sin(x) * x}, {x}); };
  });
  forward_row("sin cos 1e6/eager", [] { return [x = torch::randn({1000000})] { return torch::sin(torch::cos(x)); }; });
  const auto composed = [](const Tensor& x) {
    return 0.5 * x * (1 + torch::tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
  };
  const auto native = [](const Tensor& x) { return torch::gelu(x, "tanh"); };
  const auto both = [](const std::string& variant, auto gelu) {
    forward_row("gelu layernorm forward/" + variant, [=] {
      return [=, x = torch::randn({4096, 1024}), g = torch::ones({1024}), b = torch::zeros({1024})] {
        return torch::layer_norm(gelu(x), {1024}, g, b);
      };
    });
    gradient_row("gelu layernorm value and grad/" + variant, [=] {
      const Tensors in{torch::randn({4096, 1024}).set_requires_grad(true), torch::ones({1024}).set_requires_grad(true),
                       torch::zeros({1024}).set_requires_grad(true)};
      return [=] { return torch::autograd::grad({torch::layer_norm(gelu(in[0]), {1024}, in[1], in[2]).sum()}, in); };
    });
  };
  both("composed", composed);
  both("native", native);
  const auto value = [](const Tensor& x) {
    const Tensor head = x.slice(0, 0, 99), tail = x.slice(0, 1, 100);
    return (100 * (tail - head.square()).square() + (1 - head).square()).sum();
  };
  const auto point = [] { return (torch::randn({100}) * 0.1).set_requires_grad(true); };
  gradient_row("Rosenbrock-100 value and grad/eager",
               [=] { return [=, x = point()] { return torch::autograd::grad({value(x)}, {x}); }; });
  gradient_row("Rosenbrock-100 Hessian/100 products", [=] {
    return [=, x = point()] {
      const Tensor g = torch::autograd::grad({value(x)}, {x}, {}, true, true)[0];
      Tensors rows;
      for (int i = 0; i < 100; ++i) rows.push_back(torch::autograd::grad({g[i]}, {x}, {}, true)[0]);
      return torch::stack(rows);
    };
  });
  gradient_row("Jacobian 100-100-100/expanded batch", [] {
    const Tensor w1 = torch::randn({100, 100}) * 0.1, w2 = torch::randn({100, 100}) * 0.1, b = torch::zeros({100}),
                 x = torch::randn({100});
    return [=] {
      const Tensor rows = x.expand({100, 100}).contiguous().set_requires_grad(true);
      const Tensor y = torch::tanh(torch::matmul(torch::tanh(torch::matmul(rows, w1.t()) + b), w2.t()) + b);
      return torch::autograd::grad({y}, {rows}, {torch::eye(100)});
    };
  });
}

void mlp_rows() {
  const auto parameters = [] {
    return Tensors{weights({512, 784}), weights({512}),     weights({512, 512}),
                   weights({512}),      weights({10, 512}), weights({10})};
  };
  const auto net = [](const Tensors& m, const Tensor& x) {
    return torch::linear(torch::relu(torch::linear(torch::relu(torch::linear(x, m[0], m[1])), m[2], m[3])), m[4], m[5]);
  };
  const auto inputs = [] { return std::pair(torch::randn({128, 784}), torch::randint(0, 10, {128}, torch::kLong)); };
  forward_row("MLP forward/eager", [=] {
    return [=, m = parameters(), in = inputs()] { return F::cross_entropy(net(m, in.first), in.second); };
  });
  gradient_row("MLP value and grad/eager", [=] {
    return [=, m = parameters(), in = inputs()] {
      return torch::autograd::grad({F::cross_entropy(net(m, in.first), in.second)}, m);
    };
  });
  gradient_row("MLP per-example grads/written out with bmm", [=] {
    return [=, m = parameters(), in = inputs()] {
      const torch::NoGradGuard guard;
      const Tensor h1 = torch::relu(torch::linear(in.first, m[0], m[1])),
                   h2 = torch::relu(torch::linear(h1, m[2], m[3]));
      const Tensor d3 =
          torch::softmax(torch::linear(h2, m[4], m[5]), 1) - torch::one_hot(in.second, 10).to(torch::kFloat);
      const Tensor d2 = torch::matmul(d3, m[4]) * (h2 > 0), d1 = torch::matmul(d2, m[2]) * (h1 > 0);
      return Tensors{torch::bmm(d3.unsqueeze(2), h2.unsqueeze(1)),
                     torch::bmm(d2.unsqueeze(2), h1.unsqueeze(1)),
                     torch::bmm(d1.unsqueeze(2), in.first.unsqueeze(1)),
                     d1,
                     d2,
                     d3};
    };
  });
}

void lenet_rows() {
  const auto parameters = [] {
    return Tensors{weights({6, 1, 5, 5}), weights({6}),   weights({16, 6, 5, 5}), weights({16}),
                   weights({120, 256}),   weights({120}), weights({84, 120}),     weights({84}),
                   weights({10, 84}),     weights({10})};
  };
  const auto net = [](const Tensors& l, const Tensor& images) {
    Tensor h = torch::avg_pool2d(torch::relu(torch::conv2d(images, l[0], l[1])), 2, 2);
    h = torch::avg_pool2d(torch::relu(torch::conv2d(h, l[2], l[3])), 2, 2).flatten(1);
    h = torch::relu(torch::linear(torch::relu(torch::linear(h, l[4], l[5])), l[6], l[7]));
    return torch::linear(h, l[8], l[9]);
  };
  const auto inputs = [] {
    return std::pair(torch::randn({64, 1, 28, 28}), torch::randint(0, 10, {64}, torch::kLong));
  };
  forward_row("LeNet forward/eager", [=] {
    return [=, l = parameters(), in = inputs()] { return F::cross_entropy(net(l, in.first), in.second); };
  });
  gradient_row("LeNet value and grad/eager", [=] {
    return [=, l = parameters(), in = inputs()] {
      return torch::autograd::grad({F::cross_entropy(net(l, in.first), in.second)}, l);
    };
  });
}

// Batch normalisation folded into the convolutions: what a user of libtorch would deploy.
struct Resnet {
  struct Layer {
    Tensor w, b;
    int stride, padding;
  };
  std::vector<Layer> layers;
  Tensor head, head_bias;

  explicit Resnet(bool channels_last) {
    const auto add = [&](int out, int in, int k, int stride) {
      Tensor w = torch::randn({out, in, k, k}) * 0.05;
      layers.push_back(
          {channels_last ? w.contiguous(at::MemoryFormat::ChannelsLast) : w, torch::zeros({out}), stride, k / 2});
    };
    add(64, 3, 7, 2);
    int in = 64;
    for (const int out : {64, 128, 256, 512})
      for (int block = 0; block < 2; ++block, in = out) {
        const int stride = out > 64 && block == 0 ? 2 : 1;
        add(out, in, 3, stride);
        add(out, out, 3, 1);
        if (stride != 1) add(out, in, 1, stride);
      }
    head = torch::randn({1000, 512}) * 0.05;
    head_bias = torch::zeros({1000});
  }
  Tensor operator()(const Tensor& x) const {
    std::size_t next = 0;
    const auto conv = [&](const Tensor& in) {
      const Layer& l = layers[next++];
      return torch::conv2d(in, l.w, l.b, l.stride, l.padding);
    };
    Tensor h = conv(x);
    h = torch::max_pool2d(torch::relu_(h), 3, 2, 1);
    for (int stage = 0; stage < 4; ++stage)
      for (int block = 0; block < 2; ++block) {
        Tensor y = conv(h);
        y = conv(torch::relu_(y));
        y.add_(stage > 0 && block == 0 ? conv(h) : h);
        h = torch::relu_(y);
      }
    return torch::linear(h.mean({2, 3}), head, head_bias);
  }
};

void resnet_rows() {
  for (const int batch : {1, 8})
    for (const bool channels_last : {false, true})
      forward_row(
          "ResNet-18 b" + std::to_string(batch) + " forward/" + (channels_last ? "channels last" : "channels first"),
          [=] {
            const Tensor x = torch::randn({batch, 3, 224, 224});
            return [net = Resnet(channels_last), x = channels_last ? x.contiguous(at::MemoryFormat::ChannelsLast) : x] {
              return net(x);
            };
          });
}

void transformer_rows() {
  const auto parameters = [] {
    return Tensors{weights({1536, 512}), weights({1536}), weights({512, 512}),  weights({512}),
                   weights({2048, 512}), weights({2048}), weights({512, 2048}), weights({512}),
                   weights({512}),       weights({512}),  weights({512}),       weights({512})};
  };
  const auto layer = [](const Tensors& e, const Tensor& x) {
    const Tensor qkv = torch::linear(x, e[0], e[1]).view({8, 128, 3, 8, 64}).permute({2, 0, 3, 1, 4});
    const Tensor attention = torch::softmax(torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) * 0.125, -1);
    const Tensor mixed = torch::matmul(attention, qkv[2]).transpose(1, 2).reshape({8, 128, 512});
    const Tensor h = torch::layer_norm(x + torch::linear(mixed, e[2], e[3]), {512}, e[8], e[9]);
    return torch::layer_norm(h + torch::linear(torch::gelu(torch::linear(h, e[4], e[5]), "tanh"), e[6], e[7]), {512},
                             e[10], e[11])
        .square()
        .mean();
  };
  forward_row("transformer forward/eager",
              [=] { return [=, e = parameters(), x = torch::randn({8, 128, 512})] { return layer(e, x); }; });
  gradient_row("transformer value and grad/eager", [=] {
    return [=, e = parameters(), x = torch::randn({8, 128, 512})] { return torch::autograd::grad({layer(e, x)}, e); };
  });
}

void lstm_rows() {
  forward_row("LSTM forward/nn LSTM", [] {
    return [m = torch::nn::LSTM(torch::nn::LSTMOptions(256, 256)), x = torch::randn({128, 32, 256})]() mutable {
      return std::get<0>(m->forward(x));
    };
  });
  gradient_row("LSTM value and grad/nn LSTM", [] {
    return [m = torch::nn::LSTM(torch::nn::LSTMOptions(256, 256)), x = torch::randn({128, 32, 256})]() mutable {
      return torch::autograd::grad({std::get<0>(m->forward(x)).mean()}, m->parameters());
    };
  });
  const auto composed = [](const Tensor& x, const Tensors& w) {
    Tensor h = torch::zeros({32, 256}), c = torch::zeros({32, 256});
    const Tensor in = torch::linear(x, w[0], w[2]);
    Tensors out;
    for (int t = 0; t < 128; ++t) {
      const Tensors g = (in[t] + torch::matmul(h, w[1].t())).chunk(4, 1);
      c = torch::sigmoid(g[1]) * c + torch::sigmoid(g[0]) * torch::tanh(g[2]);
      h = torch::sigmoid(g[3]) * torch::tanh(c);
      out.push_back(h);
    }
    return torch::stack(out).mean();
  };
  const auto parameters = [] { return Tensors{weights({1024, 256}), weights({1024, 256}), weights({1024})}; };
  forward_row("LSTM forward/composed",
              [=] { return [=, w = parameters(), x = torch::randn({128, 32, 256})] { return composed(x, w); }; });
  gradient_row("LSTM value and grad/composed", [=] {
    return
        [=, w = parameters(), x = torch::randn({128, 32, 256})] { return torch::autograd::grad({composed(x, w)}, w); };
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* threads = std::getenv("OMP_NUM_THREADS")) at::set_num_threads(std::atoi(threads));
  at::set_num_interop_threads(1);
  torch::manual_seed(0);
  small_rows();
  mlp_rows();
  lenet_rows();
  resnet_rows();
  transformer_rows();
  lstm_rows();
  return rows::run(argc, argv);
}
