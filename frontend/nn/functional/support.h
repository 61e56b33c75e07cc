// What the functions of torch.nn.functional share: errors that name them, reductions, the channel axis.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functional.h"

namespace mica::F {

using internal::apply;
using internal::dims_of;
using internal::FunctionScope;
using internal::to_floating;

// A mistake in a call of the function whose scope is open.
[[noreturn]] void fail_call(const std::string& expected, const std::string& received);
void expect_choice(std::string_view option, const std::string& value, std::initializer_list<const char*> allowed);
void expect_rank(const Tensor& x, std::string_view what, int rank);
void expect_same_shape(const Tensor& input, const Tensor& target);

// reduction: mean, sum or none over a loss an element.
Tensor reduced(const Tensor& loss, const std::string& reduction);

// NCHW <-> NHWC.
Tensor channels_last(const Tensor& x);
Tensor channels_first(const Tensor& x);
// Values [C] so that they broadcast along axis 1 of x.
Tensor along_channels(const Tensor& values, const Tensor& x);

template <int N>
ir::Ints list_of(const Ints<N>& ints) {
  ir::Ints list;
  for (int i = 0; i < N; ++i) list.push_back(ints[i]);
  return list;
}

// "F::conv2d" from "F::conv": a function that there is for 1, 2 and 3 spatial axes.
template <int N>
std::string of_rank(const char* name) {
  return name + std::to_string(N) + "d";
}

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
// The size of an axis, which must be known.
std::int64_t known_size(const Tensor& x, int axis);
// The element type's distance from 1 to the next number.
double machine_epsilon(DType dtype);

}  // namespace mica::F
