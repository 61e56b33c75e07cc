// The classes behind Model(inputs, outputs) and Sequential({…}).
#pragma once
#include <string>
#include <vector>

#include "frontend/graph/model_graph.h"
#include "frontend/mica/model.h"

namespace mica::internal {

class FunctionalModel : public CustomModel {
 public:
  FunctionalModel(const Inputs& inputs, const Inputs& outputs, ModelOptions options);
  std::string class_name() const override { return "Functional"; }
  using CustomModel::call;
  Tensors call(const Tensors& xs) override;
};

// A chain of layers. Its graph is made when the shape of the input is known: from a first Input or the first call.
class SequentialModel : public CustomModel {
 public:
  explicit SequentialModel(ModelOptions options);
  std::string class_name() const override { return "Sequential"; }
  using CustomModel::build;
  using CustomModel::call;
  void build(const std::vector<Shape>& input_shapes) override;
  Tensors call(const Tensors& xs) override;

  const std::vector<Layer>& chain() const { return chain_; }
  void add(const Layer& layer);
  void set_input(const Tensor& input);
  void pop();

 private:
  void changed();  // the graph is made anew, as far as the input is known
  void make_graph();
  std::vector<Layer> chain_;
  Tensor input_;  // undefined as long as it is not known
};

}  // namespace mica::internal
