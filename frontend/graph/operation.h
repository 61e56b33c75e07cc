// Operations of keras.ops that a model records whole: one call of the DAG under Keras' name, with Keras' arguments, so
// that it is tapped, shown, written to files and read back as Keras does. What each computes says its record in
// frontend/ops.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

// An argument as files hold it. A number has no dtype of its own, as in Python.
struct Argument {
  using List = std::vector<Argument>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Slice, EllipsisType, DType, Tensor, List> value;

  Argument() = default;  // None
  template <class T>
    requires std::is_integral_v<T> && (!std::is_same_v<T, bool>)
  Argument(T number) : value(static_cast<std::int64_t>(number)) {}
  Argument(bool truth) : value(truth) {}
  Argument(double number) : value(number) {}
  Argument(Scalar number);
  Argument(const char* text) : value(std::string(text)) {}
  Argument(std::string text) : value(std::move(text)) {}
  Argument(Slice slice) : value(slice) {}
  Argument(EllipsisType rest) : value(rest) {}
  Argument(DType dtype) : value(dtype) {}
  Argument(Tensor tensor) : value(std::move(tensor)) {}
  Argument(List list) : value(std::move(list)) {}
  Argument(const Tensors& list);
  Argument(const std::vector<std::int64_t>& list);
  Argument(const Shape& shape);  // open dims are None
  Argument(const Axes& axes);    // None, one, or a list
  template <class T>
  Argument(const std::optional<T>& optional) {
    if (optional) *this = Argument(*optional);
  }

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value);
  }
  bool is_none() const { return std::holds_alternative<std::monostate>(value); }
};

struct OperationDef;

// The arguments of one use, under Keras' parameter names. Reading one that is of another kind is the user's Error.
class Arguments {
 public:
  using Item = std::pair<std::string, Argument>;
  Arguments() = default;
  Arguments(std::initializer_list<Item> items) : items_(items) {}
  const std::vector<Item>& items() const { return items_; }
  std::vector<Item>& items() { return items_; }
  void set(std::string_view name, Argument value);
  const Argument* find(std::string_view name) const;  // null when absent or None

  Tensor tensor(std::string_view name) const;    // numbers and lists of them become tensors
  Tensors tensors(std::string_view name) const;  // a list
  std::int64_t integer(std::string_view name, std::optional<std::int64_t> fallback = {}) const;
  double real(std::string_view name, std::optional<double> fallback = {}) const;
  bool truth(std::string_view name, bool fallback = false) const;
  std::string text(std::string_view name, std::string_view fallback = {}) const;
  std::vector<std::int64_t> integers(std::string_view name) const;  // one, or a list
  Shape shape(std::string_view name) const;
  std::optional<DType> dtype(std::string_view name) const;

 private:
  friend Tensors run_operation(const OperationDef& def, const Arguments& arguments);
  const Argument& required(std::string_view name) const;
  [[noreturn]] void fail(std::string_view name, std::string_view expected) const;
  std::vector<Item> items_;
  std::string_view where_ = "keras.ops";
};

// The compiler's operation that computes the same of the same operands: a file holds the one for the other.
struct SameAs {
  std::string_view op;  // empty: there is none
  // Attribute and option that are the same thing, or no option where the attribute changes no value; an attribute that
  // is not listed must have its default.
  std::vector<std::pair<std::string_view, std::string_view>> options = {};
};

// What is known of an operation.
struct OperationDef {
  std::string_view class_name;            // Keras' class: "Mean"
  std::string_view module;                // of keras.src.ops: "numpy"
  std::vector<std::string_view> options;  // parameters of the constructor: the config in files
  std::vector<std::string_view> inputs;   // parameters of the call, in order; "*name" takes the rest
  std::function<Tensors(const Arguments&)> compute;
  SameAs same_as = {};
};

// A use of an operation that a Call records; its tensors are the Call's inputs.
struct OperationUse {
  const OperationDef* def = nullptr;
  Arguments arguments;
};

// The record of a class name, or null.
const OperationDef* find_operation(std::string_view class_name);
// The use of keras.ops that computes what a call of one of the compiler's operations does; nothing where there is none.
std::optional<OperationUse> keras_equivalent(const Call& call);

// Whether an operation on the tensor is recorded: it is symbolic, and no trace runs.
bool is_recorded(const Tensor& tensor);

// Uses an operation: one Call when a tensor among the arguments is symbolic, else the computation itself. `name` is
// the call's; empty: Keras' automatic one.
Tensors use_operation(const OperationDef& def, Arguments arguments, std::string name = {});
// By class name, the only result.
Tensor use_operation(std::string_view class_name, Arguments arguments);

// A recorded use again, on other tensors in the order of the Call's inputs.
Tensors repeat_operation(const Call& call, const Tensors& tensors);

}  // namespace mica::internal
