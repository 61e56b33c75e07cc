#include "compiler/codegen_library.h"

#include <gtest/gtest.h>

namespace mica {
namespace {

TEST(CodegenLibrary, IsLoadedOnce) {
  const codegen::Library& library = codegen_library();
  EXPECT_GE(library.llvm_compilations(), 0);
  EXPECT_EQ(&codegen_library(), &library);
}

}  // namespace
}  // namespace mica
