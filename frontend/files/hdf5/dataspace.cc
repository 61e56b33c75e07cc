#include "frontend/files/hdf5/dataspace.h"

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

constexpr int kHighestRank = 32;

absl::Status count_elements(const Image& image, std::uint64_t bytes, Dataspace* space) {
  std::int64_t total = 0;
  for (const std::int64_t dim : space->shape) {
    if (dim < 0 || __builtin_mul_overflow(space->numel, dim, &space->numel)) {
      return image.damaged("a shape whose elements can be counted", absl::StrCat("an axis of ", dim));
    }
  }
  if (__builtin_mul_overflow(space->numel, bytes, &total)) {
    return image.damaged("a shape whose bytes can be counted", absl::StrCat(space->numel, " elements"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Dataspace> parse_dataspace(const Image& image, Bytes body, std::uint64_t bytes) {
  constexpr int kMaxShapeFlag = 1, kNull = 2;
  Cursor cursor(body, image.sizes());
  const int version = cursor.u8(), rank = cursor.u8(), flags = cursor.u8(), type = cursor.u8();
  if (version == 1) cursor.skip(4);  // reserved; and so was the type
  MICA_FILE_TRY(image.complete(cursor, "dataspace"));
  if (version != 1 && version != 2) return image.refused("a dataspace of version 1 or 2", absl::StrCat(version));
  if (rank > kHighestRank) return image.damaged(absl::StrCat("at most ", kHighestRank, " axes"), absl::StrCat(rank));
  Dataspace space;
  for (int axis = 0; axis < rank; ++axis) space.shape.push_back(static_cast<std::int64_t>(cursor.length()));
  for (int axis = 0; axis < rank; ++axis) {
    const bool has_limit = (flags & kMaxShapeFlag) != 0;
    const auto dim = static_cast<std::uint64_t>(space.shape[static_cast<std::size_t>(axis)]);
    const std::uint64_t limit = has_limit ? cursor.length() : dim;
    const std::uint64_t unlimited = kUndefined >> (64 - 8 * image.sizes().length);
    space.max_shape.push_back(limit == unlimited ? kUndefined : limit);
    if (limit < dim) return image.damaged(absl::StrCat("an axis of at most ", limit), absl::StrCat(dim));
  }
  MICA_FILE_TRY(image.complete(cursor, "dataspace"));
  if (version == 2 && type == kNull) space.shape = {0};
  MICA_FILE_TRY(count_elements(image, bytes, &space));
  return space;
}

}  // namespace mica::files::hdf5
