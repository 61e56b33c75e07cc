// IntegerLookup: integers to their places in a vocabulary, and back.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/category_encoding.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/preprocessing.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;
using Tokens = std::vector<std::int64_t>;

Tensor table(const Tokens& values) {
  return tensor(values, {static_cast<std::int64_t>(values.size())}, {.dtype = kInt64});
}

class IntegerLookupLayer final : public BuiltinLayer {
 public:
  explicit IntegerLookupLayer(const IntegerLookupOptions& o)
      : BuiltinLayer({"IntegerLookup", o.name, o.trainable, {}}),
        max_tokens_(o.max_tokens),
        num_oov_indices_(o.num_oov_indices),
        mask_token_(o.mask_token),
        oov_token_(o.oov_token),
        invert_(o.invert),
        output_mode_(o.output_mode),
        pad_to_max_tokens_(o.pad_to_max_tokens) {
    if (!o.vocabulary.empty()) vocabulary_ = o.vocabulary;
    if (!o.idf_weights.empty()) idf_weights_ = o.idf_weights;
    settle();
  }
  IntegerLookupLayer() : IntegerLookupLayer(IntegerLookupOptions{}) {}

  void settle() override {
    if (max_tokens_ && *max_tokens_ < 2) fail("max_tokens of at least 2", absl::StrCat(*max_tokens_));
    if (pad_to_max_tokens_ && !max_tokens_) fail("max_tokens with pad_to_max_tokens", "none");
    if (num_oov_indices_ < 0) fail("num_oov_indices of at least 0", absl::StrCat(num_oov_indices_));
    if (output_mode_ == "binary") output_mode_ = "multi_hot";
    if (output_mode_ == "tf-idf") output_mode_ = "tf_idf";
    expect_choice("output_mode", output_mode_, {"int", "one_hot", "multi_hot", "count", "tf_idf"});
    if (invert_ && output_mode_ != "int") fail("output_mode int with invert", absl::StrCat("\"", output_mode_, "\""));
    if (idf_weights_ && output_mode_ != "tf_idf") {
      fail("idf_weights only where output_mode is tf_idf", absl::StrCat("\"", output_mode_, "\""));
    }
    if (vocabulary_ && output_mode_ == "tf_idf" && !idf_weights_) fail("idf_weights with the vocabulary", "none");
    if (vocabulary_) take_vocabulary();
  }

  void fields(FieldVisitor& v) override {
    v.field("invert", invert_);
    v.field("max_tokens", max_tokens_);
    v.field("num_oov_indices", num_oov_indices_);
    v.field("oov_token", oov_token_);
    v.field("mask_token", mask_token_);
    v.field("output_mode", output_mode_);
    v.fixed("sparse", false);
    v.field("pad_to_max_tokens", pad_to_max_tokens_);
    v.fixed("vocabulary_dtype", "int64");
    v.field("idf_weights", idf_weights_);
    v.field("vocabulary", vocabulary_);
    std::optional<std::int64_t> size;
    if (vocabulary_) size = vocabulary_size();
    v.field("vocabulary_size", size);
    v.fixed("oov_method", "floormod");
    v.fixed("salt", {});
  }

  // The tokens by falling count, equal counts by falling token.
  void adapt(const Tensor& data) {
    std::map<std::int64_t, std::int64_t> counts, documents;
    Tensor rows = data.dim() == 1 ? data.unsqueeze(-1) : data;
    Tokens all = rows.to_vector<std::int64_t>();
    auto width = static_cast<std::size_t>(rows.numel() / std::max<std::int64_t>(1, rows.size(0)));
    for (std::size_t i = 0; i < all.size(); i += width) {
      auto begin = all.begin() + static_cast<std::ptrdiff_t>(i), end = begin + static_cast<std::ptrdiff_t>(width);
      for (auto token = begin; token != end; ++token) ++counts[*token];
      for (std::int64_t token : std::set<std::int64_t>(begin, end)) ++documents[token];
    }
    if (mask_token_) counts.erase(*mask_token_);
    counts.erase(oov_token_);
    Tokens found;
    for (const auto& [token, count] : counts) found.push_back(token);
    std::sort(found.begin(), found.end(),
              [&](std::int64_t a, std::int64_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a > b; });
    if (max_tokens_) {
      found.resize(std::min(found.size(), static_cast<std::size_t>(std::max<std::int64_t>(0, *max_tokens_ - first()))));
    }
    if (found.empty()) fail("data to adapt to", "no tokens");
    if (output_mode_ == "tf_idf") {
      idf_weights_.emplace();
      for (std::int64_t token : found) {
        double seen = static_cast<double>(documents[token]), rows_seen = static_cast<double>(rows.size(0));
        idf_weights_->push_back(std::log(1 + rows_seen / (1 + seen)));
      }
    }
    vocabulary_ = std::move(found);
    take_vocabulary();
  }

  // With the mask and the out-of-vocabulary tokens in front.
  Tokens vocabulary() const {
    Tokens all = special_tokens();
    all.insert(all.end(), tokens_.begin(), tokens_.end());
    return all;
  }

 protected:
  Tensor forward(const Tensor& given) override {
    if (!vocabulary_) fail("a vocabulary", "none", "Give it one, or call adapt(data) first.");
    Tensor x = cast(given, kInt64);
    if (invert_) return tokens_at(x);
    Tensor places = places_of(x);
    if (output_mode_ == "int") return places;
    std::int64_t depth = pad_to_max_tokens_ ? *max_tokens_ : vocabulary_size();
    if (output_mode_ != "tf_idf") return encode_categories(places, output_mode_, depth, kInt64);
    std::vector<double> weights = all_idf_weights(depth);
    return encode_categories(places, "count", depth, kFloat32) * tensor(weights, {depth}, {.dtype = kFloat32});
  }

