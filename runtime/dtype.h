// Element types, with the names of Keras and PyTorch ("float32") and the short ones of the IRs ("f32").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace mica {

class DType {
 public:
  enum Kind : std::uint8_t {
    kBool,
    kInt8,
    kInt16,
    kInt32,
    kInt64,
    kUInt8,
    kUInt16,
    kUInt32,
    kUInt64,
    kFloat16,
    kBFloat16,
    kFloat32,
    kFloat64
  };
  static constexpr int kCount = 13;
  constexpr DType(Kind kind) : kind_(kind) {}
  DType(const char* name);  // "float32", "int64", "bool", …; unknown names throw Error
  DType(std::string_view name);
  static bool parse(std::string_view name, DType* out);  // both spellings; false when unknown

  constexpr Kind kind() const { return kind_; }
  constexpr bool is_floating() const { return kind_ >= kFloat16; }
  constexpr bool is_bool() const { return kind_ == kBool; }
  constexpr bool is_integral() const { return kind_ >= kInt8 && kind_ <= kUInt64; }
  constexpr bool is_unsigned() const { return kind_ >= kUInt8 && kind_ <= kUInt64; }
  int bytes() const;
  std::string name() const;        // "float32"
  std::string short_name() const;  // "f32", "i64", "u8", "bool", "bf16"
  friend constexpr bool operator==(DType a, DType b) { return a.kind_ == b.kind_; }

 private:
  Kind kind_;
};

inline constexpr DType kBool = DType::kBool, kInt8 = DType::kInt8, kInt16 = DType::kInt16, kInt32 = DType::kInt32,
                       kInt64 = DType::kInt64, kUInt8 = DType::kUInt8, kUInt16 = DType::kUInt16,
                       kUInt32 = DType::kUInt32, kUInt64 = DType::kUInt64, kFloat16 = DType::kFloat16,
                       kBFloat16 = DType::kBFloat16, kFloat32 = DType::kFloat32, kFloat64 = DType::kFloat64;

}  // namespace mica
