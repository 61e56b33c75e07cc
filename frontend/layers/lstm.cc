// LSTM: one product for the inputs of all steps, then a scan over time.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/graph/trace.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/recurrent.h"

namespace mica::layers {
namespace {

using namespace internal;

class LSTMLayer final : public BuiltinLayer {
 public:
  LSTMLayer(std::int64_t units, LSTMOptions o)
      : BuiltinLayer({"LSTM", o.name, o.trainable, o.dtype}), units_(units), o_(std::move(o)) {
    expect_positive("units", units_);
    for (double rate : {o_.dropout, o_.recurrent_dropout}) {
      if (!(rate >= 0 && rate < 1)) fail("a dropout rate from 0 to below 1", absl::StrCat(rate));
    }
    if (o_.stateful) fail("stateful = false", "true", "Pass initial_state and return_state instead.");
    state().takes_mask = true;
    state().activity_regularizer = o_.activity_regularizer.fn();
  }

  void fields(FieldVisitor& v) override {
    v.field("units", units_);
    v.field("activation", o_.activation);
    v.field("recurrent_activation", o_.recurrent_activation);
    v.field("use_bias", o_.use_bias);
    v.field("kernel_initializer", o_.kernel_initializer);
    v.field("recurrent_initializer", o_.recurrent_initializer);
    v.field("bias_initializer", o_.bias_initializer);
    v.field("unit_forget_bias", o_.unit_forget_bias);
    v.field("kernel_regularizer", o_.kernel_regularizer);
    v.field("recurrent_regularizer", o_.recurrent_regularizer);
    v.field("bias_regularizer", o_.bias_regularizer);
    v.field("kernel_constraint", o_.kernel_constraint);
    v.field("recurrent_constraint", o_.recurrent_constraint);
    v.field("bias_constraint", o_.bias_constraint);
    v.field("dropout", o_.dropout);
    v.field("recurrent_dropout", o_.recurrent_dropout);
    v.field("seed", o_.seed);
    v.field("return_sequences", o_.return_sequences);
    v.field("return_state", o_.return_state);
    v.field("go_backwards", o_.go_backwards);
    v.field("stateful", o_.stateful);
    v.field("unroll", o_.unroll);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_rank(inputs[0], 3);
    kernel_ = gate_weight("kernel", {known_dim(inputs[0], -1), 4 * units_}, o_.kernel_initializer,
                          o_.kernel_regularizer, o_.kernel_constraint);
    recurrent_kernel_ = gate_weight("recurrent_kernel", {units_, 4 * units_}, o_.recurrent_initializer,
                                    o_.recurrent_regularizer, o_.recurrent_constraint);
    if (!o_.use_bias) return;
    bias_ = gate_weight("bias", {4 * units_}, o_.unit_forget_bias ? forget_bias() : o_.bias_initializer,
                        o_.bias_regularizer, o_.bias_constraint);
  }

  Tensors forward_all(const Tensors& xs) override {
    const Tensors& given = initial_state();
    if (xs.size() != 1 && xs.size() != 3) fail("one tensor, or {x, h, c}", absl::StrCat(xs.size()));
    if (!given.empty() && given.size() != 2) fail("two initial states, h and c", absl::StrCat(given.size()));
    expect_rank(xs[0].shape(), 3);
    if (xs[0].size(-1) != kernel_.size(0)) {
      fail(absl::StrCat("the last dimension of the input to be ", kernel_.size(0)), describe(xs[0]));
    }
    Tensors states = !given.empty() ? given : xs.size() == 3 ? Tensors{xs[1], xs[2]} : zero_states(xs[0]);
    Tensors results = run(cast(xs[0], kernel_.dtype()), states, mask());
    Tensor output = o_.return_sequences ? results[0].transpose(0, 1) : results[1];
    return o_.return_state ? Tensors{output, results[1], results[2]} : Tensors{output};
  }

 private:
  Variable gate_weight(const char* what, Shape shape, const Initializer& initializer, const Regularizer& regularizer,
                       const Constraint& constraint) {
    return add_weight({.shape = std::move(shape),
                       .initializer = initializer,
                       .dtype = weight_dtype(),
                       .regularizer = regularizer,
                       .constraint = constraint,
                       .name = absl::StrCat("lstm_cell/", what)});  // Keras keeps the weights in a cell
  }

  // Ones for the forget gate, so that a fresh cell remembers.
  Initializer forget_bias() const {
    return Initializer([units = units_, initial = o_.bias_initializer](const Shape&, DType dtype) {
      return cat({initial({units}, dtype), ones({units}, {.dtype = dtype}), initial({2 * units}, dtype)});
    });
  }

