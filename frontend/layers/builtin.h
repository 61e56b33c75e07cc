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
#include "frontend/layers/dtype_policy.h"
#include "frontend/layers/fields.h"
#include "frontend/mica/layers/core.h"

namespace mica::internal {

// Elements before and after each axis.
using SidePairs = std::vector<std::array<std::int64_t, 2>>;

class BuiltinLayer : public CustomLayer {
 public:
  // The options that every layer has. `class_name` is Keras'.
  struct Common {
    std::string_view class_name;
    std::string name;
    bool trainable = true;
    DTypePolicy dtype = {};
    Regularizer activity_regularizer = {};
  };
  explicit BuiltinLayer(Common common);

  std::string class_name() const final { return class_name_; }
  Config config() const final;
  // Sets the options that `config` has. A new layer only: nothing is built.
  void configure(const Config& config);
  // Leads the visitor over the options of the class, in the order of Keras' get_config().
  virtual void fields(FieldVisitor& visitor);

  void build(const std::vector<Shape>& input_shapes) final { make_weights(input_shapes); }
  Tensors call(const Tensors& xs) final;
  using CustomLayer::build;
  using CustomLayer::call;

  // Of a layer inside another one whose file says that it was built: Keras builds it by itself when it has read it, so
  // that the paths of its weights begin with its own name.
  void set_builds_alone(bool on) { builds_alone_ = on; }
  bool builds_alone() const { return builds_alone_; }

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
  const CallArguments& arguments() const;

  const std::string& name() const { return state_of(*this).name; }
  const DTypePolicy& dtype_policy() const { return policy_; }
  DType weight_dtype() const { return policy_.variable_dtype(); }
  DType compute_dtype() const { return policy_.compute_dtype(); }
  // Whether floating inputs are cast to the compute dtype; so it is unless said otherwise.
  void set_autocast(bool on) { autocast_ = on; }
  // x, integers in the compute dtype.
  Tensor floating(const Tensor& x) const;

  // As CustomLayer's. A floating weight is read in the compute dtype, unless the layer wants it as it is stored.
  enum class WeightRead { kInComputeDType, kAsStored };
  Variable add_weight(WeightOptions options, WeightRead read = WeightRead::kInComputeDType);
  // Makes the weights of a layer inside this one, whose paths begin with this one's.
  void build_sublayer(const Layer& layer, const std::vector<Shape>& input_shapes);

  // Whether get_config() of the class has `trainable`.
  virtual bool has_trainable_field() const { return true; }
  // The option of classes whose get_config() always has it; that of others is written where there is one.
  void activity_regularizer_field(FieldVisitor& visitor);
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
  void common_fields(FieldVisitor& visitor);

  std::string class_name_;
  DTypePolicy policy_;
  Regularizer activity_regularizer_;
  bool autocast_ = true, builds_alone_ = false;
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
