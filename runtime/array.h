// Array: a dense row-major host array with shared ownership. What Variables hold, what a Program takes and gives.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/dtype.h"

namespace mica::rt {

class Array {
 public:
  Array() = default;                                                        // empty: defined() is false
  static Array uninitialized(DType dtype, std::vector<std::int64_t> dims);  // 64-byte aligned
  static Array zeros(DType dtype, std::vector<std::int64_t> dims);
  // Storage that somebody else keeps alive through `owner`.
  static Array borrow(void* data, DType dtype, std::vector<std::int64_t> dims, std::shared_ptr<void> owner = nullptr);

  bool defined() const { return data_ != nullptr; }
  DType dtype() const { return dtype_; }
  const std::vector<std::int64_t>& dims() const { return dims_; }
  std::int64_t numel() const;
  std::int64_t bytes() const { return numel() * dtype_.bytes(); }
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  // True when no other Array shares the storage and it is ours: only then may a Program overwrite it.
  bool sole_owner() const { return owner_.use_count() == 1 && !borrowed_; }
  bool same_storage(const Array& other) const { return data_ == other.data_; }
  Array reshaped(std::vector<std::int64_t> dims) const;  // same storage, equal numel
  Array cast(DType dtype) const;                         // a copy, or itself when the dtype is right
  // Element i converted to double (exact for all but 64-bit integers beyond 2^53).
  double at(std::int64_t i) const;
  void set(std::int64_t i, double value) const;

 private:
  std::shared_ptr<void> owner_;
  void* data_ = nullptr;
  bool borrowed_ = false;
  DType dtype_ = kFloat32;
  std::vector<std::int64_t> dims_;
};

}  // namespace mica::rt
