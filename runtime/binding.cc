#include "runtime/binding.h"

#include <algorithm>
#include <unordered_map>

#include "runtime/arena.h"
#include "runtime/error.h"

namespace mica::rt {
namespace {

constexpr std::size_t kMaxBindings = 16;
constexpr std::uint32_t kWeightsArg = 1;  // of every library call that takes packed weights

bool is_pack(const MicaLibraryCall& call) { return call.kind == MICA_PACK_MATMUL || call.kind == MICA_PACK_CONV; }

std::string place_of(const MicaStep& step) {
  if (step.layer != nullptr && *step.layer != '\0') return step.layer;
  return step.name == nullptr ? "" : step.name;
}

class Binder {
 public:
  Binder(const Tables& tables, std::vector<std::int64_t> symbols, std::vector<std::int64_t> dims)
      : tables_(tables), binding_(std::make_unique<Binding>()) {
    binding_->symbols = std::move(symbols);
    binding_->dims = std::move(dims);
  }

  std::unique_ptr<Binding> bind() {
    check_bounds();
    measure_buffers();
    make_library_steps();
    make_pack_steps();
    plan_memory();
    fill_step_dims();
    check_copies();
    measure_loop_rows();
    describe_init();
    return std::move(binding_);
  }

 private:
  std::int64_t dim(std::uint32_t index) const { return binding_->dims[index]; }

  void check_bounds() const {
    for (const MicaBound& bound : tables_.bounds()) {
      if (dim(bound.slack) >= 0) continue;
      throw Error({.where = bound.layer,
                   .expected = bound.expected,
                   .received = std::to_string(dim(bound.received)),
                   .hint = {}});
    }
  }

  void measure_buffers() {
    for (const MicaBuffer& buffer : tables_.buffers()) {
      std::int64_t bytes = DType(static_cast<DType::Kind>(buffer.dtype)).bytes();
      bool overflow = false;
      for (std::uint32_t i = 0; i < buffer.rank; ++i) {
        const std::int64_t extent = dim(buffer.first_dim + i);
        if (extent < 0) refuse(buffer, i, extent);
        overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
      }
      MICA_CHECK(!overflow) << buffer.name << " has more than 2^63 bytes";
      binding_->bytes.push_back(bytes);
    }
    for (const MicaBuffer& buffer : tables_.buffers()) {
      if (buffer.space != MICA_UPDATE || !buffer.in_place) continue;
      MICA_CHECK(binding_->bytes[index_of(buffer)] == binding_->bytes[buffer.link])
          << buffer.name << " differs from its variable";
    }
  }

  std::uint32_t index_of(const MicaBuffer& buffer) const {
    return static_cast<std::uint32_t>(&buffer - tables_.buffers().data());
  }

  [[noreturn]] void refuse(const MicaBuffer& buffer, std::uint32_t axis, std::int64_t extent) const {
    throw Error({.where = buffer.name,
                 .expected = "an input large enough for it",
                 .received = "dim " + std::to_string(extent) + " on axis " + std::to_string(axis),
                 .hint = "A window is larger than what it slides over."});
  }

  LibraryRequest request_of(const MicaStep& step) const {
    const MicaLibraryCall& call = tables_.abi().library[step.callee];
    LibraryRequest request{.call = call, .epilogues = {}, .operands = {}, .where = place_of(step)};
    const MicaEpilogue* epilogues = tables_.abi().epilogues + call.first_epilogue;
    if (call.num_epilogues > 0) request.epilogues.assign(epilogues, epilogues + call.num_epilogues);
    for (const std::uint32_t arg : tables_.args_of(step)) {
      const MicaBuffer& buffer = tables_.buffer(arg);
      LibraryOperand operand{.dtype = static_cast<DType::Kind>(buffer.dtype), .dims = {}};
      for (std::uint32_t i = 0; i < buffer.rank; ++i) operand.dims.push_back(dim(buffer.first_dim + i));
      request.operands.push_back(std::move(operand));
    }
    return request;
  }

  template <class F>
  void for_each_library_step(F&& f) {
    for (std::uint32_t number = 0; number < tables_.num_steps(); ++number) {
      const MicaStep& step = tables_.step(number);
      if (step.kind == MICA_LIBRARY) f(number, step, tables_.abi().library[step.callee]);
    }
  }

  void make_library_steps() {
    binding_->library.resize(tables_.num_steps());
    for_each_library_step([&](std::uint32_t number, const MicaStep& step, const MicaLibraryCall& call) {
      if (is_pack(call)) return;
      binding_->library[number] = make_library_step(request_of(step));
      if (call.packed) packed_users_.emplace(step.callee, binding_->library[number].get());
    });
  }

  // The first call with packed weights decides their layout; every other one that shares them must want the same.
  void make_pack_steps() {
    std::unordered_map<std::uint32_t, PackedLayout> layouts;  // of init buffers
    for_each_library_step([&](std::uint32_t number, const MicaStep& step, const MicaLibraryCall& call) {
      if (!is_pack(call)) return;
      const auto user = packed_users_.find(call.pack_of);
      MICA_CHECK(user != packed_users_.end()) << place_of(step) << " packs for a call that is not made";
      binding_->library[number] = make_pack_step(request_of(step), *user->second);
      const std::uint32_t packed = tables_.args_of(step).back();
      MICA_CHECK(tables_.buffer(packed).space == MICA_INIT) << tables_.buffer(packed).name;
      const PackedLayout layout = user->second->packed_layout();
      binding_->bytes[packed] = layout.bytes;
      binding_->init_layout += layout.text + ";";
      layouts[packed] = layout;
    });
    for_each_library_step([&](std::uint32_t number, const MicaStep& step, const MicaLibraryCall& call) {
      if (is_pack(call) || !call.packed) return;
      const auto layout = layouts.find(tables_.args_of(step)[kWeightsArg]);
      MICA_CHECK(layout != layouts.end()) << place_of(step) << " has no packed weights";
      MICA_CHECK(layout->second.text == binding_->library[number]->packed_layout().text)
          << place_of(step) << " wants another layout";
    });
  }

