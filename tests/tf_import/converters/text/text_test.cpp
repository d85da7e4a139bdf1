// Operations on strings beside TensorFlow's own values, which tests/oracle/tf_text.py recorded.
#include "../../../support.h"
#include "../../recorded_nodes.h"

namespace tf2jax {
namespace {

TEST(Text, OperationsGiveWhatTensorFlowGives) { check_recorded("text/text_ops.json", 150); }

StringTensor applied(const std::string& op, const std::string& attrs, std::vector<std::string> texts) {
  return import(placeholder("x", "dim { size: -1 }", "DT_STRING") + node("y", op, {"x"}, attrs), {"y"},
                {"x"})(strings(std::move(texts)))
      .strings();
}
std::string text_attr(const std::string& name, const std::string& value) {
  return "attr { key: \"" + name + "\" value { s: \"" + value + "\" } }";
}

TEST(Text, LettersBeyondAsciiKeepTheirCase) {
  EXPECT_EQ(applied("StringLower", "", {"ÜB"}).values, (std::vector<std::string>{"Üb"}));
  expect_error<NotImplementedError>([] { applied("StringLower", text_attr("encoding", "utf-8"), {"ÜB"}); },
                                    "letters beyond ASCII");
}

TEST(Text, NumbersMustBeNumbers) {
  expect_error<ImportError>([] { applied("StringToNumber", "", {"1.5", "x1"}); }, "'x1' is no number");
}

}  // namespace
}  // namespace tf2jax
