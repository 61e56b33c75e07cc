// A fixture of real Keras: its folder, its arrays, and how the program `mica` is run on it.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/array.h"
#include "tests/support/process.h"

namespace mica::keras_fixtures {

using test_support::ProcessResult;
using Arrays = std::map<std::string, rt::Array>;

// Where a test keeps its files; removed at the end.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Tolerance {
  double rtol = 0, atol = 0;
};

// What meta.json or expected.json says; cases of training have train.json instead.
struct Meta {
  bool is_rejected = false;
  std::vector<std::string> must_mention = {}, must_mention_any = {};  // of refusals
  Tolerance tolerance = {};
  std::int64_t batch = 0;      // rows of the inputs
  bool has_open_batch = true;  // models of a fixed batch have no other one
};

class Case {
 public:
  Case(std::string name, std::string folder);
  const std::string& name() const { return name_; }
  const Meta& meta() const { return meta_; }
  bool has_second_run() const { return has("inputs2.npz"); }
  bool has(const std::string& file) const;
  std::string path(const std::string& file) const { return folder_ + "/" + file; }
  Arrays arrays(const std::string& file) const;  // empty when there is no such file

 private:
  std::string name_, folder_;
  Meta meta_;
};

// What differs: "" or the first array and element that do.
std::string difference(const rt::Array& received, const rt::Array& expected, const Tolerance& tolerance);
std::string difference(const Arrays& received, const Arrays& expected, const Tolerance& tolerance);

Arrays read_arrays(const std::string& path);
void write_arrays(const std::string& path, const Arrays& arrays);

// `mica COMMAND MODEL …`, and why it did not end as it should: "" when it did.
ProcessResult run_mica(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});
std::string failure(const ProcessResult& result);
// Why a refusal is not one error line with these words; of `any`, when given, one must occur. "" when it is.
std::string refusal_fault(const ProcessResult& result, const std::vector<std::string>& words,
                          const std::vector<std::string>& any = {});

// Checks every case of MICA_FIXTURES/keras/`kind` (of MICA_CASES those whose names contain one of its words) on all
// processors, prints "`title`: N of M", and fails for what missing.txt does not explain. `check` says what is wrong
// with a case, or "".
void check_cases(const std::string& kind, const std::string& title,
                 const std::function<std::string(const Case&)>& check);

}  // namespace mica::keras_fixtures
