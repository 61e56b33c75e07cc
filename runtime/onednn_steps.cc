// The library calls as oneDNN primitives. Layouts are the library's choice (`any`) wherever ours makes it slow.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "runtime/cpu.h"
#include "runtime/epilogue.h"
#include "runtime/error.h"
#include "runtime/library.h"
#include "runtime/library_plan.h"
#include "runtime/memory.h"
#include "runtime/onednn_primitives.h"
#include "runtime/openmp.h"

namespace mica::rt {
namespace {

using namespace onednn;  // NOLINT: this file is its other half

constexpr std::int64_t kFewChannels = 16;  // below it the convolution that reads plain kernels leaves vector lanes idle
constexpr std::int64_t kSumGrain = 1 << 14;

struct UnaryEpilogue {
  const char* name;
  dn::algorithm algorithm;
};
constexpr UnaryEpilogue kUnary[] = {
    {"relu", dn::algorithm::eltwise_relu},     {"leaky_relu", dn::algorithm::eltwise_relu},
    {"tanh", dn::algorithm::eltwise_tanh},     {"sigmoid", dn::algorithm::eltwise_logistic},
    {"gelu", dn::algorithm::eltwise_gelu_erf}, {"gelu_tanh", dn::algorithm::eltwise_gelu_tanh},
    {"elu", dn::algorithm::eltwise_elu},       {"silu", dn::algorithm::eltwise_swish},
    {"sqrt", dn::algorithm::eltwise_sqrt},     {"abs", dn::algorithm::eltwise_abs},
};
struct BinaryEpilogue {
  const char* name;
  dn::algorithm algorithm;
};
constexpr BinaryEpilogue kBinary[] = {
    {"add", dn::algorithm::binary_add},
    {"subtract", dn::algorithm::binary_sub},
    {"multiply", dn::algorithm::binary_mul},
    {"divide", dn::algorithm::binary_div},
};

template <class Table>
dn::algorithm find_algorithm(const Table& table, const MicaEpilogue& epilogue, const LibraryRequest& request) {
  for (const auto& entry : table) {
    if (std::string_view(entry.name) == epilogue.op) return entry.algorithm;
  }
  throw Error(
      {.where = request.where, .expected = "an epilogue that oneDNN applies", .received = epilogue.op, .hint = {}});
}

bool is_sum(const MicaEpilogue& epilogue) { return std::string_view(epilogue.op) == "sum"; }
float alpha_of(const MicaEpilogue& epilogue) { return std::string_view(epilogue.op) == "silu" ? 1.0f : epilogue.alpha; }

dn::primitive_attr user_scratchpad() {
  dn::primitive_attr attr;
  attr.set_scratchpad_mode(dn::scratchpad_mode::user);
  return attr;
}

// Of a primitive that applies the first epilogues itself.
dn::primitive_attr attributes(const LibraryRequest& request, std::size_t num_fused, const CallPiece& piece) {
  dn::post_ops ops;
  std::size_t operand = 0;
  for (std::size_t i = 0; i < num_fused; ++i) {
    const MicaEpilogue& epilogue = request.epilogues[i];
    if (epilogue.kind == MICA_EPILOGUE_BINARY) {
      ops.append_binary(find_algorithm(kBinary, epilogue, request), plain(piece.epilogues[operand++]));
    } else if (is_sum(epilogue)) {
      ops.append_sum(1.0f);
    } else {
      ops.append_eltwise(find_algorithm(kUnary, epilogue, request), alpha_of(epilogue), epilogue.beta);
    }
  }
  dn::primitive_attr attr = user_scratchpad();
  attr.set_fpmath_mode(dn::fpmath_mode::strict);
  attr.set_post_ops(ops);
  return attr;
}

// A primitive, and the layouts it was made for.
struct Made {
  dn::primitive primitive;
  Desc weights, scratchpad;
  std::string implementation;

