#include "runtime/error.h"

namespace mica {
namespace {

std::string one_line(const Error::Parts& parts) {
  std::string text = parts.where.empty() ? "" : parts.where + ": ";
  if (!parts.expected.empty()) text += "expected " + parts.expected;
  if (!parts.received.empty()) text += (parts.expected.empty() ? "received " : ", received ") + parts.received;
  if (!parts.expected.empty() || !parts.received.empty()) text += ".";
  if (!parts.hint.empty()) text += (text.empty() || text.back() == ' ' ? "" : " ") + parts.hint;
  return text;
}

}  // namespace

Error::Error(const std::string& message) : std::runtime_error(message) {}
Error::Error(Parts parts) : std::runtime_error(one_line(parts)), parts_(std::move(parts)) {}

namespace internal {
void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::ostringstream text;
  text << file << ":" << line << ": internal check failed: " << condition;
  if (!message.empty()) text << " (" << message << ")";
  throw InternalError(text.str());
}
}  // namespace internal

}  // namespace mica