 private:
  // The masked token has place 0, where places are what is asked for.
  std::int64_t masked() const { return mask_token_ && output_mode_ == "int" ? 1 : 0; }
  std::int64_t first() const { return masked() + num_oov_indices_; }
  std::int64_t vocabulary_size() const { return first() + static_cast<std::int64_t>(tokens_.size()); }
  Tokens special_tokens() const {
    Tokens special(static_cast<std::size_t>(first()), oov_token_);
    if (masked()) special[0] = *mask_token_;
    return special;
  }

  // A vocabulary may have the special tokens in front.
  void take_vocabulary() {
    Tokens special = special_tokens();
    bool has_special = vocabulary_->size() >= special.size() &&
                       std::equal(special.begin(), special.end(), vocabulary_->begin()) && !special.empty();
    tokens_.assign(vocabulary_->begin() + (has_special ? static_cast<std::ptrdiff_t>(special.size()) : 0),
                   vocabulary_->end());
    std::set<std::int64_t> seen;
    for (std::int64_t token : tokens_) {
      if (!seen.insert(token).second) fail("a vocabulary without repetitions", absl::StrCat(token, " twice"));
    }
    if (mask_token_ && seen.count(*mask_token_)) {
      fail("the mask token at the start of the vocabulary", absl::StrCat(*mask_token_));
    }
    if (invert_ && seen.count(oov_token_)) {
      fail("the out-of-vocabulary token at the start of the vocabulary", absl::StrCat(oov_token_));
    }
    if (max_tokens_ && vocabulary_size() > *max_tokens_) {
      fail(absl::StrCat("a vocabulary of at most ", *max_tokens_, " tokens, max_tokens"),
           absl::StrCat(vocabulary_size()));
    }
    if (idf_weights_ && idf_weights_->size() != vocabulary_->size()) {
      fail(absl::StrCat(vocabulary_->size(), " idf_weights"), absl::StrCat(idf_weights_->size()));
    }
  }

  // Unknown tokens weigh the average, padding nothing.
  std::vector<double> all_idf_weights(std::int64_t depth) const {
    std::vector<double> weights = *idf_weights_;
    if (weights.size() == tokens_.size()) {
      double average = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
      weights.insert(weights.begin(), static_cast<std::size_t>(first()), average);
    }
    weights.resize(static_cast<std::size_t>(depth), 0);
    return weights;
  }

  // By bisection in the tokens in order, padded to 2^n - 1 with what is larger than any token.
  Tensor places_of(const Tensor& x) const {
    std::vector<std::size_t> order(tokens_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return tokens_[a] < tokens_[b]; });
    std::size_t padded = 1;
    while (padded - 1 < order.size()) padded *= 2;
    Tokens sorted(padded - 1, std::numeric_limits<std::int64_t>::max()), places(padded - 1, 0);
    for (std::size_t i = 0; i < order.size(); ++i) {
      sorted[i] = tokens_[order[i]];
      places[i] = first() + static_cast<std::int64_t>(order[i]);
    }
    Tensor in_order = table(sorted), at_or_below = zeros_like(x);
    for (std::size_t step = padded / 2; step > 0; step /= 2) {
      Tensor next = at_or_below + static_cast<std::int64_t>(step);
      at_or_below = where(apply("gather", {in_order, next - 1}) <= x, next, at_or_below);
    }
    Tensor nearest = maximum(at_or_below - 1, zeros_like(x));
    Tensor is_known = (apply("gather", {in_order, nearest}) == x) & (nearest < static_cast<std::int64_t>(order.size()));
    Tensor place = where(is_known, apply("gather", {table(places), nearest}), unknown(x));
    if (!mask_token_) return place;
    std::int64_t of_mask = output_mode_ == "int" ? 0 : std::numeric_limits<std::int32_t>::max();  // no category
    return where(x == *mask_token_, of_mask, place);
  }
  Tensor unknown(const Tensor& x) const {
    if (num_oov_indices_ > 1) return x % num_oov_indices_ + masked();
    return zeros_like(x) + (num_oov_indices_ == 1 ? masked() : -1);
  }

  Tensor tokens_at(const Tensor& places) const {
    Tokens all = vocabulary();
    auto count = static_cast<std::int64_t>(all.size());
    Tensor is_place = (places >= 0) & (places < count);
    return where(is_place, apply("gather", {table(all), where(is_place, places, 0)}), oov_token_);
  }

  std::optional<std::int64_t> max_tokens_;
  std::int64_t num_oov_indices_;
  std::optional<std::int64_t> mask_token_;
  std::int64_t oov_token_;
  bool invert_;
  std::string output_mode_;
  bool pad_to_max_tokens_;
  std::optional<Tokens> vocabulary_;
  std::optional<std::vector<double>> idf_weights_;
  Tokens tokens_;  // of the vocabulary, without special ones
};

}  // namespace

IntegerLookup::IntegerLookup(IntegerLookupOptions options) : Layer(std::make_shared<IntegerLookupLayer>(options)) {}
void IntegerLookup::adapt(const Tensor& data) const { get_if<IntegerLookupLayer>()->adapt(data); }
std::vector<std::int64_t> IntegerLookup::get_vocabulary() const { return get_if<IntegerLookupLayer>()->vocabulary(); }

}  // namespace layers

std::vector<internal::LayerClass> internal::integer_lookup_layers() {
  return {{"IntegerLookup", make_default<layers::IntegerLookupLayer>}};
}

}  // namespace mica
