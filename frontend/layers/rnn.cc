#include "frontend/layers/rnn.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"

namespace mica {
namespace internal {

void RecurrentLayer::recurrent_fields(FieldVisitor& v) {
  v.field("return_sequences", r_.return_sequences);
  v.field("return_state", r_.return_state);
  v.field("go_backwards", r_.go_backwards);
  v.field("stateful", r_.stateful);
  v.field("unroll", r_.unroll);
  v.field("zero_output_for_mask", r_.zero_output_for_mask);
}

void RecurrentLayer::set_cell(Layer cell) {
  state_sizes(cell);  // it is a cell
  cell_ = std::move(cell);
  LayerState& own = state();
  own.takes_mask = true;
  own.passes_masks = r_.return_sequences;
  own.sublayers = {{"cell", cell_}};
}

RecurrentOptions RecurrentLayer::turned(bool go_backwards) const {
  RecurrentOptions options = r_;
  options.go_backwards = go_backwards;
  return options;
}

void RecurrentLayer::make_weights(const std::vector<Shape>& inputs) {
  expect_min_rank(inputs[0], 3);
  std::vector<std::int64_t> step;
  for (int axis = 0; axis < inputs[0].rank(); ++axis) {
    if (axis != 1) step.push_back(inputs[0][axis]);
  }
  build_sublayer(cell_, {Shape(std::move(step))});
  if (!r_.stateful) return;
  std::int64_t batch = inputs[0][0];
  if (batch == kAny) {
    fail("a known number of rows, for the states to be kept from run to run", inputs[0].to_string(),
         "Input({…}, {.batch_size = 32}) sets it, or leave out stateful.");
  }
  kept_.clear();
  for (const Shape& size : state_sizes(cell_)) {
    std::vector<std::int64_t> dims{batch};
    dims.insert(dims.end(), size.begin(), size.end());
    kept_.push_back(Variable::of(make_cell(absl::StrCat(LayerScope::current_path(), "/rnn_state"),
                                           zeros(Shape(dims), {.dtype = weight_dtype()}), false)));
  }
}

void RecurrentLayer::reset_states() {
  for (Variable& state : kept_) state.assign(zeros_like(state));
}

// Given ones, else those of the last run, else zeros.
Tensors RecurrentLayer::states_before(const Tensors& xs) const {
  Tensors given = initial_state();
  given.insert(given.end(), xs.begin() + 1, xs.end());
  std::vector<Shape> sizes = state_sizes(cell_);
  if (!given.empty()) {
    if (given.size() != sizes.size()) {
      fail(absl::StrCat(sizes.size(), " initial states"), absl::StrCat(given.size()));
    }
    for (Tensor& state : given) state = cast(state, compute_dtype());
    return given;
  }
  Tensors fresh;
  for (const Variable& kept : kept_) fresh.push_back(cast(kept, compute_dtype()));
  if (r_.stateful) return fresh;
  for (const Shape& size : sizes) {
    ir::Dims dims{dims_of(xs[0])[0]};
    for (std::int64_t dim : size) dims.push_back(ir::Dim(dim));
    fresh.push_back(apply("constant", {}, {{"value", 0.0}, {"dtype", compute_dtype()}, {"shape", std::move(dims)}}));
  }
  return fresh;
}

void RecurrentLayer::check_input(const Tensor& x) const {
  const Shape& built = state_of(*this).build_shapes[0];
  expect_rank(x.shape(), built.rank());
  if (r_.unroll && x.size(1) == kAny) {
    fail("a known number of steps, since unroll = true", describe(x), "Give Input the number, or leave out unroll.");
  }
  if (r_.stateful && x.size(0) != built[0]) {
    fail(absl::StrCat(built[0], " rows, as many as the states that stateful = true keeps"), describe(x));
  }
}

Tensors RecurrentLayer::forward_all(const Tensors& xs) {
  check_input(xs[0]);
  CellRun cell = start_cell(cell_, dims_of(xs[0])[0], training());
  Tensor valid = mask();
  if (valid.defined() && (valid.dim() != 2 || !valid.dtype().is_bool())) {
    fail("a mask bool[batch, steps]", describe(valid));
  }
  Recurrence run = recur(cell.project(xs[0]), states_before(xs), cell.advance,
                         {.backwards = r_.go_backwards,
                          .mask = valid,
                          .zero_output_for_mask = r_.zero_output_for_mask,
                          .training = training()});
  for (std::size_t i = 0; i < kept_.size(); ++i) add_update(kept_[i], cast(run.states[i], kept_[i].dtype()));
  // Keras hands sequences on in the order in which they were computed.
  Tensor sequences = r_.go_backwards ? flipped(run.outputs, 1) : run.outputs;
  Tensors results{r_.return_sequences ? sequences : run.last};
  if (r_.return_state) results.insert(results.end(), run.states.begin(), run.states.end());
  return results;
}

}  // namespace internal

inline namespace layers {
namespace {

using namespace internal;

// A cell that somebody else made.
class RNNLayer final : public RecurrentLayer {
 public:
  RNNLayer() : RecurrentLayer({"RNN", {}}, {}) {}
  RNNLayer(Common common, const Layer& cell, const RecurrentOptions& options)
      : RecurrentLayer(std::move(common), options) {
    cell_ = cell;
    settle();
  }

  void fields(FieldVisitor& v) override {
    recurrent_fields(v);
    v.required("cell", cell_);
  }
  void settle() override { set_cell(cell_); }

  std::shared_ptr<RecurrentLayer> copy(const std::string& name, bool go_backwards) const override {
    return std::make_shared<RNNLayer>(Common{"RNN", name, state_of(*this).trainable, dtype_policy()},
                                      copy_of_cell(cell_), turned(go_backwards));
  }
};

}  // namespace

RNN::RNN(const Layer& cell, RNNOptions o)
    : Layer(std::make_shared<RNNLayer>(BuiltinLayer::Common{"RNN", o.name, o.trainable, o.dtype}, cell,
                                       recurrent_options(o))) {}
RNN::RNN(std::initializer_list<Layer> cells, RNNOptions options) : RNN(StackedRNNCells(cells), std::move(options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::recurrent_layers() {
  std::vector<LayerClass> all{{"RNN", make_default<layers::RNNLayer>}};
  for (auto classes : {simple_rnn_layers, lstm_layers, gru_layers, conv_lstm_layers, stacked_cells_layers,
                       bidirectional_layers, time_distributed_layers}) {
    std::vector<LayerClass> some = classes();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace mica
