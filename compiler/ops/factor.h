// Factors of matrices: the third file of the family of linalg.cc.
#pragma once

namespace mica::ir {

class Registry;

void add_factor_ops(Registry& r);  // qr, eigh, svd, pinv

}  // namespace mica::ir
