#include "compiler/passes/dump.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "runtime/error.h"

namespace mica::ir {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// True when the comma-separated list names the item, or "all".
bool lists(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    std::string_view entry = list.substr(0, comma);
    if (entry == item || entry == "all") return true;
    list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
  }
  return false;
}

}  // namespace

bool dump_wanted(std::string_view stage) { return lists(environment("MICA_DUMP"), stage); }
bool trace_wanted(std::string_view topic) { return lists(environment("MICA_TRACE"), topic); }

bool environment_flag(const char* name) {
  std::string_view value = environment(name);
  return !value.empty() && value != "0";
}

void write_dump(std::string_view file, const std::string& text) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::filesystem::path dir(environment("MICA_DUMP_DIR"));
  if (dir.empty()) {
    std::fprintf(stderr, "// %s\n%s", std::string(file).c_str(), text.c_str());
    return;
  }
  std::error_code ignored;
  std::filesystem::create_directories(dir, ignored);
  std::ofstream out(dir / file, std::ios::binary);
  if (!(out << text)) {
    throw Error({.where = "MICA_DUMP_DIR",
                 .expected = "a folder that can be written",
                 .received = dir.string(),
                 .hint = "Create it, or unset the variable to dump to stderr."});
  }
}

}  // namespace mica::ir
