// A TensorFlow model: run, differentiate, train and batch it. Argument: the folder of the bundled models.
#include <tf2jax/tf2jax.h>

#include <iostream>

#include "../digits.h"

using namespace tf2jax;

int main(int, char** argv) {
  const std::string model_dir = std::string(argv[1]) + "/digits";
  const digits::Batch batch = digits::draw(4, 3);
  const Array x = batch.images;

  auto f = convert(model_dir);  // variables bound
  Tree y = f(x);
  std::cout << y["probabilities"].array().aval() << " sums to one "
            << (max(abs(sum(y["probabilities"].array(), 1) - 1.f)).item<float>() < 1e-5f) << "\n";
  auto logits = f.output("logits");  // one output of many, as a function
  Array s = grad([&](const Array& x) { return mean(logits(x)); })(x);
  std::cout << s.aval() << "\n";

  auto [apply, params] = convert(model_dir, {.signature = "serving_default"});
  auto [out, new_params] = apply(params, x, rng(random::key(0)));
  std::cout << out["logits"].array().aval() << " " << (new_params.size() == params.size()) << "\n";
  const Array target = one_hot(batch.labels, 10);
  auto train = jit(value_and_grad([apply = apply](const Params& p, const Array& x, const Array& t) {
    return mse(apply(p, x).first["probabilities"], t);
  }));
  auto [loss, gradient] = train(params, x, target);
  std::cout << "loss is small " << (loss.item<float>() < 0.01f) << "\n";
  for (auto& [name, v] : gradient) std::cout << name << " " << v.aval() << (v.trainable() ? "" : " (frozen)") << "\n";

  // Any tensors of the graph as inputs and outputs.
  auto head = convert(model_dir, {.inputs = {"flatten:0"}, .outputs = {"logits:0"}});
  std::cout << Array(head(zeros({2, 256}))).aval() << "\n";
  // Per-example gradients of an imported model.
  auto one = [&](const Array& image) { return max(logits(expand_dims(image, {0}))); };
  const Array per_example = vmap(grad(one))(x);
  const Array first = grad(one)(x[0]);
  std::cout << per_example.aval() << " equals the loop " << (max(abs(per_example[0] - first)).item<float>() < 1e-5f)
            << "\n";
  register_operation("MyOp", [](Node& n) { return Values{sin(n.array(0)) * n.attr<float>("scale")}; });
  GraphBuilder g;
  const std::string in = g.placeholder("in", f32, {2});
  g.node("MyOp", "mine", {in}, {{"scale", 3.f}});
  auto mine = convert_functional(g.graph(), {.inputs = {"in:0"}, .outputs = {"mine:0"}});
  std::cout << Array(mine(zeros({2}))) << " " << grad([&](const Array& v) { return sum(mine(v)); })(zeros({2})) << "\n";
}
