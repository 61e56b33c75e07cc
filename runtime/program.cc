#include "runtime/program.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "runtime/context.h"
#include "runtime/error.h"
#include "runtime/executor.h"
#include "runtime/shapes.h"

namespace mica::rt {
namespace {

// MICA_PROFILE=1: one line a step on stderr.
bool profile_requested() {
  static const bool requested = [] {
    const char* value = std::getenv("MICA_PROFILE");
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
  }();
  return requested;
}

void print_profile(const char* program, const std::vector<StepTime>& times) {
  static std::once_flag header;
  std::call_once(header, [] { std::fputs("program,step,kind,layer,microseconds\n", stderr); });
  for (const StepTime& time : times) {
    std::fprintf(stderr, "%s,%s,%s,%s,%.2f\n", program, time.step.c_str(), time.kind.c_str(), time.layer.c_str(),
                 time.microseconds);
  }
}

}  // namespace

struct Program::Impl {
  Impl(const MicaProgram& program, std::shared_ptr<void> owner)
      : keep_alive(std::move(owner)), tables(program), contexts(tables) {
    for (const std::uint32_t update : tables.updates()) may_take_storage.push_back(may_take(update));
  }

  // A variable that is also a result is handed to the caller as it was.
  bool may_take(std::uint32_t update) const {
    if (!tables.buffer(update).in_place) return false;
    for (const std::uint32_t result : tables.results()) {
      if (result == tables.buffer(update).link) return false;
    }
    return true;
  }

  std::shared_ptr<const Binding> find_or_bind(std::span<const std::int64_t> symbols, std::span<const Array> inputs,
                                              const std::span<const VariableValue>* variables) {
    std::shared_ptr<const Binding> binding = bindings.find(symbols);
    if (binding != nullptr) {
      check(inputs, variables, binding->dims);
      return binding;
    }
    std::vector<std::int64_t> dims = evaluate_dims(tables, symbols);
    check(inputs, variables, dims);
    return bindings.insert(bind(tables, {symbols.begin(), symbols.end()}, std::move(dims)));
  }

  void check(std::span<const Array> inputs, const std::span<const VariableValue>* variables,
             std::span<const std::int64_t> dims) const {
    check_inputs(tables, inputs, dims);
    if (variables != nullptr) check_variables(tables, *variables, dims);
  }

  void bind_context(Context& context, std::span<const Array> inputs, std::span<const VariableValue> variables) {
    read_symbols(tables, inputs, context.symbols);
    if (context.binding() != nullptr && context.binding()->symbols == context.symbols) {
      check(inputs, &variables, context.binding()->dims);
    } else {
      context.use(find_or_bind(context.symbols, inputs, &variables));
    }
  }

