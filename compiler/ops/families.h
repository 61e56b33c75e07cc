// The families of operations, one function and one file each. registry.cc calls them all.
#pragma once

namespace mica::ir {

class Registry;

void add_elementwise_ops(Registry& r);    // arithmetic, comparisons, bits, where, cast
void add_math_ops(Registry& r);           // functions of one number: exp, sin, erf, …
void add_special_ops(Registry& r);        // erfinv, the gamma family
void add_activation_ops(Registry& r);     // relu, gelu, silu, …
void add_reduce_ops(Registry& r);         // sum, mean, max, argmax, variance, logsumexp
void add_cumulative_ops(Registry& r);     // running sums, products and extrema
void add_sort_ops(Registry& r);           // order along an axis
void add_shape_ops(Registry& r);          // constant, iota, reshape, broadcast_to
void add_index_map_ops(Registry& r);      // transpose, slice, pad, concat
void add_gather_ops(Registry& r);         // reading and adding at indices that are data
void add_linalg_ops(Registry& r);         // matmul
void add_conv_ops(Registry& r);           // convolution and its gradients
void add_pool_ops(Registry& r);           // maxima, sums and means of windows
void add_resize_ops(Registry& r);         // nearest elements, sums of neighbours, means of areas
void add_normalization_ops(Registry& r);  // softmax, batch, layer, group and rms normalization
void add_random_ops(Registry& r);         // Philox bits, distributions, dropout
void add_loss_ops(Registry& r);           // cross entropies and element losses
void add_update_ops(Registry& r);         // the steps of optimizers
void add_scan_ops(Registry& r);           // the loop over steps
void add_region_ops(Registry& r);         // of the compiler: gradient, fusion

}  // namespace mica::ir
