#include "frontend/graph/collections.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mica {
namespace internal {

std::string join(const std::vector<std::string>& names) { return absl::StrJoin(names, ", "); }
std::string join_quoted(const std::vector<std::string>& names) {
  return absl::StrCat("\"", absl::StrJoin(names, "\", \""), "\"");
}

void throw_wrong_count(std::size_t expected, std::size_t received) {
  throw Error({.where = "unpack",
               .expected = absl::StrCat(expected, " tensors"),
               .received = absl::StrCat(received),
               .hint = "The number in apply<N>, predict<N> or unpack<N> is that of the results."});
}

Tensors in_order(const Inputs& inputs, const std::vector<std::string>& names, std::string_view where) {
  if (inputs.form() != Inputs::Form::kNamed) {
    if (inputs.items().size() == names.size()) return inputs.tensors();
    throw Error({.where = std::string(where),
                 .expected = absl::StrCat(names.size(), " tensors (", join(names), ")"),
                 .received = absl::StrCat(inputs.items().size()),
                 .hint = {}});
  }
  Tensors ordered(std::vector<Tensor>(names.size()));
  for (const auto& [name, tensor] : inputs.items()) {
    auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      throw Error({.where = std::string(where),
                   .expected = absl::StrCat("the names ", join(names)),
                   .received = absl::StrCat("\"", name, "\""),
                   .hint = {}});
    }
    ordered[static_cast<std::size_t>(at - names.begin())] = tensor;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!ordered[i].defined()) {
      throw Error({.where = std::string(where),
                   .expected = absl::StrCat("a tensor for \"", names[i], "\""),
                   .received = "none",
                   .hint = {}});
    }
  }
  return ordered;
}

}  // namespace internal

Tensors::Tensors() = default;
Tensors::Tensors(std::initializer_list<Tensor> list) : std::vector<Tensor>(list) {}
Tensors::Tensors(std::vector<Tensor> list) : std::vector<Tensor>(std::move(list)) {}

TensorDict::TensorDict() = default;
TensorDict::TensorDict(std::initializer_list<Item> items) {
  for (const Item& item : items) set(item.first, item.second);
}
const Tensor& TensorDict::operator[](std::string_view name) const { return at(name); }
const Tensor& TensorDict::at(std::string_view name) const {
  for (const Item& item : items_) {
    if (item.first == name) return item.second;
  }
  throw Error({.where = "TensorDict",
               .expected = absl::StrCat("one of the names ", internal::join(keys())),
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}
bool TensorDict::contains(std::string_view name) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) { return item.first == name; });
}
void TensorDict::set(std::string_view name, Tensor value) {
  for (Item& item : items_) {
    if (item.first == name) {
      item.second = std::move(value);
      return;
    }
  }
  items_.emplace_back(name, std::move(value));
}
bool TensorDict::erase(std::string_view name) {
  return std::erase_if(items_, [&](const Item& item) { return item.first == name; }) > 0;
}
std::size_t TensorDict::size() const { return items_.size(); }
bool TensorDict::empty() const { return items_.empty(); }
std::vector<std::string> TensorDict::keys() const {
  std::vector<std::string> names;
  for (const Item& item : items_) names.push_back(item.first);
  return names;
}
std::vector<TensorDict::Item>::const_iterator TensorDict::begin() const { return items_.begin(); }
std::vector<TensorDict::Item>::const_iterator TensorDict::end() const { return items_.end(); }

Inputs::Inputs() = default;
Inputs::Inputs(const Tensor& one) : form_(Form::kOne), items_{{"", one}} {}
Inputs::Inputs(std::initializer_list<Tensor> list) : form_(Form::kList) {
  for (const Tensor& tensor : list) items_.emplace_back("", tensor);
}
Inputs::Inputs(const Tensors& list) : form_(Form::kList) {
  for (const Tensor& tensor : list) items_.emplace_back("", tensor);
}
Inputs::Inputs(std::initializer_list<TensorDict::Item> dict) : Inputs(TensorDict(dict)) {}
Inputs::Inputs(const TensorDict& dict) : form_(Form::kNamed), items_(dict.begin(), dict.end()) {}
Tensors Inputs::tensors() const {
  Tensors all;
  for (const TensorDict::Item& item : items_) all.push_back(item.second);
  return all;
}

}  // namespace mica
