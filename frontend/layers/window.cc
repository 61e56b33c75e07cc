#include "frontend/layers/window.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"

namespace mica::internal {

PadSizes padding_of(const std::string& mode, const ir::Dims& spatial, const Sizes& size, const Sizes& strides,
                    const Sizes& dilations, const std::string& where) {
  PadSizes padding;
  for (std::size_t i = 0; i < size.size(); ++i) {
    std::int64_t extent = (size[i] - 1) * dilations[i] + 1, total = 0;
    if (mode == "causal") {
      total = extent - 1;
    } else if (mode == "same" && spatial[i].is_static()) {
      std::int64_t n = spatial[i].value(), out = (n + strides[i] - 1) / strides[i];
      total = std::max<std::int64_t>((out - 1) * strides[i] + extent - n, 0);
    } else if (mode == "same") {
      if (strides[i] != 1) {
        throw Error({.where = where,
                     .expected = absl::StrCat("axis ", i + 1, " of the input to be known, for padding \"same\""),
                     .received = absl::StrCat("an open axis and a stride of ", strides[i]),
                     .hint = "Give Input that size, or use padding \"valid\"."});
      }
      total = extent - 1;
    }
    std::int64_t low = mode == "causal" ? total : total / 2;
    padding.low.push_back(low);
    padding.high.push_back(total - low);
  }
  return padding;
}

ir::Dims spatial_dims(const Tensor& x) {
  const ir::Dims& dims = dims_of(x);
  return ir::Dims(dims.begin() + 1, dims.end() - 1);
}

Tensor channels_to_last(const Tensor& x, const std::string& data_format) {
  if (data_format != "channels_first") return x;
  std::vector<std::int64_t> order{0};
  for (int i = 2; i < x.dim(); ++i) order.push_back(i);
  order.push_back(1);
  return x.permute(order);
}

Tensor channels_back(const Tensor& x, const std::string& data_format) {
  if (data_format != "channels_first") return x;
  std::vector<std::int64_t> order{0, x.dim() - 1};
  for (int i = 1; i + 1 < x.dim(); ++i) order.push_back(i);
  return x.permute(order);
}

}  // namespace mica::internal
