#include "tests/fixtures_keras/missing.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace mica::keras_fixtures {
namespace {

const std::string kPath = std::string(MICA_SOURCE_DIR) + "/tests/fixtures_keras/missing.txt";

bool is_updating() { return std::getenv("MICA_UPDATE_MISSING") != nullptr; }

}  // namespace

Missing::Missing(std::string title) : title_(std::move(title)) {
  std::ifstream file(kPath);
  for (std::string line; std::getline(file, line);) {
    std::size_t colon = line.find(": ");
    if (colon != std::string::npos) all_[line.substr(0, colon)] = line.substr(colon + 2);
  }
}

Missing::~Missing() {
  if (!is_updating()) return;
  std::ofstream file(kPath);
  for (const auto& [key, cause] : all_) file << key << ": " << cause << "\n";
}

void Missing::compare(const std::string& name, const std::string& fault) {
  const std::string key = title_ + " / " + name;
  if (is_updating()) {
    fault.empty() ? void(all_.erase(key)) : void(all_[key] = fault);
    return;
  }
  const bool known = all_.contains(key);
  EXPECT_TRUE(fault.empty() || known) << name << ": " << fault;
  EXPECT_FALSE(fault.empty() && known) << name << " passes: take it off missing.txt";
}

}  // namespace mica::keras_fixtures
