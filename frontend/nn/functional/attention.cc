#include "frontend/mica/functional/attention.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// Each head of keys or values as often as several heads of queries share it: axis -3.
Tensor repeated_heads(const Tensor& x, std::int64_t heads) {
  std::int64_t own = known_size(x, -3);
  if (own == heads) return x;
  if (own == 0 || heads % own != 0) {
    fail_call(absl::StrCat("a number of heads that divides ", heads), internal::describe(x));
  }
  ir::Dims spread = dims_of(x), joined = spread;
  std::size_t axis = spread.size() - 2;
  spread.insert(spread.begin() + static_cast<std::ptrdiff_t>(axis), ir::Dim(heads / own));
  joined[axis - 1] = ir::Dim(heads);
  Tensor wide = apply("broadcast_to", {x.unsqueeze(static_cast<int>(axis))}, {{"shape", spread}});
  return internal::reshape_dims(wide, joined);
}

// True where the key stands no later than the query: [L, S].
Tensor lower_triangle(const Tensor& scores) {
  ir::Dims dims(dims_of(scores).end() - 2, dims_of(scores).end());
  auto positions = [&](std::int64_t axis) {
    return apply("iota", {}, {{"shape", dims}, {"axis", axis}, {"dtype", kInt64}});
  };
  return positions(0) >= positions(1);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    AttentionOptions options) {
  FunctionScope scope("F::scaled_dot_product_attention");
  constexpr double kOutside = -std::numeric_limits<double>::infinity();
  std::int64_t heads = options.enable_gqa ? known_size(query, -3) : 0;
  Tensor k = options.enable_gqa ? repeated_heads(key, heads) : key;
  Tensor v = options.enable_gqa ? repeated_heads(value, heads) : value;
  double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(known_size(query, -1))));
  Tensor scores = apply("matmul", {query, k}, {{"transpose_b", true}}) * scale;
  if (options.is_causal) scores = where(lower_triangle(scores), scores, kOutside);
  if (const Tensor& mask = options.attn_mask; mask.defined()) {
    scores = mask.dtype().is_bool() ? where(mask, scores, kOutside) : scores + mask;
  }
  return dropout(scores.softmax(-1), options.dropout_p).matmul(v);
}

}  // namespace mica::F
