// How a library call is cut into pieces, and where each piece reads and writes. No library headers: shapes and strides
// only.
//
// The cut depends on the shape alone, never on the number of threads, so that every element always comes from the same
// arithmetic.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/library.h"

namespace mica::rt {

struct Range {
  std::int64_t begin = 0, count = 0;
  bool operator==(const Range&) const = default;
};

// A strided window into an operand. Offsets and strides are in elements.
struct View {
  int operand = -1;
  DType dtype = kFloat32;
  std::vector<std::int64_t> dims, strides;
  std::int64_t offset = 0;

  std::int64_t byte_offset() const { return offset * dtype.bytes(); }
  std::int64_t numel() const;
  // The part `range` of an axis; an axis of 1 that is broadcast stays as it is.
  View sliced(std::size_t axis, Range range) const;
};

// The whole of an operand, row-major.
View dense(const LibraryOperand& operand, int index);

// One piece of a call. Axes are in the library's logical order: [batch…, rows, columns] for matmul, [batch, channels,
// spatial…] for activations and [(groups,) outputs, inputs, window…] for kernels of convolutions.
struct CallPiece {
  View a, b, out;
  std::vector<View> bias;       // one or none
  std::vector<View> epilogues;  // operands of the binary epilogues
  std::vector<std::int64_t> pad_low, pad_high;
  std::int64_t column_tile = 0;  // matmul: pieces of one tile read the same columns of b
};

// Pieces that together write every element of the result once. Only the gradient of the kernel differs: each of its
// pieces computes a whole gradient, of a part of the batch, and these are to be summed.
std::vector<CallPiece> plan_pieces(const LibraryRequest& request);

// Parts of [0, extent), at most `wanted`, all but the last of one size that is a multiple of `unit`.
std::vector<Range> split(std::int64_t extent, std::int64_t wanted, std::int64_t unit);

}  // namespace mica::rt
