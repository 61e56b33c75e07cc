// missing.txt: cases that are known to differ, a line each: "TEST / CASE: cause".
#pragma once
#include <map>
#include <string>

namespace mica::keras_fixtures {

class Missing {
 public:
  // The list's part for the test of this title.
  explicit Missing(std::string title);
  // With MICA_UPDATE_MISSING=1, writes what compare() was told into the list.
  ~Missing();
  // Fails for a fault that the list does not have, and for a case of the list that passes.
  void compare(const std::string& name, const std::string& fault);

 private:
  std::string title_;
  std::map<std::string, std::string> all_;  // the whole list, by "TEST / CASE"
};

}  // namespace mica::keras_fixtures
