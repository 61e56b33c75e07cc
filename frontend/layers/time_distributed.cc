// TimeDistributed: one layer on every step of a sequence. Steps are rows: the layer sees all of them as one batch.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class TimeDistributedLayer final : public BuiltinLayer {
 public:
  TimeDistributedLayer() : BuiltinLayer({"TimeDistributed", {}}) {}
  TimeDistributedLayer(const Layer& layer, const NameOptions& o)
      : BuiltinLayer({"TimeDistributed", o.name, o.trainable, o.dtype}), layer_(layer) {
    settle();
  }

  void fields(FieldVisitor& v) override { v.required("layer", layer_); }

  void settle() override {
    if (!layer_) fail("a layer", "an empty handle");
    state().takes_mask = state().passes_masks = true;
    state().sublayers = {{"layer", layer_}};
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs[0], 3);
    build_sublayer(layer_, {without_time(inputs[0])});
  }

  Tensors forward_all(const Tensors& xs) override {
    if (xs.size() != 1) fail("one tensor", absl::StrCat(xs.size()));
    check_mask(xs[0]);
    Tensor row_mask = mask().defined() ? steps_as_rows(mask()) : Tensor();
    Tensors results = layer_.apply(steps_as_rows(xs[0]), {.mask = row_mask});
    for (Tensor& result : results) result = rows_as_steps(result, xs[0]);
    return results;
  }

 private:
  static Shape without_time(const Shape& sequence) {
    std::vector<std::int64_t> step{sequence[0]};
    for (int axis = 2; axis < sequence.rank(); ++axis) step.push_back(sequence[axis]);
    return Shape(std::move(step));
  }

  void check_mask(const Tensor& x) const {
    if (!mask().defined()) return;
    if (mask().dim() >= 2 && mask().size(0) == x.size(0) && mask().size(1) == x.size(1)) return;
    fail(absl::StrCat("a mask that begins with the batch and the steps of ", describe(x)), describe(mask()));
  }

  Layer layer_;
};

}  // namespace

TimeDistributed::TimeDistributed(const Layer& layer, NameOptions options)
    : Layer(std::make_shared<TimeDistributedLayer>(layer, options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::time_distributed_layers() {
  return {{"TimeDistributed", make_default<layers::TimeDistributedLayer>}};
}

}  // namespace mica
