// A case of fixtures/torch/functional as arguments for a graph: what the mapping tables are written against.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"

namespace mica::torch_fixtures {

using ir::Attrs;
using ir::Builder;
using ir::Dim;
using ir::Dims;
using ir::Ints;
using ir::Value;
using ir::Values;

// A value of the description: null, true or false, a number, a text or a list.
struct Argument {
  std::optional<bool> flag;
  std::optional<double> number;
  std::optional<std::string> text;
  std::vector<Argument> items;
  bool is_list = false;
  bool is_null() const { return !flag && !number && !text && !is_list; }
};

// The arguments of a call by PyTorch's parameter names.
class Call {
 public:
  Call(Builder& builder, std::map<std::string, Value> tensors) : b(builder), tensors_(std::move(tensors)) {}
  void bind(const std::string& parameter, Argument value) { arguments_[parameter] = std::move(value); }

  Builder& b;
  bool has(const std::string& name) const { return arguments_.count(name) && !arguments_.at(name).is_null(); }
  bool is_list(const std::string& name) const { return has(name) && arguments_.at(name).is_list; }
  bool is_text(const std::string& name) const { return has(name) && arguments_.at(name).text.has_value(); }
  Value tensor(const std::string& name) const { return of(arguments_.at(name)); }
  Values tensor_list(const std::string& name) const {
    Values values;
    for (const Argument& item : arguments_.at(name).items) values.push_back(of(item));
    return values;
  }
  // A tensor, or a number of x's dtype.
  Value operand(const std::string& name, Value x) const {
    return is_text(name) ? tensor(name) : b.like(number(name, 0), x);
  }
  double number(const std::string& name, double fallback) const {
    if (!has(name)) return fallback;
    const Argument& value = arguments_.at(name);
    return value.text ? std::stod(*value.text) : value.number.value();  // "inf" is a text
  }
  std::int64_t integer(const std::string& name, std::int64_t fallback) const {
    return has(name) ? static_cast<std::int64_t>(arguments_.at(name).number.value()) : fallback;
  }
  bool flag(const std::string& name, bool fallback = false) const {
    return has(name) ? arguments_.at(name).flag.value() : fallback;
  }
  std::string text(const std::string& name, const std::string& fallback) const {
    return has(name) ? arguments_.at(name).text.value() : fallback;
  }
  // One number or a list of them; one number stands for `count` equal ones.
  Ints ints(const std::string& name, Ints fallback = {}, std::size_t count = 1) const {
    if (!has(name)) return fallback;
    const Argument& value = arguments_.at(name);
    if (!value.is_list) return Ints(count, static_cast<std::int64_t>(value.number.value()));
    Ints all;
    for (const Argument& item : value.items) all.push_back(static_cast<std::int64_t>(item.number.value()));
    return all;
  }

 private:
  Value of(const Argument& reference) const { return tensors_.at(reference.text.value().substr(1)); }
  std::map<std::string, Value> tensors_;
  std::map<std::string, Argument> arguments_;
};

struct Function {
  std::vector<std::string> parameters;  // in PyTorch's order, for positional arguments
  std::function<Values(Call&)> build;   // the outputs in the order of the case
};
using Table = std::map<std::string, Function>;

void add_elementwise_functions(Table& table);
void add_reduction_functions(Table& table);
void add_order_functions(Table& table);
void add_shape_functions(Table& table);
void add_activation_functions(Table& table);
void add_layer_functions(Table& table);
void add_loss_functions(Table& table);

// ---- shared pieces

inline int axis(const Call& c, const char* name, Value x, std::int64_t fallback) {
  std::int64_t given = c.integer(name, fallback);
  return static_cast<int>(given < 0 ? given + x.rank() : given);
}
inline std::int64_t size_of(Value x, int at) { return x.type().dim(at).value(); }
// mean, sum or none over a loss an element.
inline Values reduced(const Call& c, Value loss) {
  std::string how = c.text("reduction", "mean");
  return {how == "mean" ? c.b.mean(loss) : how == "sum" ? c.b.sum(loss) : loss};
}
// 0, 1, … along an axis of the dims.
inline Value positions(Builder& b, const Dims& dims, int along, DType dtype) {
  return b.call("iota", {}, {{"shape", dims}, {"axis", std::int64_t{along}}, {"dtype", dtype}});
}
inline Value gather(Builder& b, Value x, Value indices, int along) {
  return b.call("gather", {x, indices}, {{"axis", std::int64_t{along}}});
}
inline Value gather_elements(Builder& b, Value x, Value indices, int along) {
  return b.call("gather_elements", {x, indices}, {{"axis", std::int64_t{along}}});
}
// NCHW to channels last and back.
inline Value channels_last(Builder& b, Value x) {
  Ints order = {0};
  for (int i = 2; i < x.rank(); ++i) order.push_back(i);
  order.push_back(1);
  return b.transpose(x, order);
}
inline Value channels_first(Builder& b, Value x) {
  Ints order = {0, x.rank() - 1};
  for (int i = 1; i + 1 < x.rank(); ++i) order.push_back(i);
  return b.transpose(x, order);
}

}  // namespace mica::torch_fixtures
