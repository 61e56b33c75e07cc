// What a source gives: its batches, and a folder for the files of a test.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "frontend/mica/mica.h"

namespace mica {

class StreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(1);
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "mica_stream_" + test->test_suite_name() + "_" + test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string written(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  static std::vector<Batch> all_of(BatchSource& source) {
    std::vector<Batch> batches;
    source.restart();
    while (std::optional<Batch> batch = source.next()) batches.push_back(*std::move(batch));
    return batches;
  }
  static Tensor only(const Inputs& inputs) { return inputs.items().at(0).second; }
  static std::vector<float> numbers(const Inputs& inputs) { return only(inputs).to_vector<float>(); }
  // The inputs of all batches, one after the other.
  static std::vector<float> all_numbers(BatchSource& source) {
    std::vector<float> all;
    for (const Batch& batch : all_of(source)) {
      for (float number : numbers(batch.x)) all.push_back(number);
    }
    return all;
  }

 private:
  std::string folder_;
};

}  // namespace mica
