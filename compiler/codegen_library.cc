#include "compiler/codegen_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "runtime/error.h"

namespace mica {
namespace {

// Asked from the loader and not left to the RUNPATH: a sanitizer calls dlopen in our place, and its RUNPATH is not
// ours.
std::filesystem::path folder_of_this_library() {
  Dl_info info{};
  MICA_CHECK(dladdr(reinterpret_cast<const void*>(&codegen_library), &info) != 0) << "no library holds this function";
  return std::filesystem::canonical(info.dli_fname).parent_path();
}

const codegen::Library& load() {
  const std::string path = folder_of_this_library() / MICA_CODEGEN_FILE;
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const table = handle == nullptr ? nullptr : dlsym(handle, "mica_codegen_library");
  if (table == nullptr) {
    throw Error({.where = "compile",
                 .expected = "the code generator at " + path,
                 .received = std::string("\"") + dlerror() + "\"",
                 .hint = "Is LLVM installed?"});
  }
  return *reinterpret_cast<decltype(&mica_codegen_library)>(table)();
}

}  // namespace

const codegen::Library& codegen_library() {
  static const codegen::Library& library = load();  // never unloaded: machine code outlives every model
  return library;
}

}  // namespace mica
