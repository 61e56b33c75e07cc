// FunctionScope: the function of the user's vocabulary that is running on this thread. Errors name it.
#pragma once
#include <string>

namespace mica::internal {

// A function of the user's vocabulary that is made of other operations: while it lives, errors and nodes outside of
// layers bear its name. Of functions that call each other the outermost counts, the one that the user called.
class FunctionScope {
 public:
  explicit FunctionScope(std::string name);
  ~FunctionScope();
  FunctionScope(const FunctionScope&) = delete;
  FunctionScope& operator=(const FunctionScope&) = delete;

  // "F::conv2d"; empty outside of such functions.
  static const std::string& current();

 private:
  bool outermost_;
};

// Where the user is: the path of the running layer, else the running function, else nothing.
const std::string& current_place();

}  // namespace mica::internal
