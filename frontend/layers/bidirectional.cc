// Bidirectional: two recurrent layers, one of them running backwards, and what becomes of their outputs.
#include <optional>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class BidirectionalLayer final : public BuiltinLayer, public Recurrent {
 public:
  BidirectionalLayer() : BuiltinLayer({"Bidirectional", {}}) {}
  BidirectionalLayer(const Layer& layer, const BidirectionalOptions& o)
      : BuiltinLayer({"Bidirectional", o.name, o.trainable, o.dtype}), forward_(layer), backward_(o.backward_layer) {
    if (o.merge_mode != "none") merge_mode_ = o.merge_mode;
    settle();
  }

  void fields(FieldVisitor& v) override {
    v.field("merge_mode", merge_mode_);
    v.required("layer", forward_);
    v.field("backward_layer", backward_);
  }

  void settle() override {
    if (merge_mode_) expect_choice("merge_mode", *merge_mode_, {"concat", "sum", "mul", "ave", "none"});
    // The layer that was given stays as it is: two others with its options take its place.
    const RecurrentLayer& given = recurrent(forward_);
    const bool backwards = given.recurrence().go_backwards;
    if (!backward_) backward_ = copied("backward_", true);
    forward_ = copied("forward_", backwards);
    check_directions();
    for (const Layer& layer : {forward_, backward_}) {
      recurrent(layer).set_zero_output_for_mask(options().return_sequences);
    }
    LayerState& own = state();
    own.takes_mask = true;
    own.passes_masks = options().return_sequences;
    own.sublayers = {{"forward_layer", forward_}, {"backward_layer", backward_}};
  }

  std::size_t num_outputs() const override { return merge_mode_ ? 1 : 2; }
  void reset_states() override {}  // the layers inside are reset as every layer is

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    build_sublayer(forward_, {inputs[0]});
    build_sublayer(backward_, {inputs[0]});
  }

  Tensors forward_all(const Tensors& xs) override {
    Tensors states = initial_state();
    states.insert(states.end(), xs.begin() + 1, xs.end());
    const auto half = static_cast<std::ptrdiff_t>(recurrent(forward_).num_states());
    if (!states.empty() && states.size() != static_cast<std::size_t>(half) + recurrent(backward_).num_states()) {
      fail(absl::StrCat(half, " initial states for each direction"), absl::StrCat(states.size()));
    }
    auto part = [&](auto begin, auto end) { return Tensors(std::vector<Tensor>(begin, end)); };
    auto middle = states.begin() + (states.empty() ? 0 : half);
    Tensors there = forward_.apply(xs[0], {.initial_state = part(states.begin(), middle), .mask = mask()});
    Tensors back = backward_.apply(xs[0], {.initial_state = part(middle, states.end()), .mask = mask()});
    Tensor y = there[0], y_back = options().return_sequences ? flipped(back[0], 1) : back[0];
    Tensors results = merge_mode_ ? Tensors{merged(y, y_back)} : Tensors{y, y_back};
    results.insert(results.end(), there.begin() + 1, there.end());
    results.insert(results.end(), back.begin() + 1, back.end());
    return results;
  }

 private:
  const RecurrentOptions& options() const { return recurrent(forward_).recurrence(); }

  RecurrentLayer& recurrent(const Layer& layer) const {
    RecurrentLayer* found = layer ? layer.get_if<RecurrentLayer>() : nullptr;
    if (!found) {
      fail("a recurrent layer: LSTM, GRU, SimpleRNN, ConvLSTM or RNN", layer ? layer.class_name() : "none",
           "RNN(cell) makes one of any cell.");
    }
    return *found;
  }

  // The layer that was given, under another name.
  Layer copied(std::string_view prefix, bool backwards) const {
    Layer copy = Layer::of(recurrent(forward_).copy(prefixed(prefix, forward_.name()), backwards));
    copy.get_if<BuiltinLayer>()->set_builds_alone(recurrent(forward_).builds_alone());
    return copy;
  }

  static std::string prefixed(std::string_view prefix, std::string_view name) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    return absl::StrCat(std::string(prefix), std::string(name));
  }

  void check_directions() const {
    const RecurrentOptions &there = options(), &back = recurrent(backward_).recurrence();
    if (there.go_backwards == back.go_backwards) {
      fail("layers of different go_backwards", absl::StrCat("go_backwards = ", there.go_backwards, " in both"));
    }
    auto expect_same = [&](const char* option, bool a, bool b) {
      if (a != b) fail(absl::StrCat("layers of the same ", option), absl::StrCat(a, " and ", b));
    };
    expect_same("stateful", there.stateful, back.stateful);
    expect_same("return_sequences", there.return_sequences, back.return_sequences);
    expect_same("return_state", there.return_state, back.return_state);
  }

  Tensor merged(const Tensor& y, const Tensor& y_back) const {
    if (*merge_mode_ == "concat") return cat({y, y_back}, -1);
    if (*merge_mode_ == "mul") return y * y_back;
    return *merge_mode_ == "sum" ? y + y_back : (y + y_back) / 2;
  }

  std::optional<std::string> merge_mode_ = "concat";  // nothing: two results
  Layer forward_, backward_;
};

}  // namespace

Bidirectional::Bidirectional(const Layer& layer, BidirectionalOptions options)
    : Layer(std::make_shared<BidirectionalLayer>(layer, options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::bidirectional_layers() {
  return {{"Bidirectional", make_default<layers::BidirectionalLayer>}};
}

}  // namespace mica
