// Steps of optimizers beside TensorFlow's own (raw_ops.ResourceApply…, 2.21).
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

// The variable and its slots before; the gradient is (0.3, -0.1, 0.2).
const std::vector<std::vector<float>> kStart{{1, -2, 0.5f}, {0.3f, 0.2f, 0.4f}, {0.5f, 0.6f, 0.7f}, {0.1f, 0.9f, 0.8f}};

struct Case {
  const char* name;
  bool nesterov;
  std::vector<std::string> inputs;         // after the variable and its slots
  std::vector<std::vector<double>> after;  // the variable and its slots
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name << (c.nesterov ? " nesterov" : ""); }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"GradientDescent", false, {"0.1", "grad"}, {{0.970000029, -1.99000001, 0.479999989}}},
      {"Momentum",
       false,
       {"0.1", "grad", "0.9"},
       {{0.943000019, -2.0079999, 0.444000006}, {0.570000052, 0.0799999908, 0.560000002}}},
      {"Momentum",
       true,
       {"0.1", "grad", "0.9"},
       {{0.91869998, -1.99720001, 0.4296}, {0.570000052, 0.0799999908, 0.560000002}}},
      {"KerasMomentum",
       false,
       {"0.1", "grad", "0.9"},
       {{1.24000001, -1.80999994, 0.839999974}, {0.24000001, 0.189999998, 0.339999974}}},
      {"KerasMomentum",
       true,
       {"0.1", "grad", "0.9"},
       {{1.18599999, -1.81900001, 0.785999954}, {0.24000001, 0.189999998, 0.339999974}}},
      {"Adagrad",
       false,
       {"0.1", "grad"},
       {{0.951961577, -1.97817826, 0.469848871}, {0.390000015, 0.210000008, 0.439999998}}},
      {"AdagradV2",
       false,
       {"0.1", "0.01", "grad"},
       {{0.952718675, -1.97864425, 0.470296651}, {0.390000015, 0.210000008, 0.439999998}}},
      {"Adam",
       false,
       {"0.81", "0.98", "0.1", "0.9", "0.99", "0.01", "grad"},
       {{0.968734801, -2.01620626, 0.466436416},
        {0.300000012, 0.169999987, 0.379999995},
        {0.495900005, 0.594100058, 0.693399966}}},
      {"Adam",
       true,
       {"0.81", "0.98", "0.1", "0.9", "0.99", "0.01", "grad"},
       {{0.968734801, -2.0136323, 0.468026251},
        {0.300000012, 0.169999987, 0.379999995},
        {0.495900005, 0.594100058, 0.693399966}}},
      {"AdamWithAmsgrad",
       false,
       {"0.81", "0.98", "0.1", "0.9", "0.99", "0.01", "grad"},
       {{0.968734801, -2.01319885, 0.468726873},
        {0.300000012, 0.169999987, 0.379999995},
        {0.495900005, 0.594100058, 0.693399966},
        {0.495900005, 0.899999976, 0.800000012}}},
      {"AdaMax",
       false,
       {"0.81", "0.1", "0.9", "0.99", "0.01", "grad"},
       {{0.68733716, -2.14813519, 0.215504974},
        {0.300000012, 0.169999987, 0.379999995},
        {0.495000005, 0.594000041, 0.693000019}}},
      {"RMSProp",
       false,
       {"0.1", "0.95", "0.9", "0.01", "grad"},
       {{0.495182037, -2.51766729, -0.161943793},
        {0.289499998, 0.190500006, 0.381999999},
        {0.504817963, 0.517667234, 0.661943793}}},
      {"CenteredRMSProp",
       false,
       {"0.1", "0.95", "0.9", "0.01", "grad"},
       {{0.862536192, -2.79647017, -0.247605205},
        {0.300000012, 0.185000002, 0.390000015},
        {0.479499996, 0.570500016, 0.666999996},
        {0.137463838, 0.796470046, 0.747605205}}},
      {"Adadelta",
       false,
       {"0.1", "0.95", "0.01", "grad"},
       {{0.960852146, -1.98255754, 0.473083645},
        {0.289499998, 0.190499991, 0.381999999},
        {0.482662767, 0.571521163, 0.668622434}}},
      {"Ftrl",
       false,
       {"grad", "0.1", "0.02", "0.03", "-0.5"},
       {{-0.00193938438, -0.150967911, -0.108415633},
        {0.390000015, 0.210000008, 0.439999998},
        {0.0322278142, 0.720879912, 0.745652854}}},
      {"FtrlV2",
       false,
       {"grad", "0.1", "0.02", "0.03", "0.04", "-0.5"},
       {{-0.0146277295, -0.116504282, -0.114391811},
        {0.390000015, 0.210000008, 0.439999998},
        {0.112227798, 0.560879946, 0.785652876}}},
      {"AddSign",
       false,
       {"0.1", "0.1", "0.6", "0.8", "grad"},
       {{0.978999972, -2.00500011, 0.486000001}, {0.300000012, 0.140000015, 0.360000014}}},
      {"PowerSign",
       false,
       {"0.1", "0.7", "0.6", "0.8", "grad"},
       {{0.954341173, -1.99342954, 0.469560772}, {0.300000012, 0.140000015, 0.360000014}}},
      {"ProximalGradientDescent", false, {"0.1", "0.02", "0.03", "grad"}, {{0.965104699, -1.98205388, 0.476570278}}},
      {"ProximalAdagrad",
       false,
       {"0.1", "0.02", "0.03", "grad"},
       {{0.944223046, -1.96097636, 0.464731932}, {0.390000015, 0.210000008, 0.439999998}}},
  };
  return all;
}

