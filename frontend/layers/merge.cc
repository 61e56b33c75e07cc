// Merging layers and their functions. Inputs of fewer axes get axes of 1 after the batch.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/unit_length.h"
#include "frontend/mica/layers/merging.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

Tensor sum_of(const Tensor& a, const Tensor& b) { return a + b; }
Tensor difference_of(const Tensor& a, const Tensor& b) { return a - b; }
Tensor product_of(const Tensor& a, const Tensor& b) { return a * b; }
Tensor larger_of(const Tensor& a, const Tensor& b) { return maximum(a, b); }
Tensor smaller_of(const Tensor& a, const Tensor& b) { return minimum(a, b); }

bool all_defined(const Tensors& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.defined(); });
}

// A mask without the axis of the features, to choose elements by.
Tensor of_elements(const Tensor& mask) { return mask.unsqueeze(-1); }

// The layers that fold their inputs with an elementwise operation.
class FoldLayer : public BuiltinLayer {
 public:
  using Merge = Tensor (*)(const Tensor& a, const Tensor& b);
  FoldLayer(const char* class_name, Merge merge, const NameOptions& o)
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}), merge_(merge) {}

  // A step of the result is valid where one of the inputs' is; without a mask on each input there is none.
  Tensor compute_joint_mask(const Tensors&, const Tensors& masks) const override {
    if (!all_defined(masks)) return {};
    Tensor joint = masks[0];
    for (std::size_t i = 1; i < masks.size(); ++i) joint = joint | masks[i];
    return joint;
  }

 protected:
  struct Item {
    Tensor value, mask;  // the mask of elements, undefined where there is none
  };
  virtual Tensor folded(const std::vector<Item>& items) const {
    Tensor merged = items[0].value;
    for (std::size_t i = 1; i < items.size(); ++i) merged = merge_(merged, items[i].value);
    return merged;
  }
  virtual void expect_count(std::size_t count) const {
    if (count >= 2) return;
    fail("a list of at least 2 tensors", absl::StrCat(count), "Call it on a list: layer({a, b}).");
  }

  Tensors forward_all(const Tensors& xs) override {
    expect_count(xs.size());
    int rank = 0;
    for (const Tensor& x : xs) rank = std::max(rank, x.dim());
    std::vector<Item> items;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      Tensor x = xs[i];
      while (x.dim() < rank) x = x.unsqueeze(1);
      // Keras loses the mask of an input that it gives another rank.
      bool is_masked = mask(i).defined() && xs[i].dim() == rank;
      items.push_back({x, is_masked ? of_elements(mask(i)) : Tensor()});
    }
    return {folded(items)};
  }

  Merge merge_;
};

class AddLayer final : public FoldLayer {
 public:
  explicit AddLayer(const NameOptions& o = {}) : FoldLayer("Add", sum_of, o) {}
};

class SubtractLayer final : public FoldLayer {
 public:
  explicit SubtractLayer(const NameOptions& o = {}) : FoldLayer("Subtract", difference_of, o) {}

 protected:
  void expect_count(std::size_t count) const override {
    if (count != 2) fail("exactly 2 tensors", absl::StrCat(count));
  }
};

class AverageLayer final : public FoldLayer {
 public:
  explicit AverageLayer(const NameOptions& o = {}) : FoldLayer("Average", sum_of, o) {}

 protected:
  Tensor folded(const std::vector<Item>& items) const override {
    return FoldLayer::folded(items) / static_cast<double>(items.size());
  }
};

// What is masked counts as 1; where all inputs are masked the result is 0.
class MultiplyLayer final : public FoldLayer {
 public:
  explicit MultiplyLayer(const NameOptions& o = {}) : FoldLayer("Multiply", product_of, o) {}

 protected:
  Tensor folded(const std::vector<Item>& items) const override {
    std::vector<Item> factors = items;
    Tensor any = items[0].mask;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].mask.defined()) factors[i].value = where(items[i].mask, items[i].value, 1.0);
      any = any.defined() && items[i].mask.defined() ? any | items[i].mask : Tensor();
    }
    Tensor product = FoldLayer::folded(factors);
    return any.defined() ? where(any, product, 0.0) : product;
  }
};

// Maximum and Minimum: what is masked in one gives way to the other.
class ExtremeLayer final : public FoldLayer {
 public:
  ExtremeLayer(const char* class_name, Merge merge, const NameOptions& o) : FoldLayer(class_name, merge, o) {}

 protected:
  Tensor folded(const std::vector<Item>& items) const override {
    Item merged = items[0];
    for (std::size_t i = 1; i < items.size(); ++i) {
      const auto& [given, mask] = items[i];
      Tensor other = mask.defined() ? where(mask, given, merged.value) : given;
      Tensor own = merged.mask.defined() ? where(merged.mask, merged.value, other) : merged.value;
      merged = {merge_(own, other), mask.defined() && merged.mask.defined() ? merged.mask | mask : Tensor()};
    }
    return merged.value;
  }
};

class ConcatenateLayer final : public BuiltinLayer {
 public:
  explicit ConcatenateLayer(const AxisOptions& o = {})
      : BuiltinLayer({"Concatenate", o.name, o.trainable, o.dtype}), axis_(o.axis) {}
  void fields(FieldVisitor& v) override { v.field("axis", axis_); }

