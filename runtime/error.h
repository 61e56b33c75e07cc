// Errors: mica::Error is a mistake of the user, mica::InternalError a bug of ours.
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mica {

// A mistake of the user. what() is one line: "<where>: expected <expected>, received <received>. <hint>".
class Error : public std::runtime_error {
 public:
  struct Parts {
    std::string where, expected, received, hint;
  };
  explicit Error(const std::string& message);
  explicit Error(Parts parts);
  const std::string& where() const { return parts_.where; }  // layer, function or file
  const std::string& expected() const { return parts_.expected; }
  const std::string& received() const { return parts_.received; }
  const std::string& hint() const { return parts_.hint; }

 private:
  Parts parts_;
};

// A broken invariant of ours; never caused by input alone.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace internal {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);
}  // namespace internal

}  // namespace mica

// MICA_CHECK(x == y) << "what was being done"; throws InternalError when the condition is false. The message is built
// only then.
#define MICA_CHECK(condition) \
  if (condition)              \
    [[likely]];               \
  else                        \
    ::mica::internal::CheckMessage(__FILE__, __LINE__, #condition).stream()

namespace mica::internal {
class CheckMessage {
 public:
  CheckMessage(const char* file, int line, const char* condition) : file_(file), line_(line), condition_(condition) {}
  ~CheckMessage() noexcept(false) { check_failed(file_, line_, condition_, stream_.str()); }
  std::ostream& stream() { return stream_; }

 private:
  const char* file_;
  int line_;
  const char* condition_;
  std::ostringstream stream_;
};
}  // namespace mica::internal
