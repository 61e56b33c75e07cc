#include "frontend/files/npy_header.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

constexpr std::size_t kLargestRank = 64;  // NumPy's own limit

struct TypeCode {
  DType dtype;
  std::string_view code;  // kind and width, as in NumPy's array interface
};
constexpr std::array kTypeCodes = {
    TypeCode{kBool, "b1"},    TypeCode{kInt8, "i1"},    TypeCode{kInt16, "i2"},    TypeCode{kInt32, "i4"},
    TypeCode{kInt64, "i8"},   TypeCode{kUInt8, "u1"},   TypeCode{kUInt16, "u2"},   TypeCode{kUInt32, "u4"},
    TypeCode{kUInt64, "u8"},  TypeCode{kFloat16, "f2"}, TypeCode{kBFloat16, "V2"}, TypeCode{kFloat32, "f4"},
    TypeCode{kFloat64, "f8"},
};

// Reads the dictionary from left to right; each method moves behind what it took.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view where) : rest_(text), where_(where) {}

  absl::StatusOr<NpyHeader> parse() {
    std::optional<std::string_view> descr, order;
    bool shape = false;
    if (!take('{')) return malformed();
    while (!take('}')) {
      const std::optional<std::string_view> key = take_string();
      if (!key || !take(':')) return malformed();
      if (*key == "descr" && !descr) {
        descr = take_string();
        if (!descr) return content_error(where_, "a dtype of numbers", "a structured one");
      } else if (*key == "fortran_order" && !order) {
        order = take_word();
      } else if (*key == "shape" && !shape) {
        shape = take_shape();
        if (!shape) return malformed();
      } else {
        return malformed();
      }
      take(',');
    }
    skip_blanks();
    if (!rest_.empty() || !shape || !descr || !order || (*order != "True" && *order != "False")) return malformed();
    header_.fortran_order = *order == "True";
    MICA_FILE_TRY(set_dtype(*descr));
    MICA_FILE_TRY(count_bytes());
    return header_;
  }

 private:
  absl::Status malformed() const {
    return content_error(where_, "a .npy header with descr, fortran_order and shape",
                         "text that is not one, at '" + printable(rest_.substr(0, 20)) + "'");
  }
  static std::string printable(std::string_view text) {
    std::string out(text);
    std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
  }

  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_blanks();
    const bool here = !rest_.empty() && rest_.front() == c;
    if (here) rest_.remove_prefix(1);
    return here;
  }
  std::optional<std::string_view> take_string() {
    skip_blanks();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return value;
  }
  std::string_view take_word() {
    skip_blanks();
    std::size_t end = 0;
    while (end < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[end])) != 0) ++end;
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  bool take_shape() {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_blanks();
      std::int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error != std::errc() || dim < 0 || header_.dims.size() == kLargestRank) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (!rest_.empty() && rest_.front() == 'L') rest_.remove_prefix(1);  // Python 2 wrote long integers so
      header_.dims.push_back(dim);
      if (!take(',') && (rest_.empty() || rest_.front() != ')')) return false;
    }
    return true;
  }

  absl::Status set_dtype(std::string_view descr) {
    const std::string_view order = descr.substr(0, 1), code = descr.substr(order.size());
    const auto found = std::find_if(kTypeCodes.begin(), kTypeCodes.end(), [&](auto& t) { return t.code == code; });
    if (found == kTypeCodes.end() || order.find_first_of("<>|=") == std::string_view::npos) {
      return content_error(where_, "a dtype of numbers", "'" + printable(descr) + "'",
                           code.starts_with("O") ? "Arrays of Python objects cannot be read." : "");
    }
    header_.dtype = found->dtype;
    header_.big_endian = order == ">";
    return absl::OkStatus();
  }

  absl::Status count_bytes() {
    header_.bytes = header_.dtype.bytes();
    for (const std::int64_t dim : header_.dims) {
      if (__builtin_mul_overflow(header_.bytes, dim, &header_.bytes)) {
        return content_error(where_, "fewer than 2^63 bytes", "a shape with more");
      }
    }
    return absl::OkStatus();
  }

  std::string_view rest_;
  std::string_view where_;
  NpyHeader header_;
};

}  // namespace

absl::StatusOr<NpyHeader> parse_npy_header(std::string_view text, std::string_view where) {
  return HeaderParser(text, where).parse();
}

std::string npy_header_text(DType dtype, const std::vector<std::int64_t>& dims) {
  const auto code = std::find_if(kTypeCodes.begin(), kTypeCodes.end(), [&](auto& t) { return t.dtype == dtype; })->code;
  std::string text = "{'descr': '";
  text += dtype.bytes() == 1 ? '|' : '<';
  text.append(code).append("', 'fortran_order': False, 'shape': (");
  for (std::size_t i = 0; i < dims.size(); ++i) text.append(i == 0 ? "" : ", ").append(std::to_string(dims[i]));
  return text.append(dims.size() == 1 ? ",), }" : "), }");
}

}  // namespace mica::files
