#include "runtime/dtype.h"

#include "runtime/error.h"

namespace mica {
namespace {

struct Names {
  const char* name;
  const char* short_name;
  int bytes;
};
constexpr Names kNames[DType::kCount] = {
    {"bool", "bool", 1},     {"int8", "i8", 1},     {"int16", "i16", 2},  {"int32", "i32", 4},  {"int64", "i64", 8},
    {"uint8", "u8", 1},      {"uint16", "u16", 2},  {"uint32", "u32", 4}, {"uint64", "u64", 8}, {"float16", "f16", 2},
    {"bfloat16", "bf16", 2}, {"float32", "f32", 4}, {"float64", "f64", 8}};

}  // namespace

bool DType::parse(std::string_view name, DType* out) {
  for (int i = 0; i < kCount; ++i) {
    if (name == kNames[i].name || name == kNames[i].short_name) {
      *out = DType(static_cast<Kind>(i));
      return true;
    }
  }
  return false;
}

DType::DType(std::string_view name) : kind_(kFloat32) {
  if (!parse(name, this)) {
    throw Error({.where = "DType",
                 .expected = "one of bool, int8 … int64, uint8 … uint64, float16, bfloat16, float32, float64",
                 .received = "\"" + std::string(name) + "\"",
                 .hint = {}});
  }
}
DType::DType(const char* name) : DType(std::string_view(name)) {}

int DType::bytes() const { return kNames[kind_].bytes; }
std::string DType::name() const { return kNames[kind_].name; }
std::string DType::short_name() const { return kNames[kind_].short_name; }

}  // namespace mica