  template <class PrimitiveDesc>
  Made(const PrimitiveDesc& desc, Desc weights_desc)
      : primitive(desc),
        weights(std::move(weights_desc)),
        scratchpad(desc.scratchpad_desc()),
        implementation(desc.impl_info_str()) {}
  bool is_reference() const { return implementation.starts_with("ref"); }
  bool is_blocked_or_brgemm() const { return implementation.starts_with("brg") || implementation.starts_with("jit"); }
};

// Elements without gaps between them, in whatever order of the axes.
bool is_gapless(const View& view) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < view.dims.size(); ++i)
    last += (view.dims[i] - 1) * (view.dims[i] > 1 ? view.strides[i] : 0);
  return last + 1 == view.numel();
}

class StepBuilder {
 public:
  explicit StepBuilder(const LibraryRequest& request)
      : request_(request),
        call_(request.call),
        num_fused_(static_cast<std::size_t>(std::ranges::find_if_not(request.epilogues, library_is_faithful) -
                                            request.epilogues.begin())) {}

  std::unique_ptr<LibraryStep> build() {
    pieces_ = plan_pieces(request_);
    return finish();
  }

  // The call is a product whose first two operands are zeros that no argument holds.
  std::unique_ptr<LibraryStep> build_product_of_zeros() {
    pieces_ = plan_pieces(request_);
    const auto zeros_for = [&](std::size_t operand) {
      const View whole = dense(request_.operands[operand], kScratch);
      return take_scratch(whole.numel() * whole.dtype.bytes()) / whole.dtype.bytes();
    };
    const std::int64_t a = zeros_for(0), b = zeros_for(1);
    step_->cleared = {kScratch, static_cast<std::size_t>(step_->scratch)};
    for (CallPiece& piece : pieces_) {
      piece.a.operand = piece.b.operand = kScratch;
      piece.a.offset += a;
      piece.b.offset += b;
    }
    return finish();
  }

  // The weights of `user`, plain in operand 0, into operand 1.
  std::unique_ptr<LibraryStep> build_pack(const PrimitiveStep& user) {
    Phase phase;
    for (const WeightsTile& tile : user.packed_tiles) {
      phase.push_back({reorder(plain(tile.view), 0, tile.view.byte_offset(), tile.layout, 1, tile.byte_offset)});
    }
    step_->phases.push_back(std::move(phase));
    step_->description = "reorder";
    return std::move(step_);
  }

 private:
  std::unique_ptr<LibraryStep> finish() {
    if (call_.kind == MICA_CONV_GRAD_KERNEL) {
      build_grad_kernel();
    } else {
      build_forward();
    }
    step_->description =
        implementation_ + (pieces_.size() > 1 ? " x " + std::to_string(pieces_.size()) + " pieces" : "") + note_;
    return std::move(step_);
  }

  dn::memory::dims strides() const { return {call_.strides, call_.strides + call_.spatial_rank}; }
  dn::memory::dims dilations() const {
    dn::memory::dims gaps(call_.dilations, call_.dilations + call_.spatial_rank);
    for (auto& gap : gaps) gap -= 1;
    return gaps;
  }

  // The kernel of a convolution seen from its transposed one: inputs and outputs change places.
  View transposed_kernel(View kernel) const {
    const std::size_t outputs = call_.groups > 1 ? 1 : 0;
    std::swap(kernel.dims[outputs], kernel.dims[outputs + 1]);
    std::swap(kernel.strides[outputs], kernel.strides[outputs + 1]);
    return kernel;
  }
  bool is_deconvolution() const {
    return call_.kind == MICA_CONV_GRAD_INPUT && (call_.has_bias || !request_.epilogues.empty());
  }
  View weights_of(const CallPiece& piece) const { return is_deconvolution() ? transposed_kernel(piece.b) : piece.b; }

