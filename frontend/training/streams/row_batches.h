// Rows of a file as batches: in their order, or each taken at random out of the next ones.
#pragma once
#include <functional>

#include "frontend/mica/training/streams.h"
#include "frontend/training/rows.h"
#include "frontend/training/streams/row_reader.h"

namespace mica::internal {

struct RowBatchOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::int64_t shuffle_buffer = 10000;
  std::optional<std::uint64_t> seed = {};
  int prefetch = 2;

  // From the public options of any format.
  template <class Options>
  static RowBatchOptions of(const Options& o) {
    return {o.batch_size, o.shuffle, o.shuffle_buffer, o.seed, o.prefetch};
  }
};

// `to_batch` says which column is what. `where` names the source in errors of options.
std::shared_ptr<BatchSource> row_batches(const std::string& where, std::unique_ptr<RowReader> reader,
                                         const RowBatchOptions& options, std::function<Batch(Rows)> to_batch);

}  // namespace mica::internal
