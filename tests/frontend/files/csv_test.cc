#include "frontend/files/csv.h"

#include <cmath>

#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using testing::ElementsAre;
using CsvTest = TempFolder;

std::vector<std::string> names_of(const NamedArrays& arrays) {
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays) names.push_back(name);
  return names;
}

TEST_F(CsvTest, ReadsNamedColumns) {
  const auto table = read_csv(put("a.csv", "width,height\n1.5,2\n-3e2, +4 \n"));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(names_of(*table), ElementsAre("width", "height"));
  EXPECT_EQ((*table)[0].second.dtype(), kFloat32);
  EXPECT_THAT(values_of((*table)[0].second), ElementsAre(1.5, -300));
  EXPECT_THAT(values_of((*table)[1].second), ElementsAre(2, 4));
}

TEST_F(CsvTest, ReadsChosenColumnsAndLeavesText) {
  const auto table =
      read_csv(put("a.csv", "a;name;b\r\n1;\"x; \"\"y\"\"\nz\";3\r\n"), {.separator = ';', .columns = {"b", "a"}});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(names_of(*table), ElementsAre("b", "a"));
  EXPECT_THAT(values_of((*table)[0].second), ElementsAre(3));
}

TEST_F(CsvTest, NumbersColumnsWithoutAHeader) {
  const auto table = read_csv(put("a.csv",
                                  "\xEF\xBB\xBF"
                                  "1,2\n\n3,4"),
                              {.header = false});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(names_of(*table), ElementsAre("0", "1"));
  EXPECT_THAT(values_of((*table)[1].second), ElementsAre(2, 4));
}

TEST_F(CsvTest, EmptyFieldsAreNan) {
  const auto table = read_csv(put("a.csv", "a,b\n1,\n"));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(std::isnan((*table)[1].second.at(0)));
}

TEST_F(CsvTest, ReadsGzippedText) {
  const std::string gzip(  // of "a\n7\n"
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xe4\x32\xe7\x02\x00\x86\x83\x9b\xdf\x04\x00\x00\x00", 24);
  const auto table = read_csv(put("a.csv.gz", gzip));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(values_of((*table)[0].second), ElementsAre(7));
}

TEST_F(CsvTest, NamesTheLineAndTheColumn) {
  EXPECT_EQ(error_of(read_csv(put("a.csv", "a,b\n1,2\n3,setosa\n"))),
            path("a.csv") +
                ":3: expected a number in column 'b', received 'setosa'."
                " Columns of text can be left out by naming the others.");
  EXPECT_EQ(error_of(read_csv(put("a.csv", "a,b\n\n1,2,3\n"))), path("a.csv") + ":3: expected 2 fields, received 3.");
  EXPECT_EQ(error_of(read_csv(put("a.csv", "a\n\"x"))),
            path("a.csv") + ":2: expected a closing quote, received the end of the file.");
  EXPECT_EQ(error_of(read_csv(put("a.csv", "a\n\"x\"y\n"))),
            path("a.csv") + ":2: expected a separator after a closing quote, received more text.");
}

TEST_F(CsvTest, RefusesUnknownAndRepeatedColumns) {
  put("a.csv", "a,b\n1,2\n");
  EXPECT_EQ(error_of(read_csv(path("a.csv"), {.columns = {"c"}})),
            path("a.csv") + ": expected a column named 'c', received a file without one.");
  EXPECT_EQ(error_of(read_csv(path("a.csv"), {.columns = {"a", "a"}})),
            path("a.csv") + ": expected columns of different names, received 'a' twice.");
  EXPECT_EQ(error_of(read_csv(put("empty.csv", ""))),
            path("empty.csv") + ": expected a line of column names, received an empty file.");
}

}  // namespace
}  // namespace mica::files
