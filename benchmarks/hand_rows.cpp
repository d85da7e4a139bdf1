// Rows written by hand for each workload: fused AVX-512 loops and oneDNN on reused buffers. What a good compiler should
// reach; timing references, whose numerics only the products and sin(cos) share with the real thing. The transformer's
// are its products alone: a floor.
#include <immintrin.h>
#include <omp.h>
#include <dnnl.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "rows.h"

namespace {

using rows::row;
using Floats = std::vector<float>;

Floats values(std::size_t n, float scale = 0.05f) {
  Floats v(n + 64);
  unsigned x = 12345;
  for (auto& f : v) {
    x = x * 1664525u + 1013904223u;
    f = (static_cast<float>(x >> 8) / 8388608.f - 1.f) * scale;
  }
  return v;
}
void gemm(bool ta, bool tb, long m, long n, long k, const float* a, const float* b, float* c, float beta = 0) {
  dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1.f, a, ta ? m : k, b, tb ? k : n, beta, c, n);
}

// ---- vector functions
__m512 set(float x) { return _mm512_set1_ps(x); }
__m512 exp_of(__m512 x) {
  x = _mm512_min_ps(_mm512_max_ps(x, set(-104.f)), set(89.f));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, set(1.44269504f)), 8);
  const __m512 r = _mm512_fnmadd_ps(n, set(1.42860677e-6f), _mm512_fnmadd_ps(n, set(0.693145752f), x));
  __m512 p = set(1.98756915e-4f);
  for (const float c : {1.39819995e-3f, 8.33345205e-3f, 4.16657962e-2f, 1.66666657e-1f, 5e-1f})
    p = _mm512_fmadd_ps(p, r, set(c));
  return _mm512_scalef_ps(_mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), set(1.f)), n);
}
__m512 tanh_of(__m512 x) {
  return _mm512_sub_ps(set(1.f), _mm512_div_ps(set(2.f), _mm512_add_ps(exp_of(_mm512_add_ps(x, x)), set(1.f))));
}
__m512 logistic_of(__m512 x) {
  return _mm512_div_ps(set(1.f), _mm512_add_ps(set(1.f), exp_of(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}
template <bool cosine>
__m512 sine_of(__m512 x) {  // |x| < 1e4
  const __m512 turns = set(0.31830988618f), half = set(cosine ? 0.5f : 0.f);
  const __m512 k = _mm512_roundscale_ps(_mm512_fmadd_ps(x, turns, half), 8), n = _mm512_sub_ps(k, half);
  __m512 r = x;
  for (const float part : {3.140625f, 0.0009670257568359375f, 6.2771141529083251953e-7f, 1.2154201256553420e-10f})
    r = _mm512_fnmadd_ps(n, set(part), r);
  r = _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(r), _mm512_slli_epi32(_mm512_cvtps_epi32(k), 31)));
  const __m512 z = _mm512_mul_ps(r, r);
  __m512 p = set(2.6083159809786593541503e-06f);
  for (const float c : {-0.0001981069071916863322258f, 0.00833307858556509017944336f, -0.166666597127914428710938f})
    p = _mm512_fmadd_ps(p, z, set(c));
  return _mm512_fmadd_ps(_mm512_mul_ps(p, z), r, r);
}

void elementwise_rows() {
  row("sin cos 1e6/avx512", [] {
    return [x = values(1000000, 3.f), y = Floats(1000064)]() mutable {
#pragma omp parallel for
      for (long i = 0; i < 1000000; i += 16)
        _mm512_storeu_ps(&y[i], sine_of<false>(sine_of<true>(_mm512_loadu_ps(&x[i]))));
    };
  });
  row("gelu layernorm forward/avx512", [] {
    return [x = values(4096 * 1024, 2.f), y = Floats(4096 * 1024), g = Floats(1024, 1.f), b = Floats(1024)]() mutable {
#pragma omp parallel for
      for (long r = 0; r < 4096; ++r) {
        const float* in = x.data() + r * 1024;
        float* out = y.data() + r * 1024;
        __m512 sum = _mm512_setzero_ps(), squares = sum, kept[64];
        for (int i = 0; i < 64; ++i) {
          const __m512 a = _mm512_loadu_ps(in + 16 * i);
          const __m512 u = _mm512_mul_ps(
              a, _mm512_fmadd_ps(_mm512_mul_ps(a, a), set(0.044715f * 1.5957691216f), set(1.5957691216f)));
          kept[i] = _mm512_mul_ps(a, logistic_of(u));
          sum = _mm512_add_ps(sum, kept[i]);
          squares = _mm512_fmadd_ps(kept[i], kept[i], squares);
        }
        const float mean = _mm512_reduce_add_ps(sum) / 1024,
                    variance = _mm512_reduce_add_ps(squares) / 1024 - mean * mean;
        const __m512 scale = set(1.f / std::sqrt(variance + 1e-5f)), centre = set(mean);
        for (int i = 0; i < 64; ++i)
          _mm512_storeu_ps(out + 16 * i, _mm512_fmadd_ps(_mm512_mul_ps(_mm512_sub_ps(kept[i], centre), scale),
                                                         _mm512_loadu_ps(&g[16 * i]), _mm512_loadu_ps(&b[16 * i])));
      }
    };
  });
}

// ---- MLP 784-512-512-10, batch 128
struct Mlp {
  static constexpr long kBatch = 128;
  Floats w1 = values(784 * 512), w2 = values(512 * 512), w3 = values(5120), x = values(kBatch * 784, 1.f);
  Floats b1 = Floats(512), b2 = Floats(512), b3 = Floats(16), h1 = Floats(kBatch * 512), h2 = h1, d1 = h1, d2 = h1,
         d3 = Floats(kBatch * 10), logits = d3;
  Floats g1 = Floats(784 * 512), g2 = Floats(512 * 512), g3 = Floats(5120), gb1 = Floats(512), gb2 = Floats(512),
         gb3 = Floats(16);

  static void bias_relu(Floats& h, const Floats& b) {
    for (long i = 0; i < kBatch; ++i)
      for (long j = 0; j < 512; j += 16) {
        float* at = h.data() + i * 512 + j;
        _mm512_storeu_ps(
            at, _mm512_max_ps(_mm512_setzero_ps(), _mm512_add_ps(_mm512_loadu_ps(at), _mm512_loadu_ps(b.data() + j))));
      }
  }
  static void mask(Floats& d, const Floats& h) {
    for (std::size_t i = 0; i < h.size(); i += 16)
      _mm512_storeu_ps(&d[i], _mm512_maskz_loadu_ps(
                                  _mm512_cmp_ps_mask(_mm512_loadu_ps(&h[i]), _mm512_setzero_ps(), _CMP_GT_OQ), &d[i]));
  }
  static void columns(const Floats& d, Floats& out, long n) {
    std::fill(out.begin(), out.end(), 0.f);
    for (long i = 0; i < kBatch; ++i)
      for (long j = 0; j < n; ++j) out[j] += d[i * n + j];
  }
  float forward() {
    gemm(false, false, kBatch, 512, 784, x.data(), w1.data(), h1.data());
    bias_relu(h1, b1);
    gemm(false, false, kBatch, 512, 512, h1.data(), w2.data(), h2.data());
    bias_relu(h2, b2);
    gemm(false, false, kBatch, 10, 512, h2.data(), w3.data(), logits.data());
    float loss = 0;
    for (long i = 0; i < kBatch; ++i) {
      float* const l = logits.data() + i * 10;
      float* const d = d3.data() + i * 10;
      for (long j = 0; j < 10; ++j) l[j] += b3[j];
      const float most = *std::max_element(l, l + 10);
      float sum = 0;
      for (long j = 0; j < 10; ++j) sum += d[j] = std::exp(l[j] - most);
      loss += std::log(sum) + most - l[3];
      for (long j = 0; j < 10; ++j) d[j] = (d[j] / sum - (j == 3 ? 1.f : 0.f)) / kBatch;
    }
    return loss / kBatch;
  }
  void deltas() {
    gemm(false, true, kBatch, 512, 10, d3.data(), w3.data(), d2.data());
    mask(d2, h2);
    gemm(false, true, kBatch, 512, 512, d2.data(), w2.data(), d1.data());
    mask(d1, h1);
  }
  void gradient() {
    forward();
    deltas();
    gemm(true, false, 512, 10, kBatch, h2.data(), d3.data(), g3.data());
    gemm(true, false, 512, 512, kBatch, h1.data(), d2.data(), g2.data());
    gemm(true, false, 784, 512, kBatch, x.data(), d1.data(), g1.data());
    columns(d3, gb3, 10), columns(d2, gb2, 512), columns(d1, gb1, 512);
  }
};
void outer_products(const float* a, const float* d, float* out, long m, long n) {
#pragma omp parallel for
  for (long i = 0; i < Mlp::kBatch; ++i)
    for (long r = 0; r < m; ++r) {
      const __m512 left = set(a[i * m + r]);
      for (long j = 0; j < n; j += 16)
        _mm512_stream_ps(out + (i * m + r) * n + j, _mm512_mul_ps(left, _mm512_loadu_ps(d + i * n + j)));
    }
}
std::shared_ptr<float> aligned(std::size_t n) {
  std::shared_ptr<float> p(static_cast<float*>(std::aligned_alloc(64, n * sizeof(float))),
                           [](float* q) { std::free(q); });
  std::memset(p.get(), 0, n * sizeof(float));
  return p;
}
void mlp_rows() {
  row("MLP forward/oneDNN", [] { return [m = std::make_shared<Mlp>()] { benchmark::DoNotOptimize(m->forward()); }; });
  row("MLP value and grad/oneDNN", [] { return [m = std::make_shared<Mlp>()] { m->gradient(); }; });
  row("MLP per-example grads/oneDNN", [] {
    return [m = std::make_shared<Mlp>(), o1 = aligned(128ul * 784 * 512), o2 = aligned(128ul * 512 * 512),
            o3 = aligned(128ul * 5120)] {
      m->forward();
      m->deltas();
      outer_products(m->x.data(), m->d1.data(), o1.get(), 784, 512);
      outer_products(m->h1.data(), m->d2.data(), o2.get(), 512, 512);
      for (long i = 0; i < 128 * 512; ++i)
        for (long j = 0; j < 10; ++j) o3.get()[i * 10 + j] = m->h2[i] * m->d3[i / 512 * 10 + j];
    };
  });
}

// ---- networks of oneDNN primitives: weights packed, epilogues fused, buffers reused
using dnnl::memory;
constexpr auto kF32 = memory::data_type::f32;
using Tag = memory::format_tag;
struct Network {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  struct Step {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
  };
  std::vector<Step> steps;
  memory make(const memory::desc& d, float scale = 0.02f) {
    memory m(d, engine);
    auto* p = static_cast<float*>(m.get_data_handle());
    for (std::size_t i = 0; i < d.get_size() / 4; ++i) p[i] = scale * (static_cast<float>(i * 37 % 101) / 50.f - 1);
    return m;
  }
  void run() {
    for (auto& s : steps) s.primitive.execute(stream, s.arguments);
    stream.wait();
  }
};

std::shared_ptr<Network> resnet18(long batch) {
  auto net = std::make_shared<Network>();
  const auto conv = [&](const memory& x, long in, long out, long k, long stride, long size, bool relu,
                        std::optional<memory> residual) {
    const long end = (size + 2 * (k / 2) - k) / stride + 1;
    dnnl::post_ops post;
    if (residual) post.append_sum(1.f);
    if (relu) post.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(post);
    const dnnl::convolution_forward::primitive_desc d({dnnl::prop_kind::forward_inference,
                                                       dnnl::algorithm::convolution_direct,
                                                       memory::desc({batch, in, size, size}, kF32, Tag::nhwc),
                                                       memory::desc({out, in, k, k}, kF32, Tag::any),
                                                       memory::desc({out}, kF32, Tag::a),
                                                       memory::desc({batch, out, end, end}, kF32, Tag::nhwc),
                                                       {stride, stride},
                                                       {k / 2, k / 2},
                                                       {k / 2, k / 2}},
                                                      attributes, net->engine);
    const memory y = residual ? *residual : net->make(d.dst_desc());
    net->steps.push_back({dnnl::convolution_forward(d),
                          {{DNNL_ARG_SRC, x},
                           {DNNL_ARG_WEIGHTS, net->make(d.weights_desc())},
                           {DNNL_ARG_BIAS, net->make(memory::desc({out}, kF32, Tag::a))},
                           {DNNL_ARG_DST, y}}});
    return y;
  };
  const auto pool = [&](const memory& x, dnnl::algorithm algorithm, long channels, long end, long k, long stride,
                        long pad) {
    const dnnl::pooling_forward::primitive_desc d({dnnl::prop_kind::forward_inference,
                                                   algorithm,
                                                   x.get_desc(),
                                                   memory::desc({batch, channels, end, end}, kF32, Tag::nhwc),
                                                   {stride, stride},
                                                   {k, k},
                                                   {pad, pad},
                                                   {pad, pad}},
                                                  net->engine);
    const memory y = net->make(d.dst_desc());
    net->steps.push_back({dnnl::pooling_forward(d), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}});
    return y;
  };
  memory h = conv(net->make(memory::desc({batch, 3, 224, 224}, kF32, Tag::nhwc)), 3, 64, 7, 2, 224, true, {});
  h = pool(h, dnnl::algorithm::pooling_max, 64, 56, 3, 2, 1);
  long in = 64, size = 56;
  for (const long out : {64, 128, 256, 512})
    for (int block = 0; block < 2; ++block, in = out) {
      const long stride = out > 64 && block == 0 ? 2 : 1;
      const memory y = conv(h, in, out, 3, stride, size, true, {});
      const memory residual = stride != 1 ? conv(h, in, out, 1, 2, size, false, {}) : h;
      size = (size - 1) / stride + 1;
      h = conv(y, out, out, 3, 1, size, true, residual);
    }
  h = pool(h, dnnl::algorithm::pooling_avg_exclude_padding, 512, 1, 7, 7, 0);
  const dnnl::inner_product_forward::primitive_desc d(
      {dnnl::prop_kind::forward_inference, h.get_desc(), memory::desc({1000, 512, 1, 1}, kF32, Tag::any),
       memory::desc({1000}, kF32, Tag::a), memory::desc({batch, 1000}, kF32, Tag::nc)},
      net->engine);
  net->steps.push_back({dnnl::inner_product_forward(d),
                        {{DNNL_ARG_SRC, h},
                         {DNNL_ARG_WEIGHTS, net->make(d.weights_desc())},
                         {DNNL_ARG_BIAS, net->make(memory::desc({1000}, kF32, Tag::a))},
                         {DNNL_ARG_DST, net->make(d.dst_desc())}}});
  return net;
}

