#include "runtime/program.h"

#include <algorithm>
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

  // Whether the update is written over its variable.
  bool takes_storage(std::size_t update, std::span<const VariableValue> variables, bool donate) const {
    return donate && may_take_storage[update] && variables[variable_of(update)].array.sole_owner();
  }

  std::size_t variable_of(std::size_t update) const {
    return tables.position(tables.buffer(tables.updates()[update]).link);
  }

  // The array itself where it fits and nobody else holds it, else a new one.
  void renew(Array& array, const Context& context, std::uint32_t buffer) const {
    const MicaBuffer& b = tables.buffer(buffer);
    const auto dims = std::span(context.binding()->dims).subspan(b.first_dim, b.rank);
    const bool fits = array.defined() && array.sole_owner() && array.dtype().kind() == b.dtype &&
                      std::equal(dims.begin(), dims.end(), array.dims().begin(), array.dims().end());
    if (!fits) array = fresh(context, buffer);
  }

  // Storage for everything that a run hands out. An update that is written over its variable stays undefined until
  // hand_over moves the variable there: other holders may let go of the value meanwhile, so it is decided once, here.
  void prepare(Context& context, std::span<const VariableValue> variables, bool donate, RunResult& result) const {
    result.updates.resize(tables.updates().size());
    result.results.resize(tables.results().size());
    for (std::size_t i = 0; i < result.updates.size(); ++i) {
      const std::uint32_t update = tables.updates()[i];
      if (takes_storage(i, variables, donate)) {
        result.updates[i] = Array();
        context.set_pointer(update, variables[variable_of(i)].array.data());
      } else {
        renew(result.updates[i], context, update);
        context.set_pointer(update, result.updates[i].data());
      }
    }
    for (std::size_t i = 0; i < result.results.size(); ++i) {
      const std::uint32_t buffer = tables.results()[i];
      if (tables.buffer(buffer).space != MICA_RESULT || tables.position(buffer) != i) continue;
      renew(result.results[i], context, buffer);
      context.set_pointer(buffer, result.results[i].data());
    }
  }

  // After a run that did not fail: variables lose what was written over, and results that are other arrays' get them.
  void hand_over(std::span<const Array> inputs, std::span<VariableValue> variables, RunResult& result) const {
    for (std::size_t i = 0; i < result.updates.size(); ++i) {
      if (!result.updates[i].defined()) result.updates[i] = std::move(variables[variable_of(i)].array);
    }
    for (std::size_t i = 0; i < result.results.size(); ++i) {
      const std::uint32_t buffer = tables.results()[i], position = tables.position(buffer);
      switch (tables.buffer(buffer).space) {
        case MICA_INPUT:
          result.results[i] = inputs[position];
          break;
        case MICA_VARIABLE:
          result.results[i] = variables[position].array;
          break;
        case MICA_UPDATE:
          result.results[i] = result.updates[position];
          break;
        default:
          if (position != i) result.results[i] = result.results[position];
      }
    }
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

  void run(std::span<const Array> inputs, std::span<VariableValue> variables, bool donate, RunResult& result,
           std::vector<StepTime>* times) {
    const ContextPool::Lease lease = contexts.acquire();
    Context& context = *lease;
    context.error = {};
    bind_context(context, inputs, variables);
    set_operands(context, inputs, variables);
    provide_init(context, variables);
    prepare(context, variables, donate, result);
    context.resolve();
    run_steps(context, tables.run(), times);
    throw_error(context.error);
    hand_over(inputs, variables, result);
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

void Program::run(std::span<const Array> inputs, std::span<VariableValue> variables, RunResult& result,
                  bool donate) const {
  if (!profile_requested()) return impl_->run(inputs, variables, donate, result, nullptr);
  std::vector<StepTime> times;
  impl_->run(inputs, variables, donate, result, &times);
  print_profile(abi().name, times);
}

RunResult Program::run(std::span<const Array> inputs, std::span<VariableValue> variables, bool donate) const {
  RunResult result;
  run(inputs, variables, result, donate);
  return result;
}

RunResult Program::profile(std::span<const Array> inputs, std::span<VariableValue> variables,
                           std::vector<StepTime>& times) const {
  RunResult result;
  impl_->run(inputs, variables, false, result, &times);
  return result;
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
