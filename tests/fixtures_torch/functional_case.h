// A case of fixtures/torch/functional as arguments of a call: what the mapping tables are written against.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mica/mica.h"

namespace mica::torch_fixtures {

// A value of the description: null, true or false, a number, a text or a list.
struct Argument {
  std::optional<bool> flag;
  std::optional<double> number;
  std::optional<std::string> text;
  std::vector<Argument> items;
  bool is_list = false;
  bool is_null() const { return !flag && !number && !text && !is_list; }
  double real() const { return text ? std::stod(*text) : number.value(); }  // "inf" is a text
  std::int64_t integer() const { return static_cast<std::int64_t>(number.value()); }
};

// The arguments of a call by PyTorch's parameter names.
class Call {
 public:
  explicit Call(std::map<std::string, Tensor> tensors) : tensors_(std::move(tensors)) {}
  void bind(const std::string& parameter, Argument value) { arguments_[parameter] = std::move(value); }
  // Tensors that the function changes are Variables.
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }

  bool has(const std::string& name) const { return arguments_.count(name) && !arguments_.at(name).is_null(); }
  bool is_list(const std::string& name) const { return has(name) && arguments_.at(name).is_list; }
  bool is_tensor(const std::string& name) const { return has(name) && arguments_.at(name).text.has_value(); }
  const Argument& argument(const std::string& name) const { return arguments_.at(name); }
  // Undefined where it was not given.
  Tensor tensor(const std::string& name) const { return has(name) ? of(arguments_.at(name)) : Tensor(); }
  Tensors tensor_list(const std::string& name) const {
    Tensors values;
    for (const Argument& item : arguments_.at(name).items) values.push_back(of(item));
    return values;
  }
  double number(const std::string& name, double fallback) const {
    return has(name) ? arguments_.at(name).real() : fallback;
  }
  std::optional<double> maybe_number(const std::string& name) const {
    return has(name) ? std::optional(arguments_.at(name).real()) : std::nullopt;
  }
  std::int64_t integer(const std::string& name, std::int64_t fallback) const {
    return has(name) ? arguments_.at(name).integer() : fallback;
  }
  std::optional<std::int64_t> maybe_integer(const std::string& name) const {
    return has(name) ? std::optional(arguments_.at(name).integer()) : std::nullopt;
  }
  int dim(const std::string& name = "dim", int fallback = -1) const {
    return static_cast<int>(integer(name, fallback));
  }
  bool flag(const std::string& name, bool fallback = false) const {
    return has(name) ? arguments_.at(name).flag.value() : fallback;
  }
  std::string text(const std::string& name, const std::string& fallback) const {
    return has(name) ? arguments_.at(name).text.value() : fallback;
  }
  std::string reduction() const { return text("reduction", "mean"); }
  // One number or a list of them.
  std::vector<std::int64_t> list(const std::string& name) const {
    if (!has(name)) return {};
    const Argument& value = arguments_.at(name);
    if (!value.is_list) return {value.integer()};
    std::vector<std::int64_t> all;
    for (const Argument& item : value.items) all.push_back(item.integer());
    return all;
  }
  Shape shape(const std::string& name) const { return list(name); }
  Axes axes(const std::string& name = "dim") const {
    std::vector<std::int64_t> all = list(name);
    return all.empty() ? Axes() : Axes(all);
  }
  template <int N>
  Ints<N> ints(const std::string& name, std::int64_t fallback = 1) const {
    if (!has(name)) return fallback;
    std::vector<std::int64_t> all = list(name);
    if (all.size() == 1) return all[0];
    if constexpr (N == 2) return {all.at(0), all.at(1)};
    if constexpr (N == 3) return {all.at(0), all.at(1), all.at(2)};
    return all.at(0);
  }
  template <int N>
  std::optional<Ints<N>> maybe_ints(const std::string& name) const {
    return has(name) ? std::optional(ints<N>(name)) : std::nullopt;
  }

 private:
  Tensor of(const Argument& reference) const { return tensors_.at(reference.text.value().substr(1)); }
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, Argument> arguments_;
};

struct Function {
  std::vector<std::string> parameters;   // in PyTorch's order, for positional arguments
  std::function<Tensors(Call&)> call;    // the outputs in the order of the case
  std::set<std::string> concrete = {};   // inputs whose values the function must know
  std::set<std::string> variables = {};  // inputs that it changes; what they are after it follows the outputs
};
using Table = std::map<std::string, Function>;

void add_elementwise_functions(Table& table);
void add_reduction_functions(Table& table);
void add_shape_functions(Table& table);
void add_position_functions(Table& table);
void add_matrix_functions(Table& table);
void add_activation_functions(Table& table);
void add_window_functions(Table& table);
void add_layer_functions(Table& table);
void add_image_functions(Table& table);
void add_loss_functions(Table& table);
void add_custom_functions(Table& table);

}  // namespace mica::torch_fixtures
