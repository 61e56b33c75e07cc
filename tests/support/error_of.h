// What a mistake says.
#pragma once
#include <string>

#include "runtime/error.h"

namespace mica {

// The message of the Error that `f` throws, empty when it throws none.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace mica
