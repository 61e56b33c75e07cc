// Modules of modules.
#pragma once
#include "mica/layer.h"

namespace mica::nn {

// Calls one after the other. By index, as state_dict names them: "0.weight".
class Sequential : public Layer {
 public:
  Sequential();
  Sequential(std::initializer_list<Layer> modules);
  Sequential(std::initializer_list<Sequential> modules);
  explicit Sequential(const std::vector<Layer>& modules);
  explicit Sequential(const std::vector<std::pair<std::string, Layer>>& modules);  // by names of one's own
  Sequential& append(const Layer& module);
  Layer operator[](int index) const;  // from the end when negative
  std::size_t size() const;
};

// Holds modules; who calls them is another one.
class ModuleList : public Layer {
 public:
  ModuleList();
  ModuleList(std::initializer_list<Layer> modules);
  explicit ModuleList(const std::vector<Layer>& modules);
  ModuleList& append(const Layer& module);
  Layer operator[](int index) const;
  std::size_t size() const;
  std::vector<Layer>::const_iterator begin() const;
  std::vector<Layer>::const_iterator end() const;

 private:
  mutable std::vector<Layer> view_;  // what begin() and end() point into
};

class ModuleDict : public Layer {
 public:
  ModuleDict();
  ModuleDict(std::initializer_list<std::pair<std::string, Layer>> modules);
  Layer operator[](std::string_view key) const;  // Error with the list of keys
  bool contains(std::string_view key) const;
  void set(std::string_view key, const Layer& module);
  std::vector<std::string> keys() const;
  std::size_t size() const;
};

// Parameters "0", "1", … of the module that registers it.
class ParameterList : public Layer {
 public:
  ParameterList();
  explicit ParameterList(const Tensors& values);
  ParameterList& append(const Tensor& value);
  Variable operator[](int index) const;
  std::size_t size() const;
};

// Parameters by names of one's own.
class ParameterDict : public Layer {
 public:
  ParameterDict();
  explicit ParameterDict(const TensorDict& values);
  Variable operator[](std::string_view key) const;  // Error with the list of keys
  bool contains(std::string_view key) const;
  void set(std::string_view key, const Tensor& value);
  std::vector<std::string> keys() const;
  std::size_t size() const;
};

}  // namespace mica::nn
