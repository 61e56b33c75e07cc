// VariableCell: what every handle of a Variable shares. Its value may be pending; `version` grows with every binding.
#pragma once
#include <functional>
#include <mutex>

#include "frontend/graph/value.h"

namespace mica::internal {

using TensorFn = std::function<Tensor(const Tensor&)>;

struct VariableCell : std::enable_shared_from_this<VariableCell> {
  std::string path;  // "encoder/dense/kernel"
  std::string name;  // "kernel"
  ir::TensorType type;
  bool trainable = true;
  bool frozen = false;
  bool is_buffer = false;            // state that is no parameter, trainable or not
  TensorFn regularizer, constraint;  // empty: none
  std::uint64_t id = 0;

  // A parameter of a lazy module that has no shape and no value yet: reading it is an Error.
  bool is_uninitialized() const { return uninitialized_; }
  void initialize(const Tensor& value);  // its dtype stays
  void uninitialize();
  // The handle of such a parameter, which shows the shape as soon as there is one.
  void add_handle(const ValueRef& handle) { handles_.push_back(handle); }
  // The value bound now: computed or pending, never null.
  ValueRef value() const;
  std::uint64_t version() const;
  // Whether backward() makes gradients for it: it is trainable, not frozen by requires_grad_(false), and of floats.
  bool requires_grad() const { return trainable && !frozen && type.dtype.is_floating(); }
  void set_trainable(bool on);
  void set_requires_grad(bool on);
  // The sum of what backward() found; null when there is none.
  Tensor grad() const;
  void set_grad(const Tensor& value);
  // Binds another value of the same type; Error, naming the Variable, when the shapes differ. Gradients do not flow
  // into the value: the Variable is a leaf.
  void bind(const Tensor& value);
  // From now on of another dtype; handles that were taken before keep reading the old one.
  void convert(DType dtype);
  // Puts a value in the place of the present one and gives that; no version tells of it.
  ValueRef exchange(ValueRef value);
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
  ValueRef snapshot_of(const ValueRef& value);
  void renew();  // the present value, when requires_grad() has changed
  mutable std::mutex mutex_;
  ValueRef value_;
  Tensor grad_;
  std::uint64_t version_ = 0;
  bool uninitialized_ = false;
  std::vector<std::weak_ptr<ValueNode>> handles_;  // made while it was uninitialized
};

CellRef make_cell(std::string_view path, const Tensor& initial, bool trainable);
CellRef make_uninitialized_cell(std::string_view path, bool trainable);  // of the default dtype

}  // namespace mica::internal