// Forward for training and backward through oneDNN's LSTM: T 128, batch 32, width 256.
std::shared_ptr<Network> lstm(bool gradient) {
  auto net = std::make_shared<Network>();
  const long T = 128, B = 32, H = 256;
  const auto tensor = [](memory::dims dims, Tag tag) { return memory::desc(dims, kF32, tag); };
  const auto x = tensor({T, B, H}, Tag::tnc), state = tensor({1, 1, B, H}, Tag::ldnc),
             w = tensor({1, 1, H, 4, H}, Tag::any), bias = tensor({1, 1, 4, H}, Tag::ldgo);
  const dnnl::lstm_forward::primitive_desc f(
      {gradient ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference,
       dnnl::rnn_direction::unidirectional_left2right, x, state, state, w, w, bias, x, state, state},
      net->engine);
  std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC_LAYER, net->make(x)},
                                            {DNNL_ARG_SRC_ITER, net->make(state)},
                                            {DNNL_ARG_SRC_ITER_C, net->make(state)},
                                            {DNNL_ARG_WEIGHTS_LAYER, net->make(f.weights_layer_desc())},
                                            {DNNL_ARG_WEIGHTS_ITER, net->make(f.weights_iter_desc())},
                                            {DNNL_ARG_BIAS, net->make(bias)},
                                            {DNNL_ARG_DST_LAYER, net->make(x)},
                                            {DNNL_ARG_DST_ITER, net->make(state)},
                                            {DNNL_ARG_DST_ITER_C, net->make(state)}};
  if (gradient) arguments[DNNL_ARG_WORKSPACE] = net->make(f.workspace_desc());
  net->steps.push_back({dnnl::lstm_forward(f), arguments});
  if (!gradient) return net;
  const dnnl::lstm_backward::primitive_desc b({dnnl::prop_kind::backward,
                                               dnnl::rnn_direction::unidirectional_left2right,
                                               x,
                                               state,
                                               state,
                                               w,
                                               w,
                                               bias,
                                               x,
                                               state,
                                               state,
                                               x,
                                               state,
                                               state,
                                               w,
                                               w,
                                               bias,
                                               x,
                                               state,
                                               state},
                                              net->engine, f);
  arguments[DNNL_ARG_WEIGHTS_LAYER] = net->make(b.weights_layer_desc());
  arguments[DNNL_ARG_WEIGHTS_ITER] = net->make(b.weights_iter_desc());
  for (const auto& [name, d] :
       std::vector<std::pair<int, memory::desc>>{{DNNL_ARG_DIFF_SRC_LAYER, x},
                                                 {DNNL_ARG_DIFF_SRC_ITER, state},
                                                 {DNNL_ARG_DIFF_SRC_ITER_C, state},
                                                 {DNNL_ARG_DIFF_WEIGHTS_LAYER, b.diff_weights_layer_desc()},
                                                 {DNNL_ARG_DIFF_WEIGHTS_ITER, b.diff_weights_iter_desc()},
                                                 {DNNL_ARG_DIFF_BIAS, bias},
                                                 {DNNL_ARG_DIFF_DST_LAYER, x},
                                                 {DNNL_ARG_DIFF_DST_ITER, state},
                                                 {DNNL_ARG_DIFF_DST_ITER_C, state}})
    arguments[name] = net->make(d);
  net->steps.push_back({dnnl::lstm_backward(b), arguments});
  return net;
}

