#include "runtime/library_plan.h"

#include <gtest/gtest.h>

namespace mica::rt {
namespace {

TEST(Split, PartsAreEqualButTheLast) {
  EXPECT_EQ(split(100, 3, 1), (std::vector<Range>{{0, 34}, {34, 34}, {68, 32}}));
  EXPECT_EQ(split(100, 3, 16), (std::vector<Range>{{0, 48}, {48, 48}, {96, 4}}));
  EXPECT_EQ(split(10, 4, 32), (std::vector<Range>{{0, 10}}));
  EXPECT_EQ(split(3, 64, 1).size(), 3u);
  EXPECT_EQ(split(0, 4, 1), (std::vector<Range>{{0, 0}}));
}

// Marks the elements of a view in a counter of the whole operand.
void mark(const View& view, std::vector<int>& visits) {
  std::vector<std::int64_t> index(view.dims.size(), 0);
  for (std::int64_t i = 0; i < view.numel(); ++i) {
    std::int64_t at = view.offset;
    for (std::size_t d = 0; d < index.size(); ++d) at += index[d] * view.strides[d];
    ++visits.at(static_cast<std::size_t>(at));
    for (std::size_t d = index.size(); d-- > 0;) {
      if (++index[d] < view.dims[d]) break;
      index[d] = 0;
    }
  }
}

LibraryRequest request(MicaLibraryKind kind, std::vector<std::vector<std::int64_t>> dims) {
  LibraryRequest r{.call = {}, .epilogues = {}, .operands = {}, .where = "test"};
  r.call.kind = static_cast<std::uint8_t>(kind);
  r.call.groups = 1;
  for (auto& d : dims) r.operands.push_back({kFloat32, std::move(d)});
  r.call.spatial_rank = static_cast<std::uint8_t>(r.operands[0].dims.size() - 2);
  for (int i = 0; i < 3; ++i) r.call.strides[i] = r.call.dilations[i] = 1;
  return r;
}

void expect_every_element_once(const LibraryRequest& r, std::size_t min_pieces) {
  const std::vector<CallPiece> pieces = plan_pieces(r);
  EXPECT_GE(pieces.size(), min_pieces);
  std::int64_t count = 1;
  for (const std::int64_t d : r.operands.back().dims) count *= d;
  std::vector<int> visits(static_cast<std::size_t>(count));
  for (const CallPiece& piece : pieces) mark(piece.out, visits);
  EXPECT_EQ(visits, std::vector<int>(visits.size(), 1));
}

TEST(Plan, MatmulPiecesTileTheResult) {
  expect_every_element_once(request(MICA_MATMUL, {{128, 784}, {784, 512}, {128, 512}}), 8);
  expect_every_element_once(request(MICA_MATMUL, {{1000, 64}, {64, 50}, {1000, 50}}), 4);
  expect_every_element_once(request(MICA_MATMUL, {{2, 8, 100, 64}, {2, 8, 64, 100}, {2, 8, 100, 100}}), 8);
  expect_every_element_once(request(MICA_MATMUL, {{7, 33, 64}, {64, 100}, {7, 33, 100}}), 4);
  EXPECT_EQ(plan_pieces(request(MICA_MATMUL, {{4, 10}, {10, 10}, {4, 10}})).size(), 1u);
}

TEST(Plan, ImagesAreCutByBatchThenByRows) {
  expect_every_element_once(request(MICA_CONV, {{32, 14, 14, 32}, {3, 3, 32, 32}, {32, 12, 12, 32}}), 8);
  LibraryRequest single = request(MICA_CONV, {{1, 40, 40, 32}, {3, 3, 32, 32}, {1, 40, 40, 32}});
  single.call.pad_low[0] = single.call.pad_low[1] = single.call.pad_high[0] = single.call.pad_high[1] = 1;
  expect_every_element_once(single, 4);
  const std::vector<CallPiece> pieces = plan_pieces(single);
  EXPECT_EQ(pieces.front().pad_low[0], 1);
  EXPECT_EQ(pieces.front().pad_high[0], 0);  // the rows below are there
  EXPECT_EQ(pieces[1].pad_low[0], 0);
  EXPECT_EQ(pieces[1].a.dims[2], pieces[1].out.dims[2] + 2);
  EXPECT_EQ(pieces.back().pad_high[0], 1);
}

TEST(Plan, PartialKernelGradientsAreFewWhenTheKernelIsLarge) {
  const LibraryRequest small = request(MICA_CONV_GRAD_KERNEL, {{64, 28, 28, 32}, {64, 26, 26, 32}, {3, 3, 32, 32}});
  EXPECT_EQ(plan_pieces(small).size(), 16u);
  const LibraryRequest large = request(MICA_CONV_GRAD_KERNEL, {{8, 9, 9, 512}, {8, 7, 7, 512}, {3, 3, 512, 512}});
  EXPECT_EQ(plan_pieces(large).size(), 3u);
}

}  // namespace
}  // namespace mica::rt
