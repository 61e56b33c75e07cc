// Preprocessing of numbers.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

class Rescaling : public Layer {
 public:
  explicit Rescaling(double scale, double offset = 0, NameOptions options = {});
  Rescaling(const Tensor& scale, const Tensor& offset, NameOptions options = {});  // that broadcast to the input
};
// (x - mean) / deviation along `axis`, the other way round with invert. Without mean and variance adapt() learns them.
struct NormalizationOptions {
  Axes axis = -1;
  Tensor mean = {}, variance = {};
  bool invert = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Normalization : public Layer {
 public:
  explicit Normalization(NormalizationOptions options = {});
  void adapt(const Tensor& data) const;
};
// The number of the bin that a value falls into; a boundary belongs to the bin above it. adapt() finds the boundaries
// of num_bins bins of equal counts, within epsilon.
struct DiscretizationOptions {
  std::vector<double> bin_boundaries = {};
  std::int64_t num_bins = 0;
  double epsilon = 0.01;
  std::string output_mode = "int";
  std::string name = {};
  MaybeDType dtype = {};
};
class Discretization : public Layer {
 public:
  explicit Discretization(DiscretizationOptions options);
  void adapt(const Tensor& data) const;
};
// output_mode: "one_hot", "multi_hot" or "count".
struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class CategoryEncoding : public Layer {
 public:
  explicit CategoryEncoding(std::int64_t num_tokens, CategoryEncodingOptions options = {});
  Tensor weighted(const Tensor& ids, const Tensor& count_weights) const;  // "count", an id counting as its weight
};
// output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf". adapt() makes the vocabulary, the most frequent
// token first.
struct IntegerLookupOptions {
  std::vector<std::int64_t> vocabulary = {};
  std::int64_t num_oov_indices = 1;
  bool invert = false;
  std::string output_mode = "int";
  std::optional<std::int64_t> max_tokens = {}, mask_token = {};
  std::int64_t oov_token = -1;
  std::vector<double> idf_weights = {};
  bool pad_to_max_tokens = false;
  std::string name = {};
  bool trainable = true;
};
class IntegerLookup : public Layer {
 public:
  explicit IntegerLookup(IntegerLookupOptions options);
  void adapt(const Tensor& data) const;
  std::vector<std::int64_t> get_vocabulary() const;
};

}  // namespace layers
}  // namespace mica
