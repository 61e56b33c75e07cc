// Exit statuses, and errors in one line.
#include <gmock/gmock.h>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class CommandLineErrors : public ToolTest {};

TEST_F(CommandLineErrors, AWrongCommandLineIsStatus2) {
  for (std::vector<std::string> arguments : {std::vector<std::string>{},
                                             {"runn"},
                                             {"run", "model.keras"},
                                             {"summary"},
                                             {"summary", "a.keras", "--wide"},
                                             {"run", "m", "--inputs", "a", "--output", "b", "--threads", "many"},
                                             {"run", "m", "--inputs", "a", "--inputs", "b", "--output", "c"}}) {
    test_support::ProcessResult result = mica(arguments);
    EXPECT_EQ(result.status, 2) << ::testing::PrintToString(arguments);
    EXPECT_THAT(result.error, MatchesRegex("mica: error: [^\n]+\n"));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(CommandLineErrors, AnInputThatFailsIsStatus1) {
  test_support::ProcessResult result = mica({"summary", path("absent.keras")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error, MatchesRegex("mica: error: [^\n]*absent.keras[^\n]*\n"));

  save_model();
  save_rows(2);
  result = mica({"run", path("model.keras"), "--inputs", path("in.npz"), "--output", path("out.npz"), "--tap", "nose"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.error,
            "mica: error: small: expected the key of a call in it, like those of trace(inputs).keys(), received "
            "\"nose\".\n");
  EXPECT_EQ(num_files(), 2u) << "no output, whole or partial";

  save_npz(path("wrong.npz"), {{"z", zeros({2, 3})}});
  result = mica({"run", path("model.keras"), "--inputs", path("wrong.npz"), "--output", path("out.npz")});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.error, "mica: error: small: expected the names x, received \"z\".\n");
}

TEST_F(CommandLineErrors, HelpIsStatus0) {
  test_support::ProcessResult result = mica({"--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("features"));
  EXPECT_EQ(mica({"run", "--help"}).status, 0);
}

}  // namespace
}  // namespace mica::tool
