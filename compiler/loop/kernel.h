// Kernels of the Loop IR: loops, stores and local scratch over dense row-major buffers.
//
//   kernel @bias_relu(in x: f32[N,64], in b: f32[64], out y: f32[N,64]) {
//     parallel i in 0..N {
//       for jo in 0..4 {
//         vector<16> j in 0..16 {
//           y[i, jo*16 + j] = max(x[i, jo*16 + j] + b[jo*16 + j], 0)
//   } } } }
//
// A kernel has at most one `parallel` loop, outermost, whose range the runtime cuts into [begin, end). Text reads back
// (parse.cc).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/loop/expr.h"

namespace mica::loop {

enum class Access : std::uint8_t { kIn, kOut, kInOut };
enum class Space : std::uint8_t {
  kParam,   // an argument
  kLocal,   // scratch of one iteration: registers or stack
  kShared,  // GPU: of the block
};

struct Buffer {
  std::string name;
  DType dtype = kFloat32;
  ir::Dims dims;
  Space space = Space::kParam;
  Access access = Access::kIn;
};
using BufferRef = std::shared_ptr<const Buffer>;

enum class LoopKind : std::uint8_t {
  kSerial,    // in order; iterations may depend on earlier ones
  kParallel,  // CPU: the outer range, cut by the runtime
  kVector,    // at most `width` iterations at once; an extent below the width masks lanes
  kUnroll,    // constant extent, written out
  kBlockX,
  kBlockY,
  kBlockZ,  // GPU grid
  kThreadX,
  kThreadY,
  kThreadZ,  // GPU block; constant extents
};

enum class StmtKind : std::uint8_t {
  kBlock,    // children in order
  kFor,      // var in begin .. begin+extent
  kStore,    // buffer[index…] = value
  kLet,      // var = value, seen by the statements after it in the same block
  kAlloc,    // declares `buffer` (local or shared) for the statements after it
  kIf,       // condition: children[0], else children[1] when present
  kBarrier,  // GPU: all threads of the block
  kFail,  // when `value` (bool) holds, writes (argument `code`, position index[0], value index[1]) into the error word;
          // execution goes on
};

struct Stmt;
using StmtRef = std::shared_ptr<const Stmt>;
struct Stmt {
  StmtKind kind = StmtKind::kBlock;
  VarRef var;
  Expr begin, extent, value;
  LoopKind loop = LoopKind::kSerial;
  int width = 1;
  int code = 0;
  BufferRef buffer;
  Exprs index;
  std::vector<StmtRef> children;
};

StmtRef block(std::vector<StmtRef> children);
StmtRef loop_over(LoopKind kind, const VarRef& v, Expr extent, StmtRef body, int width = 1);
StmtRef store(const BufferRef& buffer, Exprs index, Expr value);
StmtRef let(const VarRef& v, Expr value);
StmtRef alloc(const BufferRef& buffer);
StmtRef if_then(Expr condition, StmtRef then, StmtRef otherwise = nullptr);
StmtRef barrier();
StmtRef fail_if(Expr condition, int code, Expr position, Expr value);

struct Kernel {
  std::string name;
  std::vector<BufferRef> params;  // in the order of the call
  StmtRef body;
  // Iterations of the parallel loop below which a piece is not worth a thread; 0: the kernel is not cut.
  std::int64_t grain = 0;
  // params[i] may share storage with params[in_place[i]] (an input read only at the element being written); -1: not.
  std::vector<int> in_place;

  // The extent of the parallel loop, or 1.
  ir::Dim parallel_extent() const;
  // Symbols in order of first use: the `dims` argument of the machine code.
  std::vector<const ir::Symbol*> symbols() const;
  // Text without names: equal keys mean equal machine code.
  std::string structural_key() const;
};

std::string print(const Kernel& kernel);
absl::StatusOr<Kernel> parse_kernel(std::string_view text);
absl::Status verify(const Kernel& kernel);

}  // namespace mica::loop
