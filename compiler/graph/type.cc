#include "compiler/graph/type.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mica::ir {

std::string TensorType::to_string() const { return dtype.short_name() + ir::to_string(dims); }

absl::StatusOr<TensorType> TensorType::parse(std::string_view text) {
  std::size_t bracket = text.find('[');
  TensorType type;
  if (bracket == std::string_view::npos || !DType::parse(text.substr(0, bracket), &type.dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a tensor type: \"", std::string(text), "\", expected one like f32[N,4]"));
  }
  absl::StatusOr<Dims> dims = parse_dims(text.substr(bracket));
  if (!dims.ok()) return dims.status();
  type.dims = *std::move(dims);
  return type;
}

absl::StatusOr<Dims> broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims result = longer;
  std::size_t offset = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const Dim &x = longer[offset + i], &y = shorter[i];
    if (x == y || y.is(1)) continue;
    if (!x.is(1)) {
      return absl::InvalidArgumentError(absl::StrCat("shapes ", to_string(a), " and ", to_string(b),
                                                     " do not broadcast: ", x.to_string(), " against ", y.to_string(),
                                                     " in axis ", offset + i));
    }
    result[offset + i] = y;
  }
  return result;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a.is_bool()) return b;
  if (b.is_bool()) return a;
  if (a.is_floating() != b.is_floating()) return a.is_floating() ? a : b;
  if (a.is_floating()) {
    bool halves = a.bytes() == 2 && b.bytes() == 2;  // bfloat16 with float16 meet in float32
    return halves ? kFloat32 : a.bytes() > b.bytes() ? a : b;
  }
  if (a.is_unsigned() == b.is_unsigned()) return a.bytes() > b.bytes() ? a : b;
  DType u = a.is_unsigned() ? a : b, s = a.is_unsigned() ? b : a;
  if (s.bytes() > u.bytes()) return s;
  switch (u.kind()) {  // the next signed type that holds both; uint64 has none and meets in float32
    case DType::kUInt8:
      return kInt16;
    case DType::kUInt16:
      return kInt32;
    case DType::kUInt32:
      return kInt64;
    default:
      return kFloat32;
  }
}

absl::StatusOr<int> normalize_axis(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " is out of range for rank ", rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace mica::ir