  Made make(const CallPiece& piece, const Desc& weights) const {
    const dn::primitive_attr attr = attributes(request_, num_fused_, piece);
    const Desc a = plain(piece.a), out = plain(piece.out), bias = piece.bias.empty() ? Desc() : plain(piece.bias[0]);
    if (call_.kind == MICA_MATMUL) {
      const dn::matmul::primitive_desc desc = piece.bias.empty()
                                                  ? dn::matmul::primitive_desc(engine(), a, weights, out, attr)
                                                  : dn::matmul::primitive_desc(engine(), a, weights, bias, out, attr);
      return {desc, desc.weights_desc()};
    }
    constexpr auto kDirect = dn::algorithm::convolution_direct;
    if (call_.kind == MICA_CONV) {
      const dn::convolution_forward::primitive_desc desc(engine(), dn::prop_kind::forward_inference, kDirect, a,
                                                         weights, bias, out, strides(), dilations(), piece.pad_low,
                                                         piece.pad_high, attr);
      return {desc, desc.weights_desc()};
    }
    if (is_deconvolution()) {
      const dn::deconvolution_forward::primitive_desc desc(engine(), dn::prop_kind::forward_inference,
                                                           dn::algorithm::deconvolution_direct, a, weights, bias, out,
                                                           strides(), dilations(), piece.pad_low, piece.pad_high, attr);
      return {desc, desc.weights_desc()};
    }
    const dn::convolution_forward::primitive_desc forward(engine(), dn::prop_kind::forward_training, kDirect, out,
                                                          any(piece.b), a, strides(), dilations(), piece.pad_low,
                                                          piece.pad_high);
    const dn::convolution_backward_data::primitive_desc desc(engine(), kDirect, out, weights, a, strides(), dilations(),
                                                             piece.pad_low, piece.pad_high, forward, attr);
    return {desc, desc.weights_desc()};
  }

  // The gradient of a kernel is accumulated in float32.
  Made make_grad_kernel(const CallPiece& piece, const Desc* layout) const {
    const Desc any_float(piece.out.dims, Type::f32, Tag::any);
    const Desc a = plain(piece.a), b = plain(piece.b);
    constexpr auto kDirect = dn::algorithm::convolution_direct;
    const dn::convolution_forward::primitive_desc forward(engine(), dn::prop_kind::forward_training, kDirect, a,
                                                          any(piece.out), b, strides(), dilations(), piece.pad_low,
                                                          piece.pad_high);
    const dn::convolution_backward_weights::primitive_desc desc(
        engine(), kDirect, a, layout == nullptr ? any_float : *layout, b, strides(), dilations(), piece.pad_low,
        piece.pad_high, forward, attributes(request_, num_fused_, piece));
    return {desc, desc.diff_weights_desc()};
  }

  // Pieces of one shape share a primitive.
  template <class Make>
  const Made& made_for(const CallPiece& piece, const Desc& weights, Make&& make_it) {
    std::string key = text_of(plain(piece.a)) + text_of(plain(piece.out)) + text_of(weights);
    for (const View& view : piece.epilogues) key += text_of(plain(view));
    for (const auto pad : piece.pad_low) key += std::to_string(pad) + "<";
    for (const auto pad : piece.pad_high) key += std::to_string(pad) + ">";
    const auto found = made_.find(key);
    return found != made_.end() ? found->second : made_.emplace(std::move(key), make_it()).first->second;
  }

  // Training reads the kernel as it is where a fast primitive does; otherwise the library's own layout is worth a
  // reorder each time.
  Desc choose_weights(const CallPiece& piece) {
    const View view = weights_of(piece);
    if (!call_.packed && (call_.kind == MICA_MATMUL || reads_plain_kernels(piece))) {
      const Made made = make(piece, plain(view));
      if (call_.kind == MICA_MATMUL ? !made.is_reference() : made.is_blocked_or_brgemm()) return made.weights;
    }
    return make(piece, any(view)).weights;
  }
  bool reads_plain_kernels(const CallPiece& piece) const {
    return call_.kind == MICA_CONV && call_.groups == 1 && piece.b.dims[1] >= kFewChannels;
  }

