#include "tf2jax/tf_graph/saved_model.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "../support.h"

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = R"(
saved_model_schema_version: 1
meta_graphs {
  meta_info_def { tags: "serve" tensorflow_version: "2.9.1" }
  graph_def {
    node { name: "serving_default_x" op: "Placeholder" }
    node { name: "c" op: "Const" attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 3 } } } }
    library { function { signature { name: "__inference_f" } } }
  }
  signature_def { key: "serving_default" value {
    inputs { key: "x" value { name: "serving_default_x:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } } } }
    outputs { key: "y" value { name: "PartitionedCall:0" dtype: DT_FLOAT tensor_shape { unknown_rank: true } } }
    method_name: "tensorflow/serving/predict" } }
  object_graph_def {
    nodes { children { node_id: 1 local_name: "v" } children { node_id: 2 local_name: "f" } children { node_id: 0 local_name: "self" } user_object { } }
    nodes { variable { dtype: DT_FLOAT shape { dim { size: 2 } } trainable: true name: "scale" } }
    nodes { function { concrete_functions: "__inference_f" } }
    nodes { constant { operation: "c" } }
    concrete_functions { key: "__inference_f" value { bound_inputs: 1 bound_inputs: 3
      canonicalized_input_signature { tuple_value { values { tuple_value { values { tensor_spec_value { name: "x" dtype: DT_FLOAT shape { dim { size: -1 } } } } } } values { dict_value { } } } }
      output_signature { tensor_spec_value { dtype: DT_FLOAT shape { unknown_rank: true } } } } }
  }
}
)";

class SavedModelTest : public TestWithFolder {
 protected:
  void SetUp() override { detail::parse_text(kModel, model_, "test"); }
  void write() {
    write_saved_model(directory_, model_, {{"scale/.ATTRIBUTES/VARIABLE_VALUE", array<float>({1, 2})}},
                      {{"vocab.txt", "a\nb"}});
  }

  tensorflow::SavedModel model_;
};

TEST_F(SavedModelTest, ReadsSignaturesFunctionsAndCaptures) {
  write();
  const auto m = SavedModel::load(directory_);
  EXPECT_EQ(m.tensorflow_version(), "2.9.1");
  const auto& s = m.signatures().at("serving_default");
  EXPECT_EQ(s.inputs[0].tensor, "serving_default_x:0");
  EXPECT_EQ(s.outputs[0].spec.to_string(), "float32[...]");
  const auto* f = m.objects()->find("f");
  ASSERT_NE(f, nullptr);
  const auto concrete = m.objects()->concrete(f->concrete[0]);
  EXPECT_EQ(concrete.inputs.to_string(), "((float32[?],), {})");
  ASSERT_EQ(concrete.captures.size(), 2u);
  EXPECT_EQ(concrete.captures[0].name, "scale");
  EXPECT_EQ(std::get<Array>(concrete.captures[1].constant).item<float>(), 3.f);
  EXPECT_EQ(std::get<Array>(m.read(m.variables()[0])).to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST_F(SavedModelTest, ReplacesAnExistingDirectoryInOneStep) {
  write();
  model_.mutable_meta_graphs(0)->mutable_meta_info_def()->set_tensorflow_version("3.0");
  write();
  EXPECT_EQ(SavedModel::load(directory_).tensorflow_version(), "3.0");
  int siblings = 0;
  for (const auto& entry : fs::directory_iterator(directory_.parent_path())) {
    siblings += entry.path().filename().string().starts_with(directory_.filename().string());
  }
  EXPECT_EQ(siblings, 1);
}

TEST_F(SavedModelTest, FailedWriteLeavesTheOldModel) {
  write();
  EXPECT_THROW(write_saved_model(directory_, model_, {}, {{"../escape", "x"}}), ValueError);
  EXPECT_TRUE(SavedModel::load(directory_).checkpoint()->contains("scale/.ATTRIBUTES/VARIABLE_VALUE"));
}

TEST_F(SavedModelTest, MissingOrDamagedFilesAreNamed) {
  EXPECT_THROW(SavedModel::load(directory_), IoError);
  write();
  const auto file = directory_ / "saved_model.pb";
  detail::replace_file(file, detail::read_file(file).substr(0, 100));
  try {
    SavedModel::load(directory_);
    FAIL();
  } catch (const ParseError& e) {
    EXPECT_NE(std::string(e.what()).find("saved_model.pb"), std::string::npos);
  }
}

TEST_F(SavedModelTest, ChoosesTheMetaGraphByTags) {
  write();
  EXPECT_THROW(SavedModel::load(directory_, {.tags = {"serve", "gpu"}}), ValueError);
  EXPECT_EQ(SavedModel::load(directory_, {.tags = {"serve"}}).tags(), std::vector<std::string>{"serve"});
}

TEST_F(SavedModelTest, DanglingObjectReferencesAreErrors) {
  model_.mutable_meta_graphs(0)->mutable_object_graph_def()->mutable_nodes(0)->mutable_children(0)->set_node_id(99);
  write();
  EXPECT_THROW(SavedModel::load(directory_), ValueError);
}

}  // namespace
}  // namespace tf2jax
