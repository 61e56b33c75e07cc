// npz_batches.
#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/npy.h"
#include "frontend/files/zip_reader.h"
#include "frontend/training/streams/row_batches.h"

namespace mica {
namespace internal {
namespace {

constexpr std::string_view kSuffix = ".npy";

// What an array is by its name: "x", "x:image", "y:priority", "sample_weight".
struct Column {
  enum class Role { kInput, kTarget, kWeight } role;
  std::string of;  // the input or output; empty: the only one
};

std::optional<Column> column_of(std::string_view name) {
  const std::size_t colon = name.find(':');
  const std::string_view role = name.substr(0, colon);
  const std::string of(colon == name.npos ? "" : name.substr(colon + 1));
  if (role == "x") return Column{Column::Role::kInput, of};
  if (role == "y") return Column{Column::Role::kTarget, of};
  if (role == "sample_weight") return Column{Column::Role::kWeight, of};
  return std::nullopt;
}

std::unique_ptr<RowReader> member_rows(const std::shared_ptr<files::ZipReader>& zip, const files::ZipMember& member) {
  auto open = [zip, member] {
    std::unique_ptr<files::ByteSource> source = zip->source(member);
    files::value_or_throw(files::read_npy_header(*source));
    return source;
  };
  const files::NpyHeader header = files::value_or_throw(files::read_npy_header(*zip->source(member)));
  const bool has_rows = !header.dims.empty() && (!header.fortran_order || header.dims.size() == 1);
  if (!has_rows) {
    throw Error({.where = zip->where(member),
                 .expected = "an array of rows",
                 .received = header.dims.empty() ? "a scalar" : "one in Fortran's order, column by column",
                 .hint = "numpy.ascontiguousarray() turns it."});
  }
  return std::make_unique<ElementRows>(ElementLayout{header.dtype, header.dims, header.big_endian}, open);
}

// Arrays of one role: the only one, or by name.
class Role {
 public:
  void add(const std::string& of, const rt::Array& rows) {
    const Tensor tensor = of_array(rows);
    if (of.empty()) {
      only_ = tensor;
    } else {
      named_.set(of, tensor);
    }
  }
  Inputs inputs() const {
    if (only_.defined()) return only_;
    return named_.size() == 0 ? Inputs() : Inputs(named_);
  }

 private:
  Tensor only_;
  TensorDict named_;
};

Batch batch_of(const std::vector<Column>& columns, const Rows& rows) {
  Role x, y, weight;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Role& role = columns[i].role == Column::Role::kInput ? x : columns[i].role == Column::Role::kTarget ? y : weight;
    role.add(columns[i].of, rows[i]);
  }
  return {x.inputs(), y.inputs(), weight.inputs()};
}

}  // namespace
}  // namespace internal

std::shared_ptr<BatchSource> npz_batches(std::string_view path, NpzBatchesOptions options) {
  using namespace internal;
  auto zip = std::make_shared<files::ZipReader>(files::value_or_throw(files::ZipReader::open(path)));
  std::vector<Column> columns;
  std::vector<std::unique_ptr<RowReader>> readers;
  for (const files::ZipMember& member : zip->members()) {
    if (!member.name.ends_with(kSuffix)) continue;
    std::optional<Column> column = column_of(member.name.substr(0, member.name.size() - kSuffix.size()));
    if (!column) continue;
    columns.push_back(*std::move(column));
    readers.push_back(member_rows(zip, member));
  }
  if (readers.empty()) {
    throw Error({.where = std::string(path),
                 .expected = "arrays named x, y and sample_weight, or x:<input>, y:<output>",
                 .received = "a file without any",
                 .hint = {}});
  }
  return row_batches("npz_batches", side_by_side(std::move(readers), std::string(path)), RowBatchOptions::of(options),
                     [columns](Rows rows) { return batch_of(columns, rows); });
}

}  // namespace mica
