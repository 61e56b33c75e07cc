// Every record says everything that the system needs to know of an operation.
#include <gtest/gtest.h>

#include <fstream>

#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

class Record : public testing::TestWithParam<const OpDef*> {};

TEST_P(Record, IsComplete) {
  const OpDef& op = *GetParam();
  EXPECT_FALSE(op.doc.empty());
  EXPECT_TRUE(op.infer);
  if (op.internal) return;
  EXPECT_FALSE(op.mirrors.empty()) << "which function of Keras or PyTorch has this meaning?";
  bool has_region = op.name == "scan";  // lowered by a template; its samples need a body and are written by hand
  EXPECT_TRUE(has_region || !op.samples.empty());
  EXPECT_TRUE(has_region || op.define || op.kernel || op.decompose) << "no compiled route";
  EXPECT_TRUE(op.reference || op.scalar || op.decompose) << "no reference";
  EXPECT_TRUE(op.vjp || op.decompose || !op.no_gradient.empty()) << "no gradient, and no reason for none";
  EXPECT_FALSE(op.vjp && !op.no_gradient.empty()) << "a gradient and a reason for none";
}

TEST_P(Record, NamesAreInTheFieldsTerms) {
  const OpDef& op = *GetParam();
  for (char c : op.name) EXPECT_TRUE(std::islower(c) || std::isdigit(c) || c == '_') << op.name;
  EXPECT_EQ(op.doc.back(), '.') << op.doc;
  bool optional_seen = false;
  for (const OperandDef& operand : op.operands) {
    if (operand.kind != OperandDef::kRequired) optional_seen = true;
    EXPECT_FALSE(optional_seen && operand.kind == OperandDef::kRequired) << "a required operand after an optional one";
  }
}

// "torch:NAME" is a case of the fixtures of PyTorch, "keras:NAME" one of Keras' layers, "hand:TEXT" a test with values
// computed by hand in this folder.
TEST_P(Record, HasAnOutsideOracle) {
  const OpDef& op = *GetParam();
  if (op.internal) return;
  std::size_t colon = op.fixture.find(':');
  ASSERT_NE(colon, std::string::npos) << "fixture(\"torch:…\"), fixture(\"keras:…\") or fixture(\"hand:…\")";
  std::string kind = op.fixture.substr(0, colon), name = op.fixture.substr(colon + 1);
  if (kind != "torch") {
    EXPECT_TRUE(kind == "keras" || kind == "hand") << op.fixture;
    return;
  }
  std::string path = std::string(MICA_FIXTURES) + "/torch/functional/" + name + ".npz";
  if (!std::ifstream(std::string(MICA_FIXTURES) + "/torch/functional/cases.json"))
    GTEST_SKIP() << "NOT TESTED: no fixtures at " << MICA_FIXTURES;
  EXPECT_TRUE(std::ifstream(path).good()) << path;
}

INSTANTIATE_TEST_SUITE_P(Registry, Record, testing::ValuesIn(registry().all()),
                         [](const auto& test) { return test.param->name; });

}  // namespace
}  // namespace mica::ir
