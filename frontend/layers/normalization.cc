// BatchNormalization and LayerNormalization.
#include "frontend/mica/layers/normalization.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"

namespace mica::layers {
namespace {

using namespace internal;

class BatchNormalizationLayer final : public BuiltinLayer {
 public:
  explicit BatchNormalizationLayer(BatchNormalizationOptions o)
      : BuiltinLayer({"BatchNormalization", o.name, o.trainable, o.dtype}), o_(std::move(o)), axis_(o_.axis) {
    if (!(o_.epsilon > 0)) fail("epsilon above 0", absl::StrCat(o_.epsilon));
    if (!(o_.momentum >= 0 && o_.momentum <= 1)) fail("momentum from 0 to 1", absl::StrCat(o_.momentum));
    if (o_.renorm) fail("renorm = false", "true", "Batch renormalization is not available.");
    state().passes_masks = state().takes_mask = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("axis", axis_);
    v.field("momentum", o_.momentum);
    v.field("epsilon", o_.epsilon);
    v.field("center", o_.center);
    v.field("scale", o_.scale);
    v.field("beta_initializer", o_.beta_initializer);
    v.field("gamma_initializer", o_.gamma_initializer);
    v.field("moving_mean_initializer", o_.moving_mean_initializer);
    v.field("moving_variance_initializer", o_.moving_variance_initializer);
    v.field("beta_regularizer", o_.beta_regularizer);
    v.field("gamma_regularizer", o_.gamma_regularizer);
    v.field("beta_constraint", o_.beta_constraint);
    v.field("gamma_constraint", o_.gamma_constraint);
    v.field("synchronized", o_.synchronized);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    Shape channels{known_dim(inputs[0], checked_axis(axis_, inputs[0].rank(), name()))};
    if (o_.scale) {
      gamma_ = add_weight({.shape = channels,
                           .initializer = o_.gamma_initializer,
                           .dtype = weight_dtype(),
                           .regularizer = o_.gamma_regularizer,
                           .constraint = o_.gamma_constraint,
                           .name = "gamma"});
    }
    if (o_.center) {
      beta_ = add_weight({.shape = channels,
                          .initializer = o_.beta_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = o_.beta_regularizer,
                          .constraint = o_.beta_constraint,
                          .name = "beta"});
    }
    moving_mean_ = add_weight({.shape = channels,
                               .initializer = o_.moving_mean_initializer,
                               .dtype = weight_dtype(),
                               .trainable = false,
                               .name = "moving_mean"});
    moving_variance_ = add_weight({.shape = channels,
                                   .initializer = o_.moving_variance_initializer,
                                   .dtype = weight_dtype(),
                                   .trainable = false,
                                   .name = "moving_variance"});
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = to_floating(input);
    int axis = checked_axis(axis_, x.dim(), name());
    if (x.size(axis) != moving_mean_.size(0)) {
      fail(absl::StrCat("an input of ", moving_mean_.size(0), " channels along axis ", axis), describe(x));
    }
    Tensor mean = moving_mean_, variance = moving_variance_;
    if (training() && state().trainable) {  // a frozen one infers
      ir::Ints others;
      for (int i = 0; i < x.dim(); ++i) {
        if (i != axis) others.push_back(i);
      }
      std::tie(mean, variance) = moments(x, others);
      update(moving_mean_, mean);
      update(moving_variance_, variance);
    }
    Tensors operands{x, spread(mean, x, axis), spread(variance, x, axis)};
    if (o_.scale) operands.push_back(spread(gamma_, x, axis));
    if (o_.scale && o_.center) operands.push_back(spread(beta_, x, axis));
    Tensor y = apply("batch_normalization", std::move(operands), {{"epsilon", o_.epsilon}});
    return o_.center && !o_.scale ? y + spread(beta_, x, axis) : y;
  }

