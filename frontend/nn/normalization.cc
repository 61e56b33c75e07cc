#include "frontend/mica/nn/normalization.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

// What batch and instance normalisation share: weight and bias, and running statistics.
class ChannelNormModule : public BuiltinModule {
 protected:
  ChannelNormModule(const std::string& class_name, std::int64_t channels, bool affine, bool tracks)
      : BuiltinModule(class_name), channels_(channels), tracks_(tracks) {
    expect_positive("num_features", channels);
    if (affine) {
      register_parameter("weight", ones({channels}));
      register_parameter("bias", zeros({channels}));
    }
    if (!tracks) return;
    register_buffer("running_mean", zeros({channels}));
    register_buffer("running_var", ones({channels}));
    register_buffer("num_batches_tracked", zeros({}, {.dtype = kInt64}));
  }

  void check_input(const Tensor& x, int rank, bool channels_only_allowed) const {
    bool fits = x.dim() == rank || (channels_only_allowed && x.dim() == 2);
    if (!fits || x.size(1) != channels_) {
      fail(absl::StrCat("an input of rank ", rank, " with ", channels_, " channels in axis 1"), describe(x));
    }
  }

  std::int64_t channels_;
  bool tracks_;
};

class BatchNormModule final : public ChannelNormModule {
 public:
  BatchNormModule(int spatial, std::int64_t num_features, BatchNormOptions o)
      : ChannelNormModule(absl::StrCat("BatchNorm", spatial, "d"), num_features, o.affine, o.track_running_stats),
        spatial_(spatial),
        options_(o) {}
  std::string module_text() const override {
    return absl::StrCat(channels_, ", eps=", python_text(options_.eps),
                        ", momentum=", options_.momentum ? python_text(*options_.momentum) : "None",
                        ", affine=", python_text(options_.affine), ", bias=", python_text(options_.affine),
                        ", track_running_stats=", python_text(tracks_));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    check_input(x, spatial_ + 2, spatial_ == 1);
    F::BatchNormOptions options{weight("weight"), weight("bias"), training() || !tracks_, 0, options_.eps};
    if (!training() || !tracks_) return F::batch_norm(x, weight("running_mean"), weight("running_var"), options);
    Variable count = weight("num_batches_tracked");
    count.assign(count + 1);
    if (options_.momentum) {
      options.momentum = *options_.momentum;
      return F::batch_norm(x, weight("running_mean"), weight("running_var"), options);
    }
    return with_plain_average(x, options);
  }

 private:
  // Without a momentum each batch weighs 1 / their number, which is data.
  Tensor with_plain_average(const Tensor& x, const F::BatchNormOptions& options) const {
    Variable mean = weight("running_mean"), variance = weight("running_var");
    std::vector<std::int64_t> others{0};
    for (int i = 2; i < x.dim(); ++i) others.push_back(i);
    Tensor share = 1 / weight("num_batches_tracked").to(mean.dtype());
    auto average = [&](Variable running, const Tensor& batch) { running.assign(running + (batch - running) * share); };
    average(mean, apply("reduce_mean", {x}, {{"axes", others}}));
    average(variance, apply("reduce_variance", {x}, {{"axes", others}, {"correction", 1.0}}));
    return F::batch_norm(x, {}, {}, options);
  }

  int spatial_;
  BatchNormOptions options_;
};

class InstanceNormModule final : public ChannelNormModule {
 public:
  InstanceNormModule(int spatial, std::int64_t num_features, InstanceNormOptions o)
      : ChannelNormModule(absl::StrCat("InstanceNorm", spatial, "d"), num_features, o.affine, o.track_running_stats),
        spatial_(spatial),
        options_(o) {}
  std::string module_text() const override {
    return absl::StrCat(channels_, ", eps=", python_text(options_.eps), ", momentum=", python_text(options_.momentum),
                        ", affine=", python_text(options_.affine), ", bias=", python_text(options_.affine),
                        ", track_running_stats=", python_text(tracks_));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    bool batched = x.dim() == spatial_ + 2;
    Tensor batch = batched ? x : x.unsqueeze(0);
    check_input(batch, spatial_ + 2, false);
    Tensor y = F::instance_norm(batch, {.running_mean = weight("running_mean"),
                                        .running_var = weight("running_var"),
                                        .weight = weight("weight"),
                                        .bias = weight("bias"),
                                        .use_input_stats = training() || !tracks_,
                                        .momentum = options_.momentum,
                                        .eps = options_.eps});
    return batched ? y : y.squeeze(0);
  }