  Tensor zeros_for(const Tensor& x) const {
    return apply("constant", {}, {{"value", 0.0}, {"dtype", kernel_.dtype()}, {"shape", state_dims(x)}});
  }
  Tensors zero_states(const Tensor& x) const { return {zeros_for(x), zeros_for(x)}; }
  ir::Dims state_dims(const Tensor& x) const { return {dims_of(x)[0], ir::Dim(units_)}; }

  static Tensor along_time(const Tensor& x, bool backwards) {
    Tensor steps = x.transpose(0, 1);
    if (!backwards) return steps;
    return apply("slice", {steps},
                 {{"axis", std::int64_t{0}},
                  {"start", ir::Dims{dims_of(steps)[0] - ir::Dim(1)}},
                  {"stop", ir::Dims{ir::Dim(-1)}},
                  {"step", std::int64_t{-1}}});
  }

  // Outputs of all steps [T, N, units], and the last h and c.
  Tensors run(const Tensor& input, const Tensors& states, const Tensor& valid) {
    Tensor x = dropped(input, o_.dropout, {dims_of(input)[0], ir::Dim(1), dims_of(input)[2]});
    Tensor gates = apply("matmul", {x, kernel_});
    if (o_.use_bias) gates = gates + bias_;
    Tensors operands = states;
    if (valid.defined()) operands.push_back(zeros_for(input));  // the output that a masked step repeats
    std::int64_t num_states = static_cast<std::int64_t>(operands.size());
    operands.push_back(along_time(gates, o_.go_backwards));
    if (valid.defined()) operands.push_back(along_time(valid.unsqueeze(-1), o_.go_backwards));
    std::int64_t num_xs = static_cast<std::int64_t>(operands.size()) - num_states;
    operands.push_back(recurrent_kernel_);
    if (training() && o_.recurrent_dropout > 0) {
      Tensor kept = apply("constant", {}, {{"value", 1.0}, {"dtype", gates.dtype()}, {"shape", state_dims(input)}});
      operands.push_back(dropped(kept, o_.recurrent_dropout, {}));
    }
    Bodies bodies{step_of(operands, num_states, num_xs)};
    Tensors results = apply_all("scan", operands, {{"num_states", num_states}, {"num_xs", num_xs}}, std::move(bodies));
    return {results.back(), results[0], results[1]};
  }

  Tensor dropped(const Tensor& x, double rate, ir::Dims noise) const {
    if (!training() || rate == 0) return x;
    return apply("dropout", {x, random_state(o_.seed)}, {{"rate", rate}, {"noise_shape", std::move(noise)}});
  }

  // One step as a graph: (h, c[, output], gates[, valid], recurrent kernel[, kept]) -> (h, c[, output], output).
  std::shared_ptr<const ir::Graph> step_of(const Tensors& operands, std::int64_t num_states,
                                           std::int64_t num_xs) const {
    Trace body({.name = "step", .training = training()});
    Tensors inputs;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      ir::TensorType type = type_of(operands[i]);
      bool sliced = static_cast<std::int64_t>(i) >= num_states && static_cast<std::int64_t>(i) < num_states + num_xs;
      if (sliced) type.dims.erase(type.dims.begin());
      inputs.push_back(body.input(type, absl::StrCat("a", i)));
    }
    bool masked = num_states == 3;
    auto at = [&](std::int64_t i) { return inputs[static_cast<std::size_t>(i)]; };
    Tensor h = at(0), c = at(1), kernel = at(num_states + num_xs);
    bool drops = inputs.size() > static_cast<std::size_t>(num_states + num_xs) + 1;
    Tensor recurrent = drops ? h * at(num_states + num_xs + 1) : h;
    Tensor z = at(num_states) + apply("matmul", {recurrent, kernel});
    auto gate = [&](std::int64_t i) { return z.narrow(-1, i * units_, units_); };
    Tensor next_c = o_.recurrent_activation(gate(1)) * c + o_.recurrent_activation(gate(0)) * o_.activation(gate(2));
    Tensor next_h = o_.recurrent_activation(gate(3)) * o_.activation(next_c);
    Tensor output = next_h;
    if (masked) {
      Tensor valid = at(num_states + 1);
      output = where(valid, next_h, at(2));
      next_h = where(valid, next_h, h);
      next_c = where(valid, next_c, c);
    }
    body.output(next_h, "h");
    body.output(next_c, "c");
    if (masked) body.output(output, "last");
    body.output(output, "y");
    return body.finish().graph;
  }

  std::int64_t units_;
  LSTMOptions o_;
  Variable kernel_, recurrent_kernel_, bias_;
};

}  // namespace

LSTM::LSTM(std::int64_t units, LSTMOptions options) : Layer(std::make_shared<LSTMLayer>(units, std::move(options))) {}

}  // namespace mica::layers

namespace mica::internal {

std::vector<LayerClass> recurrent_layers() { return {}; }

}  // namespace mica::internal