 private:
  void update(const Variable& moving, const Tensor& batch) {
    add_update(moving, moving * o_.momentum + batch * (1 - o_.momentum));
  }
  // Of the batch; under a mask of its valid steps only, with Keras' epsilon against none of them.
  std::pair<Tensor, Tensor> moments(const Tensor& x, const ir::Ints& axes) const {
    auto fold = [&](const char* op, const Tensor& values) { return apply(op, {values}, {{"axes", axes}}); };
    Tensor valid = mask();
    if (!valid.defined()) return {fold("reduce_mean", x), fold("reduce_variance", x)};
    Tensor weights = valid.to(x.dtype());
    while (weights.dim() < x.dim()) weights = weights.unsqueeze(-1);
    Tensor weight_of_each = weights * ones_like(x);
    Tensor total = fold("reduce_sum", weight_of_each) + 1e-7;
    Tensor mean = fold("reduce_sum", x * weights) / total;
    Tensor distance = x * weights - mean;
    return {mean, fold("reduce_sum", weight_of_each * distance * distance) / total};
  }
  // [C] so that it broadcasts along the channel axis of x.
  static Tensor spread(const Tensor& values, const Tensor& x, int axis) {
    if (axis == x.dim() - 1) return values;
    ir::Dims dims(static_cast<std::size_t>(x.dim() - axis), ir::Dim(1));
    dims[0] = dims_of(values)[0];
    return reshape_dims(values, std::move(dims));
  }

  BatchNormalizationOptions o_;
  std::int64_t axis_;
  Variable gamma_, beta_, moving_mean_, moving_variance_;
};

class LayerNormalizationLayer final : public BuiltinLayer {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions o)
      : BuiltinLayer({"LayerNormalization", o.name, o.trainable, o.dtype}), o_(std::move(o)), axes_(o_.axis.list()) {
    if (!(o_.epsilon > 0)) fail("epsilon above 0", absl::StrCat(o_.epsilon));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("axis", axes_);
    v.field("epsilon", o_.epsilon);
    v.field("center", o_.center);
    v.field("scale", o_.scale);
    v.field("beta_initializer", o_.beta_initializer);
    v.field("gamma_initializer", o_.gamma_initializer);
    v.field("beta_regularizer", o_.beta_regularizer);
    v.field("gamma_regularizer", o_.gamma_regularizer);
    v.field("beta_constraint", o_.beta_constraint);
    v.field("gamma_constraint", o_.gamma_constraint);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    const Shape& input = inputs[0];
    for (std::int64_t& axis : axes_) axis = checked_axis(axis, input.rank(), name());
    std::sort(axes_.begin(), axes_.end());
    std::vector<std::int64_t> sizes;
    for (std::int64_t axis : axes_) sizes.push_back(known_dim(input, static_cast<int>(axis)));
    if (o_.scale) {
      gamma_ = add_weight({.shape = Shape(sizes),
                           .initializer = o_.gamma_initializer,
                           .dtype = weight_dtype(),
                           .regularizer = o_.gamma_regularizer,
                           .constraint = o_.gamma_constraint,
                           .name = "gamma"});
    }
    if (o_.center) {
      beta_ = add_weight({.shape = Shape(sizes),
                          .initializer = o_.beta_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = o_.beta_regularizer,
                          .constraint = o_.beta_constraint,
                          .name = "beta"});
    }
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = to_floating(input);
    Tensors operands{x};
    if (o_.scale) operands.push_back(spread(gamma_, x));
    if (o_.scale && o_.center) operands.push_back(spread(beta_, x));
    Tensor y = apply("layer_normalization", std::move(operands), {{"axes", axes_}, {"epsilon", o_.epsilon}});
    return o_.center && !o_.scale ? y + spread(beta_, x) : y;
  }

 private:
  // The weight with axes of 1 where x has axes that are not normalised, from the first normalised one on.
  Tensor spread(const Tensor& weight, const Tensor& x) const {
    ir::Dims dims;
    for (int i = static_cast<int>(axes_[0]); i < x.dim(); ++i) {
      bool normalised = std::find(axes_.begin(), axes_.end(), i) != axes_.end();
      dims.push_back(normalised ? dims_of(x)[static_cast<std::size_t>(i)] : ir::Dim(1));
    }
    return reshape_dims(weight, std::move(dims));
  }

  LayerNormalizationOptions o_;
  std::vector<std::int64_t> axes_;
  Variable gamma_, beta_;
};

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationOptions options)
    : Layer(std::make_shared<BatchNormalizationLayer>(std::move(options))) {}
LayerNormalization::LayerNormalization(LayerNormalizationOptions options)
    : Layer(std::make_shared<LayerNormalizationLayer>(std::move(options))) {}

}  // namespace mica::layers

namespace mica::internal {

std::vector<LayerClass> normalization_layers() { return {}; }

}  // namespace mica::internal
