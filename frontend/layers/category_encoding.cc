#include "frontend/layers/category_encoding.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/preprocessing.h"

namespace mica {
namespace internal {

Tensor encode_categories(const Tensor& given, std::string_view output_mode, std::int64_t depth, DType dtype,
                         const Tensor& weights) {
  Tensor ids = given.dtype().is_integral() ? given : given.to(kInt32);
  if (ids.dim() == 0) ids = ids.unsqueeze(0);
  if (output_mode == "one_hot" && ids.dim() > 1 && ids.size(-1) == 1) ids = ids.squeeze(-1);
  if (weights.defined()) dtype = weights.dtype();
  Tensor each = apply("one_hot", {ids}, {{"num_classes", depth}, {"dtype", dtype}});
  if (output_mode == "one_hot") return each;
  int folded = ids.dim() > 1 ? 1 : 0;
  if (output_mode == "multi_hot") return each.amax(folded);
  return (weights.defined() ? each * weights.unsqueeze(-1) : each).sum(folded);
}

}  // namespace internal

inline namespace layers {
namespace {

using namespace internal;

class CategoryEncodingLayer final : public BuiltinLayer {
 public:
  CategoryEncodingLayer(std::int64_t num_tokens, const CategoryEncodingOptions& o)
      : BuiltinLayer({"CategoryEncoding", o.name, o.trainable, o.dtype}),
        num_tokens_(num_tokens),
        output_mode_(o.output_mode) {
    settle();
  }
  CategoryEncodingLayer() : CategoryEncodingLayer(1, {}) {}
  void settle() override {
    expect_positive("num_tokens", num_tokens_);
    expect_choice("output_mode", output_mode_, {"multi_hot", "one_hot", "count"});
  }
  void fields(FieldVisitor& v) override {
    v.required("num_tokens", num_tokens_);
    v.field("output_mode", output_mode_);
  }

 protected:
  Tensor forward(const Tensor& ids) override {
    Tensor weights = keyword("count_weights");
    if (weights.defined() && output_mode_ != "count") {
      fail("count_weights only where output_mode is count", absl::StrCat("output_mode ", output_mode_));
    }
    if (weights.defined()) weights = cast(weights, compute_dtype());
    return encode_categories(ids, output_mode_, num_tokens_, compute_dtype(), weights);
  }

 private:
  std::int64_t num_tokens_;
  std::string output_mode_;
};

}  // namespace

CategoryEncoding::CategoryEncoding(std::int64_t num_tokens, CategoryEncodingOptions options)
    : Layer(std::make_shared<CategoryEncodingLayer>(num_tokens, options)) {}
Tensor CategoryEncoding::weighted(const Tensor& ids, const Tensor& count_weights) const {
  CallArguments arguments;
  arguments.tensors = {ids};
  arguments.keywords = {{"count_weights", count_weights}};
  return invoke(impl(), std::move(arguments))[0];
}

}  // namespace layers

std::vector<internal::LayerClass> internal::category_encoding_layers() {
  return {{"CategoryEncoding", make_default<layers::CategoryEncodingLayer>}};
}

}  // namespace mica
