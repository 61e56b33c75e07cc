// A folder with a small model for the program `mica`, and what it answers there.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "frontend/mica/mica.h"
#include "tests/support/process.h"

namespace mica::tool {

class ToolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    std::string folder = (std::filesystem::temp_directory_path() / "mica_tool_XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(folder.data()));
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
  std::size_t num_files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  // y = relu(shared(shared(x))) + 1: a layer called twice, an operation, a nested model.
  Model save_model(const std::string& name = "model.keras") const {
    Tensor inner_x = Input({3}, {.name = "inner_x"});
    Model inner(inner_x, Dense(3, {.name = "deep"})(inner_x), {.name = "inner"});
    Dense shared(3, {.name = "shared"});
    Tensor x = Input({3}, {.name = "x"});
    Model model(x, ReLU({.name = "positive"})(inner(shared(shared(x)))), {.name = "small"});
    model.save(path(name));
    return model;
  }
  Tensor save_rows(std::int64_t rows, const std::string& name = "in.npz") const {
    Tensor x = arange(0, static_cast<double>(rows * 3)).reshape({rows, 3}) * 0.25 - 1;
    save_npz(path(name), {{"x", x}});
    return x;
  }

  test_support::ProcessResult mica(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), MICA_PROGRAM);
    return test_support::run_process(arguments);
  }

 private:
  std::string folder_;
};

}  // namespace mica::tool
