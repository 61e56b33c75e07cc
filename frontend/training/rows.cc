#include "frontend/training/rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/random.h"
#include "frontend/graph/value.h"

namespace mica::internal {

Tensor of_array(rt::Array array) { return Tensor::of(make_computed(std::move(array))); }

void check_option(const std::string& where, const char* option, std::int64_t value, std::int64_t least) {
  if (value >= least) return;
  throw Error({.where = where,
               .expected = absl::StrCat(option, " of at least ", least),
               .received = absl::StrCat(value),
               .hint = {}});
}

rt::Array gather_rows(const rt::Array& array, std::span<const std::size_t> indices) {
  std::vector<std::int64_t> dims = array.dims();
  const std::size_t row_bytes = static_cast<std::size_t>(array.bytes() / std::max<std::int64_t>(1, dims[0]));
  dims[0] = static_cast<std::int64_t>(indices.size());
  rt::Array out = rt::Array::uninitialized(array.dtype(), dims);
  char* to = out.as<char>();
  for (std::size_t index : indices) {
    std::memcpy(to, array.as<char>() + index * row_bytes, row_bytes);
    to += row_bytes;
  }
  return out;
}

rt::Array joined_rows(const std::vector<rt::Array>& parts) {
  std::vector<std::int64_t> dims = parts[0].dims();
  dims[0] = 0;
  for (const rt::Array& part : parts) {
    const bool is_alike = part.dtype() == parts[0].dtype() && part.dims().size() == dims.size() &&
                          std::equal(dims.begin() + 1, dims.end(), part.dims().begin() + 1);
    if (!is_alike) {
      throw Error({.where = "predict",
                   .expected = absl::StrCat("rows of one shape, as in ", Shape(parts[0].dims()).to_string()),
                   .received = Shape(part.dims()).to_string(),
                   .hint = {}});
    }
    dims[0] += part.dims()[0];
  }
  rt::Array joined = rt::Array::uninitialized(parts[0].dtype(), std::move(dims));
  char* to = joined.as<char>();
  for (const rt::Array& part : parts) {
    if (part.bytes() > 0) std::memcpy(to, part.data(), static_cast<std::size_t>(part.bytes()));
    to += part.bytes();
  }
  return joined;
}

std::vector<std::size_t> shuffled(std::size_t n, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  RandomStream random(seed);
  for (std::size_t i = n; i-- > 1;) {
    std::swap(order[i], order[random.next_u64() % (i + 1)]);
  }
  return order;
}

}  // namespace mica::internal
