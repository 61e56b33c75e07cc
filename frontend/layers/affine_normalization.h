// AffineNormalization: what normalisations with a learned scale gamma and a learned offset beta have in common.
// Options is the option struct of the layer, with center, scale and what belongs to the two weights.
#pragma once
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"

namespace mica::internal {

// x in float32 where it has less precision.
inline Tensor in_single_precision(const Tensor& x) { return cast(x, ir::promote(x.dtype(), kFloat32)); }

template <class Options>
class AffineNormalization : public BuiltinLayer {
 public:
  void settle() override {
    if (!(o_.epsilon > 0)) fail("epsilon above 0", absl::StrCat(o_.epsilon));
    state().passes_masks = true;
  }

 protected:
  AffineNormalization(const char* class_name, Options options)
      : BuiltinLayer({class_name, options.name, options.trainable, options.dtype}), o_(std::move(options)) {}

  void initializer_fields(FieldVisitor& v) {
    v.field("beta_initializer", o_.beta_initializer);
    v.field("gamma_initializer", o_.gamma_initializer);
  }
  void penalty_fields(FieldVisitor& v) {
    v.field("beta_regularizer", o_.beta_regularizer);
    v.field("gamma_regularizer", o_.gamma_regularizer);
    v.field("beta_constraint", o_.beta_constraint);
    v.field("gamma_constraint", o_.gamma_constraint);
  }

  void make_affine(const Shape& shape) {
    if (o_.scale) {
      gamma_ = add_weight({.shape = shape,
                           .initializer = o_.gamma_initializer,
                           .dtype = weight_dtype(),
                           .regularizer = o_.gamma_regularizer,
                           .constraint = o_.gamma_constraint,
                           .name = "gamma"},
                          WeightRead::kAsStored);
    }
    if (o_.center) {
      beta_ = add_weight({.shape = shape,
                          .initializer = o_.beta_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = o_.beta_regularizer,
                          .constraint = o_.beta_constraint,
                          .name = "beta"},
                         WeightRead::kAsStored);
    }
  }

  // `op` on x and the operands that follow it, then its scale and its offset, in the compute dtype of the layer.
  // `spread` gives a weight the axes with which it broadcasts to x.
  template <class Spread>
  Tensor normalized(const char* op, Tensors operands, ir::Attrs attrs, Spread spread) const {
    Tensor x = operands[0];
    auto spread_as_x = [&](const Tensor& weight) { return spread(cast(weight, x.dtype())); };
    if (o_.scale) operands.push_back(spread_as_x(gamma_));
    if (o_.scale && o_.center) operands.push_back(spread_as_x(beta_));
    Tensor y = apply(op, std::move(operands), std::move(attrs));
    if (o_.center && !o_.scale) y = y + spread_as_x(beta_);
    return cast(y, compute_dtype());
  }

  Options o_;
  Variable gamma_, beta_;
};

// [C] so that it broadcasts along an axis of x.
inline Tensor along_axis(const Tensor& values, const Tensor& x, int axis) {
  if (axis == x.dim() - 1) return values;
  ir::Dims dims(static_cast<std::size_t>(x.dim() - axis), ir::Dim(1));
  dims[0] = dims_of(values)[0];
  return reshape_dims(values, std::move(dims));
}

}  // namespace mica::internal
