// GRU and its cell: update, reset and candidate gates; one state. The reset gate stands before the state's product
// (reset_after = false) or after it.
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class GRUCellLayer final : public GateCell {
 public:
  static constexpr std::string_view kClass = "GRUCell", kLayer = "GRU";

  GRUCellLayer(std::string name, GateOptions options, MaybeDType dtype)
      : GateCell({kClass, std::move(name), true, dtype}, std::move(options), 3) {
    settle();
  }
  GRUCellLayer() : GRUCellLayer({}, {}, {}) {}

  std::shared_ptr<CellLayer> copy() const override {
    return std::make_shared<GRUCellLayer>(name(), o_, dtype_policy());
  }

  void fields(FieldVisitor& v) override {
    head_fields(v, o_);
    visit_constraints(v, o_);
    tail_fields(v, o_);
  }
  static void layer_fields(FieldVisitor& v, GateOptions& o, absl::FunctionRef<void()> activity) {
    head_fields(v, o);
    activity();
    visit_constraints(v, o);
    tail_fields(v, o);
  }

 protected:
  Shape bias_shape() const override { return o_.reset_after ? Shape{2, 3 * o_.units} : Shape{3 * o_.units}; }
  // With reset_after the state's product has a bias of its own, the second row.
  Tensor input_bias() const override { return o_.reset_after ? bias_.select(0, 0) : Tensor(bias_); }

  Step step(const Tensors& kept) const override { return o_.reset_after ? reset_after(kept) : reset_before(kept); }

 private:
  static void head_fields(FieldVisitor& v, GateOptions& o) {
    v.required("units", o.units);
    v.field("activation", o.activation);
    v.field("recurrent_activation", o.recurrent_activation);
    v.field("use_bias", o.use_bias);
    visit_initializers(v, o);
    visit_regularizers(v, o);
  }
  static void tail_fields(FieldVisitor& v, GateOptions& o) {
    visit_dropout(v, o);
    v.field("reset_after", o.reset_after);
    v.field("seed", o.seed);
  }

  Tensors mixed(const Tensor& update, const Tensor& h, const Tensor& candidate) const {
    Tensor next = update * h + (1 - update) * candidate;
    return {next, next};
  }

  Step reset_after(const Tensors& kept) const {
    Tensor bias = o_.use_bias ? bias_.select(0, 1) : Tensor();
    GateProduct product(recurrent_kernel_, num_gates_, kept, matrix_product);
    return [=, this](const Tensor& x, const Tensors& states) {
      Tensor inner = product(states[0]);
      if (bias.defined()) inner = inner + bias;
      Tensor update = o_.recurrent_activation(gate(x, 0) + gate(inner, 0));
      Tensor reset = o_.recurrent_activation(gate(x, 1) + gate(inner, 1));
      return mixed(update, states[0], o_.activation(gate(x, 2) + reset * gate(inner, 2)));
    };
  }

  Step reset_before(const Tensors& kept) const {
    GateProduct of_gates(recurrent_kernel_.narrow(-1, 0, 2 * o_.units), 2, kept, matrix_product);
    Tensor of_candidate = gate(recurrent_kernel_, 2);
    return [=, this](const Tensor& x, const Tensors& states) {
      Tensor inner = of_gates(states[0]);
      Tensor update = o_.recurrent_activation(gate(x, 0) + gate(inner, 0));
      Tensor reset = o_.recurrent_activation(gate(x, 1) + gate(inner, 1));
      Tensor h = dropped(states[0], kept, 2);
      Tensor candidate = o_.activation(gate(x, 2) + matrix_product(reset * h, of_candidate));
      return mixed(update, states[0], candidate);
    };
  }
};

}  // namespace

GRUCell::GRUCell(std::int64_t units, GRUOptions o)
    : Layer(std::make_shared<GRUCellLayer>(o.name, gate_options(units, o), o.dtype)) {}

GRU::GRU(std::int64_t units, GRUOptions o)
    : Layer(std::make_shared<LayerOfCell<GRUCellLayer>>(
          BuiltinLayer::Common{GRUCellLayer::kLayer, o.name, o.trainable, o.dtype, o.activity_regularizer},
          gate_options(units, o), recurrent_options(o))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::gru_layers() {
  using Cell = layers::GRUCellLayer;
  return {{Cell::kLayer, make_default<LayerOfCell<Cell>>}, {Cell::kClass, make_default<Cell>}};
}

}  // namespace mica
