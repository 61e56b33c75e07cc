// Fixtures of tests/fixtures/training: cases and the arrays that they name.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "frontend/files/json.h"
#include "frontend/graph/value.h"
#include "frontend/mica/io.h"

namespace mica::internal {

class TrainingFixtures {
 public:
  explicit TrainingFixtures(const std::string& name) : arrays_(load_npz(folder() + name + ".npz")) {
    std::stringstream text;
    text << std::ifstream(folder() + name + ".json").rdbuf();
    Config::Value list = files::parse_json(text.str(), name).value();
    for (const Config::Value& value : list.list()) cases.push_back(value.object());
  }

  std::vector<Config> cases;
  // The array of a name, floats as float32; nothing for null.
  Tensor input(const Config::Value& name) const {
    if (name.is_null()) return {};
    Tensor array = arrays_["in." + name.text()];
    return array.dtype() == kFloat64 ? array.to(kFloat32) : array;
  }
  Tensor result(std::size_t i, const std::string& what) const { return arrays_[std::to_string(i) + "." + what]; }

 private:
  static std::string folder() { return MICA_SOURCE_DIR "/tests/fixtures/training/"; }
  TensorDict arrays_;
};

// Within 1e-5 of the size of what is wanted, or twice what Keras loses itself in float32.
inline void expect_near(const std::vector<double>& got, const std::vector<double>& want, double float32_drift) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i])) {
      EXPECT_TRUE(std::isnan(got[i])) << "at " << i << ": " << got[i];
    } else {
      EXPECT_NEAR(got[i], want[i], std::max(1e-5 * (1 + std::abs(want[i])), 2 * float32_drift)) << "at " << i;
    }
  }
}

}  // namespace mica::internal
