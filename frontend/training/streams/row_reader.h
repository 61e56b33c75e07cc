// RowReader: the rows of a file in their order, some at a time, as arrays whose first axis is the row.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/files/byte_source.h"
#include "runtime/array.h"

namespace mica::internal {

// The same rows of several columns.
using Rows = std::vector<rt::Array>;

class RowReader {
 public:
  virtual ~RowReader() = default;
  // Up to `count` rows, fewer only at the end; no arrays when there are none left.
  virtual Rows next(std::int64_t count) = 0;
  virtual void restart() = 0;
  virtual std::optional<std::int64_t> num_rows() const { return {}; }  // of the file, where it is known
};

// The elements of one array as they come out of a file.
struct ElementLayout {
  DType dtype = kFloat32;
  std::vector<std::int64_t> dims;
  bool big_endian = false;
};

// Rows of an array that is read from its first element on. `open` gives the bytes of the elements anew.
class ElementRows : public RowReader {
 public:
  using Open = std::function<std::unique_ptr<files::ByteSource>()>;
  ElementRows(ElementLayout layout, Open open);
  Rows next(std::int64_t count) override;
  void restart() override;
  std::optional<std::int64_t> num_rows() const override { return layout_.dims[0]; }

 private:
  const ElementLayout layout_;
  Open open_;
  std::unique_ptr<files::ByteSource> source_;
  std::int64_t row_ = 0;
};

// Columns of different files or members, side by side; Error where their lengths differ. `where` names them.
std::unique_ptr<RowReader> side_by_side(std::vector<std::unique_ptr<RowReader>> columns, const std::string& where);

}  // namespace mica::internal