  void set_operands(Context& context, std::span<const Array> inputs, std::span<const VariableValue> variables) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) context.set_pointer(tables.inputs()[i], inputs[i].data());
    for (std::size_t i = 0; i < variables.size(); ++i)
      context.set_pointer(tables.variables()[i], variables[i].array.data());
  }

  void set_init_buffers(Context& context, const std::vector<Array>& buffers) const {
    for (std::size_t i = 0; i < buffers.size(); ++i) context.set_pointer(tables.init_buffers()[i], buffers[i].data());
  }

  std::vector<Array> run_init(Context& context) const {
    std::vector<Array> buffers;
    for (const std::uint32_t i : tables.init_buffers())
      buffers.push_back(Array::uninitialized(kUInt8, {context.binding()->bytes[i]}));
    set_init_buffers(context, buffers);
    context.resolve();
    run_steps(context, tables.init(), nullptr);
    throw_error(context.error);
    return buffers;
  }

  void provide_init(Context& context, std::span<const VariableValue> variables) {
    if (tables.init_buffers().empty()) return;
    const std::string& layout = context.binding()->init_layout;
    if (context.init_state == nullptr || !context.init_state->is_for(tables, layout, variables)) {
      context.init_state = nullptr;
      context.init_state = init_cache.get(tables, layout, variables, [&] { return run_init(context); });
    }
    set_init_buffers(context, context.init_state->buffers);
  }

  Array fresh(const Context& context, std::uint32_t buffer) const {
    return Array::uninitialized(static_cast<DType::Kind>(tables.buffer(buffer).dtype),
                                dims_of(tables, buffer, context.binding()->dims));
  }

  RunResult make_results(Context& context, std::span<const Array> inputs, std::span<const VariableValue> variables,
                         bool donate) const {
    RunResult result;
    result.updates.reserve(tables.updates().size());
    result.results.reserve(tables.results().size());
    for (std::size_t i = 0; i < tables.updates().size(); ++i) {
      const std::uint32_t update = tables.updates()[i];
      const Array& variable = variables[tables.position(tables.buffer(update).link)].array;
      const bool take = donate && may_take_storage[i] && variable.sole_owner();
      result.updates.push_back(take ? variable : fresh(context, update));
      context.set_pointer(update, result.updates.back().data());
    }
    for (std::size_t i = 0; i < tables.results().size(); ++i) {
      const std::uint32_t buffer = tables.results()[i], position = tables.position(buffer);
      switch (tables.buffer(buffer).space) {
        case MICA_INPUT:
          result.results.push_back(inputs[position]);
          break;
        case MICA_VARIABLE:
          result.results.push_back(variables[position].array);
          break;
        case MICA_UPDATE:
          result.results.push_back(result.updates[position]);
          break;
        default:
          result.results.push_back(position == i ? fresh(context, buffer) : result.results[position]);
          context.set_pointer(buffer, result.results.back().data());
      }
    }
    return result;
  }

  void throw_error(const MicaErrorWord& word) const {
    if (word.step == 0) return;
    if (fail_text) throw Error(fail_text(word));
    const MicaStep& step = tables.step(static_cast<std::uint32_t>(word.step - 1));
    throw Error({.where = step.layer == nullptr ? "" : step.layer,
                 .expected = "a value in range",
                 .received = std::to_string(word.value) + " at position " + std::to_string(word.position),
                 .hint = {}});
  }

  RunResult run(std::span<const Array> inputs, std::span<const VariableValue> variables, bool donate,
                std::vector<StepTime>* times) {
    const ContextPool::Lease lease = contexts.acquire();
    Context& context = *lease;
    context.error = {};
    bind_context(context, inputs, variables);
    set_operands(context, inputs, variables);
    provide_init(context, variables);
    RunResult result = make_results(context, inputs, variables, donate);
    context.resolve();
    run_steps(context, tables.run(), times);
    throw_error(context.error);
    return result;
  }

  std::shared_ptr<void> keep_alive;
  Tables tables;
  std::vector<bool> may_take_storage;  // of updates
  BindingCache bindings;
  InitCache init_cache;
  ContextPool contexts;
  FailText fail_text;
};

Program::Program(const MicaProgram& program, std::shared_ptr<void> keep_alive)
    : impl_(std::make_unique<Impl>(program, std::move(keep_alive))) {}
Program::~Program() = default;

RunResult Program::run(std::span<const Array> inputs, std::span<VariableValue> variables, bool donate) const {
  if (!profile_requested()) return impl_->run(inputs, variables, donate, nullptr);
  std::vector<StepTime> times;
  RunResult result = impl_->run(inputs, variables, donate, &times);
  print_profile(abi().name, times);
  return result;
}

RunResult Program::profile(std::span<const Array> inputs, std::span<VariableValue> variables,
                           std::vector<StepTime>& times) const {
  return impl_->run(inputs, variables, false, &times);
}

const MicaProgram& Program::abi() const { return impl_->tables.abi(); }
int Program::num_steps() const { return static_cast<int>(abi().num_run); }
int Program::num_bindings() const { return impl_->bindings.size(); }

std::int64_t Program::arena_bytes(std::span<const Array> inputs) const {
  std::vector<std::int64_t> symbols;
  read_symbols(impl_->tables, inputs, symbols);
  return impl_->find_or_bind(symbols, inputs, nullptr)->arena_bytes;
}

void Program::set_fail_text(FailText text) { impl_->fail_text = std::move(text); }

}  // namespace mica::rt
