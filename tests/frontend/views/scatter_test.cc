#include "frontend/views/scatter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/error.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::views {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

const ScatterStyle kStyle{.title = "a < b", .x_label = "first", .y_label = "second", .class_names = {"zero", "one"}};

TEST(ScatterTest, DrawsPointsAxesTitlesAndALegend) {
  const std::string svg = scatter_svg({{0, 0, 0}, {10, 5, 1}, {5, 2.5, 1}}, kStyle);
  EXPECT_EQ(count_of(svg, "<circle"), 3 + 2) << "points and the legend's";
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  for (const char* text : {">10<", ">first<", ">second<", ">zero<", ">one<", "</svg>"})
    EXPECT_THAT(svg, HasSubstr(text));
  // The point in the middle of the data is in the middle of the plot: x from 74 to 780, y from 578 to 64.
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"427.0\" cy=\"321.0\""));
}

TEST(ScatterTest, SurvivesOnePointAndNone) {
  EXPECT_EQ(count_of(scatter_svg({}, kStyle), "<circle"), 2);
  EXPECT_THAT(scatter_svg({{3, 3, 0}}, kStyle), HasSubstr("<circle cx=\"427.0\" cy=\"321.0\""));
}

TEST(ScatterTest, RefusesWhatCannotBeDrawn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(scatter_svg({{nan, 0, 0}}, kStyle), Error);
  try {
    scatter_svg({{1, 2, 7}}, kStyle);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "scatter plot: expected finite points with labels below 2, received (1, 2) with label 7.");
  }
}

TEST(ScatterTest, TicksAreRound) {
  EXPECT_THAT(round_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(round_ticks(-0.013, 0.021, 4), ElementsAre(-0.01, 0, 0.01, 0.02));
  EXPECT_THAT(round_ticks(1200, 4100, 3), ElementsAre(2000, 3000, 4000));
}

class ScatterFileTest : public files::TempFolder {};

TEST_F(ScatterFileTest, WritesTheFile) {
  ASSERT_TRUE(write_scatter(path("a.svg"), {{0, 0, 0}}, kStyle).ok());
  EXPECT_EQ(files::read_text(path("a.svg")), scatter_svg({{0, 0, 0}}, kStyle));
}

}  // namespace
}  // namespace mica::views
