#include "frontend/nn/functional/support.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mica::F {

void fail_call(const std::string& expected, const std::string& received) {
  const std::string &place = internal::current_place(), &function = FunctionScope::current();
  throw Error({.where = place,
               .expected = expected,
               .received = received,
               .hint = place == function ? "" : absl::StrCat("The function is ", function, ".")});
}

void expect_choice(std::string_view option, const std::string& value, std::initializer_list<const char*> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  fail_call(absl::StrCat(std::string(option), " ", absl::StrJoin(allowed, ", ")), absl::StrCat("\"", value, "\""));
}

void expect_rank(const Tensor& x, std::string_view what, int rank) {
  if (x.dim() != rank) fail_call(absl::StrCat(std::string(what), " of rank ", rank), internal::describe(x));
}

void expect_same_shape(const Tensor& input, const Tensor& target) {
  if (dims_of(input) == dims_of(target)) return;
  fail_call(absl::StrCat("a target of the input's shape, ", input.shape().to_string()), internal::describe(target));
}

Tensor reduced(const Tensor& loss, const std::string& reduction) {
  if (reduction == "mean") return loss.mean();
  if (reduction == "sum") return loss.sum();
  if (reduction == "none") return loss;
  fail_call("reduction mean, sum or none", absl::StrCat("\"", reduction, "\""));
}

Tensor channels_last(const Tensor& x) {
  std::vector<std::int64_t> order{0};
  for (int i = 2; i < x.dim(); ++i) order.push_back(i);
  order.push_back(1);
  return x.permute(order);
}

Tensor channels_first(const Tensor& x) {
  std::vector<std::int64_t> order{0, x.dim() - 1};
  for (int i = 1; i + 1 < x.dim(); ++i) order.push_back(i);
  return x.permute(order);
}

Tensor along_channels(const Tensor& values, const Tensor& x) {
  ir::Dims dims(at(x.dim() - 1), ir::Dim(1));
  dims[0] = dims_of(values)[0];
  return internal::reshape_dims(values, std::move(dims));
}

std::int64_t known_size(const Tensor& x, int axis) {
  if (x.size(axis) == kAny) fail_call(absl::StrCat("the size of axis ", axis, " to be known"), internal::describe(x));
  return x.size(axis);
}

double machine_epsilon(DType dtype) {
  if (dtype == kFloat64) return 0x1p-52;
  if (dtype == kFloat16) return 0x1p-10;
  return dtype == kBFloat16 ? 0x1p-7 : 0x1p-23;
}

}  // namespace mica::F
