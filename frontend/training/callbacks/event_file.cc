#include "frontend/training/callbacks/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

// CRC-32C (Castagnoli), rotated and shifted as TFRecord has it, so that checksums of checksums differ.
std::uint32_t masked_crc(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> kTable = [] {
    constexpr std::uint32_t kPolynomial = 0x82F63B78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
      table[i] = crc;
    }
    return table;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

// Little-endian, as every machine that this runs on is.
template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// ---- protobuf: a field is a key, its number and wire type, and a value.

enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string key(int field, WireType type) { return varint(static_cast<std::uint64_t>(field << 3 | type)); }
std::string integer_field(int field, std::int64_t value) {
  return key(field, kVarint) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(int field, double value) { return key(field, kFixed64) + bytes_of(value); }
std::string float_field(int field, float value) { return key(field, kFixed32) + bytes_of(value); }
std::string message_field(int field, std::string_view content) {
  return absl::StrCat(key(field, kLengthDelimited), varint(content.size()), std::string(content));
}
std::string doubles_field(int field, const std::vector<double>& values) {
  std::string content;
  for (double value : values) content += bytes_of(value);
  return message_field(field, content);
}

// Numbers of the fields in TensorFlow's event.proto and summary.proto.
namespace event {
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;
}
namespace summary {
constexpr int kValue = 1, kTag = 1, kSimpleValue = 2, kHistogram = 5, kTensor = 8, kMetadata = 9;
}
namespace metadata {
constexpr int kPluginData = 1, kPluginName = 1, kContent = 2;
}
namespace tensor {
constexpr int kType = 1, kShape = 2, kStrings = 8;
constexpr int kStringType = 7;
}  // namespace tensor
namespace histogram {
constexpr int kMin = 1, kMax = 2, kCount = 3, kSum = 4, kSumOfSquares = 5, kLimits = 6, kBuckets = 7;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string histogram_of(const std::vector<double>& values) {
  constexpr std::size_t kIntervals = 30;
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double width = (*high - *low) / kIntervals;
  std::vector<double> limits, counts(kIntervals, 0);
  for (std::size_t i = 1; i <= kIntervals; ++i) limits.push_back(*low + width * static_cast<double>(i));
  double sum = 0, squares = 0;
  for (double value : values) {
    const double at = width > 0 ? (value - *low) / width : 0;
    ++counts[std::min(kIntervals - 1, static_cast<std::size_t>(at))];
    sum += value;
    squares += value * value;
  }
  return double_field(histogram::kMin, *low) + double_field(histogram::kMax, *high) +
         double_field(histogram::kCount, static_cast<double>(values.size())) + double_field(histogram::kSum, sum) +
         double_field(histogram::kSumOfSquares, squares) + doubles_field(histogram::kLimits, limits) +
         doubles_field(histogram::kBuckets, counts);
}

std::string file_name() {
  static std::atomic<int> count{0};
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return absl::StrCat("events.out.tfevents.", static_cast<std::int64_t>(wall_time()), ".", host, ".", ::getpid(), ".",
                      count++, ".v2");
}

}  // namespace

EventFile::EventFile(const std::string& folder) : path_(absl::StrCat(folder, "/", file_name())) {
  std::filesystem::create_directories(folder);
  file_.open(path_, std::ios::binary);
  write_record(double_field(event::kWallTime, wall_time()) + message_field(event::kFileVersion, "brain.Event:2"));
}

void EventFile::add_scalar(std::string_view tag, double value, std::int64_t step) {
  add_event(step, message_field(summary::kTag, tag) + float_field(summary::kSimpleValue, static_cast<float>(value)));
}

void EventFile::add_histogram(std::string_view tag, const std::vector<double>& values, std::int64_t step) {
  if (values.empty()) return;
  add_event(step, message_field(summary::kTag, tag) + message_field(summary::kHistogram, histogram_of(values)));
}

void EventFile::add_text(std::string_view tag, std::string_view plugin, std::string_view text, std::int64_t step) {
  const std::string data = message_field(metadata::kPluginName, plugin) + message_field(metadata::kContent, "1");
  add_event(step, message_field(summary::kTag, tag) +
                      message_field(summary::kTensor, integer_field(tensor::kType, tensor::kStringType) +
                                                          message_field(tensor::kShape, "") +
                                                          message_field(tensor::kStrings, text)) +
                      message_field(summary::kMetadata, message_field(metadata::kPluginData, data)));
}

void EventFile::add_event(std::int64_t step, std::string_view summary_value) {
  write_record(double_field(event::kWallTime, wall_time()) + integer_field(event::kStep, step) +
               message_field(event::kSummary, message_field(summary::kValue, summary_value)));
}

void EventFile::write_record(std::string_view content) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(content.size()));
  file_ << length << bytes_of(masked_crc(length)) << content << bytes_of(masked_crc(content)) << std::flush;
  if (!file_)
    throw Error({.where = "TensorBoard", .expected = "to write " + path_, .received = "an error", .hint = {}});
}

}  // namespace mica::internal
