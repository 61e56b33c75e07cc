// How long a .keras file takes to load, beside reading and unzipping its bytes, and how much memory: one JSON line.
//   load_keras FILE       makes FILE with 100 MB of weights when it is not there
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "frontend/files/zip_reader.h"
#include "mica/mica.h"

using namespace mica;

namespace {

template <class F>
double fastest_of_five(F f) {
  double fastest = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    fastest =
        std::min(fastest, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return fastest;
}

// The most memory that the process has had so far (VmHWM), in MB.
double peak_megabytes() {
  const std::string field = "VmHWM:";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size())) * 1024 / 1e6;
  }
  return 0;
}

void make(const std::string& path) {
  Tensor x = Input({5000});
  Model(x, Dense(5000)(x)).save(path);
}

void read_and_unzip(const std::string& path) {
  const auto archive = files::ZipReader::open(path);
  for (const files::ZipMember& member : archive->members()) (void)archive->read(member);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "load.keras";
  if (!std::filesystem::exists(path)) {
    make(path);
    std::printf("made %s; run again\n", path.c_str());
    return 0;
  }
  const double file = static_cast<double>(std::filesystem::file_size(path)) / 1e6, before = peak_megabytes();
  load_model(path);
  const double memory = peak_megabytes() - before - file;  // each page of the mapped file was read, and is not counted
  const double load = fastest_of_five([&] { load_model(path); });
  const double read = fastest_of_five([&] { read_and_unzip(path); });
  std::printf("{\"load_ms\": %.1f, \"read_and_unzip_ms\": %.1f, \"file_mb\": %.1f, \"peak_mb\": %.1f}\n", load, read,
              file, memory);
}
