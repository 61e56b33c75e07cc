// LSTM and its cell: input, forget, candidate and output gates; the states are h and c.
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class LSTMCellLayer final : public GateCell {
 public:
  static constexpr std::string_view kClass = "LSTMCell", kLayer = "LSTM";

  LSTMCellLayer(std::string name, GateOptions options, MaybeDType dtype)
      : GateCell({kClass, std::move(name), true, dtype}, std::move(options), 4) {
    settle();
  }
  LSTMCellLayer() : LSTMCellLayer({}, {}, {}) {}

  std::vector<Shape> state_size() const override { return {Shape{o_.units}, Shape{o_.units}}; }
  std::shared_ptr<CellLayer> copy() const override {
    return std::make_shared<LSTMCellLayer>(name(), o_, dtype_policy());
  }

  void fields(FieldVisitor& v) override {
    v.required("units", o_.units);
    v.field("activation", o_.activation);
    v.field("recurrent_activation", o_.recurrent_activation);
    v.field("use_bias", o_.use_bias);
    v.field("unit_forget_bias", o_.unit_forget_bias);
    visit_initializers(v, o_);
    visit_regularizers(v, o_);
    visit_constraints(v, o_);
    visit_dropout(v, o_);
    v.field("seed", o_.seed);
  }
  static void layer_fields(FieldVisitor& v, GateOptions& o, absl::FunctionRef<void()> activity) {
    v.required("units", o.units);
    visit_lstm(v, o, activity);
  }

 protected:
  Initializer bias_initializer() const override {
    return o_.unit_forget_bias ? forget_bias(o_.units, o_.bias_initializer) : o_.bias_initializer;
  }

  Step step(const Tensors& kept) const override {
    GateProduct product(recurrent_kernel_, num_gates_, kept, matrix_product);
    return [=, this](const Tensor& x, const Tensors& states) -> Tensors {
      Tensor z = x + product(states[0]);
      Tensor input = o_.recurrent_activation(gate(z, 0)), forget = o_.recurrent_activation(gate(z, 1));
      Tensor c = forget * states[1] + input * o_.activation(gate(z, 2));
      Tensor h = o_.recurrent_activation(gate(z, 3)) * o_.activation(c);
      return {h, h, c};
    };
  }
};

}  // namespace

LSTMCell::LSTMCell(std::int64_t units, LSTMOptions o)
    : Layer(std::make_shared<LSTMCellLayer>(o.name, gate_options(units, o), o.dtype)) {}

LSTM::LSTM(std::int64_t units, LSTMOptions o)
    : Layer(std::make_shared<LayerOfCell<LSTMCellLayer>>(
          BuiltinLayer::Common{LSTMCellLayer::kLayer, o.name, o.trainable, o.dtype, o.activity_regularizer},
          gate_options(units, o), recurrent_options(o))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::lstm_layers() {
  using Cell = layers::LSTMCellLayer;
  return {{Cell::kLayer, make_default<LayerOfCell<Cell>>}, {Cell::kClass, make_default<Cell>}};
}

}  // namespace mica
