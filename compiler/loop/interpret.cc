#include "compiler/loop/interpret.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "compiler/loop/interpret_code.h"
#include "compiler/loop/race_check.h"
#include "compiler/loop/scalar_eval.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

template <typename T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

RegisterValue read_element(const std::byte* data, std::int64_t position, DType dtype) {
  const std::byte* at = data + position * dtype.bytes();
  switch (dtype.kind()) {
    case DType::kFloat32:
      return {.number = get<float>(at)};
    case DType::kFloat64:
      return {.number = get<double>(at)};
    case DType::kFloat16:
    case DType::kBFloat16:
      return {.number = bits_to_float(get<std::uint16_t>(at), dtype)};
    case DType::kInt64:
    case DType::kUInt64:
      return {.integer = get<std::int64_t>(at)};
    case DType::kInt32:
      return {.integer = get<std::int32_t>(at)};
    case DType::kUInt32:
      return {.integer = get<std::uint32_t>(at)};
    case DType::kInt16:
      return {.integer = get<std::int16_t>(at)};
    case DType::kUInt16:
      return {.integer = get<std::uint16_t>(at)};
    case DType::kInt8:
      return {.integer = get<std::int8_t>(at)};
    case DType::kUInt8:
      return {.integer = get<std::uint8_t>(at)};
    case DType::kBool:
      return {.integer = get<std::uint8_t>(at) != 0};
  }
  return {.integer = 0};
}

void write_element(std::byte* data, std::int64_t position, DType dtype, RegisterValue value) {
  std::byte* at = data + position * dtype.bytes();
  if (dtype == kFloat32) {
    const float number = static_cast<float>(value.number);
    std::memcpy(at, &number, sizeof(number));
    return;
  }
  const std::uint64_t bits =
      dtype.is_floating() ? float_to_bits(value.number, dtype) : static_cast<std::uint64_t>(value.integer);
  std::memcpy(at, &bits, static_cast<std::size_t>(dtype.bytes()));  // little endian
}

RegisterValue convert(RegisterValue x, DType from, DType to) {
  if (from.is_floating()) {
    if (to.is_floating()) return {.number = round_to(x.number, to)};
    return {.integer = float_to_integer(x.number, to)};
  }
  if (to.is_floating()) return {.number = integer_to_float(x.integer, from, to)};
  return {.integer = wrap_to(x.integer, to)};
}

RegisterValue reinterpret(RegisterValue x, DType from, DType to) {
  const std::uint64_t bits = from.is_floating() ? float_to_bits(x.number, from) : static_cast<std::uint64_t>(x.integer);
  if (!to.is_floating()) return {.integer = wrap_to(static_cast<std::int64_t>(bits), to)};
  return {.number = bits_to_float(bits, to)};
}

// One thread of the grid, or the only one of a CPU kernel.
struct Thread {
  enum State { kReady, kAtBarrier, kDone } state = kReady;
  std::vector<RegisterValue> registers;
  std::vector<std::vector<std::byte>> locals;  // by buffer number; empty when it is not local
  std::int64_t ids[InterpretCode::kGridDimensions] = {};
  std::size_t pc = 0;
  Actor actor;
};

class Machine {
 public:
  Machine(const Kernel& kernel, const InterpretCode& code, std::span<const InterpretBuffer> params,
          const InterpretOptions& options)
      : kernel_(kernel), code_(code), options_(options), shared_(code.buffers.size()), races_(code.buffers.size()) {
    for (const InterpretBuffer& param : params) params_.push_back(static_cast<std::byte*>(param.data));
  }

