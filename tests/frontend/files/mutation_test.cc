// Damaged archives and JSON: each is read whole or refused, never more.
#include "tests/frontend/files/mutation.h"

#include "frontend/files/json.h"
#include "frontend/files/npz.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using MutationTest = TempFolder;

TEST_F(MutationTest, EveryArchiveIsReadOrRefused) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    Mutator mutator(read_text(fixture(name)), 20251121);
    const int count = mutant_count(300);
    int refused = 0;
    for (int i = 0; i < count; ++i) refused += !read_npz(put("mutant.npz", mutator.next())).ok();
    EXPECT_GT(refused, count / 2) << name;
  }
}

// Brackets, quotes, escapes and numbers of all kinds: what a mutation can turn into another.
TEST_F(MutationTest, EveryJsonIsReadOrRefused) {
  const std::string text = R"({"module": "keras", "config": {"name": "m\u00e4\n", "units": [1, -2.5e-3, NaN, Infinity],
                            "empty": {}, "list": [[], [null, true, false]], "shape": [null, 18446744073709551616]}})";
  Mutator mutator(text, 20251121);
  const int count = mutant_count(3000);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<Config::Value> value = parse_json(mutator.next(), "mutant.json");
    refused += !value.ok();
    if (value.ok()) {
      EXPECT_TRUE(parse_json(value->to_json(), "written.json").ok()) << value->to_json();
    }
  }
  EXPECT_GT(refused, count / 2);
}

}  // namespace
}  // namespace mica::files
