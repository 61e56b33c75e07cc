// The compact form of a kernel that the interpreter runs: one list of instructions over numbered registers, compiled
// once per run for the concrete dims. Threads of a block differ in their registers and program counter only.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {

// Integers and bool in `integer` (u64 by bit pattern), floats in `number`.
union RegisterValue {
  std::int64_t integer;
  double number;
};

enum class Opcode : std::uint8_t {
  kFloatOp,         // dst = op(a, b, c), rounded to dtype
  kIntegerOp,       // dst = op(a, b, c), wrapped to dtype
  kFloatCompare,    // operands are floats
  kIntegerCompare,  // operands are of dtype
  kSelect,          // dst = a ? b : c
  kCast,            // from -> dtype
  kBitcast,         // from -> dtype
  kMove,
  kLoad,        // dst = buffer[indices]
  kStore,       // buffer[indices] = a
  kJump,        // to target
  kJumpUnless,  // a, to target
  kLoopBegin,   // dst = a, b = iterations left; to target when there are none
  kLoopNext,    // ++dst, --b; to target while there are some
  kGridBind,    // dst = a + the thread's id of `dimension`; to target when it is not below b
  kScratch,     // a local buffer begins to live, with undefined content
  kBarrier,
  kFail,  // when a: (code, position b, value c)
  kEnd,
};

struct Instruction {
  Opcode code = Opcode::kEnd;
  ScalarOp op{};
  DType dtype = kInt64, from = kInt64;
  bool parallel = false;  // of a loop: its iterations must not touch each other's elements
  std::int32_t dst = 0, a = 0, b = 0, c = 0;
  std::int32_t target = 0;
  std::int32_t buffer = 0;       // in InterpretCode::buffers
  std::int32_t first_index = 0;  // in InterpretCode::indices; as many as the buffer has dims
  std::int32_t extra = 0;        // vector width, dimension of the grid, fail code
  std::int32_t origin = 0;       // in InterpretCode::origins
};

// What is said of an instruction when it fails.
struct InstructionOrigin {
  const Stmt* stmt;
  std::vector<std::pair<const Var*, std::int32_t>> loop_vars;  // and their registers
};

struct InterpretBufferInfo {
  BufferRef buffer;
  std::vector<std::int64_t> dims;
  std::int64_t numel = 1;
};

struct InterpretCode {
  static constexpr int kGridDimensions = 6;  // block x, y, z, thread x, y, z
  std::vector<Instruction> instructions;
  std::vector<std::int32_t> indices;
  std::vector<RegisterValue> registers;      // initial values
  std::vector<InterpretBufferInfo> buffers;  // the parameters first
  std::vector<InstructionOrigin> origins;
  std::int64_t grid[kGridDimensions] = {1, 1, 1, 1, 1, 1};
};

// `begin`, `end`: the piece of the parallel loop to run.
absl::StatusOr<InterpretCode> compile_for_interpreter(const Kernel& kernel, std::span<const std::int64_t> dims,
                                                      std::int64_t begin, std::int64_t end);

}  // namespace mica::loop
