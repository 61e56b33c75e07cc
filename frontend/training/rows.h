// Rows of arrays: gathered, stacked, shuffled; and what all that hands out batches of them does.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/mica/tensor.h"
#include "runtime/array.h"

namespace mica::internal {

Tensor of_array(rt::Array array);
// An Error naming `where` unless `value` is at least `least`.
void check_option(const std::string& where, const char* option, std::int64_t value, std::int64_t least);
// These rows, in this order.
rt::Array gather_rows(const rt::Array& array, std::span<const std::size_t> indices);
// The rows of all of them, one after the other; Error where the shapes of rows differ.
rt::Array joined_rows(const std::vector<rt::Array>& parts);
// A permutation of 0 … n-1: from the process's generator, or from a seed, which always gives the same one.
std::vector<std::size_t> shuffled(std::size_t n, std::optional<std::uint64_t> seed = {});

}  // namespace mica::internal
