#include "frontend/files/json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"

namespace mica::files {
namespace {

Config::Value parsed(std::string_view text) {
  absl::StatusOr<Config::Value> value = parse_json(text, "t");
  EXPECT_TRUE(value.ok()) << value.status().message();
  return value.ok() ? *value : Config::Value();
}

std::string error_of_text(std::string_view text) {
  absl::StatusOr<Config::Value> value = parse_json(text, "t");
  return value.ok() ? "" : std::string(value.status().message());
}

TEST(Json, TextsComeBack) {
  for (const char* text : {R"({"a":[1,2.5,true,false,null],"b":{"c":"d"},"e":[],"f":{}})", R"("\"\\é")",
                           "[1e+300,-0.25]", "[9007199254740993,-9223372036854775808]", "[NaN,Infinity,-Infinity]"}) {
    EXPECT_EQ(parsed(text).to_json(), text);
  }
}

TEST(Json, IntegersAndRealsDiffer) {
  EXPECT_EQ(parsed("1").kind(), Config::Value::Kind::kInteger);
  EXPECT_EQ(parsed("1.0").kind(), Config::Value::Kind::kReal);
  EXPECT_EQ(parsed("1e2").kind(), Config::Value::Kind::kReal);
  EXPECT_EQ(parsed("9223372036854775808").kind(), Config::Value::Kind::kReal) << "beyond 64 bits";
  EXPECT_EQ(parsed("1e999").number(), std::numeric_limits<double>::infinity()) << "as Python";
}

TEST(Json, EscapesAndUnicode) {
  EXPECT_EQ(parsed(R"("a\n\t\/\u0041\u00e9\u20ac\ud83d\ude00")").text(), "a\n\t/A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_NE(error_of_text("\"\xff\""), "");
  EXPECT_NE(error_of_text("\"\xc0\xaf\""), "") << "longer than needed";
  EXPECT_NE(error_of_text("\"\xed\xa0\x80\""), "") << "half of a pair";
  EXPECT_NE(error_of_text(R"("\ud800")"), "");
  EXPECT_NE(error_of_text(R"("\udc00")"), "");
  EXPECT_NE(error_of_text("\"\n\""), "");
}

TEST(Json, ErrorsSayWhere) {
  EXPECT_EQ(error_of_text("{\"a\":\n  [1, }"), "t: expected JSON: a value at line 2, column 7, received '}'.");
  EXPECT_EQ(error_of_text("[1"), "t: expected JSON: ',' or ']' at line 1, column 3, received the end of the text.");
  EXPECT_EQ(error_of_text("[] x"), "t: expected JSON: the end of the text at line 1, column 4, received 'x'.");
  EXPECT_EQ(error_of_text(R"({"a":1,"a":2})"),
            R"(t: expected JSON: keys that differ at line 1, column 14, received "a" twice.)");
  for (const char* text : {"", "01", "1.", ".5", "+1", "1e", "-", "tru", "'a'", "[1,]", "{,}", "{\"a\"}", "\"a"}) {
    EXPECT_NE(error_of_text(text), "") << text;
  }
}

TEST(Json, NestingAndCountsAreBounded) {
  EXPECT_EQ(error_of_text(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')), "");
  std::string deep = error_of_text(std::string(100'000, '['));
  EXPECT_NE(deep.find("nesting of at most"), std::string::npos) << deep;
  std::string many = "[";
  for (int i = 0; i <= kMaxJsonValues; ++i) many += "0,";
  EXPECT_NE(error_of_text(many).find("values"), std::string::npos);
}

}  // namespace
}  // namespace mica::files
