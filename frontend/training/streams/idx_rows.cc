// idx_batches.
#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/idx.h"
#include "frontend/files/mapped_file.h"
#include "frontend/training/streams/row_batches.h"

namespace mica {
namespace internal {
namespace {

std::unique_ptr<RowReader> idx_rows(std::string_view path) {
  auto file = files::value_or_throw(files::MappedFile::open(path));
  auto whole = [file] {
    return files::open_source(file->bytes(), files::detect_compression(file->bytes()), file->path());
  };
  auto elements = [whole] {
    std::unique_ptr<files::ByteSource> source = whole();
    files::value_or_throw(files::read_idx_header(*source));
    return source;
  };
  const files::IdxHeader header = files::value_or_throw(files::read_idx_header(*whole()));
  if (header.dims.empty()) {
    throw Error({.where = std::string(path), .expected = "an IDX file of rows", .received = "a scalar", .hint = {}});
  }
  return std::make_unique<ElementRows>(ElementLayout{header.dtype, header.dims, /*big_endian=*/true}, elements);
}

rt::Array scaled(const rt::Array& array, double scale) {
  if (scale == 1) return array;
  rt::Array out = rt::Array::uninitialized(kFloat32, array.dims());
  for (std::int64_t i = 0; i < array.numel(); ++i) out.as<float>()[i] = static_cast<float>(array.at(i) * scale);
  return out;
}

}  // namespace
}  // namespace internal

std::shared_ptr<BatchSource> idx_batches(std::string_view images, std::string_view labels, IdxBatchesOptions options) {
  using namespace internal;
  std::vector<std::unique_ptr<RowReader>> columns;
  columns.push_back(idx_rows(images));
  if (!labels.empty()) columns.push_back(idx_rows(labels));
  auto to_batch = [scale = options.scale](Rows rows) {
    Batch batch{.x = of_array(scaled(rows[0], scale))};
    if (rows.size() > 1) batch.y = of_array(rows[1]);
    return batch;
  };
  const std::string where = absl::StrCat(std::string(images), " and ", std::string(labels));
  return row_batches("idx_batches", side_by_side(std::move(columns), where), RowBatchOptions::of(options), to_batch);
}

}  // namespace mica
