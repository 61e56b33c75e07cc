// The assembler of the CUDA toolkit, where there is one.
#pragma once
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace mica::codegen {

inline std::optional<std::filesystem::path> find_ptxas() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::filesystem::path candidate = std::filesystem::path(folder) / "ptxas";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

// What ptxas says, warnings and register counts included; `ok` when it made a cubin.
struct Assembled {
  bool ok = false;
  std::string messages;
};

inline Assembled assemble(const std::filesystem::path& ptxas, const std::string& text, int sm) {
  std::string folder = (std::filesystem::temp_directory_path() / "mica-ptx-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return {false, "no temporary folder"};
  const std::filesystem::path source = std::filesystem::path(folder) / "kernel.ptx";
  std::ofstream(source) << text;
  const std::string command = "'" + ptxas.string() + "' -v -arch=sm_" + std::to_string(sm) + " -o '" + folder +
                              "/kernel.cubin' '" + source.string() + "' 2>&1";
  Assembled result;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    char line[512];
    while (std::fgets(line, sizeof(line), pipe) != nullptr) result.messages += line;
    result.ok = pclose(pipe) == 0;
  }
  std::filesystem::remove_all(folder);
  return result;
}

}  // namespace mica::codegen
