// The spelling of operators and statements, shared by printer and parser.
#pragma once
#include <string_view>

#include "compiler/loop/kernel.h"

namespace mica::loop {

enum class OperandKind { kAny, kFloat, kInteger, kBool };
inline bool matches(OperandKind kind, DType dtype) {
  return kind == OperandKind::kAny || (kind == OperandKind::kFloat && dtype.is_floating()) ||
         (kind == OperandKind::kInteger && dtype.is_integral()) || (kind == OperandKind::kBool && dtype.is_bool());
}

inline constexpr int kComparisonLevel = 4, kAdditiveLevel = 6, kMultiplicativeLevel = 7, kUnaryLevel = 8,
                     kPrimaryLevel = 9;

// Binds tighter with a higher level. A spelling means the operation whose operands match: 7/2 is floor_div, 7.0/2.0
// div.
struct Infix {
  ScalarOp op;
  OperandKind operands;
  std::string_view symbol;
  int level;
};
inline constexpr Infix kInfixes[] = {
    {ScalarOp::k_bit_or, OperandKind::kInteger, "|", 1},
    {ScalarOp::k_bit_or, OperandKind::kBool, "||", 1},
    {ScalarOp::k_bit_xor, OperandKind::kAny, "^", 2},
    {ScalarOp::k_bit_and, OperandKind::kInteger, "&", 3},
    {ScalarOp::k_bit_and, OperandKind::kBool, "&&", 3},
    {ScalarOp::k_eq, OperandKind::kAny, "==", kComparisonLevel},
    {ScalarOp::k_ne, OperandKind::kAny, "!=", kComparisonLevel},
    {ScalarOp::k_lt, OperandKind::kAny, "<", kComparisonLevel},
    {ScalarOp::k_le, OperandKind::kAny, "<=", kComparisonLevel},
    {ScalarOp::k_gt, OperandKind::kAny, ">", kComparisonLevel},
    {ScalarOp::k_ge, OperandKind::kAny, ">=", kComparisonLevel},
    {ScalarOp::k_shl, OperandKind::kAny, "<<", 5},
    {ScalarOp::k_shr, OperandKind::kAny, ">>", 5},
    {ScalarOp::k_add, OperandKind::kAny, "+", kAdditiveLevel},
    {ScalarOp::k_sub, OperandKind::kAny, "-", kAdditiveLevel},
    {ScalarOp::k_mul, OperandKind::kAny, "*", kMultiplicativeLevel},
    {ScalarOp::k_div, OperandKind::kFloat, "/", kMultiplicativeLevel},
    {ScalarOp::k_floor_div, OperandKind::kInteger, "/", kMultiplicativeLevel},
    {ScalarOp::k_mod, OperandKind::kAny, "%", kMultiplicativeLevel},
};
struct Prefix {
  ScalarOp op;
  OperandKind operands;
  char symbol;
};
inline constexpr Prefix kPrefixes[] = {
    {ScalarOp::k_neg, OperandKind::kAny, '-'},
    {ScalarOp::k_bit_not, OperandKind::kInteger, '~'},
    {ScalarOp::k_bit_not, OperandKind::kBool, '!'},
};

struct LoopWord {
  LoopKind kind;
  std::string_view word;
};
inline constexpr LoopWord kLoopWords[] = {
    {LoopKind::kSerial, "for"},       {LoopKind::kParallel, "parallel"}, {LoopKind::kVector, "vector"},
    {LoopKind::kUnroll, "unroll"},    {LoopKind::kBlockX, "block_x"},    {LoopKind::kBlockY, "block_y"},
    {LoopKind::kBlockZ, "block_z"},   {LoopKind::kThreadX, "thread_x"},  {LoopKind::kThreadY, "thread_y"},
    {LoopKind::kThreadZ, "thread_z"},
};
inline std::string_view to_string(LoopKind kind) { return kLoopWords[static_cast<std::size_t>(kind)].word; }

// Words that start a statement or stand inside one; no variable, buffer or symbol prints under such a name.
inline constexpr std::string_view kStatementWords[] = {"let",    "local", "shared", "if",    "else", "barrier",
                                                       "fail",   "in",    "out",    "inout", "over", "grain",
                                                       "kernel", "true",  "false",  "inf",   "nan"};
inline constexpr std::string_view kBitcastPrefix = "bitcast_";

// Text of one statement's first line, for messages: "y[i, j] = x[i, j + 1]".
std::string headline(const Stmt& stmt);

}  // namespace mica::loop
