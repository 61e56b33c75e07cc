#include "compiler/codegen/object_cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/compiler/codegen/kernel_runner.h"

namespace mica::codegen {
namespace {

namespace fs = std::filesystem;

class ObjectCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("mica_cache_" + std::to_string(getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file(const std::string& key) const { return folder_ / (key + ".o"); }
  void damage(const std::string& key, std::size_t at) const {
    std::fstream stream(file(key), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const char changed = static_cast<char>(stream.get() ^ 1);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(changed);
  }

  fs::path folder_;
  CachedObject object_{"relu.0", std::string("\x7f"
                                             "ELF\n\0code",
                                             10)};
};

TEST_F(ObjectCacheTest, FindsWhatWasStored) {
  ObjectCache cache(folder_);
  EXPECT_FALSE(cache.find("ab").has_value());
  cache.store("ab", object_);
  std::optional<CachedObject> found = ObjectCache(folder_).find("ab");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->symbol, object_.symbol);
  EXPECT_EQ(found->bytes, object_.bytes);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1) << "temporary files stay";
}

TEST_F(ObjectCacheTest, EveryDamagedByteIsAMissAndTheFileGoes) {
  ObjectCache cache(folder_);
  cache.store("ab", object_);
  const std::size_t size = fs::file_size(file("ab"));
  for (std::size_t at = 0; at < size; ++at) {
    cache.store("ab", object_);
    damage("ab", at);
    EXPECT_FALSE(cache.find("ab").has_value()) << "byte " << at;
    EXPECT_FALSE(fs::exists(file("ab"))) << "byte " << at;
  }
}

TEST_F(ObjectCacheTest, EveryTruncatedFileIsAMiss) {
  ObjectCache cache(folder_);
  cache.store("ab", object_);
  for (std::size_t size = fs::file_size(file("ab")); size-- > 0;) {
    cache.store("ab", object_);
    fs::resize_file(file("ab"), size);
    EXPECT_FALSE(cache.find("ab").has_value()) << size << " bytes";
  }
}

TEST_F(ObjectCacheTest, TheLongestUnusedGoFirst) {
  CachedObject large{"k", std::string(1000, 'x')};
  ObjectCache cache(folder_, 5000);
  const auto now = fs::file_time_type::clock::now();
  const std::vector<std::string> keys = {"a1", "a2", "a3", "a4"};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    cache.store(keys[i], large);
    fs::last_write_time(file(keys[i]), now - std::chrono::hours(10 - i));
  }
  EXPECT_TRUE(cache.find("a1").has_value());  // used just now
  cache.store("a5", large);                   // above the limit
  EXPECT_TRUE(fs::exists(file("a1")));
  EXPECT_FALSE(fs::exists(file("a2")));
  EXPECT_TRUE(fs::exists(file("a5")));
  std::uint64_t used = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) used += entry.file_size();
  EXPECT_LE(used, 5000u / 4 * 3);
}

TEST_F(ObjectCacheTest, WithoutAFolderEverythingIsAMiss) {
  ObjectCache cache{fs::path()};
  cache.store("ab", object_);
  EXPECT_FALSE(cache.find("ab").has_value());
  std::ofstream(folder_).put('x');  // a file where the folder should be
  ObjectCache blocked(folder_ / "mica");
  blocked.store("ab", object_);
  EXPECT_FALSE(blocked.find("ab").has_value());
}

TEST_F(ObjectCacheTest, TheEnvironmentNamesTheFolder) {
  unsetenv("MICA_CACHE");
  setenv("XDG_CACHE_HOME", "/var/x", 1);
  EXPECT_EQ(ObjectCache::folder_of_environment(), "/var/x/mica");
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(ObjectCache::folder_of_environment(), "/home/ada/.cache/mica");
  setenv("MICA_CACHE", "off", 1);
  EXPECT_EQ(ObjectCache::folder_of_environment(), "");
}

// Exit status of a process that compiles two kernels of equal structure and one other: how often LLVM ran.
void compile_and_exit(const fs::path& cache_home) {
  const std::int64_t before = llvm_compilations();
  unsetenv("MICA_CACHE");
  setenv("XDG_CACHE_HOME", cache_home.c_str(), 1);
  std::vector<loop::Kernel> kernels = {
      parsed("kernel @first(in x: f32[8], out y: f32[8]) { vector<8> i in 0..8 { y[i] = -x[i] } }"),
      parsed("kernel @second(in a: f32[8], out b: f32[8]) { vector<8> j in 0..8 { b[j] = -a[j] } }"),
      parsed("kernel @third(in x: f32[8], out y: f32[8]) { vector<8> i in 0..8 { y[i] = abs(x[i]) } }")};
  auto compiled = compile(kernels, loop::native_target());
  auto again = compile(kernels, loop::native_target());
  float x[] = {1, -2, 3, -4, 5, -6, 7, -8}, y[8];
  void* buffers[] = {x, y};
  compiled->functions[1](buffers, nullptr, 0, 1);
  const bool right = y[0] == -1 && y[7] == 8 && compiled->functions[0] == compiled->functions[1] &&
                     compiled->functions[1] != compiled->functions[2] && compiled->functions == again->functions;
  std::exit(right ? static_cast<int>(llvm_compilations() - before) : 99);
}

TEST_F(ObjectCacheTest, AKernelMeetsLlvmOnceAcrossProcesses) {
  EXPECT_EXIT(compile_and_exit(folder_), testing::ExitedWithCode(2), "");
  EXPECT_EXIT(compile_and_exit(folder_), testing::ExitedWithCode(0), "");
  for (const auto& entry : fs::directory_iterator(folder_ / "mica")) {
    fs::resize_file(entry.path(), entry.file_size() / 2);
  }
  EXPECT_EXIT(compile_and_exit(folder_), testing::ExitedWithCode(2), "");
}

}  // namespace
}  // namespace mica::codegen