  void build_forward() {
    if (finish_empty()) return;
    std::map<std::int64_t, WeightsTile> tiles;
    std::int64_t packed_bytes = 0;
    Phase reorders, compute;
    give_the_tail_room();
    bring_into_rows(reorders);
    if (!reorders.empty()) note_ = " + reorder of a";
    const std::size_t copies_of_a = reorders.size();
    for (const CallPiece& piece : pieces_) {
      if (tiles.contains(piece.column_tile)) continue;
      WeightsTile tile{weights_of(piece), choose_weights(piece), 0};
      if (call_.packed) {
        tile.byte_offset = packed_bytes;
        packed_bytes += round_up(static_cast<std::int64_t>(tile.layout.get_size()));
        step_->packed_tiles.push_back(tile);
      } else if (tile.layout != plain(tile.view)) {
        tile.byte_offset = take_scratch(static_cast<std::int64_t>(tile.layout.get_size()));
        reorders.push_back({reorder(plain(tile.view), tile.view.operand, tile.view.byte_offset(), tile.layout, kScratch,
                                    tile.byte_offset)});
      }
      tiles.emplace(piece.column_tile, std::move(tile));
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      Task& task = compute.emplace_back();
      task.push_back(forward_execution(pieces_[i], tiles.at(pieces_[i].column_tile)));
      if (num_fused_ < request_.epilogues.size()) add_tail(task, pieces_[i], results_[i]);
    }
    if (reorders.size() > copies_of_a) note_ += " + reorder of the weights";
    if (!reorders.empty()) step_->phases.push_back(std::move(reorders));
    step_->phases.push_back(std::move(compute));
  }

  // Rows of a transposed a lie apart in memory, which the library's best product (of AVX-512) does not read: a copy, a
  // fraction of the work, lets it run.
  void bring_into_rows(Phase& reorders) {
    if (call_.kind != MICA_MATMUL || !call_.transpose_a || !cpu_features().avx512) return;
    for (CallPiece& piece : pieces_) {
      const View columns = piece.a;
      if (columns.strides.back() == columns.dims.end()[-2]) continue;  // not cut
      piece.a = dense({columns.dtype, columns.dims}, kScratch);
      const std::int64_t offset = take_scratch(piece.a.numel() * piece.a.dtype.bytes());
      piece.a.offset = offset / piece.a.dtype.bytes();
      reorders.push_back(
          {reorder(plain(columns), columns.operand, columns.byte_offset(), plain(piece.a), kScratch, offset)});
    }
  }

  Execution forward_execution(const CallPiece& piece, const WeightsTile& tile) {
    const Made& made = made_for(piece, tile.layout, [&] { return make(piece, tile.layout); });
    if (implementation_.empty()) implementation_ = made.implementation;
    const bool is_gradient = call_.kind == MICA_CONV_GRAD_INPUT && !is_deconvolution();
    Execution execution{.primitive = made.primitive, .arguments = {}};
    add(execution, is_gradient ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, piece.a);
    if (call_.packed) {
      execution.arguments.push_back({DNNL_ARG_WEIGHTS, tile.layout, tile.view.operand, tile.byte_offset});
    } else if (tile.layout != plain(tile.view)) {
      execution.arguments.push_back({DNNL_ARG_WEIGHTS, tile.layout, kScratch, tile.byte_offset});
    } else {
      add(execution, DNNL_ARG_WEIGHTS, weights_of(piece));
    }
    if (!piece.bias.empty()) add(execution, DNNL_ARG_BIAS, piece.bias[0]);
    for (std::size_t i = 0, operand = 0; i < num_fused_; ++i) {
      if (request_.epilogues[i].kind != MICA_EPILOGUE_BINARY) continue;
      add(execution, DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1, piece.epilogues[operand++]);
    }
    add(execution, is_gradient ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, piece.out);
    add_scratchpad(execution, made);
    return execution;
  }

  // The tail: the epilogues from the first on that the library computes otherwise than we do. It runs on a piece as
  // soon as that is made, in float32 without gaps; elsewhere the piece is made in scratch memory and brought to its
  // place at the end.
  void give_the_tail_room() {
    for (CallPiece& piece : pieces_) {
      results_.push_back(piece.out);
      if (num_fused_ == request_.epilogues.size() || (piece.out.dtype == kFloat32 && is_gapless(piece.out))) continue;
      if (std::ranges::any_of(request_.epilogues, is_sum))
        throw dn::error(dnnl_unimplemented, "a sum into a result that is not dense float32");
      piece.out = floats_like(piece.out);
    }
  }

