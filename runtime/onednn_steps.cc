// The library calls as oneDNN primitives. The only source file with its headers.
//
// A step is a list of phases (bring weights into the layout that the primitive wants, compute, sum, bring the result
// back); a phase is a set of primitives that may run at the same time. Layouts are the library's choice (`any`)
// wherever ours makes it slow.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>

#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/library.h"
#include "runtime/library_plan.h"
#include "runtime/memory.h"
#include "runtime/openmp.h"
#include "runtime/parallel.h"

namespace mica::rt {
namespace {

namespace dn = dnnl;
using Desc = dn::memory::desc;
using Tag = dn::memory::format_tag;
using Type = dn::memory::data_type;

constexpr std::int64_t kFewChannels = 16;  // below it the convolution that reads plain kernels leaves vector lanes idle
constexpr std::int64_t kSumGrain = 1 << 14;

// The library must not use what MICA_CPU takes away.
void limit_isa() {
  const CpuFeatures& cpu = cpu_features();
  if (cpu.amx_bf16) return;
  dn::set_max_cpu_isa(cpu.avx512_bf16   ? dn::cpu_isa::avx512_core_bf16
                      : cpu.avx512_vnni ? dn::cpu_isa::avx512_core_vnni
                      : cpu.avx512      ? dn::cpu_isa::avx512_core
                      : cpu.avx2_fma    ? dn::cpu_isa::avx2
                                        : dn::cpu_isa::sse41);
}

const dn::engine& engine() {
  static const dn::engine instance = [] {
    limit_isa();  // before the library looks at the CPU for the first time
    return dn::engine(dn::engine::kind::cpu, 0);
  }();
  return instance;
}

dnnl_stream_t stream() {
  thread_local const dn::stream instance(engine());
  return instance.get();
}

Type type_of(DType dtype) {
  switch (dtype.kind()) {
    case DType::kFloat32:
      return Type::f32;
    case DType::kFloat16:
      return Type::f16;
    case DType::kBFloat16:
      return Type::bf16;
    case DType::kInt8:
      return Type::s8;
    case DType::kUInt8:
      return Type::u8;
    case DType::kInt32:
      return Type::s32;
    default:
      return Type::undef;
  }
}

Desc plain(const View& view) { return {view.dims, type_of(view.dtype), view.strides}; }
Desc any(const View& view) { return {view.dims, type_of(view.dtype), Tag::any}; }

std::string text_of(const Desc& desc) {
  std::string text;
  const auto add = [&](const dn::memory::dims& values) {
    for (const auto value : values) text += std::to_string(value) + ",";
    text += ";";
  };
  add(desc.get_dims());
  add(desc.get_padded_dims());
  add(desc.get_strides());
  add(desc.get_inner_blks());
  add(desc.get_inner_idxs());
  return text + std::to_string(static_cast<int>(desc.get_data_type()));
}

struct UnaryEpilogue {
  const char* name;
  dn::algorithm algorithm;
};
constexpr UnaryEpilogue kUnary[] = {
    {"relu", dn::algorithm::eltwise_relu},     {"leaky_relu", dn::algorithm::eltwise_relu},
    {"tanh", dn::algorithm::eltwise_tanh},     {"sigmoid", dn::algorithm::eltwise_logistic},
    {"gelu", dn::algorithm::eltwise_gelu_erf}, {"gelu_tanh", dn::algorithm::eltwise_gelu_tanh},
    {"elu", dn::algorithm::eltwise_elu},       {"silu", dn::algorithm::eltwise_swish},
    {"clip", dn::algorithm::eltwise_clip},     {"sqrt", dn::algorithm::eltwise_sqrt},
    {"abs", dn::algorithm::eltwise_abs},
};
struct BinaryEpilogue {
  const char* name;
  dn::algorithm algorithm;
};
constexpr BinaryEpilogue kBinary[] = {
    {"add", dn::algorithm::binary_add},      {"subtract", dn::algorithm::binary_sub},
    {"multiply", dn::algorithm::binary_mul}, {"divide", dn::algorithm::binary_div},
    {"maximum", dn::algorithm::binary_max},  {"minimum", dn::algorithm::binary_min},
};

template <class Table>
dn::algorithm find_algorithm(const Table& table, const MicaEpilogue& epilogue, const LibraryRequest& request) {
  for (const auto& entry : table) {
    if (std::string_view(entry.name) == epilogue.op) return entry.algorithm;
  }
  throw Error(
      {.where = request.where, .expected = "an epilogue that oneDNN applies", .received = epilogue.op, .hint = {}});
}

dn::primitive_attr attributes(const LibraryRequest& request, const CallPiece& piece) {
  dn::post_ops ops;
  std::size_t operand = 0;
  for (const MicaEpilogue& epilogue : request.epilogues) {
    if (epilogue.kind == MICA_EPILOGUE_BINARY) {
      ops.append_binary(find_algorithm(kBinary, epilogue, request), plain(piece.epilogues[operand++]));
    } else if (std::string_view(epilogue.op) == "sum") {
      ops.append_sum(1.0f);
    } else {
      const bool is_silu = std::string_view(epilogue.op) == "silu";
      ops.append_eltwise(find_algorithm(kUnary, epilogue, request), is_silu ? 1.0f : epilogue.alpha, epilogue.beta);
    }
  }
  dn::primitive_attr attr;
  attr.set_scratchpad_mode(dn::scratchpad_mode::user);
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

struct Argument {
  int id;
  Desc desc;
  int operand;  // of the call, or kScratch
  std::int64_t byte_offset;
};
constexpr int kScratch = -1;

struct Execution {
  dn::primitive primitive;
  std::vector<Argument> arguments;
};
using Phase = std::vector<Execution>;

// A part of the weights that has a layout of its own.
struct WeightsTile {
  View view;
  Desc layout;
  std::int64_t byte_offset = 0;  // in the packed buffer
};

class PrimitiveStep final : public LibraryStep {
 public:
  std::unique_ptr<State> make_state() const override { return std::make_unique<Handles>(phases); }
  std::int64_t scratch_bytes() const override { return scratch; }
  std::string implementation() const override { return description; }
  PackedLayout packed_layout() const override {
    PackedLayout layout;
    for (const WeightsTile& tile : packed_tiles) {
      layout.bytes = tile.byte_offset + static_cast<std::int64_t>(tile.layout.get_size());
      layout.text += text_of(tile.layout) + "|";
    }
    return layout;
  }

  void run(State& state, void* const* args, void* scratch_memory) const override {
    auto& handles = static_cast<Handles&>(state);
    handles.failure.store(dnnl_success, std::memory_order_relaxed);
    if (zero_bytes > 0) std::memset(args[zero_operand], 0, zero_bytes);
    for (std::size_t i = 0; i < phases.size(); ++i) {
      parallel_for(static_cast<std::int64_t>(phases[i].size()), 1, [&](std::int64_t begin, std::int64_t end) {
        const OneOpenMpThread one_thread;
        for (std::int64_t e = begin; e < end; ++e)
          handles.execute(phases[i], i, static_cast<std::size_t>(e), args, scratch_memory);
      });
    }
    const dnnl_status_t failure = handles.failure.load(std::memory_order_relaxed);
    MICA_CHECK(failure == dnnl_success) << "oneDNN status " << static_cast<int>(failure) << " while running "
                                        << description;
  }

  std::vector<Phase> phases;
  std::vector<WeightsTile> packed_tiles;
  std::int64_t scratch = 0;
  int zero_operand = 0;  // an operand that is only cleared
  std::size_t zero_bytes = 0;
  std::string description;

 private:
  // The memory objects of one context; only the storage they point to changes from run to run.
  class Handles final : public State {
   public:
    explicit Handles(const std::vector<Phase>& phases) {
      for (const Phase& phase : phases) {
        auto& calls = calls_.emplace_back();
        for (const Execution& execution : phase) {
          auto& call = calls.emplace_back();
          for (const Argument& argument : execution.arguments) {
            call.memories.emplace_back(argument.desc, engine(), nullptr);
            call.arguments.push_back({argument.id, call.memories.back().get()});
          }
        }
      }
    }

    void execute(const Phase& phase, std::size_t phase_index, std::size_t index, void* const* args,
                 void* scratch_memory) {
      const Execution& execution = phase[index];
      Call& call = calls_[phase_index][index];
      for (std::size_t i = 0; i < execution.arguments.size(); ++i) {
        const Argument& argument = execution.arguments[i];
        void* const base = argument.operand == kScratch ? scratch_memory : args[argument.operand];
        dnnl_memory_set_data_handle(call.arguments[i].memory, static_cast<char*>(base) + argument.byte_offset);
      }
      const dnnl_status_t status = dnnl_primitive_execute(
          execution.primitive.get(), stream(), static_cast<int>(call.arguments.size()), call.arguments.data());
      if (status != dnnl_success) failure.store(status, std::memory_order_relaxed);
    }

    std::atomic<dnnl_status_t> failure{dnnl_success};

   private:
    struct Call {
      std::vector<dn::memory> memories;
      std::vector<dnnl_exec_arg_t> arguments;
    };
    std::vector<std::vector<Call>> calls_;
  };
};

class StepBuilder {
 public:
  explicit StepBuilder(const LibraryRequest& request) : request_(request), call_(request.call) {}

  std::unique_ptr<LibraryStep> build() {
    pieces_ = plan_pieces(request_);
    if (call_.kind == MICA_CONV_GRAD_KERNEL) {
      build_grad_kernel();
    } else {
      build_forward();
    }
    step_->description =
        implementation_ + (pieces_.size() > 1 ? " x " + std::to_string(pieces_.size()) + " pieces" : "") + note_;
    return std::move(step_);
  }

  // The weights of `user`, plain in operand 0, into operand 1.
  std::unique_ptr<LibraryStep> build_pack(const PrimitiveStep& user) {
    Phase phase;
    for (const WeightsTile& tile : user.packed_tiles) {
      phase.push_back(reorder(plain(tile.view), 0, tile.view.byte_offset(), tile.layout, 1, tile.byte_offset));
    }
    step_->phases.push_back(std::move(phase));
    step_->description = "reorder";
    return std::move(step_);
  }

 private:
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
    const dn::primitive_attr attr = attributes(request_, piece);
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
        piece.pad_high, forward, attributes(request_, piece));
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
        reorders.push_back(reorder(plain(tile.view), tile.view.operand, tile.view.byte_offset(), tile.layout, kScratch,
                                   tile.byte_offset));
      }
      tiles.emplace(piece.column_tile, std::move(tile));
    }
    for (const CallPiece& piece : pieces_) compute.push_back(forward_execution(piece, tiles.at(piece.column_tile)));
    if (reorders.size() > copies_of_a) note_ += " + reorder of the weights";
    if (!reorders.empty()) step_->phases.push_back(std::move(reorders));
    step_->phases.push_back(std::move(compute));
  }

  // Rows of a transposed a lie apart in memory, which the library's best product does not read: a copy, a fraction of
  // the work, lets it run.
  void bring_into_rows(Phase& reorders) {
    if (call_.kind != MICA_MATMUL || !call_.transpose_a) return;
    for (CallPiece& piece : pieces_) {
      const View columns = piece.a;
      if (columns.strides.back() == columns.dims.end()[-2]) continue;  // not cut
      piece.a = dense({columns.dtype, columns.dims}, kScratch);
      const std::int64_t offset = take_scratch(piece.a.numel() * piece.a.dtype.bytes());
      piece.a.offset = offset / piece.a.dtype.bytes();
      reorders.push_back(
          reorder(plain(columns), columns.operand, columns.byte_offset(), plain(piece.a), kScratch, offset));
    }
  }

  Execution forward_execution(const CallPiece& piece, const WeightsTile& tile) {
    const Made& made = made_for(piece, tile.layout, [&] { return make(piece, tile.layout); });
    if (implementation_.empty()) implementation_ = made.implementation;
    const bool is_gradient = call_.kind == MICA_CONV_GRAD_INPUT && !is_deconvolution();
    Execution execution{made.primitive, {}};
    add(execution, is_gradient ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, piece.a);
    if (call_.packed) {
      execution.arguments.push_back({DNNL_ARG_WEIGHTS, tile.layout, tile.view.operand, tile.byte_offset});
    } else if (tile.layout != plain(tile.view)) {
      execution.arguments.push_back({DNNL_ARG_WEIGHTS, tile.layout, kScratch, tile.byte_offset});
    } else {
      add(execution, DNNL_ARG_WEIGHTS, weights_of(piece));
    }
    if (!piece.bias.empty()) add(execution, DNNL_ARG_BIAS, piece.bias[0]);
    for (std::size_t i = 0, operand = 0; i < request_.epilogues.size(); ++i) {
      if (request_.epilogues[i].kind != MICA_EPILOGUE_BINARY) continue;
      add(execution, DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1, piece.epilogues[operand++]);
    }
    add(execution, is_gradient ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, piece.out);
    add_scratchpad(execution, made);
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
      Execution execution{made.primitive, {}};
      add(execution, DNNL_ARG_SRC, piece.a);
      add(execution, DNNL_ARG_DIFF_DST, piece.b);
      if (!single || !is_plain) partials.push_back(take_scratch(bytes));
      if (partials.empty()) {
        add(execution, DNNL_ARG_DIFF_WEIGHTS, out);
      } else {
        execution.arguments.push_back({DNNL_ARG_DIFF_WEIGHTS, layout, kScratch, partials.back()});
      }
      add_scratchpad(execution, made);
      compute.push_back(std::move(execution));
    }
    step_->phases.push_back(std::move(compute));
    if (!single) step_->phases.push_back(sum_phase(partials, bytes / 4));
    if (!partials.empty())
      step_->phases.push_back({reorder(layout, kScratch, partials[0], plain(out), out.operand, out.byte_offset())});
  }

  // Adds the partial gradients into the first, in their order. They are taken as flat, so that the sum can be cut
  // anywhere.
  Phase sum_phase(const std::vector<std::int64_t>& partials, std::int64_t count) {
    Phase phase;
    for (const Range& range : split(count, count / kSumGrain, kAlignment)) {
      const Desc flat({range.count}, Type::f32, Tag::a);
      dn::primitive_attr attr;
      attr.set_scratchpad_mode(dn::scratchpad_mode::user);
      const dn::sum::primitive_desc desc(engine(), flat, std::vector<float>(partials.size(), 1.0f),
                                         std::vector<Desc>(partials.size(), flat), attr);
      Execution execution{dn::sum(desc), {}};
      for (std::size_t i = 0; i < partials.size(); ++i) {
        execution.arguments.push_back(
            {DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), flat, kScratch, partials[i] + range.begin * 4});
      }
      execution.arguments.push_back({DNNL_ARG_DST, flat, kScratch, partials[0] + range.begin * 4});
      add_scratchpad(execution, desc.scratchpad_desc());
      phase.push_back(std::move(execution));
    }
    return phase;
  }

  // A result without elements needs no work, and a contraction over nothing, which is never cut, is zero.
  bool finish_empty() {
    const CallPiece& piece = pieces_[0];
    const bool no_result = piece.out.numel() == 0, no_terms = piece.a.numel() == 0 || piece.b.numel() == 0;
    if (!no_result && !no_terms) return false;
    if (!no_result) {
      if (call_.has_bias || !request_.epilogues.empty())
        throw dn::error(dnnl_unimplemented, "epilogue of an empty sum");
      step_->zero_operand = piece.out.operand;
      step_->zero_bytes = static_cast<std::size_t>(piece.out.numel() * piece.out.dtype.bytes());
    }
    implementation_ = "empty";
    return true;
  }

  Execution reorder(const Desc& from, int from_operand, std::int64_t from_offset, const Desc& to, int to_operand,
                    std::int64_t to_offset) {
    dn::primitive_attr attr;
    attr.set_scratchpad_mode(dn::scratchpad_mode::user);
    const dn::reorder::primitive_desc desc(engine(), from, engine(), to, attr);
    Execution execution{dn::reorder(desc), {}};
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
  std::vector<CallPiece> pieces_;
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
  return or_refuse(request, [&] { return StepBuilder(request).build(); });
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