  // The masks side by side, an input without one being all valid; a step is valid where an element of it is.
  Tensor compute_joint_mask(const Tensors& xs, const Tensors& masks) const override {
    bool none = std::none_of(masks.begin(), masks.end(), [](const Tensor& mask) { return mask.defined(); });
    if (none) return {};
    Tensors elements;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      if (!masks[i].defined()) {
        elements.push_back(ones_like(xs[i]).to(kBool));
      } else if (masks[i].dim() < xs[i].dim()) {
        elements.push_back(of_elements(masks[i]) | zeros_like(xs[i]).to(kBool));
      } else {
        elements.push_back(masks[i]);
      }
    }
    return cat(elements, checked_axis(axis_, xs[0].dim(), name())).any(-1);
  }

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
  int axis_;
};

class DotLayer final : public BuiltinLayer {
 public:
  DotLayer(Ints<2> axes, const DotOptions& o)
      : BuiltinLayer({"Dot", o.name, o.trainable, o.dtype}),
        axes_(axes[0] == axes[1] ? Axes(axes[0]) : Axes{axes[0], axes[1]}),
        normalize_(o.normalize) {}
  DotLayer() : DotLayer(-1, {}) {}
  void settle() override {
    if (axes_.list().size() < 1 || axes_.list().size() > 2) {
      fail("axes of one number or two", list_text(axes_.list()));
    }
  }
  void fields(FieldVisitor& v) override {
    v.required("axes", axes_);
    v.field("normalize", normalize_);
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    if (xs.size() != 2) fail("exactly 2 tensors", absl::StrCat(xs.size()));
    int axis_a = checked_axis(axes_.list().front(), xs[0].dim(), name());
    int axis_b = checked_axis(axes_.list().back(), xs[1].dim(), name());
    if (axis_a == 0 || axis_b == 0) fail("axes after the batch", "axis 0");
    if (xs[0].size(axis_a) != xs[1].size(axis_b)) {
      fail("the two axes to be of one size", absl::StrCat(xs[0].size(axis_a), " and ", xs[1].size(axis_b)));
    }
    Tensor a = normalize_ ? unit_length(xs[0], {axis_a}) : xs[0], b = normalize_ ? unit_length(xs[1], {axis_b}) : xs[1];
    // [batch, rest of a, axis] · [batch, axis, rest of b]
    ir::Dims dims{dims_of(a)[0]};
    Tensor left = matrix(a, axis_a, dims), right = matrix(b, axis_b, dims);
    if (dims.size() == 1) dims.push_back(ir::Dim(1));
    return {reshape_dims(apply("matmul", {left, right}, {{"transpose_b", true}}), std::move(dims))};
  }

 private:
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

  Axes axes_;  // of both inputs, or of each
  bool normalize_;
};

std::shared_ptr<BuiltinLayer> maximum_layer(const NameOptions& o) {
  return std::make_shared<ExtremeLayer>("Maximum", larger_of, o);
}
std::shared_ptr<BuiltinLayer> minimum_layer(const NameOptions& o) {
  return std::make_shared<ExtremeLayer>("Minimum", smaller_of, o);
}

}  // namespace

Add::Add(NameOptions options) : Layer(std::make_shared<AddLayer>(options)) {}
Subtract::Subtract(NameOptions options) : Layer(std::make_shared<SubtractLayer>(options)) {}
Multiply::Multiply(NameOptions options) : Layer(std::make_shared<MultiplyLayer>(options)) {}
Average::Average(NameOptions options) : Layer(std::make_shared<AverageLayer>(options)) {}
Maximum::Maximum(NameOptions options) : Layer(maximum_layer(options)) {}
Minimum::Minimum(NameOptions options) : Layer(minimum_layer(options)) {}
Concatenate::Concatenate(AxisOptions options) : Layer(std::make_shared<ConcatenateLayer>(options)) {}
Dot::Dot(Ints<2> axes, DotOptions options) : Layer(std::make_shared<DotLayer>(axes, options)) {}

Tensor add(const Tensors& inputs) { return Add()(inputs); }
Tensor subtract(const Tensors& inputs) { return Subtract()(inputs); }
Tensor multiply(const Tensors& inputs) { return Multiply()(inputs); }
Tensor average(const Tensors& inputs) { return Average()(inputs); }
Tensor maximum(const Tensors& inputs) { return Maximum()(inputs); }
Tensor minimum(const Tensors& inputs) { return Minimum()(inputs); }
Tensor concatenate(const Tensors& inputs, int axis) { return Concatenate({.axis = axis})(inputs); }
Tensor dot(const Tensors& inputs, Ints<2> axes, bool normalize) { return Dot(axes, {.normalize = normalize})(inputs); }

}  // namespace layers

std::vector<internal::LayerClass> internal::merging_layers() {
  using namespace layers;
  return {{"Add", make_default<AddLayer>},
          {"Average", make_default<AverageLayer>},
          {"Concatenate", make_default<ConcatenateLayer>},
          {"Dot", make_default<DotLayer>},
          {"Maximum", [] { return maximum_layer({}); }},
          {"Minimum", [] { return minimum_layer({}); }},
          {"Multiply", make_default<MultiplyLayer>},
          {"Subtract", make_default<SubtractLayer>}};
}

}  // namespace mica