void network_rows() {
  row("ResNet-18 b1 forward/oneDNN", [] { return [net = resnet18(1)] { net->run(); }; });
  row("ResNet-18 b8 forward/oneDNN", [] { return [net = resnet18(8)] { net->run(); }; });
  row("LSTM forward/oneDNN", [] { return [net = lstm(false)] { net->run(); }; });
  row("LSTM value and grad/oneDNN", [] { return [net = lstm(true)] { net->run(); }; });
}

// ---- the products of a transformer layer
struct Transformer {
  static constexpr long kRows = 1024, kWidth = 512, kInner = 2048;
  Floats x = values(kRows * kInner), w = values(kWidth * kInner), y = Floats(kRows * kInner),
         q = values(kRows * kWidth);
  void attention() {
    for (int i = 0; i < 64; ++i)
      dnnl_sgemm('N', 'T', 128, 128, 64, 1.f, q.data() + i * 8192, 64, x.data() + i * 8192, 64, 0.f,
                 y.data() + i * 16384, 128);
    for (int i = 0; i < 64; ++i)
      dnnl_sgemm('N', 'N', 128, 64, 128, 1.f, y.data() + i * 16384, 128, x.data() + i * 8192, 64, 0.f,
                 q.data() + i * 8192, 64);
  }
  void forward() {
    gemm(false, false, kRows, 3 * kWidth, kWidth, x.data(), w.data(), y.data());
    attention();
    gemm(false, false, kRows, kWidth, kWidth, x.data(), w.data(), y.data());
    gemm(false, false, kRows, kInner, kWidth, x.data(), w.data(), y.data());
    gemm(false, false, kRows, kWidth, kInner, x.data(), w.data(), y.data());
  }
  void gradient() {
    forward();
    const auto back = [&](long n, long k) {
      gemm(true, false, k, n, kRows, x.data(), y.data(), w.data());
      gemm(false, true, kRows, k, n, y.data(), w.data(), x.data());
    };
    back(3 * kWidth, kWidth), back(kWidth, kWidth), back(kInner, kWidth), back(kWidth, kInner);
    attention(), attention();
  }
};

