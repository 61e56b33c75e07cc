#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/error.h"

extern char** environ;

namespace mica::test_support {
namespace {

// Standard output or standard error of a child, as a file: pipes would have to be drained while it runs.
class Capture {
 public:
  Capture() : path_("/tmp/mica_test_XXXXXX") {
    descriptor_ = ::mkostemp(path_.data(), O_CLOEXEC);
    MICA_CHECK(descriptor_ >= 0) << "a temporary file";
  }
  ~Capture() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  int descriptor() const { return descriptor_; }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }

 private:
  std::string path_;
  int descriptor_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

// This process's environment with the names of `more` replaced.
std::vector<std::string> environment(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (char** entry = environ; *entry; ++entry) {
    std::string text = *entry, name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& other : more) replaced |= other.starts_with(name);
    if (!replaced) all.push_back(text);
  }
  return all;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const std::vector<std::string>& more,
                          double limit_seconds) {
  using Clock = std::chrono::steady_clock;
  Capture out, error;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error.descriptor(), STDERR_FILENO);
  const std::vector<std::string> variables = environment(more);
  const auto begin = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  pid_t child = 0;
  int failed = ::posix_spawn(&child, arguments[0].c_str(), &actions, nullptr, pointers(arguments).data(),
                             pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  MICA_CHECK(failed == 0) << "starting " << arguments[0];

  int state = 0;
  rusage used = {};
  while (::wait4(child, &state, WNOHANG, &used) == 0) {
    if (seconds() > limit_seconds) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state),
          .seconds = seconds(),
          .peak_mb = static_cast<double>(used.ru_maxrss) / 1024,
          .out = out.text(),
          .error = error.text()};
}

}  // namespace mica::test_support
