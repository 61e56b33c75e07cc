// TensorType: what is known of a value before it exists, "f32[N,28,28,1]".
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/dim.h"
#include "runtime/dtype.h"

namespace mica::ir {

struct TensorType {
  DType dtype = kFloat32;
  Dims dims;

  int rank() const { return static_cast<int>(dims.size()); }
  const Dim& dim(int axis) const { return dims[static_cast<std::size_t>(axis < 0 ? axis + rank() : axis)]; }
  Dim numel() const { return product(dims); }
  std::string to_string() const;
  static absl::StatusOr<TensorType> parse(std::string_view text);
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

using Types = std::vector<TensorType>;

// NumPy's broadcasting. Two different symbolic dims do not broadcast; a symbol against 1 does.
absl::StatusOr<Dims> broadcast(const Dims& a, const Dims& b);

// Keras 3's promotion table (float32 is the widest float that an integer promotes to).
DType promote(DType a, DType b);

// Non-negative axis, or an error that names both.
absl::StatusOr<int> normalize_axis(std::int64_t axis, int rank);

}  // namespace mica::ir
