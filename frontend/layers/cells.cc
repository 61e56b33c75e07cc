#include "frontend/layers/cells.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/random.h"

namespace mica::internal {

Tensors CellLayer::forward_all(const Tensors& xs) {
  Tensors states = initial_state();
  states.insert(states.end(), xs.begin() + 1, xs.end());
  if (states.size() != state_size().size()) {
    fail(absl::StrCat("{x, ", state_size().size(), " states}"), absl::StrCat(states.size(), " states"),
         "A cell computes one step; RNN(cell) runs it over a sequence.");
  }
  CellRun run = start(dims_of(xs[0])[0], training());
  return run.advance(run.project(xs[0]), states);
}

Tensors CellLayer::noise(double rate, std::int64_t count, const ir::Dims& dims, std::optional<std::int64_t> seed,
                         bool training) const {
  Tensors noise;
  if (!training || rate == 0) return noise;
  Tensor ones = apply("constant", {}, {{"value", 1.0}, {"dtype", compute_dtype()}, {"shape", dims}});
  for (std::int64_t i = 0; i < count; ++i) {
    noise.push_back(apply("dropout", {ones, random_state(seed)}, {{"rate", rate}, {"noise_shape", ir::Dims{}}}));
  }
  return noise;
}

Tensor dropped(const Tensor& rows, const Tensors& noise, std::size_t i) {
  if (noise.empty()) return rows;
  const Tensor& own = noise.size() == 1 ? noise[0] : noise[i];
  return rows * (rows.dim() > own.dim() ? own.unsqueeze(1) : own);  // every step of a sequence has the same
}

GateProduct::GateProduct(const Tensor& matrix, std::int64_t gates, Tensors noise, Product product)
    : noise_(std::move(noise)), product_(std::move(product)) {
  const std::int64_t parts = noise_.size() > 1 ? gates : 1, width = matrix.size(-1) / parts;
  for (std::int64_t i = 0; i < parts; ++i) {
    parts_.push_back(parts == 1 ? matrix : matrix.narrow(-1, i * width, width));
  }
}

Tensor GateProduct::operator()(const Tensor& rows) const {
  Tensors products;
  for (std::size_t i = 0; i < parts_.size(); ++i) products.push_back(product_(dropped(rows, noise_, i), parts_[i]));
  return products.size() == 1 ? products[0] : cat(products, -1);
}

Tensor matrix_product(const Tensor& rows, const Tensor& matrix) { return apply("matmul", {rows, matrix}); }

CellRun start_cell(const Layer& cell, const ir::Dim& batch, bool training) {
  if (const CellLayer* known = cell.get_if<CellLayer>()) return known->start(batch, training);
  auto call = [impl = cell.impl(), training](const Tensor& x, const Tensors& states) {
    CallArguments arguments{.tensors = {x}, .training = training};
    arguments.tensors.insert(arguments.tensors.end(), states.begin(), states.end());
    return run_inline(impl, arguments);
  };
  return {[](const Tensor& x) { return x; }, call};
}

std::vector<Shape> state_sizes(const Layer& cell) {
  if (const RNNCell* own = cell.get_if<RNNCell>()) return own->state_size();
  throw Error(
      {.where = cell.name(),
       .expected = "a cell: a layer that derives from RNNCell too",
       .received = cell.class_name(),
       .hint = "class MyCell : public CustomLayer, public RNNCell; its state_size() says the shapes of states."});
}

void check_dropout(double rate, std::string_view where) {
  if (rate >= 0 && rate < 1) return;
  throw Error({.where = std::string(where),
               .expected = "a dropout rate from 0 to below 1",
               .received = absl::StrCat(rate),
               .hint = {}});
}

Layer copy_of_cell(const Layer& cell) {
  if (const CellLayer* known = cell.get_if<CellLayer>()) {
    Layer copy = Layer::of(known->copy());
    copy.get_if<BuiltinLayer>()->set_builds_alone(known->builds_alone());
    return copy;
  }
  return *FieldValue<Layer>::read(FieldValue<Layer>::write(cell));
}

Tensor steps_as_rows(const Tensor& sequence) {
  const ir::Dims& dims = dims_of(sequence);
  ir::Dims rows{dims[0] * dims[1]};
  rows.insert(rows.end(), dims.begin() + 2, dims.end());
  return reshape_dims(sequence, std::move(rows));
}

Tensor rows_as_steps(const Tensor& rows, const Tensor& sequence) {
  ir::Dims steps(dims_of(sequence).begin(), dims_of(sequence).begin() + 2);
  steps.insert(steps.end(), dims_of(rows).begin() + 1, dims_of(rows).end());
  return reshape_dims(rows, std::move(steps));
}

void GateCell::settle() {
  expect_positive("units", o_.units);
  check_dropout(o_.dropout, name());
  check_dropout(o_.recurrent_dropout, name());
}

void GateCell::make_weights(const std::vector<Shape>& inputs) {
  expect_rank(inputs[0], 2);
  kernel_ = add_weight({.shape = {known_dim(inputs[0], -1), num_gates_ * o_.units},
                        .initializer = o_.kernel_initializer,
                        .dtype = weight_dtype(),
                        .regularizer = o_.kernel_regularizer,
                        .constraint = o_.kernel_constraint,
                        .name = "kernel"});
  recurrent_kernel_ = add_weight({.shape = {o_.units, num_gates_ * o_.units},
                                  .initializer = o_.recurrent_initializer,
                                  .dtype = weight_dtype(),
                                  .regularizer = o_.recurrent_regularizer,
                                  .constraint = o_.recurrent_constraint,
                                  .name = "recurrent_kernel"});
  if (!o_.use_bias) return;
  bias_ = add_weight({.shape = bias_shape(),
                      .initializer = bias_initializer(),
                      .dtype = weight_dtype(),
                      .regularizer = o_.bias_regularizer,
                      .constraint = o_.bias_constraint,
                      .name = "bias"});
}

CellRun GateCell::start(const ir::Dim& batch, bool training) const {
  // Keras draws for each gate where states are dropped, else once for all of them.
  const std::int64_t draws = o_.recurrent_dropout == 0 ? 1 : num_gates_;
  Tensors noise_of_x = noise(o_.dropout, draws, {batch, ir::Dim(kernel_.size(0))}, o_.seed, training);
  Tensors noise_of_h = noise(o_.recurrent_dropout, draws, {batch, ir::Dim(o_.units)}, o_.seed, training);
  GateProduct product(kernel_, num_gates_, noise_of_x, matrix_product);
  auto project = [=, this](const Tensor& given) {
    if (given.size(-1) != kernel_.size(0)) {
      fail(absl::StrCat("the last dimension of the input to be ", kernel_.size(0)), describe(given));
    }
    Tensor gates = product(cast(given, kernel_.dtype()));
    return o_.use_bias ? gates + input_bias() : gates;
  };
  return {project, step(noise_of_h)};
}

Initializer forget_bias(std::int64_t units, const Initializer& initializer) {
  return Initializer([=](const Shape&, DType dtype) {
    return cat({initializer({units}, dtype), ones({units}, {.dtype = dtype}), initializer({2 * units}, dtype)});
  });
}

void visit_initializers(FieldVisitor& v, GateOptions& o) {
  v.field("kernel_initializer", o.kernel_initializer);
  v.field("recurrent_initializer", o.recurrent_initializer);
  v.field("bias_initializer", o.bias_initializer);
}
void visit_regularizers(FieldVisitor& v, GateOptions& o) {
  v.field("kernel_regularizer", o.kernel_regularizer);
  v.field("recurrent_regularizer", o.recurrent_regularizer);
  v.field("bias_regularizer", o.bias_regularizer);
}
void visit_constraints(FieldVisitor& v, GateOptions& o) {
  v.field("kernel_constraint", o.kernel_constraint);
  v.field("recurrent_constraint", o.recurrent_constraint);
  v.field("bias_constraint", o.bias_constraint);
}
void visit_dropout(FieldVisitor& v, GateOptions& o) {
  v.field("dropout", o.dropout);
  v.field("recurrent_dropout", o.recurrent_dropout);
}
void visit_lstm(FieldVisitor& v, GateOptions& o, absl::FunctionRef<void()> activity) {
  v.field("activation", o.activation);
  v.field("recurrent_activation", o.recurrent_activation);
  v.field("use_bias", o.use_bias);
  visit_initializers(v, o);
  v.field("unit_forget_bias", o.unit_forget_bias);
  visit_regularizers(v, o);
  activity();
  visit_constraints(v, o);
  visit_dropout(v, o);
  v.field("seed", o.seed);
}

}  // namespace mica::internal
