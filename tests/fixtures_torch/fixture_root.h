// Where PyTorch's numbers lie: below the folder that the environment variable MICA_FIXTURES names, where there is one;
// else where CMake found them.
#pragma once
#include <cstdlib>
#include <string>

namespace mica::torch_fixtures {

inline std::string fixture_root() {
  const char* folder = std::getenv("MICA_FIXTURES");
  return folder ? folder : MICA_FIXTURES;
}

}  // namespace mica::torch_fixtures
