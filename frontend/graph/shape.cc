// Shape, Axes and Device.
#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "frontend/mica/tensor.h"

namespace mica {

Shape::Shape() = default;
Shape::Shape(std::initializer_list<std::int64_t> dims) : Shape(std::vector<std::int64_t>(dims)) {}
Shape::Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {
  for (std::int64_t dim : dims_) {
    if (dim >= kAny) continue;
    throw Error(
        {.where = "Shape", .expected = "dims of at least 0, or kAny", .received = absl::StrCat(dim), .hint = {}});
  }
}
int Shape::rank() const { return static_cast<int>(dims_.size()); }
std::size_t Shape::size() const { return dims_.size(); }
std::int64_t Shape::operator[](int axis) const {
  int at = axis < 0 ? axis + rank() : axis;
  if (at >= 0 && at < rank()) return dims_[static_cast<std::size_t>(at)];
  throw Error({.where = "Shape",
               .expected = absl::StrCat("an axis from ", -rank(), " to ", rank() - 1),
               .received = absl::StrCat(axis),
               .hint = absl::StrCat("The shape is ", to_string(), ".")});
}
std::int64_t Shape::back() const { return (*this)[-1]; }
std::int64_t Shape::numel() const {
  std::int64_t count = 1;
  for (std::int64_t dim : dims_) {
    if (dim == kAny) return kAny;
    count *= dim;
  }
  return count;
}
bool Shape::is_static() const { return std::find(dims_.begin(), dims_.end(), kAny) == dims_.end(); }
const std::int64_t* Shape::begin() const { return dims_.data(); }
const std::int64_t* Shape::end() const { return dims_.data() + dims_.size(); }
std::string Shape::to_string() const {
  std::string text = "[";
  for (std::int64_t dim : dims_) {
    if (text.size() > 1) text += ',';
    text += dim == kAny ? "?" : std::to_string(dim);
  }
  return text + "]";
}
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.to_string(); }

Axes::Axes() = default;
Axes::Axes(std::initializer_list<std::int64_t> axes) : axes_(axes) {}

Device::Device(const char* name) : Device(std::string_view(name)) {}
Device::Device(std::string_view name) {
  if (name == "cpu") return;
  if (name == "reference") {
    kind_ = Kind::kReference;
    return;
  }
  constexpr std::string_view kCuda = "cuda";
  bool known = name == kCuda;
  if (name.starts_with("cuda:")) {
    std::string_view digits = name.substr(kCuda.size() + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index_);
    known = error == std::errc() && end == digits.data() + digits.size() && index_ >= 0;
  }
  if (!known) {
    throw Error({.where = "Device",
                 .expected = "cpu, cuda, cuda:<index> or reference",
                 .received = absl::StrCat("\"", std::string(name), "\""),
                 .hint = {}});
  }
  kind_ = Kind::kCuda;
}
std::string Device::name() const {
  if (kind_ == Kind::kCpu) return "cpu";
  return kind_ == Kind::kReference ? "reference" : absl::StrCat("cuda:", index_);
}

bool cuda_is_available() { return cuda_device_count() > 0; }
int cuda_device_count() { return 0; }  // driver and launches are not part of this build

}  // namespace mica
