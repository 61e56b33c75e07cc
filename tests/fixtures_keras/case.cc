#include "tests/fixtures_keras/case.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "frontend/files/file_error.h"
#include "frontend/files/npz.h"
#include "runtime/error.h"
#include "tests/fixtures_keras/missing.h"

namespace mica::keras_fixtures {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Names of up to three letters count as words of their own only.
bool mentions(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    std::size_t end = at + word.size();
    bool alone = (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (word.size() > 3 || alone) return true;
  }
  return false;
}

std::vector<std::string> words_of(const char* list) {
  std::vector<std::string> words;
  std::stringstream text(list ? list : "");
  for (std::string word; std::getline(text, word, ',');) words.push_back(word);
  return words;
}

bool is_chosen(const std::string& name) {
  static const std::vector<std::string> kWords = words_of(std::getenv("MICA_CASES"));
  bool any = kWords.empty();
  for (const std::string& word : kWords) any |= name.find(word) != std::string::npos;
  return any;
}

std::vector<Case> cases_of(const std::string& folder) {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (is_chosen(name)) cases.emplace_back(name, entry.path().string());
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name() < b.name(); });
  return cases;
}

using Words = std::vector<std::string>;

Meta meta_of(const nlohmann::json& json) {
  Meta meta{.is_rejected = !json.contains("rtol"),
            .must_mention = json.value("must_mention", Words()),
            .must_mention_any = json.value("must_mention_any", Words())};
  if (meta.is_rejected) return meta;
  meta.tolerance = {json.at("rtol").get<double>(), json.at("atol").get<double>()};
  meta.batch = json.at("batch").get<std::int64_t>();
  for (const auto& input : json.at("inputs")) {
    const auto& shape = input.at("shape");
    meta.has_open_batch &= !shape.empty() && shape[0].is_null();
  }
  return meta;
}

std::string shape_text(const rt::Array& array) {
  std::string text;
  for (std::int64_t dim : array.dims()) text += (text.empty() ? "" : ",") + std::to_string(dim);
  return "[" + text + "]";
}

// The text without folders, which differ between machines and runs.
std::string without_folders(std::string text) {
  for (const std::string& folder :
       {std::string(MICA_FIXTURES) + "/keras/", std::filesystem::temp_directory_path().string() + "/"}) {
    for (std::size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
  }
  return text;
}

// What is wrong with each case, in their order; exceptions are wrong too.
std::vector<std::string> faults_of(const std::vector<Case>& cases,
                                   const std::function<std::string(const Case&)>& check) {
  std::vector<std::string> faults(cases.size());
  std::atomic<std::size_t> next{0};
  auto work = [&] {
    for (std::size_t i = next++; i < cases.size(); i = next++) {
      try {
        faults[i] = check(cases[i]);
      } catch (const std::exception& error) {
        faults[i] = error.what();
      }
      faults[i] = without_folders(faults[i]);
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  return faults;
}

}  // namespace

Workspace::Workspace() {
  std::string path = (std::filesystem::temp_directory_path() / "mica_fixtures_XXXXXX").string();
  MICA_CHECK(::mkdtemp(path.data())) << path;
  path_ = path;
}
Workspace::~Workspace() { std::filesystem::remove_all(path_); }

Case::Case(std::string name, std::string folder) : name_(std::move(name)), folder_(std::move(folder)) {
  for (const char* name_of_meta : {"meta.json", "expected.json"}) {
    if (!has(name_of_meta)) continue;
    std::ifstream file(path(name_of_meta));
    meta_ = meta_of(nlohmann::json::parse(file));
  }
}

bool Case::has(const std::string& file) const { return std::filesystem::exists(path(file)); }
Arrays Case::arrays(const std::string& file) const { return has(file) ? read_arrays(path(file)) : Arrays(); }

std::string difference(const rt::Array& received, const rt::Array& expected, const Tolerance& tolerance) {
  if (received.dims() != expected.dims()) return "shape " + shape_text(received) + ", not " + shape_text(expected);
  bool exact = !expected.dtype().is_floating();
  if (exact && received.dtype().is_floating()) return "of the element type " + std::string(received.dtype().name());
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    double got = received.at(i), wanted = expected.at(i);
    bool same = got == wanted || (std::isnan(got) && std::isnan(wanted));
    bool close = !exact && std::abs(got - wanted) <= tolerance.atol + tolerance.rtol * std::abs(wanted);
    if (same || close) continue;
    std::ostringstream text;
    text << got << ", not " << wanted << ", at position " << i;
    return text.str();
  }
  return "";
}

std::string difference(const Arrays& received, const Arrays& expected, const Tolerance& tolerance) {
  for (const auto& [key, array] : expected) {
    auto it = received.find(key);
    std::string differs = it == received.end() ? "is not there" : difference(it->second, array, tolerance);
    if (!differs.empty()) return "\"" + key + "\" " + differs;
  }
  return "";
}

Arrays read_arrays(const std::string& path) {
  Arrays arrays;
  for (auto& [key, array] : files::value_or_throw(files::read_npz(path))) arrays.emplace(key, std::move(array));
  return arrays;
}

void write_arrays(const std::string& path, const Arrays& arrays) {
  files::throw_if_error(files::write_npz(path, files::NamedArrays(arrays.begin(), arrays.end())));
}

ProcessResult run_mica(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> all = {MICA_PROGRAM};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return test_support::run_process(all, environment);
}

std::string failure(const ProcessResult& result) {
  if (result.status == 0) return "";
  if (result.status == 1 && !result.error.empty()) return result.error.substr(0, result.error.find('\n'));
  return "exit status " + std::to_string(result.status) + " " + result.error;
}

std::string refusal_fault(const ProcessResult& result, const std::vector<std::string>& words,
                          const std::vector<std::string>& any) {
  if (result.status != 1) return "exit status " + std::to_string(result.status) + ", not 1";
  bool one_line = std::count(result.error.begin(), result.error.end(), '\n') == 1 && result.error.ends_with('\n');
  if (!one_line || !result.error.starts_with("mica: error: ")) return "not one error line: " + result.error;
  const std::string text = lower(result.error), said = ": " + result.error.substr(0, result.error.size() - 1);
  for (const std::string& word : words) {
    if (!mentions(text, lower(word))) return "no word of \"" + word + "\"" + said;
  }
  bool one = any.empty();
  for (const std::string& word : any) one |= mentions(text, lower(word));
  return one ? "" : "none of the words asked for" + said;
}

void check_cases(const std::string& kind, const std::string& title,
                 const std::function<std::string(const Case&)>& check) {
  const std::string folder = std::string(MICA_FIXTURES) + "/keras/" + kind;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "NOT TESTED: no fixtures at " << folder;
  const std::vector<Case> cases = cases_of(folder);
  const std::vector<std::string> faults = faults_of(cases, check);
  Missing missing(title);
  std::size_t passed = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    passed += faults[i].empty();
    if (!faults[i].empty()) std::cout << "missing: " << cases[i].name() << ": " << faults[i] << "\n";
    missing.compare(cases[i].name(), faults[i]);
  }
  std::cout << title << ": " << passed << " of " << cases.size() << std::endl;
  EXPECT_FALSE(cases.empty());
}

}  // namespace mica::keras_fixtures
