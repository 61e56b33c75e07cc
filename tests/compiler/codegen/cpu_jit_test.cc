// Every sample of every record as machine code, against the double reference, at both levels, between guard pages.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compiler/loop/expand_math.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_cpu.h"
#include "tests/compiler/codegen/kernel_runner.h"
#include "tests/compiler/ops/sample_data.h"

namespace mica::codegen {
namespace {

Bytes bytes_of(const ir::RefTensor& tensor) {
  const std::size_t size = static_cast<std::size_t>(tensor.dtype.bytes());
  Bytes bytes(tensor.data.size() * size);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    const double value = tensor.data[i];
    const std::uint64_t bits = tensor.dtype.is_floating()
                                   ? loop::float_to_bits(value, tensor.dtype)
                                   : static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    std::memcpy(bytes.data() + i * size, &bits, size);
  }
  return bytes;
}

struct Precision {
  DType dtype;
  double tolerance;  // of sums over the samples' few hundred terms
};

void expect_code_equals_reference(const ir::OpDef& op, const ir::Sample& sample, const CpuTarget& target,
                                  Precision precision) {
  ir::SampleCase c = ir::make_case(op, sample, precision.dtype);
  absl::StatusOr<std::vector<ir::RefTensor>> want = evaluate(*c.graph, c.inputs);
  ASSERT_TRUE(want.ok()) << want.status();
  absl::StatusOr<loop::Kernel> naive = loop::lower(*c.node);
  ASSERT_TRUE(naive.ok()) << naive.status();
  loop::Kernel kernel = loop::expand_math(loop::schedule_cpu(*naive, {.lanes = vector_width(target.level, kFloat32)}));
  KernelRun run(kernel, c.bindings);
  for (std::size_t i = 0; i < c.inputs.size(); ++i) run.arguments()[i] = bytes_of(c.inputs[i]);
  for (auto side : {GuardedBytes::kAfter, GuardedBytes::kBefore}) {
    std::vector<Bytes> got = run.compiled(target, side);
    for (std::size_t i = 0; i < want->size(); ++i) {
      const DType dtype = (*want)[i].dtype;
      expect_equal(got[c.inputs.size() + i], bytes_of((*want)[i]), dtype, precision.tolerance, loop::print(kernel));
    }
  }
}

// The others are decomposed before lowering.
std::vector<const ir::OpDef*> lowered_records() {
  std::vector<const ir::OpDef*> records;
  for (const ir::OpDef* op : ir::registry().all()) {
    if (op->define || op->kernel) records.push_back(op);
  }
  return records;
}

class RecordCode : public testing::TestWithParam<std::tuple<const ir::OpDef*, const char*>> {};

TEST_P(RecordCode, EqualsTheReference) {
  const auto [op, level] = GetParam();
  const CpuTarget target = parse_target(level);
  if (target.level > native_target().level) GTEST_SKIP() << "NOT TESTED: " << level << " does not run on this machine";
  for (const ir::Sample& sample : op->samples) {
    SCOPED_TRACE(absl::StrCat("sample ", &sample - op->samples.data()));
    expect_code_equals_reference(*op, sample, target, {kFloat32, 2e-5});
    expect_code_equals_reference(*op, sample, target, {kFloat64, 1e-12});
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, RecordCode,
                         testing::Combine(testing::ValuesIn(lowered_records()),
                                          testing::Values("x86-64-v3", "x86-64-v4")),
                         [](const auto& test) {
                           return std::get<0>(test.param)->name + "_" + std::string(std::get<1>(test.param)).substr(7);
                         });

}  // namespace
}  // namespace mica::codegen
