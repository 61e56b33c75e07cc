#include "runtime/library_plan.h"

#include <algorithm>

#include "runtime/error.h"

namespace mica::rt {
namespace {

// Work below kSmallPiece is not worth a thread; small work makes up to kFewPieces pieces, more work pieces of
// kLargePiece.
constexpr double kSmallPiece = 2.5e5, kLargePiece = 8e6;
constexpr std::int64_t kFewPieces = 8, kMaxPieces = 64;
// Of a matmul's piece: less wastes the packing of its other operand, which is dearer for a transposed one and not
// needed for packed weights.
constexpr std::int64_t kMinRows = 32, kMinColumns = 128, kMinRowsTransposed = 64, kMinRowsPacked = 4;
// With so many rows a piece, packing b again for each costs nothing that shows.
constexpr std::int64_t kManyRows = 128;
// Of a convolution's piece: neighbours read the same rows of the image.
constexpr std::int64_t kMinImageRows = 4;
// Flops of a partial kernel gradient for each element to be summed.
constexpr double kWorkPerSum = 256;

std::int64_t pieces_worth(double flops) {
  const auto few = std::min(kFewPieces, static_cast<std::int64_t>(flops / kSmallPiece));
  return std::clamp(static_cast<std::int64_t>(flops / kLargePiece), std::max<std::int64_t>(few, 1), kMaxPieces);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// With axes of 1 in front.
View aligned(View view, std::size_t rank) {
  MICA_CHECK(view.dims.size() <= rank) << "an operand of a library call has more axes than its result";
  const std::int64_t outer = view.dims.empty() ? 1 : view.dims[0] * view.strides[0];
  view.strides.insert(view.strides.begin(), rank - view.dims.size(), outer);
  view.dims.insert(view.dims.begin(), rank - view.dims.size(), 1);
  return view;
}

// [batch, spatial…, channels] as [batch, channels, spatial…].
View channels_second(View view) {
  std::rotate(view.dims.begin() + 1, view.dims.end() - 1, view.dims.end());
  std::rotate(view.strides.begin() + 1, view.strides.end() - 1, view.strides.end());
  return view;
}

// [1…, channels] as [channels].
View one_per_channel(View view) {
  view.dims = {view.numel()};
  view.strides = {1};
  return view;
}

// [window…, inputs/groups, outputs] as [outputs, inputs, window…], or as [groups, outputs/groups, inputs/groups,
// window…].
View kernel_view(const LibraryOperand& operand, int index, std::int64_t groups) {
  const View plain = dense(operand, index);
  const std::size_t window = plain.dims.size() - 2;
  View view{.operand = index, .dtype = operand.dtype, .dims = {}, .strides = {}, .offset = 0};
  const std::int64_t outputs = plain.dims[window + 1] / groups;
  if (groups > 1) {
    view.dims.push_back(groups);
    view.strides.push_back(outputs);
  }
  view.dims.insert(view.dims.end(), {outputs, plain.dims[window]});
  view.strides.insert(view.strides.end(), {1, plain.strides[window]});
  for (std::size_t i = 0; i < window; ++i) {
    view.dims.push_back(plain.dims[i]);
    view.strides.push_back(plain.strides[i]);
  }
  return view;
}

// Positions of the operands: a, b, [bias], operands of binary epilogues, out.
struct Arguments {
  explicit Arguments(const LibraryRequest& request) : operands(request.operands), has_bias(request.call.has_bias) {
    std::size_t binary = 0;
    for (const MicaEpilogue& epilogue : request.epilogues) binary += epilogue.kind == MICA_EPILOGUE_BINARY;
    MICA_CHECK(operands.size() == 3 + binary + has_bias)
        << request.where << ": " << operands.size() << " operands of a library call";
  }
  const LibraryOperand& out() const { return operands.back(); }
  View view(std::size_t i) const { return dense(operands[i], static_cast<int>(i)); }
  View view_of_out() const { return view(operands.size() - 1); }
  std::size_t first_epilogue() const { return 2u + has_bias; }
  std::size_t end_epilogue() const { return operands.size() - 1; }

  const std::vector<LibraryOperand>& operands;
  bool has_bias;
};

View swapped_last_two(View view) {
  std::swap(view.dims[view.dims.size() - 1], view.dims[view.dims.size() - 2]);
  std::swap(view.strides[view.strides.size() - 1], view.strides[view.strides.size() - 2]);
  return view;
}

// [batch…, rows, columns] as [batch * rows, columns]. The view is dense, or 1 in all but the last axis.
View joined_rows(const View& view) {
  View flat = view;
  const std::int64_t columns = view.dims.back();
  const std::int64_t rows = columns == 0 ? 0 : view.numel() / columns;
  flat.dims = {rows, columns};
  flat.strides = {std::max<std::int64_t>(columns, 1), 1};
  return flat;
}

// [batch…, rows, columns] as [batch, rows, columns]. The batch axes are dense, or all 1.
View joined_batch(const View& view) {
  View flat = view;
  const auto batch_axes = static_cast<std::ptrdiff_t>(view.dims.size()) - 2;
  std::int64_t batch = 1;
  for (std::ptrdiff_t i = 0; i < batch_axes; ++i) batch *= view.dims[static_cast<std::size_t>(i)];
  flat.dims.erase(flat.dims.begin(), flat.dims.begin() + batch_axes - 1);
  flat.strides.erase(flat.strides.begin(), flat.strides.begin() + batch_axes - 1);
  flat.dims[0] = batch;
  return flat;
}

class MatmulPlan {
 public:
  explicit MatmulPlan(const LibraryRequest& request) : call_(request.call) {
    const Arguments args(request);
    const std::size_t rank = args.out().dims.size();
    MICA_CHECK(rank >= 2) << request.where << ": a product of rank " << rank;
    whole_.a = aligned(args.view(0), rank);
    whole_.b = aligned(args.view(1), rank);
    if (call_.transpose_a) whole_.a = swapped_last_two(whole_.a);
    if (call_.transpose_b) whole_.b = swapped_last_two(whole_.b);
    whole_.out = args.view_of_out();
    if (args.has_bias) whole_.bias.push_back(aligned(args.view(2), rank));
    for (std::size_t i = args.first_epilogue(); i < args.end_epilogue(); ++i) {
      whole_.epilogues.push_back(aligned(args.view(i), rank));
    }
    if (rank > 2 && rows_can_join()) {
      join(joined_rows);
      whole_.b.dims.erase(whole_.b.dims.begin(), whole_.b.dims.end() - 2);
      whole_.b.strides.erase(whole_.b.strides.begin(), whole_.b.strides.end() - 2);
    } else if (rank > 3 && batch_can_join()) {
      join(joined_batch);
      whole_.b = joined_batch(whole_.b);
    }
  }

  std::vector<CallPiece> cut() const {
    const std::size_t rank = whole_.out.dims.size();
    const double depth = static_cast<double>(whole_.a.dims[rank - 1]);
    const std::int64_t wanted = pieces_worth(2.0 * static_cast<double>(whole_.out.numel()) * depth);
    std::size_t batch = 0;  // the outermost axis that can be cut: its parts are dense
    while (batch + 2 < rank && whole_.out.dims[batch] == 1) ++batch;
    if (batch + 2 >= rank) return cut_matrix(whole_, wanted);
    std::vector<CallPiece> pieces;
    const std::vector<Range> ranges = split(whole_.out.dims[batch], wanted, 1);
    const bool single = static_cast<std::int64_t>(ranges.size()) == whole_.out.numel() / matrix_size();
    for (const Range& range : ranges) {
      const CallPiece part = sliced(whole_, batch, range);
      const std::vector<CallPiece> cut =
          single ? cut_matrix(part, ceil_div(wanted, std::ssize(ranges))) : std::vector{part};
      pieces.insert(pieces.end(), cut.begin(), cut.end());
    }
    return pieces;
  }

 private:
  // The library's best product wants dense matrices: rows of a and of the result may be cut (a transposed a is brought
  // into rows for it), and the columns of a single row. Other cuts go to its second best, which is as fast on large
  // pieces but knows no packed weights and no binary epilogues, and generates its code for 30 ms in the first run.
  std::vector<CallPiece> cut_matrix(const CallPiece& part, std::int64_t wanted) const {
    const std::size_t rank = part.out.dims.size(), rows = rank - 2, columns = rank - 1;
    const bool plain = !call_.packed && part.epilogues.empty(), row_vector = part.out.dims[rows] == 1;
    const bool enough_rows = part.out.dims[rows] >= kManyRows * wanted;
    const bool cuts_columns = row_vector || (plain && !call_.transpose_a && !call_.transpose_b && !enough_rows);
    const std::int64_t column_pieces = cuts_columns ? wanted : 1;
    const std::vector<Range> column_ranges = split(part.out.dims[columns], column_pieces, kMinColumns);
    const std::vector<Range> row_ranges =
        split(part.out.dims[rows], ceil_div(wanted, std::ssize(column_ranges)), min_rows());
    std::vector<CallPiece> pieces;
    for (std::size_t c = 0; c < column_ranges.size(); ++c) {
      CallPiece in_columns = sliced(part, columns, column_ranges[c]);
      in_columns.column_tile = static_cast<std::int64_t>(c);
      for (const Range& r : row_ranges) pieces.push_back(sliced(in_columns, rows, r));
    }
    return pieces;
  }

  std::int64_t min_rows() const {
    if (call_.packed) return kMinRowsPacked;
    return call_.transpose_b ? kMinRowsTransposed : kMinRows;
  }
  std::int64_t matrix_size() const {
    return std::max<std::int64_t>(whole_.out.dims.back() * whole_.out.dims.end()[-2], 1);
  }

  static bool ones(const View& view, std::size_t axes) {
    return std::all_of(view.dims.begin(), view.dims.begin() + static_cast<std::ptrdiff_t>(axes),
                       [](std::int64_t d) { return d == 1; });
  }
  bool same_batch(const View& view, std::size_t axes) const {
    return std::equal(view.dims.begin(), view.dims.begin() + static_cast<std::ptrdiff_t>(axes),
                      whole_.out.dims.begin());
  }
  bool rows_can_join() const {
    const std::size_t rank = whole_.out.dims.size();
    const auto fits = [&](const View& view) { return view.dims == whole_.out.dims || ones(view, rank - 1); };
    return !call_.transpose_a && same_batch(whole_.a, rank - 1) && ones(whole_.b, rank - 2) &&
           std::ranges::all_of(whole_.epilogues, fits);
  }
  bool batch_can_join() const {
    const std::size_t axes = whole_.out.dims.size() - 2;
    const auto fits = [&](const View& view) { return same_batch(view, axes) || ones(view, axes); };
    return fits(whole_.a) && fits(whole_.b) && std::ranges::all_of(whole_.epilogues, fits);
  }

  void join(View (*joined)(const View&)) {
    whole_.a = joined(whole_.a);
    whole_.out = joined(whole_.out);
    for (View& view : whole_.bias) view = joined(view);
    for (View& view : whole_.epilogues) view = joined(view);
  }

  // The part of the result's axis, and of every operand that runs along it.
  static CallPiece sliced(const CallPiece& piece, std::size_t axis, Range range) {
    const std::size_t rank = piece.out.dims.size();
    CallPiece part = piece;
    part.out = piece.out.sliced(axis, range);
    if (axis != rank - 1) part.a = piece.a.sliced(axis, range);
    if (axis != rank - 2) part.b = piece.b.sliced(axis, range);
    for (View& view : part.bias) view = view.sliced(axis, range);
    for (View& view : part.epilogues) view = view.sliced(axis, range);
    return part;
  }

  const MicaLibraryCall& call_;
  CallPiece whole_;
};

// A convolution of any kind. `image` is the side that the windows slide over, `windows` the side with one position per
// window.
class ConvPlan {
 public:
  explicit ConvPlan(const LibraryRequest& request) : call_(request.call) {
    const Arguments args(request);
    const std::size_t rank = args.operands[0].dims.size();
    MICA_CHECK(rank == call_.spatial_rank + 2u && args.out().dims.size() == rank)
        << request.where << ": ranks of a convolution";
    whole_.a = channels_second(args.view(0));
    if (call_.kind == MICA_CONV_GRAD_KERNEL) {
      whole_.b = channels_second(args.view(1));
      whole_.out = kernel_view(args.out(), static_cast<int>(args.operands.size()) - 1, call_.groups);
    } else {
      whole_.b = kernel_view(args.operands[1], 1, call_.groups);
      whole_.out = channels_second(args.view_of_out());
    }
    if (args.has_bias) whole_.bias.push_back(one_per_channel(args.view(2)));
    for (std::size_t i = args.first_epilogue(); i < args.end_epilogue(); ++i) {
      whole_.epilogues.push_back(channels_second(aligned(args.view(i), rank)));
    }
    whole_.pad_low.assign(call_.pad_low, call_.pad_low + call_.spatial_rank);
    whole_.pad_high.assign(call_.pad_high, call_.pad_high + call_.spatial_rank);
  }

  std::vector<CallPiece> cut() const {
    const std::int64_t batch = whole_.a.dims[0], wanted = wanted_pieces();
    const std::vector<Range> batches = split(batch, wanted, 1);
    const bool single_images = static_cast<std::int64_t>(batches.size()) == batch;
    std::vector<CallPiece> pieces;
    for (const Range& range : batches) {
      const CallPiece part = batch_part(range);
      if (call_.kind == MICA_CONV && single_images) {
        cut_rows(part, ceil_div(wanted, batch), pieces);
      } else {
        pieces.push_back(part);
      }
    }
    return pieces;
  }

 private:
  std::int64_t wanted_pieces() const {
    const bool grad_kernel = call_.kind == MICA_CONV_GRAD_KERNEL;
    const View& kernel = grad_kernel ? whole_.out : whole_.b;
    const View& windows = call_.kind == MICA_CONV ? whole_.out : grad_kernel ? whole_.b : whole_.a;
    const double positions =
        static_cast<double>(windows.numel()) / static_cast<double>(std::max<std::int64_t>(windows.dims[1], 1));
    const double flops = 2 * positions * static_cast<double>(kernel.numel());
    if (!grad_kernel) return pieces_worth(flops);
    const auto worth_summing =
        static_cast<std::int64_t>(flops / (kWorkPerSum * static_cast<double>(kernel.numel()) + 1));
    return std::min({pieces_worth(flops), 2 * kFewPieces, std::max<std::int64_t>(worth_summing, 2)});
  }

  CallPiece batch_part(Range range) const {
    CallPiece part = whole_;
    part.a = whole_.a.sliced(0, range);
    if (call_.kind == MICA_CONV_GRAD_KERNEL) {
      part.b = whole_.b.sliced(0, range);
    } else {
      part.out = whole_.out.sliced(0, range);
    }
    for (View& view : part.epilogues) view = view.sliced(0, range);
    return part;
  }

  // Rows [begin, end) of the result need the rows of the image under their windows; what lies outside becomes the
  // piece's own padding.
  void cut_rows(const CallPiece& part, std::int64_t wanted, std::vector<CallPiece>& pieces) const {
    constexpr std::size_t kRowAxis = 2;
    const std::int64_t reach = (kernel_rows() - 1) * call_.dilations[0] + 1, image_rows = part.a.dims[kRowAxis];
    std::vector<CallPiece> cut;
    for (const Range& rows : split(part.out.dims[kRowAxis], wanted, kMinImageRows)) {
      const std::int64_t begin = rows.begin * call_.strides[0] - call_.pad_low[0];
      const std::int64_t end = (rows.begin + rows.count - 1) * call_.strides[0] - call_.pad_low[0] + reach;
      const std::int64_t first = std::max<std::int64_t>(begin, 0), last = std::min(end, image_rows);
      if (first >= last) return pieces.push_back(part);  // a piece of padding alone
      CallPiece piece = part;
      piece.a = part.a.sliced(kRowAxis, {first, last - first});
      piece.out = part.out.sliced(kRowAxis, rows);
      for (View& view : piece.epilogues) view = view.sliced(kRowAxis, rows);
      piece.pad_low[0] = first - begin;
      piece.pad_high[0] = end - last;
      cut.push_back(std::move(piece));
    }
    pieces.insert(pieces.end(), cut.begin(), cut.end());
  }

  std::int64_t kernel_rows() const { return whole_.b.dims[call_.groups > 1 ? 3 : 2]; }

  const MicaLibraryCall& call_;
  CallPiece whole_;
};

}  // namespace

View dense(const LibraryOperand& operand, int index) {
  View view{.operand = index, .dtype = operand.dtype, .dims = operand.dims, .strides = {}, .offset = 0};
  view.strides.resize(view.dims.size());
  std::int64_t stride = 1;
  for (std::size_t i = view.dims.size(); i-- > 0;) {
    view.strides[i] = stride;
    stride *= std::max<std::int64_t>(view.dims[i], 1);
  }
  return view;
}

std::int64_t View::numel() const {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  return count;
}

View View::sliced(std::size_t axis, Range range) const {
  if (dims[axis] == 1) return *this;
  View part = *this;
  part.offset += range.begin * strides[axis];
  part.dims[axis] = range.count;
  if (dims[0] == 1) {  // a single image or row is dense whatever lies around it, and the library takes it for that by
                       // its outer stride
    part.strides[0] = 1;
    for (std::size_t i = 1; i < dims.size(); ++i)
      part.strides[0] = std::max(part.strides[0], part.dims[i] * part.strides[i]);
  }
  return part;
}

std::vector<CallPiece> plan_pieces(const LibraryRequest& request) {
  return request.call.kind == MICA_MATMUL ? MatmulPlan(request).cut() : ConvPlan(request).cut();
}

std::vector<Range> split(std::int64_t extent, std::int64_t wanted, std::int64_t unit) {
  const std::int64_t size =
      ceil_div(ceil_div(std::max<std::int64_t>(extent, 1), std::max<std::int64_t>(wanted, 1)), unit) * unit;
  std::vector<Range> parts;
  for (std::int64_t begin = 0; begin < extent; begin += size) parts.push_back({begin, std::min(size, extent - begin)});
  if (parts.empty()) parts.push_back({0, 0});
  return parts;
}

}  // namespace mica::rt
