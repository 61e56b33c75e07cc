// The list of operation families. A new family is one line here; a new operation is a record in its family's file.
#include "compiler/ops/families.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {

const Registry& registry() {
  static const Registry* all = [] {
    auto* r = new Registry();
    add_elementwise_ops(*r);
    add_math_ops(*r);
    add_special_ops(*r);
    add_activation_ops(*r);
    add_reduce_ops(*r);
    add_cumulative_ops(*r);
    add_sort_ops(*r);
    add_shape_ops(*r);
    add_index_map_ops(*r);
    add_gather_ops(*r);
    add_linalg_ops(*r);
    add_conv_ops(*r);
    add_pool_ops(*r);
    add_resize_ops(*r);
    add_normalization_ops(*r);
    add_loss_ops(*r);
    add_update_ops(*r);
    add_region_ops(*r);
    add_random_ops(*r);
    add_scan_ops(*r);
    return r;
  }();
  return *all;
}

}  // namespace mica::ir