 private:
  int spatial_;
  InstanceNormOptions options_;
};

class LayerNormModule final : public BuiltinModule {
 public:
  LayerNormModule(const Shape& shape, LayerNormOptions o) : BuiltinModule("LayerNorm"), shape_(shape), options_(o) {
    if (!o.elementwise_affine) return;
    register_parameter("weight", ones(shape));
    if (o.bias) register_parameter("bias", zeros(shape));
  }
  std::string module_text() const override {
    return absl::StrCat(python_text(shape_), ", eps=", python_text(options_.eps),
                        ", elementwise_affine=", python_text(options_.elementwise_affine),
                        ", bias=", python_text(options_.elementwise_affine && options_.bias));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    return F::layer_norm(x, shape_, {.weight = weight("weight"), .bias = weight("bias"), .eps = options_.eps});
  }

 private:
  Shape shape_;
  LayerNormOptions options_;
};

class RMSNormModule final : public BuiltinModule {
 public:
  RMSNormModule(const Shape& shape, RMSNormOptions o) : BuiltinModule("RMSNorm"), shape_(shape), options_(o) {
    if (o.elementwise_affine) register_parameter("weight", ones(shape));
  }
  std::string module_text() const override {
    return absl::StrCat(python_text(shape_), ", eps=", options_.eps ? python_text(*options_.eps) : "None",
                        ", elementwise_affine=", python_text(options_.elementwise_affine));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    return F::rms_norm(x, shape_, {.weight = weight("weight"), .eps = options_.eps});
  }

 private:
  Shape shape_;
  RMSNormOptions options_;
};

class GroupNormModule final : public BuiltinModule {
 public:
  GroupNormModule(std::int64_t groups, std::int64_t channels, GroupNormOptions o)
      : BuiltinModule("GroupNorm"), groups_(groups), channels_(channels), options_(o) {
    expect_positive("num_groups", groups);
    if (channels % groups != 0) fail(absl::StrCat("channels that ", groups, " groups divide"), absl::StrCat(channels));
    if (!o.affine) return;
    register_parameter("weight", ones({channels}));
    register_parameter("bias", zeros({channels}));
  }
  std::string module_text() const override {
    return absl::StrCat(groups_, ", ", channels_, ", eps=", python_text(options_.eps),
                        ", affine=", python_text(options_.affine), ", bias=", python_text(options_.affine));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    return F::group_norm(x, groups_, {.weight = weight("weight"), .bias = weight("bias"), .eps = options_.eps});
  }

 private:
  std::int64_t groups_, channels_;
  GroupNormOptions options_;
};

}  // namespace

BatchNorm1d::BatchNorm1d(std::int64_t num_features, BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(1, num_features, options)) {}
BatchNorm2d::BatchNorm2d(std::int64_t num_features, BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(2, num_features, options)) {}
BatchNorm3d::BatchNorm3d(std::int64_t num_features, BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(3, num_features, options)) {}
LayerNorm::LayerNorm(const Shape& normalized_shape, LayerNormOptions options)
    : Layer(std::make_shared<LayerNormModule>(normalized_shape, options)) {}
RMSNorm::RMSNorm(const Shape& normalized_shape, RMSNormOptions options)
    : Layer(std::make_shared<RMSNormModule>(normalized_shape, options)) {}
GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, GroupNormOptions options)
    : Layer(std::make_shared<GroupNormModule>(num_groups, num_channels, options)) {}
InstanceNorm1d::InstanceNorm1d(std::int64_t num_features, InstanceNormOptions options)
    : Layer(std::make_shared<InstanceNormModule>(1, num_features, options)) {}
InstanceNorm2d::InstanceNorm2d(std::int64_t num_features, InstanceNormOptions options)
    : Layer(std::make_shared<InstanceNormModule>(2, num_features, options)) {}
InstanceNorm3d::InstanceNorm3d(std::int64_t num_features, InstanceNormOptions options)
    : Layer(std::make_shared<InstanceNormModule>(3, num_features, options)) {}
LocalResponseNorm::LocalResponseNorm(std::int64_t size, F::LrnOptions o)
    : Layer(stateless_module("LocalResponseNorm",
                             absl::StrCat(size, ", alpha=", python_text(o.alpha), ", beta=", python_text(o.beta),
                                          ", k=", python_text(o.k)),
                             [=](const Tensor& x) { return F::local_response_norm(x, size, o); })) {}

}  // namespace mica::nn
