// Assembly: a plan and the addresses of its kernels become the plain C tables that the runtime loads.
#pragma once
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "compiler/program/plan.h"
#include "runtime/abi.h"

namespace mica::program {

// Owns every table, name and number behind a MicaProgram.
class ProgramTables {
 public:
  virtual ~ProgramTables() = default;
  virtual const MicaProgram& abi() const = 0;
  // What step `number` of an error word expects of the indices that it reports: "labels from 0 to 9".
  virtual const std::string& expected(std::uint32_t number) const = 0;
  const MicaStep& step(std::uint32_t number) const;  // run steps first, then init steps, then those of loops
};

// `functions[i]` is the code of `plan.kernels[i]`. Fails when a symbol stands alone in no axis of an input.
absl::StatusOr<std::shared_ptr<const ProgramTables>> assemble(const Plan& plan,
                                                              std::span<const MicaKernelFn> functions);

}  // namespace mica::program