  absl::Status run() {
    for (std::size_t i = 0; i < code_.buffers.size(); ++i) {
      const InterpretBufferInfo& facts = code_.buffers[i];
      const bool written = facts.buffer->space == Space::kParam && facts.buffer->access != Access::kIn;
      if (options_.check_races && written) races_[i].emplace(facts.numel);
    }
    const std::int64_t* grid = code_.grid;
    for (std::int64_t z = 0; z < grid[2]; ++z) {
      for (std::int64_t y = 0; y < grid[1]; ++y) {
        for (std::int64_t x = 0; x < grid[0]; ++x) {
          if (absl::Status status = run_block(x, y, z); !status.ok()) return status;
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status run_block(std::int64_t x, std::int64_t y, std::int64_t z) {
    std::vector<Thread> threads = make_threads(x, y, z);
    for (std::size_t i = 0; i < code_.buffers.size(); ++i) {
      const InterpretBufferInfo& facts = code_.buffers[i];
      if (facts.buffer->space != Space::kShared) continue;
      make_undefined(facts, shared_[i]);
      if (options_.check_races) races_[i].emplace(facts.numel);
    }
    while (true) {
      ++phase_;
      for (Thread& thread : threads) {
        thread.actor.phase = phase_;
        thread.state = Thread::kReady;
        if (absl::Status status = run_to_barrier(thread); !status.ok()) return status;
      }
      if (std::all_of(threads.begin(), threads.end(), [](const Thread& t) { return t.state == Thread::kDone; })) break;
      if (absl::Status status = check_barrier(threads); !status.ok()) return status;
    }
    ++block_;
    return absl::OkStatus();
  }

  std::vector<Thread> make_threads(std::int64_t x, std::int64_t y, std::int64_t z) const {
    const std::int64_t* grid = code_.grid;
    std::vector<Thread> threads;
    for (std::int64_t tz = 0; tz < grid[5]; ++tz) {
      for (std::int64_t ty = 0; ty < grid[4]; ++ty) {
        for (std::int64_t tx = 0; tx < grid[3]; ++tx) {
          Thread thread;
          thread.registers = code_.registers;
          thread.locals.resize(code_.buffers.size());
          const std::int64_t ids[] = {x, y, z, tx, ty, tz};
          std::copy(std::begin(ids), std::end(ids), thread.ids);
          thread.actor = {static_cast<std::int64_t>(threads.size()), block_, phase_};
          threads.push_back(std::move(thread));
        }
      }
    }
    return threads;
  }

  static void make_undefined(const InterpretBufferInfo& facts, std::vector<std::byte>& content) {
    const std::size_t bytes = static_cast<std::size_t>(facts.numel * facts.buffer->dtype.bytes());
    content.assign(bytes, std::byte{0xff});  // a NaN in every float format
  }

  absl::Status check_barrier(const std::vector<Thread>& threads) const {
    const Thread& first = threads.front();
    for (const Thread& thread : threads) {
      if (thread.state == first.state && thread.pc == first.pc) continue;
      const Thread& waiting = first.state == Thread::kAtBarrier ? first : thread;
      const Thread& other = &waiting == &first ? thread : first;
      return error(code_.instructions[waiting.pc - 1], waiting,
                   absl::StrCat("thread ", waiting.actor.thread, " waits here, but thread ", other.actor.thread,
                                other.state == Thread::kDone ? " has ended" : " waits at another barrier"));
    }
    return absl::OkStatus();
  }

  absl::Status error(const Instruction& instruction, const Thread& thread, const std::string& message) const {
    const InstructionOrigin& origin = code_.origins[static_cast<std::size_t>(instruction.origin)];
    std::string where;
    for (const auto& [v, reg] : origin.loop_vars) {
      absl::StrAppend(&where, where.empty() ? " (" : ", ", v->name, " = ",
                      thread.registers[static_cast<std::size_t>(reg)].integer);
    }
    if (!where.empty()) where += ")";
    return absl::FailedPreconditionError(
        absl::StrCat("kernel @", kernel_.name, ": ", headline(*origin.stmt), ": ", message, where));
  }

  std::byte* storage(Thread& thread, std::int32_t buffer) {
    const auto i = static_cast<std::size_t>(buffer);
    if (i < params_.size()) return params_[i];
    return code_.buffers[i].buffer->space == Space::kShared ? shared_[i].data() : thread.locals[i].data();
  }

  // The row-major position of an access, after the checks; an error otherwise.
  absl::Status locate(const Instruction& instruction, Thread& thread, std::int64_t* position) {
    const InterpretBufferInfo& facts = code_.buffers[static_cast<std::size_t>(instruction.buffer)];
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < facts.dims.size(); ++axis) {
      const auto reg =
          static_cast<std::size_t>(code_.indices[static_cast<std::size_t>(instruction.first_index) + axis]);
      const std::int64_t index = thread.registers[reg].integer;
      if (index < 0 || index >= facts.dims[axis]) {
        return error(instruction, thread,
                     absl::StrCat("index ", index, " of ", facts.buffer->name, ir::to_string(facts.buffer->dims),
                                  " is out of bounds of axis ", axis, ", 0..", facts.dims[axis]));
      }
      at = at * facts.dims[axis] + index;
    }
    *position = at;
    std::optional<RaceChecker>& races = races_[static_cast<std::size_t>(instruction.buffer)];
    if (!races) return absl::OkStatus();
    const bool is_store = instruction.code == Opcode::kStore;
    if (is_store ? races->write(at, thread.actor) : races->read(at, thread.actor)) return absl::OkStatus();
    return error(instruction, thread,
                 absl::StrCat("race on element ", at, " of ", facts.buffer->name, ": thread ", thread.actor.thread,
                              " of block ", thread.actor.block, is_store ? " writes" : " reads",
                              " what another thread touches without a barrier between"));
  }

  absl::Status run_to_barrier(Thread& thread);
  void compute(const Instruction& i, std::vector<RegisterValue>& r);

  const Kernel& kernel_;
  const InterpretCode& code_;
  const InterpretOptions& options_;
  std::vector<std::byte*> params_;
  std::vector<std::vector<std::byte>> shared_;     // by buffer number
  std::vector<std::optional<RaceChecker>> races_;  // by buffer number
  std::int64_t block_ = 0, phase_ = 0;
};

void Machine::compute(const Instruction& i, std::vector<RegisterValue>& r) {
  auto reg = [&](std::int32_t n) -> RegisterValue& { return r[static_cast<std::size_t>(n)]; };
  const double numbers[] = {reg(i.a).number, reg(i.b).number, reg(i.c).number};
  const std::int64_t integers[] = {reg(i.a).integer, reg(i.b).integer, reg(i.c).integer};
  switch (i.code) {
    case Opcode::kFloatOp:
      reg(i.dst).number = evaluate_float(i.op, i.dtype, numbers);
      break;
    case Opcode::kIntegerOp:
      reg(i.dst).integer = evaluate_integer(i.op, i.dtype, integers);
      break;
    case Opcode::kFloatCompare:
      reg(i.dst).integer = compare_float(i.op, numbers);
      break;
    case Opcode::kIntegerCompare:
      reg(i.dst).integer = compare_integer(i.op, i.from, integers);
      break;
    case Opcode::kSelect:
      reg(i.dst) = integers[0] ? reg(i.b) : reg(i.c);
      break;
    case Opcode::kCast:
      reg(i.dst) = convert(reg(i.a), i.from, i.dtype);
      break;
    case Opcode::kBitcast:
      reg(i.dst) = reinterpret(reg(i.a), i.from, i.dtype);
      break;
    default:
      reg(i.dst) = reg(i.a);
  }
}

absl::Status Machine::run_to_barrier(Thread& thread) {
  auto reg = [&](std::int32_t n) -> RegisterValue& { return thread.registers[static_cast<std::size_t>(n)]; };
  while (thread.state == Thread::kReady) {
    const Instruction& i = code_.instructions[thread.pc++];
    auto jump = [&] { thread.pc = static_cast<std::size_t>(i.target); };
    switch (i.code) {
      case Opcode::kLoad:
      case Opcode::kStore: {
        std::int64_t position = 0;
        if (absl::Status status = locate(i, thread, &position); !status.ok()) return status;
        std::byte* data = storage(thread, i.buffer);
        if (i.code == Opcode::kLoad) {
          reg(i.dst) = read_element(data, position, i.dtype);
        } else {
          write_element(data, position, i.dtype, reg(i.a));
        }
        break;
      }
      case Opcode::kJump:
        jump();
        break;
      case Opcode::kJumpUnless:
        if (!reg(i.a).integer) jump();
        break;
      case Opcode::kLoopBegin:
        if (i.extra && reg(i.b).integer > i.extra) {
          return error(i, thread, absl::StrCat(reg(i.b).integer, " iterations in a vector of ", i.extra));
        }
        reg(i.dst) = reg(i.a);
        if (i.parallel) thread.actor.thread = reg(i.dst).integer;
        if (reg(i.b).integer <= 0) jump();
        break;
      case Opcode::kLoopNext:
        ++reg(i.dst).integer;
        if (i.parallel) thread.actor.thread = reg(i.dst).integer;
        if (--reg(i.b).integer > 0) jump();
        break;
      case Opcode::kGridBind:
        if (thread.ids[i.extra] >= reg(i.b).integer) {
          jump();
        } else {
          reg(i.dst).integer = reg(i.a).integer + thread.ids[i.extra];
        }
        break;
      case Opcode::kScratch: {
        const auto buffer = static_cast<std::size_t>(i.buffer);
        make_undefined(code_.buffers[buffer], thread.locals[buffer]);
        break;
      }
      case Opcode::kBarrier:
        thread.state = Thread::kAtBarrier;
        break;
      case Opcode::kFail:
        if (reg(i.a).integer && options_.error_word && options_.error_word->step == 0) {
          *options_.error_word = {1, i.extra, reg(i.b).integer, reg(i.c).integer};
        }
        break;
      case Opcode::kEnd:
        --thread.pc;
        thread.state = Thread::kDone;
        break;
      default:
        compute(i, thread.registers);
    }
  }
  return absl::OkStatus();
}

absl::Status check_params(const Kernel& kernel, const InterpretCode& code, std::span<const InterpretBuffer> buffers) {
  if (buffers.size() != kernel.params.size()) {
    return absl::InvalidArgumentError(absl::StrCat("kernel @", kernel.name, ": expected ", kernel.params.size(),
                                                   " buffers, received ", buffers.size()));
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const InterpretBufferInfo& facts = code.buffers[i];
    const auto bytes = static_cast<std::size_t>(facts.numel * facts.buffer->dtype.bytes());
    if (buffers[i].bytes != bytes) {
      return absl::InvalidArgumentError(absl::StrCat("kernel @", kernel.name, ": expected ", bytes, " bytes of ",
                                                     facts.buffer->name, ", received ", buffers[i].bytes));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status interpret(const Kernel& kernel, std::span<const InterpretBuffer> buffers,
                       std::span<const std::int64_t> dims, std::int64_t begin, std::int64_t end,
                       const InterpretOptions& options) {
  if (absl::Status status = verify(kernel); !status.ok()) return status;
  absl::StatusOr<InterpretCode> code = compile_for_interpreter(kernel, dims, begin, end);
  if (!code.ok()) return code.status();
  if (absl::Status status = check_params(kernel, *code, buffers); !status.ok()) return status;
  return Machine(kernel, *code, buffers, options).run();
}

absl::Status interpret(const Kernel& kernel, std::span<const InterpretBuffer> buffers,
                       std::span<const std::int64_t> dims, const InterpretOptions& options) {
  const std::vector<const ir::Symbol*> symbols = kernel.symbols();
  if (symbols.size() != dims.size()) return interpret(kernel, buffers, dims, 0, 0, options);  // says so
  const std::int64_t extent = kernel.parallel_extent().evaluate([&](const ir::Symbol& symbol) {
    return dims[static_cast<std::size_t>(std::find(symbols.begin(), symbols.end(), &symbol) - symbols.begin())];
  });
  return interpret(kernel, buffers, dims, 0, extent, options);
}

}  // namespace mica::loop
