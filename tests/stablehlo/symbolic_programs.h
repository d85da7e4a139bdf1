// Programs whose sizes are symbolic: what a polymorphic export may hold.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tf2jax/base/symbolic_scope.h"
#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/tf2jax.h"

namespace tf2jax::testing {

/// A function of arrays whose sizes are expressions of dimension variables.
struct SymbolicProgram {
  const char* name;
  std::vector<const char*> shapes;
  FlatFn f;

  Jaxpr jaxpr() const {
    Avals open;
    for (const char* text : shapes) open.push_back({f32, symbolic_shape(text), false});
    return stage(f, open);
  }
  Arrays inputs(const std::map<std::string, std::int64_t>& sizes) const;
};

inline Array mean_of_rows(const Array& x) { return reduce_sum(x, {0}) / astype(dim_as_value(x.shape()[0]), f32); }

inline Arrays running(const Arrays& xs) {
  return {scan([](const Array& carry, const Array& x) { return std::pair{carry + x, carry * x}; }, zeros(xs[0].shape()),
               xs[1])
              .second};
}

inline const std::vector<SymbolicProgram>& symbolic_programs() {
  static const std::vector<SymbolicProgram> all{
      {"elementwise", {"b, 3"}, [](const Arrays& x) { return Arrays{sin(x[0]) * 2.f + x[0]}; }},
      {"broadcast", {"b, 3", "3"}, [](const Arrays& x) { return Arrays{x[0] + x[1]}; }},
      {"matmul", {"b, n", "n, 4"}, [](const Arrays& x) { return Arrays{matmul(x[0], x[1])}; }},
      {"mean", {"b, 3"}, [](const Arrays& x) { return Arrays{mean_of_rows(x[0])}; }},
      {"softmax", {"b, n"}, [](const Arrays& x) { return Arrays{softmax(x[0])}; }},
      {"reshape", {"b, 2, n"}, [](const Arrays& x) { return Arrays{reshape(x[0], {x[0].shape()[0] * 2, -1})}; }},
      {"concatenate", {"b, 3", "c, 3"}, [](const Arrays& x) { return Arrays{concatenate({x[0], x[1], x[0]}, 0)}; }},
      {"slice",
       {"b + 2, 3"},
       [](const Arrays& x) {
         const Shape s = x[0].shape();
         return slice_p().bind({x[0]}, SliceParams{{Dim(1), Dim(0)}, {s[0] - 1, s[1]}, std::nullopt});
       }},
      {"pad", {"b, 3"}, [](const Arrays& x) { return Arrays{pad(x[0], {{1, 2}, {0, 1}})}; }},
      {"iota", {"b, 3"}, [](const Arrays& x) { return Arrays{x[0] + iota(f32, x[0].shape(), 0)}; }},
      {"cumsum", {"b, 3"}, [](const Arrays& x) { return Arrays{cumsum(x[0], 0), cumsum(x[0], 0, true)}; }},
      {"cummax", {"b"}, [](const Arrays& x) { return Arrays{cummax(x[0], 0)}; }},
      {"argmax", {"b, n"}, [](const Arrays& x) { return Arrays{argmax(x[0], 0)}; }},
      {"sort", {"b, n"}, [](const Arrays& x) { return Arrays{sort(x[0], 1)}; }},
      {"top_k", {"b, 5"}, [](const Arrays& x) { return Arrays{top_k(x[0], 2).first}; }},
      {"rows", {"b, 3"}, [](const Arrays& x) { return Arrays{rev(x[0], {0}), transpose(x[0], {1, 0})}; }},
      {"floordiv",
       {"b"},
       [](const Arrays& x) {
         const Dim b = x[0].shape()[0];
         return Arrays{x[0] + astype(dim_as_value(floordiv(b * 3, 2) - mod(b, 4) + max(b, 7)), f32)};
       }},
      {"scan", {"b", "4, b"}, running},
      {"gradient",
       {"b, 3"},
       [](const Arrays& x) {
         return Arrays{grad([](const Array& v) { return sum(log(mean_of_rows(exp(v)))); })(x[0])};
       }},
      {"call",
       {"b, 3"},
       [](const Arrays& x) { return Arrays{jit([](const Array& v) { return v - mean_of_rows(v); })(x[0])}; }},
      {"cond",
       {"b"},
       [](const Arrays& x) {
         return Arrays{cond(
             sum(x[0]) > 0.f, [](const Array& v) { return v + broadcast_to(Array(1.f), v.shape()); },
             [](const Array& v) { return -v; }, x[0])};
       }},
      {"lgamma", {"b"}, [](const Arrays& x) { return Arrays{lgamma(x[0] + 3.f)}; }},
  };
  return all;
}

inline Array numbers(const Dims& dims) {
  std::int64_t n = 1;
  for (const auto d : dims) n *= d;
  return reshape(cos(arange(n) * 1.7f), symbolic(dims));
}

inline Arrays SymbolicProgram::inputs(const std::map<std::string, std::int64_t>& sizes) const {
  Arrays out;
  for (const char* text : shapes) {
    Dims dims;
    for (const Dim d : symbolic_shape(text)) dims.push_back(d.evaluate(sizes));
    out.push_back(numbers(dims));
  }
  return out;
}

}  // namespace tf2jax::testing