  View floats_like(const View& view) {
    View floats = is_gapless(view) ? view : dense({kFloat32, view.dims}, kScratch);
    floats.operand = kScratch;
    floats.dtype = kFloat32;
    floats.offset = take_scratch(view.numel() * kFloat32.bytes()) / kFloat32.bytes();
    return floats;
  }

  void add_tail(Task& task, const CallPiece& piece, const View& result) {
    auto operand = static_cast<std::size_t>(
        std::count_if(request_.epilogues.begin(), request_.epilogues.begin() + static_cast<std::ptrdiff_t>(num_fused_),
                      [](const MicaEpilogue& e) { return e.kind == MICA_EPILOGUE_BINARY; }));
    for (std::size_t i = num_fused_; i < request_.epilogues.size(); ++i) {
      const MicaEpilogue& epilogue = request_.epilogues[i];
      const OwnEpilogue* own = own_epilogue(epilogue);
      if (epilogue.kind == MICA_EPILOGUE_BINARY) {
        if (own == nullptr) find_algorithm(kBinary, epilogue, request_);
        task.push_back(own_code(*own, epilogue, piece.out, tail_operand(task, piece, piece.epilogues[operand++])));
      } else if (own == nullptr) {
        task.push_back(library_unary(epilogue, piece.out, piece.out));
      } else if (own->refines_library) {
        const View library_result = floats_like(piece.out);
        task.push_back(library_unary(epilogue, piece.out, library_result));
        task.push_back(own_code(*own, epilogue, piece.out, library_result));
      } else {
        task.push_back(own_code(*own, epilogue, piece.out, {}));
      }
    }
    if (result.operand != piece.out.operand)
      task.push_back(reorder(plain(piece.out), kScratch, piece.out.byte_offset(), plain(result), result.operand,
                             result.byte_offset()));
  }

  // The operand of a binary epilogue in the order of the piece's elements.
  View tail_operand(Task& task, const CallPiece& piece, const View& operand) {
    const std::size_t channels = call_.kind == MICA_MATMUL ? operand.dims.size() - 1 : 1;
    if (operand.dims != piece.out.dims && operand.numel() != operand.dims[channels])
      throw dn::error(dnnl_unimplemented, "an operand of neither the result's shape nor its channels");
    if (operand.dtype == kFloat32) return operand;
    const View floats = floats_like(operand);
    task.push_back(
        reorder(plain(operand), operand.operand, operand.byte_offset(), plain(floats), kScratch, floats.byte_offset()));
    return floats;
  }

  static Execution own_code(const OwnEpilogue& own, const MicaEpilogue& epilogue, const View& values,
                            const View& operand) {
    Execution execution{.primitive = {},
                        .arguments = {{0, flat(values.numel()), values.operand, values.byte_offset()}},
                        .own = {own.function, values.numel(), 0, epilogue.alpha, epilogue.beta}};
    if (operand.dims.empty()) return execution;
    execution.own.operand_count = operand.numel();
    execution.arguments.push_back({0, flat(operand.numel()), operand.operand, operand.byte_offset()});
    return execution;
  }

  Execution library_unary(const MicaEpilogue& epilogue, const View& from, const View& to) {
    const Desc values = flat(from.numel());
    const dn::eltwise_forward::primitive_desc desc(engine(), dn::prop_kind::forward_inference,
                                                   find_algorithm(kUnary, epilogue, request_), values, values,
                                                   alpha_of(epilogue), epilogue.beta, user_scratchpad());
    Execution execution{.primitive = dn::eltwise_forward(desc), .arguments = {}};
    execution.arguments.push_back({DNNL_ARG_SRC, values, from.operand, from.byte_offset()});
    execution.arguments.push_back({DNNL_ARG_DST, values, to.operand, to.byte_offset()});
    add_scratchpad(execution, desc.scratchpad_desc());
    return execution;
  }