std::string constant(const std::string& name, const std::string& value) {
  return fmt::format(
      "node {{ name: \"{}\" op: \"Const\" attr {{ key: \"dtype\" value {{ type: DT_FLOAT }} }} "
      "attr {{ key: \"value\" value {{ tensor {{ dtype: DT_FLOAT tensor_shape {{}} float_val: {} }} }} }} }}\n",
      name, value);
}

// Inputs are "grad", "indices", which are (2, 0, 2), or numbers.
ConvertedFunction step_of(const Case& c, const std::string& prefix) {
  std::string text = "node { name: \"grad\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } }\n";
  std::string inputs;
  ConvertOptions options;
  const bool of_resource = prefix.starts_with("Resource");
  for (std::size_t i = 0; i < c.after.size(); ++i) {
    const std::string name = fmt::format("v{}", i);
    text += fmt::format(
        "node {{ name: \"{}\" op: \"{}\" attr {{ key: \"dtype\" value {{ type: DT_FLOAT }} }} attr {{ key: \"shape\" "
        "value "
        "{{ shape {{ dim {{ size: 3 }} }} }} }} }}\n",
        name, of_resource ? "VarHandleOp" : "VariableV2");
    inputs += fmt::format(" input: \"{}\"", name);
    options.captures.push_back({name, name, from_span<float>(kStart[i], {3}), true});
  }
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string name = c.inputs[i] == "grad" ? "grad" : fmt::format("c{}", i);
    if (c.inputs[i] == "indices") {
      text += fmt::format(
          "node {{ name: \"{}\" op: \"Placeholder\" attr {{ key: \"dtype\" value {{ type: DT_INT32 }} }} }}\n", name);
      options.captures.push_back({name, "", array<std::int32_t>({2, 0, 2}), false});
    } else if (name != "grad") text += constant(name, c.inputs[i]);
    inputs += fmt::format(" input: \"{}\"", name);
  }
  text += fmt::format("node {{ name: \"step\" op: \"{}{}\"{} attr {{ key: \"T\" value {{ type: DT_FLOAT }} }} {} }}\n",
                      prefix, c.name, inputs, c.nesterov ? "attr { key: \"use_nesterov\" value { b: true } }" : "");
  text +=
      "node { name: \"out\" op: \"Identity\" input: \"grad\" input: \"^step\" attr { key: \"T\" value { type: DT_FLOAT "
      "} } }";
  options.outputs = {"out"};
  return convert(Graph::parse_text(text), options);
}

void expect_step(const Case& c, const std::string& prefix) {
  const auto [apply, params] = step_of(c, prefix);
  const Variables after = apply(params, array<float>({0.3f, -0.1f, 0.2f})).second;
  for (std::size_t i = 0; i < c.after.size(); ++i) {
    const auto values = after.at(fmt::format("v{}", i)).value().to_vector<float>();
    for (std::size_t k = 0; k < values.size(); ++k)
      EXPECT_NEAR(values[k], c.after[i][k], 2e-5) << prefix << c.name << " " << i << " " << k;
  }
}

class Optimizers : public ::testing::TestWithParam<Case> {};

TEST_P(Optimizers, StepAsTensorFlow) {
  for (const char* prefix : {"ResourceApply", "Apply"}) expect_step(GetParam(), prefix);
}
INSTANTIATE_TEST_SUITE_P(All, Optimizers, ::testing::ValuesIn(cases()));

// An index that occurs twice is two steps.
TEST(SparseOptimizers, StepRowByRow) {
  const std::vector<Case> cases = {
      {"Momentum",
       false,
       {"0.1", "grad", "indices", "0.9"},
       {{0.98299998, -2, 0.354600012}, {0.170000017, 0.2, 0.79399997}}},
      {"Adagrad", false, {"0.1", "grad", "indices"}, {{1.01796055, -2, 0.42967075}, {0.310000002, 0.2, 0.530000031}}},
      {"RMSProp",
       false,
       {"0.1", "0.95", "0.9", "0.01", "grad", "indices"},
       {{0.568395913, -2, -0.820312262}, {0.28549999, 0.2, 0.367274999}, {0.431604087, 0.6, 0.642548561}}},
      {"Ftrl",
       false,
       {"grad", "indices", "0.1", "0.02", "0.03", "-0.5"},
       {{-0.0514344759, -2, -0.11822173}, {0.310000002, 0.2, 0.530000031}, {0.309461147, 0.6, 0.88776046}}}};
  for (const Case& c : cases)
    for (const char* prefix : {"ResourceSparseApply", "SparseApply"}) expect_step(c, prefix);
}

}  // namespace
}  // namespace tf2jax
