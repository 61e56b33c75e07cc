// RecurrentLayer: a cell run over the second axis of its input. RNN, LSTM, GRU, SimpleRNN and ConvLSTM differ in where
// the cell comes from.
#pragma once
#include <memory>
#include <string>

#include "frontend/graph/naming.h"
#include "frontend/graph/recurrent.h"
#include "frontend/layers/cells.h"
#include "frontend/layers/registry.h"

namespace mica::internal {

// The options of every recurrent layer.
struct RecurrentOptions {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
};

template <class Options>
RecurrentOptions recurrent_options(const Options& o) {
  RecurrentOptions recurrent;
  recurrent.return_sequences = o.return_sequences;
  recurrent.return_state = o.return_state;
  recurrent.go_backwards = o.go_backwards;
  recurrent.stateful = o.stateful;
  if constexpr (requires { o.unroll; }) recurrent.unroll = o.unroll;
  if constexpr (requires { o.zero_output_for_mask; }) recurrent.zero_output_for_mask = o.zero_output_for_mask;
  return recurrent;
}

class RecurrentLayer : public BuiltinLayer, public Recurrent {
 public:
  RecurrentLayer(Common common, const RecurrentOptions& options) : BuiltinLayer(std::move(common)), r_(options) {}

  const RecurrentOptions& recurrence() const { return r_; }
  std::size_t num_states() const { return state_sizes(cell_).size(); }
  void set_zero_output_for_mask(bool on) { r_.zero_output_for_mask = on; }
  std::size_t num_outputs() const override { return 1; }
  void reset_states() override;
  // Another layer with the same options and weights of its own.
  virtual std::shared_ptr<RecurrentLayer> copy(const std::string& name, bool go_backwards) const = 0;

 protected:
  void make_weights(const std::vector<Shape>& inputs) override;
  Tensors forward_all(const Tensors& xs) override;
  // Takes the cell into use; to be called by settle().
  void set_cell(Layer cell);
  void recurrent_fields(FieldVisitor& v);
  RecurrentOptions turned(bool go_backwards) const;

  RecurrentOptions r_;
  Layer cell_;

 private:
  Tensors states_before(const Tensors& xs) const;
  void check_input(const Tensor& x) const;

  Parameters kept_;  // the states, where they go on from run to run
};

// Layers that make their cell from their own options: SimpleRNN, LSTM, GRU and ConvLSTM.
template <class Cell>
class LayerOfCell final : public RecurrentLayer {
 public:
  using CellOptions = typename Cell::Options;
  LayerOfCell() : LayerOfCell({Cell::kLayer, {}}, CellOptions(), RecurrentOptions()) {}
  LayerOfCell(const Common& common, CellOptions options, const RecurrentOptions& recurrent)
      : RecurrentLayer(common, recurrent), o_(std::move(options)), activity_regularizer_(common.activity_regularizer) {
    settle();
  }

  void fields(FieldVisitor& v) override {
    recurrent_fields(v);
    Cell::layer_fields(v, o_, [&] { v.field("activity_regularizer", activity_regularizer_); });
  }

  void settle() override { set_cell(Layer::of(std::make_shared<Cell>(snake_case(Cell::kClass), o_, dtype_policy()))); }

  std::shared_ptr<RecurrentLayer> copy(const std::string& name, bool go_backwards) const override {
    Common common{Cell::kLayer, name, state_of(*this).trainable, dtype_policy(), activity_regularizer_};
    return std::make_shared<LayerOfCell>(common, o_, turned(go_backwards));
  }

 private:
  CellOptions o_;
  Regularizer activity_regularizer_;
};

// The classes of each file, for the registry.
std::vector<LayerClass> simple_rnn_layers();
std::vector<LayerClass> lstm_layers();
std::vector<LayerClass> gru_layers();
std::vector<LayerClass> conv_lstm_layers();
std::vector<LayerClass> stacked_cells_layers();
std::vector<LayerClass> bidirectional_layers();
std::vector<LayerClass> time_distributed_layers();

}  // namespace mica::internal