  void build_grad_kernel() {
    if (finish_empty()) return;
    const Desc layout = make_grad_kernel(pieces_[0], nullptr).weights;
    const View& out = pieces_[0].out;
    const bool is_plain = layout == plain(out), single = pieces_.size() == 1;
    const auto bytes = static_cast<std::int64_t>(layout.get_size());
    std::vector<std::int64_t> partials;
    Phase compute;
    for (const CallPiece& piece : pieces_) {
      const Made& made = made_for(piece, layout, [&] { return make_grad_kernel(piece, &layout); });
      implementation_ = made.implementation;
      Execution execution{.primitive = made.primitive, .arguments = {}};
      add(execution, DNNL_ARG_SRC, piece.a);
      add(execution, DNNL_ARG_DIFF_DST, piece.b);
      if (!single || !is_plain) partials.push_back(take_scratch(bytes));
      if (partials.empty()) {
        add(execution, DNNL_ARG_DIFF_WEIGHTS, out);
      } else {
        execution.arguments.push_back({DNNL_ARG_DIFF_WEIGHTS, layout, kScratch, partials.back()});
      }
      add_scratchpad(execution, made);
      compute.push_back({std::move(execution)});
    }
    step_->phases.push_back(std::move(compute));
    if (!single) step_->phases.push_back(sum_phase(partials, bytes / 4));
    if (!partials.empty())
      step_->phases.push_back({{reorder(layout, kScratch, partials[0], plain(out), out.operand, out.byte_offset())}});
  }

  // Adds the partial gradients into the first, in their order. They are taken as flat, so that the sum can be cut
  // anywhere.
  Phase sum_phase(const std::vector<std::int64_t>& partials, std::int64_t count) {
    Phase phase;
    for (const Range& range : split(count, count / kSumGrain, kAlignment)) {
      const Desc part = flat(range.count);
      const dn::sum::primitive_desc desc(engine(), part, std::vector<float>(partials.size(), 1.0f),
                                         std::vector<Desc>(partials.size(), part), user_scratchpad());
      Execution execution{.primitive = dn::sum(desc), .arguments = {}};
      for (std::size_t i = 0; i < partials.size(); ++i) {
        execution.arguments.push_back(
            {DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), part, kScratch, partials[i] + range.begin * 4});
      }
      execution.arguments.push_back({DNNL_ARG_DST, part, kScratch, partials[0] + range.begin * 4});
      add_scratchpad(execution, desc.scratchpad_desc());
      phase.push_back({std::move(execution)});
    }
    return phase;
  }

  // A result without elements needs no work, and a contraction over nothing, which is never cut, is zero. (Where
  // epilogues follow, it is a product of zeros.)
  bool finish_empty() {
    const CallPiece& piece = pieces_[0];
    const bool no_result = piece.out.numel() == 0, no_terms = piece.a.numel() == 0 || piece.b.numel() == 0;
    if (!no_result && !no_terms) return false;
    if (!no_result)
      step_->cleared = {piece.out.operand, static_cast<std::size_t>(piece.out.numel() * piece.out.dtype.bytes())};
    implementation_ = "empty";
    return true;
  }

  Execution reorder(const Desc& from, int from_operand, std::int64_t from_offset, const Desc& to, int to_operand,
                    std::int64_t to_offset) {
    const dn::reorder::primitive_desc desc(engine(), from, engine(), to, user_scratchpad());
    Execution execution{.primitive = dn::reorder(desc), .arguments = {}};
    execution.arguments.push_back({DNNL_ARG_FROM, from, from_operand, from_offset});
    execution.arguments.push_back({DNNL_ARG_TO, to, to_operand, to_offset});
    add_scratchpad(execution, desc.scratchpad_desc());
    return execution;
  }

  std::int64_t take_scratch(std::int64_t bytes) {
    return std::exchange(step_->scratch, step_->scratch + round_up(bytes));
  }

  static void add(Execution& execution, int id, const View& view) {
    execution.arguments.push_back({id, plain(view), view.operand, view.byte_offset()});
  }
  void add_scratchpad(Execution& execution, const Made& made) { add_scratchpad(execution, made.scratchpad); }
  void add_scratchpad(Execution& execution, const Desc& scratchpad) {
    if (scratchpad.get_size() == 0) return;
    execution.arguments.push_back(
        {DNNL_ARG_SCRATCHPAD, scratchpad, kScratch, take_scratch(static_cast<std::int64_t>(scratchpad.get_size()))});
  }

  const LibraryRequest& request_;
  const MicaLibraryCall& call_;
  const std::size_t num_fused_;  // epilogues that the library applies; the others are the tail
  std::vector<CallPiece> pieces_;
  std::vector<View> results_;  // of the pieces; where there is a tail, a piece's `out` may be scratch memory
  std::map<std::string, Made> made_;
  std::unique_ptr<PrimitiveStep> step_ = std::make_unique<PrimitiveStep>();
  std::string implementation_, note_;
};

