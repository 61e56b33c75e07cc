// What poolings share that give positions beside values.
#pragma once
#include <string>

#include "frontend/nn/functional/support.h"

namespace mica::F {

// The name of a function in one of its two forms: "F::max_pool2d_with_indices".
template <int N>
std::string in_form(const char* name, bool with_indices) {
  return with_indices ? of_rank<N>(name) + "_with_indices" : of_rank<N>(name);
}

inline void expect_one_result(bool with_indices, bool return_indices) {
  if (with_indices || !return_indices) return;
  fail_call("no return_indices: the result is one tensor", "return_indices");
}

// Row-major positions in the last N axes of x, for every element.
template <int N>
Tensor spatial_positions(const Tensor& x) {
  ir::Dims flat = dims_of(x);
  flat.resize(flat.size() - N);
  std::int64_t count = 1;
  for (int i = 1; i <= N; ++i) count *= known_size(x, -i);
  flat.emplace_back(count);
  const ir::Attrs attrs{{"shape", flat}, {"axis", std::int64_t{x.dim() - N}}, {"dtype", kInt64}};
  return internal::reshape_dims(apply("iota", {}, attrs), dims_of(x));
}

}  // namespace mica::F
