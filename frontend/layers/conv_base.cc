#include "frontend/layers/conv_base.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"

namespace mica::internal {

ConvBase::ConvBase(Common common, ConvFields fields)
    : BuiltinLayer(std::move(common)), o_(std::move(fields)), spatial_rank_(static_cast<int>(o_.size.size())) {}

void ConvBase::settle() {
  expect_sizes("kernel_size", o_.size, spatial_rank_);
  expect_sizes("strides", o_.strides, spatial_rank_);
  expect_sizes("dilation_rate", o_.dilations, spatial_rank_);
  expect_choice("data_format", o_.data_format, {"channels_last", "channels_first"});
}

void ConvBase::size_fields(FieldVisitor& v) {
  v.field("kernel_size", o_.size);
  v.field("strides", o_.strides);
  v.field("padding", o_.padding);
}

void ConvBase::value_fields(FieldVisitor& v) {
  v.field("activation", o_.activation);
  v.field("use_bias", o_.use_bias);
  for (KernelFields& kernel : o_.kernels) v.field(kernel.initializer_name, kernel.initializer);
  v.field("bias_initializer", o_.bias_initializer);
  for (KernelFields& kernel : o_.kernels) v.field(kernel.regularizer_name, kernel.regularizer);
  v.field("bias_regularizer", o_.bias_regularizer);
  activity_regularizer_field(v);
  for (KernelFields& kernel : o_.kernels) v.field(kernel.constraint_name, kernel.constraint);
  v.field("bias_constraint", o_.bias_constraint);
}

void ConvBase::expect_strides_or_dilations() const {
  auto above_one = [](const Sizes& sizes) {
    return std::any_of(sizes.begin(), sizes.end(), [](auto n) { return n > 1; });
  };
  if (!above_one(o_.strides) || !above_one(o_.dilations)) return;
  fail("strides of 1 where dilation_rate is above 1",
       absl::StrCat("strides ", list_text(o_.strides), " and dilation_rate ", list_text(o_.dilations)));
}

std::int64_t ConvBase::input_channels(const Shape& input) const {
  expect_rank(input, rank());
  return known_dim(input, channel_axis());
}

Variable ConvBase::add_kernel(std::size_t which, std::string name, Sizes window, std::int64_t first,
                              std::int64_t second) {
  window.insert(window.end(), {first, second});
  const KernelFields& options = o_.kernels[which];
  return add_weight({.shape = Shape(std::move(window)),
                     .initializer = options.initializer,
                     .dtype = weight_dtype(),
                     .regularizer = options.regularizer,
                     .constraint = options.constraint,
                     .name = std::move(name)});
}

void ConvBase::add_bias(std::int64_t outputs) {
  if (!o_.use_bias) return;
  bias_ = add_weight({.shape = {outputs},
                      .initializer = o_.bias_initializer,
                      .dtype = weight_dtype(),
                      .regularizer = o_.bias_regularizer,
                      .constraint = o_.bias_constraint,
                      .name = "bias"});
}

Tensor ConvBase::prepared(const Tensor& x) const {
  expect_rank(x.shape(), rank());
  const Shape& built = state_of(*this).build_shapes[0];
  if (x.size(channel_axis()) != built[channel_axis()]) {
    fail(absl::StrCat("an input of ", built[channel_axis()], " channels"), describe(x),
         absl::StrCat("The layer was built on ", built.to_string(), "; was it shared by mistake?"));
  }
  return channels_to_last(cast(x, compute_dtype()), o_.data_format);
}

Tensor ConvBase::convolved(const Tensor& x, const Tensor& kernel, std::int64_t groups) const {
  PaddedInput padded = padded_input(x, o_.padding, o_.size, o_.strides, o_.dilations);
  ir::Dims spatial = spatial_dims(padded.x);
  for (std::size_t i = 0; i < spatial.size(); ++i) {
    std::int64_t added = padded.padding.low[i] + padded.padding.high[i];
    if (!spatial[i].is_static() || spatial[i].value() + added >= extent(i)) continue;
    fail(absl::StrCat("an input of at least ", extent(i), " along axis ", i + 1, ", the size of the kernel"),
         spatial[i].to_string(), "Use padding \"same\", or a smaller kernel_size.");
  }
  return apply("conv", {padded.x, kernel},
               {{"strides", o_.strides},
                {"dilations", o_.dilations},
                {"pad_low", padded.padding.low},
                {"pad_high", padded.padding.high},
                {"groups", groups}});
}

Tensor ConvBase::finished(Tensor y) const {
  if (o_.use_bias) y = y + bias_;
  return o_.activation(channels_back(y, o_.data_format));
}

}  // namespace mica::internal
