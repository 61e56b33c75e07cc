// The families of operations, one function and one file each. registry.cc calls them all.
#pragma once

namespace mica::ir {

class Registry;

void add_elementwise_ops(Registry& r);  // arithmetic, comparisons, bits, where, cast
void add_math_ops(Registry& r);         // functions of one number: exp, sin, erf, …
void add_activation_ops(Registry& r);   // relu, gelu, softmax, …
void add_reduce_ops(Registry& r);       // sum, mean, max, argmax, variance, logsumexp
void add_shape_ops(Registry& r);        // constant, reshape, transpose, slice, pad, concat, iota
void add_linalg_ops(Registry& r);       // matmul, einsum

}  // namespace mica::ir
