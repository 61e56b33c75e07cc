// Numbers of the zip format (PKWARE's APPNOTE 6.3) that reader and writer share.
#pragma once
#include <cstdint>

namespace mica::files::zip {

inline constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEndOfDirectory = 0x06054b50;
inline constexpr std::uint32_t kEndOfDirectory64 = 0x06064b50, kLocator64 = 0x07064b50;
inline constexpr std::size_t kLocalHeaderSize = 30, kCentralHeaderSize = 46, kEndOfDirectorySize = 22;
inline constexpr std::size_t kEndOfDirectory64Size = 56, kLocator64Size = 20;
inline constexpr std::uint16_t kExtra64 = 0x0001;  // 64-bit sizes and offset
inline constexpr std::uint16_t kStored = 0, kDeflated = 8;
inline constexpr std::uint16_t kEncryptedFlag = 1, kUtf8Flag = 1 << 11;
inline constexpr std::uint32_t kMax32 = 0xffffffff;  // "look into the 64-bit record"
inline constexpr std::uint16_t kMax16 = 0xffff;

}  // namespace mica::files::zip
