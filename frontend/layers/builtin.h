// BuiltinLayer: the base of Keras' layers. A layer names its options once, in fields(); config() and files follow from
// that. It builds from types and computes with forward(); masks and training mode come from the running call.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/graph/layer_state.h"
#include "frontend/graph/scope.h"
#include "frontend/mica/layers/core.h"

namespace mica::internal {

// Elements before and after each axis.
using SidePairs = std::vector<std::array<std::int64_t, 2>>;

// Visits the options of a layer by their Keras names, in Keras' order. A reader of files may change them.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(std::string_view name, bool& value) = 0;
  virtual void field(std::string_view name, std::int64_t& value) = 0;
  virtual void field(std::string_view name, double& value) = 0;
  virtual void field(std::string_view name, std::string& value) = 0;
  virtual void field(std::string_view name, std::vector<std::int64_t>& value) = 0;
  virtual void field(std::string_view name, std::optional<std::vector<std::int64_t>>& value) = 0;
  virtual void field(std::string_view name, SidePairs& value) = 0;
  virtual void field(std::string_view name, Shape& value) = 0;
  virtual void field(std::string_view name, std::optional<std::int64_t>& value) = 0;
  virtual void field(std::string_view name, std::optional<double>& value) = 0;
  virtual void field(std::string_view name, ActivationFn& value) = 0;
  virtual void field(std::string_view name, Initializer& value) = 0;
  virtual void field(std::string_view name, Regularizer& value) = 0;
  virtual void field(std::string_view name, Constraint& value) = 0;
};

class BuiltinLayer : public CustomLayer {
 public:
  // The options that every layer has. `class_name` is Keras'.
  struct Common {
    std::string_view class_name;
    std::string name;
    bool trainable = true;
    std::optional<DType> dtype = {};
  };
  explicit BuiltinLayer(Common common);

  std::string class_name() const final { return class_name_; }
  Config config() const final;
  virtual void fields(FieldVisitor& visitor);

  void build(const std::vector<Shape>& input_shapes) final { make_weights(input_shapes); }
  Tensors call(const Tensors& xs) final { return forward_all(xs); }
  using CustomLayer::build;
  using CustomLayer::call;

 protected:
  // Override what the layer needs. settle() checks the options and draws from them what they decide: at the end of
  // the constructor, and again when a reader of files has set the fields.
  virtual void settle() {}
  virtual void make_weights(const std::vector<Shape>&) {}
  virtual Tensor forward(const Tensor& x);
  virtual Tensors forward_all(const Tensors& xs);

  // Of the running call: the mask of tensor `i`, a tensor given by keyword (both undefined where there is none), a
  // switch (false where it was not given).
  Tensor mask(std::size_t i = 0) const;
  Tensor keyword(std::string_view name) const;
  bool option(std::string_view name) const;
  const Tensors& initial_state() const;

  const std::string& name() const { return state_of(*this).name; }
  DType weight_dtype() const { return dtype_.value_or(kFloat32); }
  LayerState& state() { return state_of(*this); }

  // The user's error of this layer.
  [[noreturn]] void fail(std::string_view expected, std::string_view received, std::string_view hint = {}) const;
  void expect_rank(const Shape& shape, int rank) const;
  void expect_min_rank(const Shape& shape, int rank) const;
  // The shape's channel axis, whose size must be known.
  std::int64_t known_dim(const Shape& shape, int axis) const;
  // An option that must be positive.
  void expect_positive(std::string_view option, std::int64_t value) const;
  // An option of one number an axis, of one positive number an axis.
  void expect_count(std::string_view option, const std::vector<std::int64_t>& values, int count) const;
  void expect_sizes(std::string_view option, const std::vector<std::int64_t>& values, int count) const;
  // An option that is one of several strings.
  void expect_choice(std::string_view option, std::string_view value,
                     std::initializer_list<std::string_view> allowed) const;

 private:
  const CallArguments& arguments() const;

  std::string class_name_;
  std::optional<DType> dtype_;
};

// "[3,3]"
std::string list_text(const std::vector<std::int64_t>& values);

template <int N>
std::vector<std::int64_t> to_vector(const Ints<N>& ints) {
  std::vector<std::int64_t> values;
  for (int i = 0; i < N; ++i) values.push_back(ints[i]);
  return values;
}

}  // namespace mica::internal
