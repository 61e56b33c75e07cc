#include "frontend/mica/nn/normalization.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/nn/lazy.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/builtin_module.h"

namespace mica {
namespace nn {
namespace {

using namespace internal;

// What batch and instance normalisation share: weight and bias, and running statistics.
class ChannelNormModule : public BuiltinModule {
 protected:
  // Without a number of channels it is lazy.
  ChannelNormModule(const std::string& class_name, int spatial, std::optional<std::int64_t> channels, bool affine,
                    bool tracks)
      : BuiltinModule(absl::StrCat(channels ? "" : "Lazy", class_name, spatial, "d")),
        channels_(channels.value_or(0)),
        spatial_(spatial),
        affine_(affine),
        tracks_(tracks) {
    if (channels) {
      expect_positive("num_features", *channels);
      make_weights(*channels);
    } else {
      be_lazy(absl::StrCat(class_name, spatial, "d"));
      declare_weights();
    }
    if (tracks) register_buffer("num_batches_tracked", zeros({}, {.dtype = kInt64}));
  }
  // The number of channels stays 0, which is any, where no parameter asks for it.
  void infer(const Shape& input) final {
    const int rank = input.rank();
    if (rank < 2) fail(absl::StrCat("an input of rank ", spatial_ + 2), input.to_string());
    if (!affine_ && !tracks_) return;
    channels_ = input[rank == spatial_ + 1 && rank > 2 ? 0 : 1];
    if (affine_) {
      provide("weight", ones({channels_}));
      provide("bias", zeros({channels_}));
    }
    if (!tracks_) return;
    provide("running_mean", zeros({channels_}));
    provide("running_var", ones({channels_}));
  }

  void check_input(const Tensor& x, int rank, bool channels_only_allowed) const {
    bool fits = x.dim() == rank || (channels_only_allowed && x.dim() == 2);
    if (!fits || (channels_ != 0 && x.size(1) != channels_)) {
      fail(absl::StrCat("an input of rank ", rank, " with ", channels_, " channels in axis 1"), describe(x));
    }
  }

  std::int64_t channels_;
  int spatial_;
  bool affine_, tracks_;

 private:
  void make_weights(std::int64_t channels) {
    if (affine_) {
      register_parameter("weight", ones({channels}));
      register_parameter("bias", zeros({channels}));
    }
    if (!tracks_) return;
    register_buffer("running_mean", zeros({channels}));
    register_buffer("running_var", ones({channels}));
  }
  void declare_weights() {
    if (affine_) {
      declare_parameter("weight");
      declare_parameter("bias");
    }
    if (!tracks_) return;
    declare_buffer("running_mean");
    declare_buffer("running_var");
  }
};

class BatchNormModule final : public ChannelNormModule, public BatchNormalizing {
 public:
  BatchNormModule(int spatial, std::optional<std::int64_t> num_features, BatchNormOptions o)
      : ChannelNormModule("BatchNorm", spatial, num_features, o.affine, o.track_running_stats), options_(o) {}
  double eps() const override { return options_.eps; }
  std::optional<double> momentum() const override { return options_.momentum; }
  void set_momentum(std::optional<double> momentum) override { options_.momentum = momentum; }
  void reset_running_stats() override { reset_statistics(state_of(*this)); }
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
    Variable count = variable("num_batches_tracked");
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
    Variable mean = variable("running_mean"), variance = variable("running_var");
    std::vector<std::int64_t> others{0};
    for (int i = 2; i < x.dim(); ++i) others.push_back(i);
    Tensor share = 1 / weight("num_batches_tracked").to(mean.dtype());
    auto average = [&](Variable running, const Tensor& batch) { running.assign(running + (batch - running) * share); };
    average(mean, apply("reduce_mean", {x}, {{"axes", others}}));
    average(variance, apply("reduce_variance", {x}, {{"axes", others}, {"correction", 1.0}}));
    return F::batch_norm(x, {}, {}, options);
  }

  BatchNormOptions options_;
};

class InstanceNormModule final : public ChannelNormModule {
 public:
  InstanceNormModule(int spatial, std::optional<std::int64_t> num_features, InstanceNormOptions o)
      : ChannelNormModule("InstanceNorm", spatial, num_features, o.affine, o.track_running_stats), options_(o) {}
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
  InstanceNormOptions options_;
};

std::shared_ptr<CustomLayer> lazy_instance_norm(int spatial, const LazyInstanceNormOptions& o) {
  const InstanceNormOptions options{o.eps, o.momentum, o.affine, o.track_running_stats};
  return std::make_shared<InstanceNormModule>(spatial, std::nullopt, options);
}

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
}  // namespace nn

void internal::reset_statistics(const LayerState& layer) {
  for (const char* name : {"running_mean", "running_var", "num_batches_tracked"}) {
    Variable buffer = layer.find_weight(name);
    if (!buffer.defined()) continue;
    const bool is_variance = std::string_view(name) == "running_var";
    buffer.assign(full(buffer.shape(), is_variance ? 1 : 0, {.dtype = buffer.dtype()}));
  }
}

namespace nn {

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
LazyBatchNorm1d::LazyBatchNorm1d(BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(1, std::nullopt, options)) {}
LazyBatchNorm2d::LazyBatchNorm2d(BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(2, std::nullopt, options)) {}
LazyBatchNorm3d::LazyBatchNorm3d(BatchNormOptions options)
    : Layer(std::make_shared<BatchNormModule>(3, std::nullopt, options)) {}
LazyInstanceNorm1d::LazyInstanceNorm1d(LazyInstanceNormOptions o) : Layer(lazy_instance_norm(1, o)) {}
LazyInstanceNorm2d::LazyInstanceNorm2d(LazyInstanceNormOptions o) : Layer(lazy_instance_norm(2, o)) {}
LazyInstanceNorm3d::LazyInstanceNorm3d(LazyInstanceNormOptions o) : Layer(lazy_instance_norm(3, o)) {}
LocalResponseNorm::LocalResponseNorm(std::int64_t size, F::LrnOptions o)
    : Layer(stateless_module("LocalResponseNorm",
                             absl::StrCat(size, ", alpha=", python_text(o.alpha), ", beta=", python_text(o.beta),
                                          ", k=", python_text(o.k)),
                             [=](const Tensor& x) { return F::local_response_norm(x, size, o); })) {}

}  // namespace nn
}  // namespace mica
