#include "frontend/mica/nn/container.h"

#include <map>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/invoke.h"
#include "frontend/nn/builtin_module.h"
#include "frontend/nn/container_module.h"

namespace mica::nn {
namespace {

using namespace mica::internal;

class SequentialModule final : public ContainerModule {
 public:
  SequentialModule() : ContainerModule("Sequential") {}

 protected:
  Tensors forward_all(const Tensors& xs) override {
    Tensors values = xs;
    for (const auto& [name, layer] : children()) {
      CallArguments arguments;
      arguments.tensors = values;
      values = invoke(layer.impl(), std::move(arguments), name);
    }
    return values;
  }
};

// Holds modules that somebody else calls.
class HolderModule final : public ContainerModule {
 public:
  explicit HolderModule(const char* class_name) : ContainerModule(class_name) {}

 protected:
  Tensors forward_all(const Tensors&) override {
    fail("a call of one of the modules it holds", "a call of the container", "ModuleList and ModuleDict hold modules.");
  }
};

class ParametersModule final : public BuiltinModule {
 public:
  explicit ParametersModule(const char* class_name) : BuiltinModule(class_name) {}
  void set(std::string_view name, const Tensor& value) { register_parameter(name, value); }
  std::size_t size() const { return state_of(*this).weights.size(); }
  Variable parameter(std::string_view name) const { return variable(name); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < size(); ++i) all.push_back(state_of(*this).name_of_weight(i));
    return all;
  }
  std::string module_text() const override {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < size(); ++i) {
      const Variable& weight = state_of(*this).weights[i];
      lines.push_back(absl::StrCat("  (", names()[i], "): Parameter containing: [torch.", type_text(weight.dtype()),
                                   " of size ", absl::StrJoin(weight.shape().dims(), "x"), "]"));
    }
    return absl::StrJoin(lines, "\n");
  }

 private:
  // PyTorch prints types of a list by their names, of a dictionary by those of its old tensor classes.
  std::string type_text(DType dtype) const {
    if (class_name() == "ParameterList") return std::string(dtype.name());
    static const std::map<std::string_view, std::string> kClasses = {
        {"float32", "FloatTensor"},     {"float64", "DoubleTensor"}, {"float16", "HalfTensor"},
        {"bfloat16", "BFloat16Tensor"}, {"int64", "LongTensor"},     {"int32", "IntTensor"},
        {"int16", "ShortTensor"},       {"int8", "CharTensor"},      {"uint8", "ByteTensor"},
        {"bool", "BoolTensor"}};
    auto known = kClasses.find(dtype.name());
    return known == kClasses.end() ? std::string(dtype.name()) : known->second;
  }
};

template <class T>
T& object(const Layer& layer) {
  state_of(layer);
  return *layer.get_if<T>();
}

std::size_t checked_index(const Layer& layer, std::int64_t index, std::size_t size) {
  auto count = static_cast<std::int64_t>(size);
  if (index >= -count && index < count) return static_cast<std::size_t>(index < 0 ? index + count : index);
  throw Error({.where = layer.name(),
               .expected = absl::StrCat("an index from ", -count, " to ", count - 1),
               .received = absl::StrCat(index),
               .hint = {}});
}

[[noreturn]] void throw_no_key(const Layer& layer, const std::vector<std::string>& keys, std::string_view key) {
  throw Error({.where = layer.name(),
               .expected = absl::StrCat("one of its keys: ", absl::StrJoin(keys, ", ")),
               .received = absl::StrCat("\"", std::string(key), "\""),
               .hint = {}});
}

}  // namespace

Sequential::Sequential() : Layer(std::make_shared<SequentialModule>()) {}
Sequential::Sequential(const std::vector<Layer>& modules) : Sequential() {
  for (const Layer& module : modules) append(module);
}
Sequential::Sequential(std::initializer_list<Layer> modules) : Sequential(std::vector<Layer>(modules)) {}
Sequential::Sequential(std::initializer_list<Sequential> modules)
    : Sequential(std::vector<Layer>(modules.begin(), modules.end())) {}
