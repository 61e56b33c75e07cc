// SimpleRNN and its cell: the state is the output.
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class SimpleRNNCellLayer final : public GateCell {
 public:
  static constexpr std::string_view kClass = "SimpleRNNCell", kLayer = "SimpleRNN";

  SimpleRNNCellLayer(std::string name, GateOptions options, MaybeDType dtype)
      : GateCell({kClass, std::move(name), true, dtype}, std::move(options), 1) {
    settle();
  }
  SimpleRNNCellLayer() : SimpleRNNCellLayer({}, {}, {}) {}

  std::shared_ptr<CellLayer> copy() const override {
    return std::make_shared<SimpleRNNCellLayer>(name(), o_, dtype_policy());
  }

  void fields(FieldVisitor& v) override {
    head_fields(v, o_);
    visit_constraints(v, o_);
    visit_dropout(v, o_);
    v.field("seed", o_.seed);
  }
  static void layer_fields(FieldVisitor& v, GateOptions& o, absl::FunctionRef<void()> activity) {
    head_fields(v, o);
    activity();
    visit_constraints(v, o);
    visit_dropout(v, o);
  }

 protected:
  Step step(const Tensors& kept) const override {
    return [=, this](const Tensor& x, const Tensors& states) -> Tensors {
      Tensor h = o_.activation(x + matrix_product(dropped(states[0], kept), recurrent_kernel_));
      return {h, h};
    };
  }

 private:
  static void head_fields(FieldVisitor& v, GateOptions& o) {
    v.required("units", o.units);
    v.field("activation", o.activation);
    v.field("use_bias", o.use_bias);
    visit_initializers(v, o);
    visit_regularizers(v, o);
  }
};

}  // namespace

SimpleRNNCell::SimpleRNNCell(std::int64_t units, SimpleRNNOptions o)
    : Layer(std::make_shared<SimpleRNNCellLayer>(o.name, gate_options(units, o), o.dtype)) {}

SimpleRNN::SimpleRNN(std::int64_t units, SimpleRNNOptions o)
    : Layer(std::make_shared<LayerOfCell<SimpleRNNCellLayer>>(
          BuiltinLayer::Common{SimpleRNNCellLayer::kLayer, o.name, o.trainable, o.dtype, o.activity_regularizer},
          gate_options(units, o), recurrent_options(o))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::simple_rnn_layers() {
  using Cell = layers::SimpleRNNCellLayer;
  return {{Cell::kLayer, make_default<LayerOfCell<Cell>>}, {Cell::kClass, make_default<Cell>}};
}

}  // namespace mica
