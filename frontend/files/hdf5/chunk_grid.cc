#include "frontend/files/hdf5/chunk_grid.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

// a * b, at most 2^64 - 1.
std::uint64_t multiply_up_to_limit(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kUndefined : product;
}

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

}  // namespace

absl::StatusOr<ChunkGrid> ChunkGrid::make(const Image& image, const Dataspace& space, const Layout& layout,
                                          std::uint64_t element_bytes) {
  if (layout.chunk.size() != space.shape.size() || layout.element_bytes != element_bytes) {
    return image.damaged(absl::StrCat("chunks of ", space.shape.size(), " axes, elements of ", element_bytes, " bytes"),
                         absl::StrCat(layout.chunk.size(), " axes, ", layout.element_bytes, " bytes"));
  }
  ChunkGrid grid;
  grid.shape_.assign(space.shape.begin(), space.shape.end());
  grid.chunk_ = layout.chunk;
  grid.chunk_bytes_ = element_bytes;
  for (std::size_t axis = 0; axis < grid.chunk_.size(); ++axis) {
    grid.chunk_bytes_ = multiply_up_to_limit(grid.chunk_bytes_, grid.chunk_[axis]);
    grid.counts_.push_back(divide_up(grid.shape_[axis], grid.chunk_[axis]));
    grid.count_ = multiply_up_to_limit(grid.count_, grid.counts_.back());
  }
  MICA_FILE_TRY(image.check_claim(multiply_up_to_limit(grid.count_, grid.chunk_bytes_)));

  grid.axes_.resize(grid.chunk_.size());
  std::iota(grid.axes_.begin(), grid.axes_.end(), 0);
  const auto endless = std::ranges::find(space.max_shape, kUndefined);
  if (endless != space.max_shape.end()) {
    const auto axis = grid.axes_.begin() + (endless - space.max_shape.begin());
    std::rotate(grid.axes_.begin(), axis, axis + 1);
  }
  grid.strides_.assign(grid.axes_.size(), 1);
  for (std::size_t i = grid.axes_.size(); i-- > 1;) {
    const std::size_t axis = grid.axes_[i];
    const std::uint64_t most = divide_up(space.max_shape[axis], grid.chunk_[axis]);
    grid.strides_[i - 1] = std::max<std::uint64_t>(multiply_up_to_limit(grid.strides_[i], most), 1);
  }
  return grid;
}

bool ChunkGrid::contains(const std::vector<std::uint64_t>& place) const {
  return std::ranges::equal(place, counts_, [](std::uint64_t at, std::uint64_t count) { return at < count; });
}

bool ChunkGrid::reaches_over_the_end(const std::vector<std::uint64_t>& place) const {
  for (std::size_t axis = 0; axis < place.size(); ++axis) {
    if (shape_[axis] / chunk_[axis] <= place[axis]) return true;
  }
  return false;
}

std::vector<std::uint64_t> ChunkGrid::place_of(std::uint64_t number) const {
  std::vector<std::uint64_t> place(axes_.size());
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    place[axes_[i]] = number / strides_[i];
    number %= strides_[i];
  }
  return place;
}

}  // namespace mica::files::hdf5