Sequential::Sequential(const std::vector<std::pair<std::string, Layer>>& modules) : Sequential() {
  for (const auto& [name, module] : modules) object<SequentialModule>(*this).add(name, module);
}
Sequential& Sequential::append(const Layer& module) {
  object<SequentialModule>(*this).append(module);
  return *this;
}
Layer Sequential::operator[](int index) const {
  const auto& children = object<SequentialModule>(*this).children();
  return children[checked_index(*this, index, children.size())].second;
}
std::size_t Sequential::size() const { return object<SequentialModule>(*this).children().size(); }

ModuleList::ModuleList() : Layer(std::make_shared<HolderModule>("ModuleList")) {}
ModuleList::ModuleList(const std::vector<Layer>& modules) : ModuleList() {
  for (const Layer& module : modules) append(module);
}
ModuleList::ModuleList(std::initializer_list<Layer> modules) : ModuleList(std::vector<Layer>(modules)) {}
ModuleList& ModuleList::append(const Layer& module) {
  object<HolderModule>(*this).append(module);
  return *this;
}
Layer ModuleList::operator[](int index) const {
  const auto& children = object<HolderModule>(*this).children();
  return children[checked_index(*this, index, children.size())].second;
}
std::size_t ModuleList::size() const { return object<HolderModule>(*this).children().size(); }
std::vector<Layer>::const_iterator ModuleList::begin() const {
  view_ = layers();
  return view_.begin();
}
std::vector<Layer>::const_iterator ModuleList::end() const {
  if (view_.size() != size()) view_ = layers();
  return view_.end();
}

ModuleDict::ModuleDict() : Layer(std::make_shared<HolderModule>("ModuleDict")) {}
ModuleDict::ModuleDict(std::initializer_list<std::pair<std::string, Layer>> modules) : ModuleDict() {
  for (const auto& [key, module] : modules) set(key, module);
}
Layer ModuleDict::operator[](std::string_view key) const {
  for (const auto& [name, module] : object<HolderModule>(*this).children()) {
    if (name == key) return module;
  }
  throw_no_key(*this, keys(), key);
}
bool ModuleDict::contains(std::string_view key) const { return absl::c_linear_search(keys(), key); }
void ModuleDict::set(std::string_view key, const Layer& module) { object<HolderModule>(*this).add(key, module); }
std::vector<std::string> ModuleDict::keys() const {
  std::vector<std::string> all;
  for (const auto& [name, module] : object<HolderModule>(*this).children()) all.push_back(name);
  return all;
}
std::size_t ModuleDict::size() const { return object<HolderModule>(*this).children().size(); }

ParameterList::ParameterList() : Layer(std::make_shared<ParametersModule>("ParameterList")) {}
ParameterList::ParameterList(const Tensors& values) : ParameterList() {
  for (const Tensor& value : values) append(value);
}
ParameterList& ParameterList::append(const Tensor& value) {
  object<ParametersModule>(*this).set(absl::StrCat(size()), value);
  return *this;
}
Variable ParameterList::operator[](int index) const {
  return state_of(*this).weights[checked_index(*this, index, size())];
}
std::size_t ParameterList::size() const { return object<ParametersModule>(*this).size(); }

ParameterDict::ParameterDict() : Layer(std::make_shared<ParametersModule>("ParameterDict")) {}
ParameterDict::ParameterDict(const TensorDict& values) : ParameterDict() {
  for (const auto& [key, value] : values) set(key, value);
}
Variable ParameterDict::operator[](std::string_view key) const {
  Variable parameter = object<ParametersModule>(*this).parameter(key);
  if (!parameter.defined()) throw_no_key(*this, keys(), key);
  return parameter;
}
bool ParameterDict::contains(std::string_view key) const { return absl::c_linear_search(keys(), key); }
void ParameterDict::set(std::string_view key, const Tensor& value) { object<ParametersModule>(*this).set(key, value); }
std::vector<std::string> ParameterDict::keys() const { return object<ParametersModule>(*this).names(); }
std::size_t ParameterDict::size() const { return object<ParametersModule>(*this).size(); }

}  // namespace mica::nn