  void plan_memory() {
    const std::uint32_t count = tables_.abi().num_buffers;
    std::vector<ArenaItem> items(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (tables_.buffer(i).space == MICA_ARENA) items[i] = {binding_->bytes[i], tables_.live(i)};
    }
    ArenaPlan plan = plan_arena(items);
    binding_->offsets = std::move(plan.offsets);
    binding_->arena_bytes = plan.bytes;
    std::vector<bool> is_row(count);  // rows of a loop stand nowhere while it has no iterations
    for (std::uint32_t s = 0; s < tables_.abi().num_loop_slices; ++s) {
      is_row[tables_.abi().loop_slices[s].buffer] = true;
    }
    for (const std::uint32_t view : tables_.views()) {
      const MicaBuffer& buffer = tables_.buffer(view);
      const std::int64_t offset = dim(buffer.offset) * DType(static_cast<DType::Kind>(buffer.dtype)).bytes();
      const bool fits = offset >= 0 && offset + binding_->bytes[view] <= binding_->bytes[buffer.link];
      MICA_CHECK(fits || is_row[view]) << buffer.name << " leaves what it views";
      binding_->offsets[view] = offset;
    }
    for (const auto& step : binding_->library) {
      if (step != nullptr) binding_->scratch_bytes = std::max(binding_->scratch_bytes, step->scratch_bytes());
    }
  }

  void fill_step_dims() {
    for (std::uint32_t i = 0; i < tables_.abi().num_step_dims; ++i) {
      binding_->step_dims.push_back(dim(tables_.abi().step_dims[i]));
    }
  }

  void check_copies() const {
    for (std::uint32_t number = 0; number < tables_.num_steps(); ++number) {
      const MicaStep& step = tables_.step(number);
      if (step.kind != MICA_COPY) continue;
      const auto args = tables_.args_of(step);
      MICA_CHECK(binding_->bytes[args[0]] == binding_->bytes[args[1]])
          << place_of(step) << " copies between different sizes";
    }
  }

  void measure_loop_rows() {
    const MicaProgram& p = tables_.abi();
    binding_->row_bytes.resize(p.num_loop_slices);
    for (std::uint32_t l = 0; l < p.num_loops; ++l) {
      const MicaLoop& loop = p.loops[l];
      for (const MicaLoopCarry& carry : tables_.carries_of(loop)) {
        for (const std::uint32_t i : {carry.state, carry.next, carry.initial, carry.spare}) {
          MICA_CHECK(binding_->bytes[i] == binding_->bytes[carry.last]) << tables_.buffer(i).name;
        }
      }
      for (std::uint32_t s = loop.first_slice; s < loop.first_slice + loop.num_slices; ++s) {
        const std::int64_t row = binding_->bytes[p.loop_slices[s].buffer];
        MICA_CHECK(row * dim(loop.trip_count) <= binding_->bytes[p.loop_slices[s].whole])
            << tables_.buffer(p.loop_slices[s].whole).name << " has fewer rows than the loop";
        binding_->row_bytes[s] = row;
      }
    }
  }

  void describe_init() {
    const auto add = [&](std::int64_t value) { binding_->init_layout += std::to_string(value) + ","; };
    for (const std::uint32_t buffer : tables_.init_buffers()) add(binding_->bytes[buffer]);
    for (const MicaStep& step : tables_.init().steps) {
      if (step.kind == MICA_KERNEL) add(dim(step.extent));
      for (std::uint32_t i = 0; i < step.num_dims; ++i) add(binding_->step_dims[step.first_dim + i]);
    }
  }

  const Tables& tables_;
  std::unique_ptr<Binding> binding_;
  std::unordered_map<std::uint32_t, const LibraryStep*> packed_users_;  // by library call
};

}  // namespace

std::shared_ptr<const Binding> bind(const Tables& tables, std::vector<std::int64_t> symbols,
                                    std::vector<std::int64_t> dims) {
  return Binder(tables, std::move(symbols), std::move(dims)).bind();
}

std::shared_ptr<const Binding> BindingCache::find_locked(std::span<const std::int64_t> symbols) {
  const auto found = std::find_if(bindings_.begin(), bindings_.end(), [&](const auto& binding) {
    return std::equal(symbols.begin(), symbols.end(), binding->symbols.begin(), binding->symbols.end());
  });
  if (found == bindings_.end()) return nullptr;
  bindings_.splice(bindings_.begin(), bindings_, found);
  return bindings_.front();
}

std::shared_ptr<const Binding> BindingCache::find(std::span<const std::int64_t> symbols) {
  const std::lock_guard lock(mutex_);
  return find_locked(symbols);
}

std::shared_ptr<const Binding> BindingCache::insert(std::shared_ptr<const Binding> binding) {
  const std::lock_guard lock(mutex_);
  if (auto other = find_locked(binding->symbols)) return other;
  bindings_.push_front(std::move(binding));
  if (bindings_.size() > kMaxBindings) bindings_.pop_back();
  return bindings_.front();
}

int BindingCache::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(bindings_.size());
}

}  // namespace mica::rt
