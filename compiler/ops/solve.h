// Systems of equations: the second file of the family of linalg.cc.
#pragma once

namespace mica::ir {

class Registry;

void add_solve_ops(Registry& r);  // solve, inverse, det, cholesky, triangular_solve

}  // namespace mica::ir
