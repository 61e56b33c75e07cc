// Layers that give the same elements another shape or order, and RepeatVector.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/shape.h"

namespace mica::inline layers {
namespace {

using namespace internal;

class FlattenLayer final : public BuiltinLayer {
 public:
  explicit FlattenLayer(const DataFormatOptions& o = {})
      : BuiltinLayer({"Flatten", o.name, true, o.dtype}), data_format_(o.data_format) {
    settle();
  }
  void fields(FieldVisitor& v) override { v.field("data_format", data_format_); }

 protected:
  void settle() override { expect_choice("data_format", data_format_, {"channels_last", "channels_first"}); }
  Tensor forward(const Tensor& input) override {
    expect_min_rank(input.shape(), 1);
    Tensor x = input.dim() > 2 ? channels_to_last(input, data_format_) : input;
    const ir::Dims& dims = dims_of(x);
    return reshape_dims(x, {dims[0], ir::product(ir::Dims(dims.begin() + 1, dims.end()))});
  }

 private:
  std::string data_format_;
};

class ReshapeLayer final : public BuiltinLayer {
 public:
  explicit ReshapeLayer(const Shape& target = {kAny}, const NameOptions& o = {})
      : BuiltinLayer({"Reshape", o.name, o.trainable, o.dtype}), target_(target.dims()) {
    settle();
  }
  void fields(FieldVisitor& v) override { v.field("target_shape", target_); }

 protected:
  void settle() override {
    if (std::count(target_.begin(), target_.end(), kAny) > 1)
      fail("at most one dim of target_shape to infer", list_text(target_));
    for (std::int64_t dim : target_) {
      if (dim < kAny) fail("target_shape of sizes, or -1 for the one to infer", absl::StrCat(dim));
    }
  }
  Tensor forward(const Tensor& x) override {
    expect_min_rank(x.shape(), 1);
    const ir::Dims& from = dims_of(x);
    ir::Dim elements = ir::product(ir::Dims(from.begin() + 1, from.end())), known(1);
    for (std::int64_t dim : target_) known = dim == kAny ? known : known * ir::Dim(dim);
    std::optional<ir::Dim> rest = known.is(0) ? std::nullopt : ir::Dim::exact_div(elements, known);
    ir::Dims dims{from[0]};
    for (std::int64_t dim : target_) dims.push_back(dim == kAny && rest ? *rest : ir::Dim(dim));
    if (!rest || !(ir::product(dims) == ir::product(from))) {
      fail(absl::StrCat("an input whose elements fill ", list_text(target_)), describe(x),
           "target_shape leaves out the batch.");
    }
    return reshape_dims(x, std::move(dims));
  }

 private:
  std::vector<std::int64_t> target_;
};

class PermuteLayer final : public BuiltinLayer {
 public:
  explicit PermuteLayer(std::vector<std::int64_t> dims = {1}, const NameOptions& o = {})
      : BuiltinLayer({"Permute", o.name, o.trainable, o.dtype}), dims_(std::move(dims)) {
    settle();
  }
  void fields(FieldVisitor& v) override { v.field("dims", dims_); }

 protected:
  void settle() override {
    std::vector<std::int64_t> sorted = dims_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<std::int64_t>(i) + 1)
        fail("dims to be the axes 1, 2, … in some order", list_text(dims_));
    }
  }
  Tensor forward(const Tensor& x) override {
    expect_rank(x.shape(), static_cast<int>(dims_.size()) + 1);
    std::vector<std::int64_t> order{0};
    order.insert(order.end(), dims_.begin(), dims_.end());
    return x.permute(order);
  }

 private:
  std::vector<std::int64_t> dims_;
};

class RepeatVectorLayer final : public BuiltinLayer {
 public:
  explicit RepeatVectorLayer(std::int64_t n = 1, const NameOptions& o = {})
      : BuiltinLayer({"RepeatVector", o.name, o.trainable, o.dtype}), n_(n) {
    settle();
  }
  void fields(FieldVisitor& v) override { v.field("n", n_); }

 protected:
  void settle() override { expect_positive("n", n_); }
  Tensor forward(const Tensor& x) override {
    expect_rank(x.shape(), 2);
    const ir::Dims& dims = dims_of(x);
    return apply("broadcast_to", {x.unsqueeze(1)}, {{"shape", ir::Dims{dims[0], ir::Dim(n_), dims[1]}}});
  }

 private:
  std::int64_t n_;
};

}  // namespace

Flatten::Flatten(DataFormatOptions options) : Layer(std::make_shared<FlattenLayer>(options)) {}
Reshape::Reshape(const Shape& target_shape, NameOptions options)
    : Layer(std::make_shared<ReshapeLayer>(target_shape, options)) {}
Permute::Permute(std::initializer_list<std::int64_t> dims, NameOptions options)
    : Layer(std::make_shared<PermuteLayer>(std::vector<std::int64_t>(dims), options)) {}
RepeatVector::RepeatVector(std::int64_t n, NameOptions options)
    : Layer(std::make_shared<RepeatVectorLayer>(n, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> reshaping_layers() {
  return {{"Flatten", make_default<layers::FlattenLayer>},
          {"Permute", make_default<layers::PermuteLayer>},
          {"RepeatVector", make_default<layers::RepeatVectorLayer>},
          {"Reshape", make_default<layers::ReshapeLayer>}};
}

}  // namespace mica::internal