void small_rows() {
  row("transformer forward/products alone", [] { return [t = std::make_shared<Transformer>()] { t->forward(); }; });
  row("transformer value and grad/products alone",
      [] { return [t = std::make_shared<Transformer>()] { t->gradient(); }; });
  row("Jacobian 100-100-100/oneDNN", [] {
    return [w1 = values(10000, 0.1f), w2 = values(10000, 0.1f), x = values(112, 1.f), h = Floats(112), y = Floats(112),
            scaled = Floats(10064), J = Floats(10064)]() mutable {
      const auto layer = [](const Floats& w, const Floats& in, Floats& out) {
        gemm(false, false, 100, 1, 100, w.data(), in.data(), out.data());
        for (std::size_t i = 0; i < 112; i += 16) _mm512_storeu_ps(&out[i], tanh_of(_mm512_loadu_ps(&out[i])));
      };
      const auto scale = [](Floats& m, const Floats& from, const Floats& t) {
        for (std::size_t r = 0; r < 100; ++r)
          for (std::size_t c = 0; c < 100; ++c) m[r * 100 + c] = from[r * 100 + c] * (1 - t[r] * t[r]);
      };
      layer(w1, x, h);
      layer(w2, h, y);
      scale(scaled, w1, h);
      gemm(false, false, 100, 100, 100, w2.data(), scaled.data(), J.data());
      scale(J, J, y);
      benchmark::DoNotOptimize(J.data());
    };
  });
  row("Rosenbrock-100 value and grad/scalar", [] {
    return [x = values(100, 0.5f), g = Floats(100)]() mutable {
      std::fill(g.begin(), g.end(), 0.f);
      float value = 0;
      for (std::size_t i = 0; i < 99; ++i) {
        const float t = x[i + 1] - x[i] * x[i], u = 1 - x[i];
        value += 100 * t * t + u * u;
        g[i] += -400 * t * x[i] - 2 * u;
        g[i + 1] += 200 * t;
      }
      benchmark::DoNotOptimize(value);
      benchmark::DoNotOptimize(g.data());
      benchmark::ClobberMemory();
    };
  });
  row("Rosenbrock-100 Hessian/scalar", [] {
    return [x = values(100, 0.5f), H = Floats(10000)]() mutable {
      std::fill(H.begin(), H.end(), 0.f);
      for (std::size_t i = 0; i < 99; ++i) {
        H[i * 101] += -400 * (x[i + 1] - 3 * x[i] * x[i]) + 2;
        H[i * 101 + 1] = H[(i + 1) * 100 + i] = -400 * x[i];
        H[(i + 1) * 101] += 200;
      }
      benchmark::DoNotOptimize(H.data());
      benchmark::ClobberMemory();
    };
  });
}

}  // namespace

int main(int argc, char** argv) {
  elementwise_rows();
  mlp_rows();
  network_rows();
  small_rows();
  return rows::run(argc, argv);
}
