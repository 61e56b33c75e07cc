// Kernels made of the samples, run by the interpreter of the Loop IR.
#pragma once
#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/loop/interpret.h"
#include "tests/compiler/ops/sample_data.h"

namespace mica::ir {

struct NamedSample {
  const OpDef* op;
  std::size_t index;
  const Sample& sample() const { return op->samples[index]; }
};

inline std::vector<NamedSample> samples_of(const std::function<bool(const OpDef&)>& wanted) {
  std::vector<NamedSample> samples;
  for (const OpDef* op : registry().all()) {
    for (std::size_t i = 0; wanted(*op) && i < op->samples.size(); ++i) samples.push_back({op, i});
  }
  return samples;
}

inline std::string name_of(const testing::TestParamInfo<NamedSample>& info) {
  return absl::StrCat(info.param.op->name, "_", info.param.index);
}

// Runs the kernel on `arrays`, one a parameter, with the symbols of the case. Races and accesses out of bounds fail.
inline void expect_runs(const SampleCase& c, const loop::Kernel& kernel, const std::vector<rt::Array*>& arrays) {
  ASSERT_TRUE(loop::verify(kernel).ok()) << loop::verify(kernel) << "\n" << loop::print(kernel);
  std::vector<loop::InterpretBuffer> buffers;
  for (rt::Array* array : arrays) buffers.push_back({array->data(), static_cast<std::size_t>(array->bytes())});
  std::vector<std::int64_t> dims;
  for (const Symbol* symbol : kernel.symbols()) dims.push_back(c.bindings.at(symbol->name));
  absl::Status run = loop::interpret(kernel, buffers, dims);
  ASSERT_TRUE(run.ok()) << run << "\n" << loop::print(kernel);
}

}  // namespace mica::ir
