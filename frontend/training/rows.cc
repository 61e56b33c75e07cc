#include "frontend/training/rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "frontend/graph/random.h"

namespace mica::internal {

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

std::vector<std::size_t> shuffled(std::size_t n, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  RandomStream random = seed ? RandomStream(*seed) : RandomStream();
  for (std::size_t i = n; i-- > 1;) {
    std::uint64_t draw = (std::uint64_t{random.next_u32()} << 32) | random.next_u32();
    std::swap(order[i], order[draw % (i + 1)]);
  }
  return order;
}

}  // namespace mica::internal
