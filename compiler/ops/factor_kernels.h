// The kernels below the factors of matrices: what they leave behind is put in order by the operations of factor.cc.
#pragma once

namespace mica::ir {

class Registry;

void add_factor_kernel_ops(Registry& r);  // householder, householder_columns, jacobi_eigh, jacobi_svd

}  // namespace mica::ir