const char* kind_name(const MicaLibraryCall& call) {
  constexpr const char* kNames[] = {"matmul",           "conv",        "conv_grad_input",
                                    "conv_grad_kernel", "pack_matmul", "pack_conv"};
  return kNames[call.kind];
}

std::string call_text(const LibraryRequest& request) {
  std::string text = std::string(kind_name(request.call)) + "(";
  for (std::size_t i = 0; i < request.operands.size(); ++i) {
    text += (i == 0 ? "" : ", ") + request.operands[i].dtype.short_name() + "[";
    const auto& dims = request.operands[i].dims;
    for (std::size_t d = 0; d < dims.size(); ++d) text += (d == 0 ? "" : ",") + std::to_string(dims[d]);
    text += "]";
  }
  return text + ")";
}

std::int64_t numel(const LibraryOperand& operand) { return dense(operand, 0).numel(); }

// A contraction over nothing, whose result is not just zeros.
bool applies_epilogues_to_nothing(const LibraryRequest& request) {
  const bool no_terms = numel(request.operands[0]) == 0 || numel(request.operands[1]) == 0;
  return no_terms && numel(request.operands.back()) > 0 && (request.call.has_bias || !request.epilogues.empty());
}

// The same result and epilogues with one term, zero times zero, for each element.
LibraryRequest product_of_zeros(const LibraryRequest& request) {
  LibraryRequest product = request;
  product.call.kind = MICA_MATMUL;
  product.call.transpose_a = product.call.transpose_b = product.call.packed = 0;
  std::vector<std::int64_t>&a = product.operands[0].dims, &b = product.operands[1].dims;
  a = b = request.operands.back().dims;
  a.back() = 1;
  std::fill(b.begin(), b.end() - 1, 1);
  return product;
}

std::unique_ptr<LibraryStep> build_product_of_zeros(const LibraryRequest& request) {
  const LibraryRequest product = product_of_zeros(request);
  return StepBuilder(product).build_product_of_zeros();
}

template <class F>
auto or_refuse(const LibraryRequest& request, F&& f) {
  const OneOpenMpThread one_thread;
  try {
    return f();
  } catch (const dn::error& error) {
    throw Error({.where = request.where,
                 .expected = "a call that oneDNN implements",
                 .received = call_text(request),
                 .hint = error.what()});
  }
}

}  // namespace

std::unique_ptr<LibraryStep> make_library_step(const LibraryRequest& request) {
  return or_refuse(request, [&] {
    return applies_epilogues_to_nothing(request) ? build_product_of_zeros(request) : StepBuilder(request).build();
  });
}

std::unique_ptr<LibraryStep> make_pack_step(const LibraryRequest& pack, const LibraryStep& user) {
  const auto* step = dynamic_cast<const PrimitiveStep*>(&user);
  MICA_CHECK(step != nullptr && pack.operands.size() == 2) << pack.where;
  return or_refuse(pack, [&] { return StepBuilder(pack).build_pack(*step); });
}

std::string library_implementation(const LibraryRequest& request) {
  return make_library_step(request)->implementation();
}

}  // namespace mica::rt
