// .safetensors: arrays by name. A length of 8 bytes, a JSON object of that length that says dtype, shape and place of
// every array, then their bytes without gaps. Every dtype of DType.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/npz.h"

namespace mica::files {

using Metadata = std::vector<std::pair<std::string, std::string>>;  // of the whole file, as its user likes

// Every array, in the order of the header; aligned ones are the mapped file itself.
absl::StatusOr<NamedArrays> read_safetensors(std::string_view path);
// The same from memory that `owner` keeps alive.
absl::StatusOr<NamedArrays> read_safetensors(std::span<std::byte> content, const std::shared_ptr<void>& owner,
                                             std::string_view where);

// Wide elements come first, so that all are aligned.
absl::Status write_safetensors(std::string_view path, const NamedArrays& arrays, const Metadata& metadata = {});

}  // namespace mica::files
