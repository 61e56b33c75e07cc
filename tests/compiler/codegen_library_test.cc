#include "compiler/codegen_library.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace mica {
namespace {

bool llvm_is_loaded() {
  std::stringstream maps;
  maps << std::ifstream("/proc/self/maps").rdbuf();
  return maps.str().find("libLLVM") != std::string::npos;
}

// The compiler is linked into this test; every case runs in a process of its own.
TEST(CodegenLibrary, LlvmComesWithTheFirstUse) {
  EXPECT_FALSE(llvm_is_loaded());
  const codegen::Library& library = codegen_library();
  EXPECT_TRUE(llvm_is_loaded());
  EXPECT_EQ(library.llvm_compilations(), 0);
  EXPECT_EQ(&codegen_library(), &library);
}

}  // namespace
}  // namespace mica
