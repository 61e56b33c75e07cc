// Cells: one step of a recurrent layer. A cell of ours says which part of a step depends on its input alone: a layer
// computes that part for all steps at once, before the loop.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/recurrence.h"
#include "frontend/mica/layers/recurrent.h"

namespace mica::internal {

// A cell set up for one call of its layer: what is the same in every step (dropout noise, parts of weights) is made.
struct CellRun {
  std::function<Tensor(const Tensor& x)> project;  // of one step [N, …] or of all of them at once [N, T, …]
  Step advance;                                    // takes the projected x
};

class CellLayer : public BuiltinLayer, public RNNCell {
 public:
  using BuiltinLayer::BuiltinLayer;
  virtual CellRun start(const ir::Dim& batch, bool training) const = 0;
  // Another cell with the same options and weights of its own.
  virtual std::shared_ptr<CellLayer> copy() const = 0;

 protected:
  Tensors forward_all(const Tensors& xs) override;
  // 0 with probability `rate`, else 1 / (1 - rate): what the rows of the batch are multiplied by in every step of a
  // call, drawn `count` times. Nothing where nothing is dropped.
  Tensors noise(double rate, std::int64_t count, const ir::Dims& dims, std::optional<std::int64_t> seed,
                bool training) const;
};

// Rows under their noise: of all gates when there is one, of gate `i` when each has its own.
Tensor dropped(const Tensor& rows, const Tensors& noise, std::size_t i = 0);

// What makes gates, side by side, of rows: a product with the part of a matrix that belongs to each.
class GateProduct {
 public:
  using Product = std::function<Tensor(const Tensor& rows, const Tensor& matrix)>;
  // `product` is linear in the rows; parts of the matrix are cut out here, not in every step.
  GateProduct(const Tensor& matrix, std::int64_t gates, Tensors noise, Product product);
  Tensor operator()(const Tensor& rows) const;

 private:
  Tensors parts_;  // one for all gates together where these share their noise
  Tensors noise_;
  Product product_;
};
// The product of matrices.
Tensor matrix_product(const Tensor& rows, const Tensor& matrix);

// A rate of dropout or recurrent_dropout in its range; Error naming `where`.
void check_dropout(double rate, std::string_view where);
// Sets up any cell, one's own too.
CellRun start_cell(const Layer& cell, const ir::Dim& batch, bool training);
// The sizes of its states; Error when the layer is no cell.
std::vector<Shape> state_sizes(const Layer& cell);
// Another cell with the same options and weights of its own.
Layer copy_of_cell(const Layer& cell);
// A sequence [N, T, …] as rows [N·T, …], and rows as sequences again.
Tensor steps_as_rows(const Tensor& sequence);
Tensor rows_as_steps(const Tensor& rows, const Tensor& sequence);

// The options of SimpleRNNCell, LSTMCell and GRUCell; each has its part of them.
struct GateOptions {
  std::int64_t units = 1;
  ActivationFn activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true, unit_forget_bias = true, reset_after = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer, recurrent_regularizer, bias_regularizer;
  Constraint kernel_constraint, recurrent_constraint, bias_constraint;
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed;
};

template <class Options>
GateOptions gate_options(std::int64_t units, const Options& o) {
  GateOptions gates{.units = units, .activation = o.activation, .use_bias = o.use_bias};
  if constexpr (requires { o.recurrent_activation; }) gates.recurrent_activation = o.recurrent_activation;
  if constexpr (requires { o.unit_forget_bias; }) gates.unit_forget_bias = o.unit_forget_bias;
  if constexpr (requires { o.reset_after; }) gates.reset_after = o.reset_after;
  gates.kernel_initializer = o.kernel_initializer;
  gates.recurrent_initializer = o.recurrent_initializer;
  gates.bias_initializer = o.bias_initializer;
  gates.kernel_regularizer = o.kernel_regularizer;
  gates.recurrent_regularizer = o.recurrent_regularizer;
  gates.bias_regularizer = o.bias_regularizer;
  gates.kernel_constraint = o.kernel_constraint;
  gates.recurrent_constraint = o.recurrent_constraint;
  gates.bias_constraint = o.bias_constraint;
  gates.dropout = o.dropout;
  gates.recurrent_dropout = o.recurrent_dropout;
  gates.seed = o.seed;
  return gates;
}

// Cells whose gates are rows of x times one matrix plus the state times another: the gates stand side by side.
class GateCell : public CellLayer {
 public:
  using Options = GateOptions;
  GateCell(Common common, GateOptions options, std::int64_t num_gates)
      : CellLayer(std::move(common)), o_(std::move(options)), num_gates_(num_gates) {}
  void settle() override;
  std::vector<Shape> state_size() const override { return {Shape{o_.units}}; }
  CellRun start(const ir::Dim& batch, bool training) const override;

 protected:
  void make_weights(const std::vector<Shape>& inputs) override;
  virtual Shape bias_shape() const { return {num_gates_ * o_.units}; }
  virtual Initializer bias_initializer() const { return o_.bias_initializer; }
  // The bias of the gates' inputs, and a step on gates that have it.
  virtual Tensor input_bias() const { return bias_; }
  // `kept` is the noise of the state.
  virtual Step step(const Tensors& kept) const = 0;

  // Gate `i` of gates side by side.
  Tensor gate(const Tensor& gates, std::int64_t i) const { return gates.narrow(-1, i * o_.units, o_.units); }

  GateOptions o_;
  std::int64_t num_gates_;
  Variable kernel_, recurrent_kernel_, bias_;
};

// Ones for the forget gate, the second of four, so that a fresh cell remembers.
Initializer forget_bias(std::int64_t units, const Initializer& initializer);

// Fields of Keras' configurations that stand in the same order in several classes.
void visit_initializers(FieldVisitor& v, GateOptions& o);
void visit_regularizers(FieldVisitor& v, GateOptions& o);
void visit_constraints(FieldVisitor& v, GateOptions& o);
void visit_dropout(FieldVisitor& v, GateOptions& o);
// The options of the layers LSTM and ConvLSTM after those of their size. `activity` visits the activity regularizer,
// which layers have and cells have not.
void visit_lstm(FieldVisitor& v, GateOptions& o, absl::FunctionRef<void()> activity);

}  // namespace mica::internal
