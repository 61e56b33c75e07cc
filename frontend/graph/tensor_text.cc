#include "frontend/graph/tensor_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/mica/tensor.h"

namespace mica::internal {
namespace {

constexpr std::size_t kLineWidth = 80, kIndent = 7;  // of "tensor("
constexpr std::int64_t kMostElements = 1000, kEdge = 3;

// One form for all numbers of a tensor.
class NumberFormat {
 public:
  NumberFormat(const rt::Array& array, const std::vector<std::int64_t>& shown) : array_(array) {
    if (array.dtype().is_floating()) {
      choose_form(shown);
    } else {
      for (std::int64_t i : shown) width_ = std::max(width_, text(i).size());
    }
  }

  std::size_t width() const { return width_; }
  // Right-aligned.
  std::string operator()(std::int64_t i) const {
    std::string number = text(i);
    return std::string(number.size() < width_ ? width_ - number.size() : 0, ' ') + number;
  }

 private:
  enum class Form { kWhole, kFixed, kScientific };

  // Zeros, infinities and NaN have no say.
  void choose_form(const std::vector<std::int64_t>& shown) {
    std::vector<std::int64_t> telling;
    double least = std::numeric_limits<double>::infinity(), most = 0;
    bool whole = true;
    for (std::int64_t i : shown) {
      const double size = std::fabs(array_.at(i));
      if (!std::isfinite(size) || size == 0) continue;
      telling.push_back(i);
      least = std::min(least, size);
      most = std::max(most, size);
      whole = whole && size == std::ceil(size);
    }
    const bool wide = !telling.empty() && (most / least > 1000 || most > 1e8 || (!whole && least < 1e-4));
    form_ = wide ? Form::kScientific : whole ? Form::kWhole : Form::kFixed;
    for (std::int64_t i : telling) width_ = std::max(width_, text(i).size());
  }

  std::string text(std::int64_t i) const {
    const DType dtype = array_.dtype();
    if (dtype.is_bool()) return array_.at(i) != 0 ? "True" : "False";
    if (dtype == kInt64) return absl::StrCat(array_.as<const std::int64_t>()[i]);
    if (dtype == kUInt64) return absl::StrCat(array_.as<const std::uint64_t>()[i]);
    const double value = array_.at(i);
    if (!dtype.is_floating()) return absl::StrCat(static_cast<std::int64_t>(value));
    if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    if (form_ == Form::kScientific) return absl::StrFormat("%.4e", value);
    return form_ == Form::kWhole ? absl::StrFormat("%.0f.", value) : absl::StrFormat("%.4f", value);
  }

  const rt::Array& array_;
  Form form_ = Form::kWhole;
  std::size_t width_ = 1;
};

class Writer {
 public:
  explicit Writer(const rt::Array& array)
      : array_(array), summarized_(array.numel() > kMostElements), format_(array, shown_elements()) {}

  std::string run() const { return array_.dims().empty() ? format_(0) : axis_text(0, 0); }

 private:
  // The positions of an axis that are shown; -1 stands for those that are not.
  std::vector<std::int64_t> shown_of(std::size_t axis) const {
    const std::int64_t size = array_.dims()[axis];
    const bool cut = summarized_ && size > 2 * kEdge;
    std::vector<std::int64_t> shown;
    for (std::int64_t i = 0; i < size; ++i) {
      if (cut && i == kEdge) {
        shown.push_back(-1);
        i = size - kEdge;
      }
      shown.push_back(i);
    }
    return shown;
  }

  std::vector<std::int64_t> shown_elements() const {
    std::vector<std::int64_t> elements = {0};
    for (std::size_t axis = 0; axis < array_.dims().size(); ++axis) {
      std::vector<std::int64_t> next;
      for (std::int64_t element : elements) {
        for (std::int64_t i : shown_of(axis)) {
          if (i >= 0) next.push_back(element * array_.dims()[axis] + i);
        }
      }
      elements = std::move(next);
    }
    return elements;
  }

  std::string axis_text(std::size_t axis, std::int64_t offset) const {
    const std::size_t below = array_.dims().size() - axis - 1, indent = kIndent + axis + 1;
    std::vector<std::string> parts;
    for (std::int64_t i : shown_of(axis)) {
      const std::int64_t at = offset * array_.dims()[axis] + i;
      if (i < 0) {
        parts.push_back(below == 0 ? " ..." : "...");
      } else {
        parts.push_back(below == 0 ? format_(at) : axis_text(axis + 1, at));
      }
    }
    const std::string next_line =
        absl::StrCat(",", std::string(std::max<std::size_t>(below, 1), '\n'), std::string(indent, ' '));
    if (below > 0) return absl::StrCat("[", absl::StrJoin(parts, next_line), "]");
    const std::size_t in_line = std::max<std::size_t>(1, (kLineWidth - (indent - 1)) / (format_.width() + 2));
    std::string text = "[";
    for (std::size_t i = 0; i < parts.size(); ++i)
      absl::StrAppend(&text, i == 0 ? "" : i % in_line == 0 ? next_line : ", ", parts[i]);
    return text + "]";
  }

  const rt::Array& array_;
  bool summarized_;
  NumberFormat format_;
};

}  // namespace

std::string text_of(const rt::Array& array, std::vector<std::string> suffixes) {
  const DType dtype = array.dtype();
  std::string text = "[]";
  const bool empty = array.numel() == 0;
  if (!empty) text = Writer(array).run();
  // What the text of the elements does not tell.
  if (dtype != kFloat32 && (empty || (dtype != kInt64 && !dtype.is_bool())))
    suffixes.insert(suffixes.begin(), absl::StrCat("dtype=torch.", dtype.name()));
  if (empty && array.dims().size() != 1)
    suffixes.insert(suffixes.begin(), absl::StrCat("size=(", absl::StrJoin(array.dims(), ", "), ")"));
  const std::size_t last_line = text.rfind('\n');
  // PyTorch counts two columns more than the last line of the elements, wherever that starts.
  std::size_t width = text.size() - (last_line == std::string::npos ? 0 : last_line + 1) + 2;
  text = "tensor(" + text;
  for (const std::string& suffix : suffixes) {
    const bool fits = width + suffix.size() + 2 <= kLineWidth;
    absl::StrAppend(&text, fits ? ", " : ",\n" + std::string(kIndent, ' '), suffix);
    width = suffix.size() + (fits ? width + 2 : kIndent);
  }
  return text + ")";
}

}  // namespace mica::internal
