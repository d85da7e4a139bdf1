// The documents' examples of exporting as one SavedModel, for export_check.py --documents.
#include "export_documents.h"

#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;

void save_documents(const std::filesystem::path& directory) {
  const auto sin_cos = [](const Array& x) { return sin(cos(x)); };
  const auto warmed = jax2tf::convert([](const Array& x) { return sum(x); });
  warmed(ones({1, 28, 28}));
  warmed(ones({16, 28, 28}));
  const auto unused = [](const Array& x0, const Array&, const Array& x2, const Array&) { return x0 * 0.f + x2 * 2.f; };
  const Array weight = array<float>({1, 2, 3}), bias = array<float>({10});
  const auto model = [weight, bias](const Array& x) { return sum(sin(x * weight) + bias, 1); };
  const auto cube = [](const Array& x) { return x * x * x; };
  const auto custom = custom_jvp([](const Array& x) { return x * x; }).defjvp([](const auto& p, const auto& t) {
    return std::pair(std::get<0>(p) * std::get<0>(p), std::get<0>(t) * 100.f);
  });
  const auto doubled = [](const Array& x) {
    return while_loop([](const Array& v) { return less(v, 100.f); }, [](const Array& v) { return v * 2.f; }, x);
  };
  const auto loop = [](const Array& x) {
    return fori_loop(0, 3, [&](const Array&, const Array& c) { return sin(c) + sum(c) * 0.1f; }, x);
  };
  const auto one = [](const Array& x) { return sum(sin(x) * x) + dot(x, x); };
  const std::map<std::string, jax2tf::ExportedFunction> functions{
      {"sin_cos", jax2tf::convert(sin_cos).trace(spec(f32))},
      {"no_gradient", jax2tf::convert(sin_cos, {.with_gradient = false}).trace(spec(f32))},
      {"warmed", warmed},
      {"unused", jax2tf::convert(unused).trace(spec(f32), spec(f32), spec(f32), spec(i32))},
      {"model", jax2tf::convert(model, {.polymorphic_shapes = {"(b, 3)"}})},
      {"square_images", jax2tf::convert([](const Array& x, const Array& mask) { return x * mask; },
                                        {.polymorphic_shapes = {"(b, w, w)", "(w, w)"}})},
      {"reshaped", jax2tf::convert([](const Array& x) { return reshape(x, {-1, x.shape()[0]}); },
                                   {.polymorphic_shapes = {"(b1, b2, 6)"}})},
      {"mean", jax2tf::convert([](const Array& x) { return reduce_sum(x, {0}) / jax2tf::dim_as_value(x.shape()[0]); },
                               {.polymorphic_shapes = {"(v, 4)"}})},
      {"batched", jax2tf::convert(vmap(one), {.polymorphic_shapes = {"(b, 3)"}})},
      {"batched_plain", jax2tf::convert(vmap(one), {.polymorphic_shapes = {"(b, 3)"}, .enable_xla = false})},
      {"loop", jax2tf::convert(loop, {.polymorphic_shapes = {"(b,)"}})},
      {"cube_1", jax2tf::convert(cube).trace(spec(f32))},
      {"cube_2", jax2tf::convert(cube, {.gradient_order = 2}).trace(spec(f32))},
      {"custom", jax2tf::convert(custom).trace(spec(f32))},
      {"doubled", jax2tf::convert(doubled, {.with_gradient = false}).trace(spec(f32))},
      {"named", jax2tf::convert(
                    [](const std::map<std::string, Array>& m) {
                      return std::map<std::string, Array>{{"sum", m.at("a") + m.at("b")}};
                    },
                    {.argument_names = {"inputs"}})
                    .trace(std::map<std::string, Array>{{"a", ones({2})}, {"b", ones({2})}})}};
  jax2tf::save(directory, functions,
               {.variables = jax2tf::variables_of(std::tuple(weight, bias), "params"),
                .signatures = {{"serving_default", "model"}, {"sin_cos", "sin_cos"}}});
}
