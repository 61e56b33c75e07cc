// Merging layers and their functions. Inputs of fewer axes get axes of 1 after the batch.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/merging.h"

namespace mica::layers {
namespace {

using namespace internal;

using Merge = Tensor (*)(const Tensor& a, const Tensor& b);

Tensor sum_of(const Tensor& a, const Tensor& b) { return a + b; }
Tensor difference_of(const Tensor& a, const Tensor& b) { return a - b; }
Tensor product_of(const Tensor& a, const Tensor& b) { return a * b; }
Tensor larger_of(const Tensor& a, const Tensor& b) { return maximum(a, b); }
Tensor smaller_of(const Tensor& a, const Tensor& b) { return minimum(a, b); }

class MergeLayer : public BuiltinLayer {
 public:
  explicit MergeLayer(Common common) : BuiltinLayer(std::move(common)) {}

 protected:
  void expect_several(const Tensors& xs) const {
    if (xs.size() >= 2) return;
    fail("a list of at least 2 tensors", absl::StrCat(xs.size()), "Call it on a list: layer({a, b}).");
  }
};

class FoldLayer final : public MergeLayer {
 public:
  FoldLayer(const char* class_name, Merge merge, const NameOptions& o, bool average = false)
      : MergeLayer({class_name, o.name, o.trainable, o.dtype}), merge_(merge), average_(average) {
    state().passes_masks = true;
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_several(xs);
    if (merge_ == difference_of && xs.size() != 2) fail("exactly 2 tensors", absl::StrCat(xs.size()));
    int rank = 0;
    for (const Tensor& x : xs) rank = std::max(rank, x.dim());
    Tensor merged;
    for (Tensor x : xs) {
      while (x.dim() < rank) x = x.unsqueeze(1);
      merged = merged.defined() ? merge_(merged, x) : x;
    }
    return {average_ ? merged / static_cast<double>(xs.size()) : merged};
  }

 private:
  Merge merge_;
  bool average_;
};

class ConcatenateLayer final : public MergeLayer {
 public:
  explicit ConcatenateLayer(AxisOptions o) : MergeLayer({"Concatenate", o.name, o.trainable, o.dtype}), axis_(o.axis) {}
  void fields(FieldVisitor& v) override { v.field("axis", axis_); }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    if (xs.empty()) fail("a list of tensors", "none");
    int axis = checked_axis(axis_, xs[0].dim(), name());
    for (const Tensor& x : xs) {
      bool fits = x.dim() == xs[0].dim();
      for (int i = 0; fits && i < x.dim(); ++i) {
        auto at = static_cast<std::size_t>(i);
        fits = i == axis || dims_of(x)[at] == dims_of(xs[0])[at];
      }
      if (!fits) {
        fail(absl::StrCat("inputs that agree in every axis but ", axis),
             absl::StrCat(describe(xs[0]), " and ", describe(x)));
      }
    }
    return {cat(xs, axis)};
  }

 private:
  std::int64_t axis_;
};

class DotLayer final : public MergeLayer {
 public:
  DotLayer(Ints<2> axes, DotOptions o)
      : MergeLayer({"Dot", o.name, o.trainable, o.dtype}), axes_(internal::to_vector(axes)), normalize_(o.normalize) {}
  void fields(FieldVisitor& v) override {
    v.field("axes", axes_);
    v.field("normalize", normalize_);
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    if (xs.size() != 2) fail("exactly 2 tensors", absl::StrCat(xs.size()));
    int axis_a = checked_axis(axes_[0], xs[0].dim(), name()), axis_b = checked_axis(axes_[1], xs[1].dim(), name());
    if (axis_a == 0 || axis_b == 0) fail("axes after the batch", "axis 0");
    if (xs[0].size(axis_a) != xs[1].size(axis_b)) {
      fail("the two axes to be of one size", absl::StrCat(xs[0].size(axis_a), " and ", xs[1].size(axis_b)));
    }
    Tensor a = unit(xs[0], axis_a), b = unit(xs[1], axis_b);
    // [batch, rest of a, axis] · [batch, axis, rest of b]
    ir::Dims dims{dims_of(a)[0]};
    Tensor left = matrix(a, axis_a, dims), right = matrix(b, axis_b, dims).transpose(1, 2);
    if (dims.size() == 1) dims.push_back(ir::Dim(1));
    return {reshape_dims(left.matmul(right), std::move(dims))};
  }

 private:
  Tensor unit(const Tensor& x, int axis) const {
    if (!normalize_) return x;
    Tensor norm = x.square().sum(axis, {.keepdim = true}).sqrt();
    return x / maximum(norm, weak(1e-12, norm));
  }

  // The axis last, all others but the batch in one; their dims are appended to `rest`.
  static Tensor matrix(const Tensor& x, int axis, ir::Dims& rest) {
    std::vector<std::int64_t> order{0};
    ir::Dim rows(1);
    for (int i = 1; i < x.dim(); ++i) {
      if (i == axis) continue;
      order.push_back(i);
      rest.push_back(dims_of(x)[static_cast<std::size_t>(i)]);
      rows = rows * rest.back();
    }
    order.push_back(axis);
    const ir::Dims& from = dims_of(x);
    return reshape_dims(x.permute(order), {from[0], rows, from[static_cast<std::size_t>(axis)]});
  }

  std::vector<std::int64_t> axes_;
  bool normalize_;
};

}  // namespace

Add::Add(NameOptions options) : Layer(std::make_shared<FoldLayer>("Add", sum_of, options)) {}
Subtract::Subtract(NameOptions options) : Layer(std::make_shared<FoldLayer>("Subtract", difference_of, options)) {}
Multiply::Multiply(NameOptions options) : Layer(std::make_shared<FoldLayer>("Multiply", product_of, options)) {}
Average::Average(NameOptions options) : Layer(std::make_shared<FoldLayer>("Average", sum_of, options, true)) {}
Maximum::Maximum(NameOptions options) : Layer(std::make_shared<FoldLayer>("Maximum", larger_of, options)) {}
Minimum::Minimum(NameOptions options) : Layer(std::make_shared<FoldLayer>("Minimum", smaller_of, options)) {}
Concatenate::Concatenate(AxisOptions options) : Layer(std::make_shared<ConcatenateLayer>(std::move(options))) {}
Dot::Dot(Ints<2> axes, DotOptions options) : Layer(std::make_shared<DotLayer>(axes, std::move(options))) {}

Tensor add(const Tensors& inputs) { return Add()(inputs); }
Tensor subtract(const Tensors& inputs) { return Subtract()(inputs); }
Tensor multiply(const Tensors& inputs) { return Multiply()(inputs); }
Tensor average(const Tensors& inputs) { return Average()(inputs); }
Tensor maximum(const Tensors& inputs) { return Maximum()(inputs); }
Tensor minimum(const Tensors& inputs) { return Minimum()(inputs); }
Tensor concatenate(const Tensors& inputs, int axis) { return Concatenate({.axis = axis})(inputs); }

}  // namespace mica::layers

namespace mica::internal {

std::vector<LayerClass> merging_layers() { return {}; }

}  // namespace mica::internal
