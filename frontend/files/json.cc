// A reader of one's own: the JSON libraries refuse the NaN and Infinity that Keras' files may hold.
#include "frontend/files/json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

using Value = Config::Value;

class Parser {
 public:
  Parser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  absl::StatusOr<Value> parse() {
    Value value;
    if (!read_value(value, 0)) return error_;
    skip_blanks();
    if (at_ != text_.size()) fail("the end of the text");
    return error_.ok() ? absl::StatusOr<Value>(std::move(value)) : error_;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }

  void skip_blanks() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }

  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  // The first error stays.
  bool fail(const std::string& expected) { return fail(expected, what_stands_here()); }
  bool fail(const std::string& expected, const std::string& received) {
    std::size_t line = 1, line_start = 0;
    for (std::size_t i = 0; i < at_; ++i) {
      if (text_[i] == '\n') ++line, line_start = i + 1;
    }
    std::string place = absl::StrCat(" at line ", line, ", column ", at_ - line_start + 1);
    error_ = content_error(where_, absl::StrCat("JSON: ", expected, place), received);
    return false;
  }
  std::string what_stands_here() const {
    if (at_end()) return "the end of the text";
    auto byte = static_cast<unsigned char>(text_[at_]);
    bool printable = byte > 0x20 && byte < 0x7f;
    return printable ? absl::StrCat("'", std::string(1, text_[at_]), "'") : absl::StrCat("byte ", byte);
  }

  bool read_value(Value& value, int depth) {
    if (depth > kMaxJsonDepth) {
      return fail(absl::StrCat("nesting of at most ", kMaxJsonDepth, " lists and objects"), "a deeper one");
    }
    if (++values_ > kMaxJsonValues) return fail(absl::StrCat("at most ", kMaxJsonValues, " values"), "more of them");
    skip_blanks();
    if (take("{")) return read_object(value, depth);
    if (take("[")) return read_list(value, depth);
    if (take("\"")) {
      std::string text;
      if (!read_string(text)) return false;
      value = std::move(text);
      return true;
    }
    return read_word(value) || (error_.ok() && read_number(value));
  }

  bool read_word(Value& value) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (take("null")) return true;
    if (take("true")) return value = true, true;
    if (take("false")) return value = false, true;
    if (take("NaN")) return value = std::numeric_limits<double>::quiet_NaN(), true;
    if (take("Infinity")) return value = kInfinity, true;
    if (take("-Infinity")) return value = -kInfinity, true;
    return false;
  }

  bool is_digit() const { return !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; }
  bool skip_digits() {
    if (!is_digit()) return false;
    while (is_digit()) ++at_;
    return true;
  }

  bool read_number(Value& value) {
    const std::size_t start = at_;
    take("-");
    if (!take("0") && !skip_digits()) return fail("a value");
    bool whole = true;
    if (take(".")) {
      whole = false;
      if (!skip_digits()) return fail("a digit");
    }
    if (take("e") || take("E")) {
      whole = false;
      if (!take("+")) take("-");
      if (!skip_digits()) return fail("a digit");
    }
    const char *first = text_.data() + start, *last = text_.data() + at_;
    std::int64_t integer = 0;
    if (whole && std::from_chars(first, last, integer).ec == std::errc()) {
      value = integer;
      return true;
    }
    double number = 0;
    // Out of range: strtod's answer, an infinity or zero, is the one that Python gives.
    if (std::from_chars(first, last, number).ec != std::errc())
      number = std::strtod(std::string(first, last).c_str(), nullptr);
    value = number;
    return true;
  }

  bool read_list(Value& value, int depth) {
    std::vector<Value> list;
    skip_blanks();
    if (!take("]")) {
      do {
        if (!read_value(list.emplace_back(), depth + 1)) return false;
        skip_blanks();
      } while (take(","));
      if (!take("]")) return fail("',' or ']'");
    }
    value = std::move(list);
    return true;
  }

  bool read_object(Value& value, int depth) {
    std::vector<std::pair<std::string, Value>> items;
    skip_blanks();
    if (!take("}")) {
      do {
        auto& [key, item] = items.emplace_back();
        skip_blanks();
        if (!take("\"")) return fail("a key");
        if (!read_string(key)) return false;
        skip_blanks();
        if (!take(":")) return fail("':'");
        if (!read_value(item, depth + 1)) return false;
        skip_blanks();
      } while (take(","));
      if (!take("}")) return fail("',' or '}'");
    }
    absl::flat_hash_set<std::string_view> keys;
    for (const auto& [key, item] : items) {
      if (!keys.insert(key).second) return fail("keys that differ", absl::StrCat("\"", key, "\" twice"));
    }
    value = Config(std::move(items));
    return true;
  }

  // After the opening quote.
  bool read_string(std::string& out) {
    while (true) {
      if (at_end()) return fail("the end of a string");
      auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') return ++at_, true;
      if (byte < 0x20) return fail("a character");
      if (byte == '\\') {
        ++at_;
        if (!read_escape(out)) return false;
      } else if (byte < 0x80) {
        out += text_[at_++];
      } else if (!read_multibyte(out)) {
        return fail("UTF-8");
      }
    }
  }

  bool read_escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kCharacters = "\"\\/\b\f\n\r\t";
    if (at_end()) return fail("the end of a string");
    if (std::size_t i = kNames.find(text_[at_]); i != kNames.npos) {
      out += kCharacters[i];
      ++at_;
      return true;
    }
    std::uint32_t code = 0, low = 0;
    if (!take("u") || !read_hex(code)) return fail("an escape");
    bool is_high = code >= 0xd800 && code < 0xdc00;
    if (is_high) {
      if (!take("\\u") || !read_hex(low) || low < 0xdc00 || low >= 0xe000) return fail("the second half of a pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return fail("the first half of a pair");
    }
    append_utf8(code, out);
    return true;
  }

  bool read_hex(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    const char* first = text_.data() + at_;
    auto [end, error] = std::from_chars(first, first + 4, code, 16);
    if (error != std::errc() || end != first + 4) return false;
    at_ += 4;
    return true;
  }

  static void append_utf8(std::uint32_t code, std::string& out) {
    auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    put((tail == 1 ? 0xc0u : tail == 2 ? 0xe0u : 0xf0u) | (code >> (6 * tail)));
    while (tail-- > 0) put(0x80 | ((code >> (6 * tail)) & 0x3f));
  }

  // One character of several bytes, in the shortest form and no half of a pair.
  bool read_multibyte(std::string& out) {
    auto byte = [&](std::size_t i) -> std::uint32_t {
      return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0;
    };
    std::uint32_t first = byte(0);
    std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) return false;
    std::uint32_t code = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
      code = (code << 6) | (byte(i) & 0x3f);
    }
    bool shortest = length == 2 || (length == 3 && code >= 0x800) || (length == 4 && code >= 0x10000);
    bool scalar = code <= 0x10ffff && (code < 0xd800 || code >= 0xe000);
    if (!shortest || !scalar) return false;
    out.append(text_.substr(at_, length));
    at_ += length;
    return true;
  }

  std::string_view text_, where_;
  std::size_t at_ = 0;
  int values_ = 0;
  absl::Status error_;
};

}  // namespace

absl::StatusOr<Config::Value> parse_json(std::string_view text, std::string_view where) {
  return Parser(text, where).parse();
}

}  // namespace mica::files
