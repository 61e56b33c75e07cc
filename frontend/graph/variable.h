// VariableCell: what every handle of a Variable shares. Its value may be pending; `version` grows with every binding.
#pragma once
#include <functional>
#include <mutex>

#include "frontend/graph/value.h"

namespace mica::internal {

using TensorFn = std::function<Tensor(const Tensor&)>;

struct VariableCell {
  std::string path;  // "encoder/dense/kernel"
  std::string name;  // "kernel"
  ir::TensorType type;
  bool trainable = true;
  TensorFn regularizer, constraint;  // empty: none
  std::uint64_t id = 0;

  // The value bound now: computed or pending, never null.
  ValueRef value() const;
  std::uint64_t version() const;
  // Binds another value of the same type; Error, naming the Variable, when the shapes differ.
  void bind(const Tensor& value);
  // Binds an array that a Program wrote.
  void bind_array(rt::Array array);
  // The array, computed if it was pending.
  rt::Array array() const;
  // The array for a run that will bind a new one: where nobody else holds the value, the cell gives its storage away,
  // so that the run may overwrite it. restore() takes it back when the run failed.
  rt::Array lend();
  void restore(rt::Array array);

 private:
  void rebind(ValueRef value);
  mutable std::mutex mutex_;
  ValueRef value_;
  std::uint64_t version_ = 0;
};

CellRef make_cell(std::string_view path, const Tensor& initial, bool trainable);

}  // namespace mica::internal
