// After its first run a training step allocates nothing, compiles nothing, and updates weights and slots where they
// lie.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "compiler/codegen_library.h"
#include "compiler/compile.h"
#include "frontend/mica/mica.h"
#include "frontend/training/step_trace.h"

namespace {

// Allocations of this thread while it counts, but those inside of oneDNN's own functions.
thread_local bool counting = false;
thread_local int allocations = 0;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;  // sanitizers have an operator new of their own

}  // namespace
#else
constexpr bool kCounts = true;

bool is_onednn(const void* address) {
  Dl_info info;
  return dladdr(address, &info) != 0 && std::string_view(info.dli_fname).find("libdnnl") != std::string_view::npos;
}

void count(const void* caller) {
  if (!counting) return;
  counting = false;
  if (!is_onednn(caller)) ++allocations;
  counting = true;
}

}  // namespace

// Arrays and arenas take their storage from here, everything else from operator new.
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t bytes);
extern "C" int posix_memalign(void** data, std::size_t alignment, std::size_t bytes) noexcept {
  count(__builtin_return_address(0));
  *data = __libc_memalign(alignment, bytes);
  return *data == nullptr ? ENOMEM : 0;
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  count(__builtin_return_address(0));
  if (void* data = std::malloc(bytes)) return data;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* data) noexcept { std::free(data); }
[[gnu::noinline]] void operator delete(void* data, std::size_t) noexcept { std::free(data); }
#endif

namespace mica {
namespace {

using internal::TracedStep;

struct Case {
  const char* name;
  Model (*make)();
  Tensor (*targets)(std::int64_t rows);
};

Model mlp() {
  Tensor x = Input({20}, {.name = "x"});
  Tensor h = Dropout(0.25)(Dense(32, {.activation = "relu"})(x));
  Model model(x, Dense(10)(h));
  model.compile({.optimizer = Adam(1e-3, {.global_clipnorm = 1.0}),
                 .loss = SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  return model;
}

Model conv_net() {
  Tensor x = Input({20}, {.name = "x"});
  Tensor h = Conv2D(8, 3, {.padding = "same", .activation = "relu"})(Reshape({5, 4, 1})(x));
  h = BatchNormalization()(h);
  Model model(x, Dense(1)(Flatten()(MaxPooling2D(2)(h))));
  model.compile({.optimizer = SGD(0.1, {.momentum = 0.9}), .loss = "mse"});
  return model;
}

Model recurrent() {
  Tensor x = Input({20}, {.name = "x"});
  Model model(x, Dense(1)(LSTM(6)(Reshape({5, 4})(x))));
  model.compile({.optimizer = RMSprop(1e-3), .loss = "mse"});
  return model;
}

const Case kCases[] = {{"mlp", mlp, [](std::int64_t rows) { return zeros({rows}, {.dtype = kInt32}); }},
                       {"conv", conv_net, [](std::int64_t rows) { return ones({rows, 1}); }},
                       {"lstm", recurrent, [](std::int64_t rows) { return ones({rows, 1}); }}};

class StepMemory : public ::testing::TestWithParam<Case> {};

// A step's Program with its operands, as fit() would run it.
class Runner {
 public:
  Runner(const Model& model, const Tensor& x, const Tensor& y) {
    internal::TrainingConfig& config = internal::training_config(model, "fit");
    internal::TrainingData data = internal::training_data(model, config, x, y);
    step_ = internal::trace_step(model, config, data, /*training=*/true);
    program_ = compiler::compile(*step_.graph.graph);
    std::vector<rt::Array> given = data.x.arrays;
    given.insert(given.end(), data.y.begin(), data.y.end());
    for (double value : step_.optimizers[0].impl().operands()) {
      given.push_back(rt::Array::zeros(kFloat32, {}));
      given.back().set(0, value);
    }
    std::size_t next = 0;
    for (const auto& read : step_.graph.operands) inputs_.push_back(read ? read() : given[next++]);
    for (const internal::CellRef& cell : step_.graph.variables) variables_.push_back({cell->lend(), cell->id, 1});
  }

  // One step; the variables take their new values.
  void run() {
    program_->program().run(inputs_, variables_, result_, /*donate=*/true);
    for (std::size_t i = 0; i < result_.updates.size(); ++i) variable(i).array = std::move(result_.updates[i]);
  }
  int counted_run() {
    allocations = 0;
    counting = true;
    program_->program().run(inputs_, variables_, result_, /*donate=*/true);
    counting = false;
    for (std::size_t i = 0; i < result_.updates.size(); ++i) variable(i).array = std::move(result_.updates[i]);
    return allocations;
  }
  std::vector<const void*> storage() const {
    std::vector<const void*> all;
    for (const rt::VariableValue& value : variables_) all.push_back(value.array.data());
    return all;
  }

 private:
  rt::VariableValue& variable(std::size_t update) {
    const auto& cells = step_.graph.variables;
    auto it = std::find(cells.begin(), cells.end(), step_.graph.updated[update]);
    return variables_[static_cast<std::size_t>(it - cells.begin())];
  }

  TracedStep step_;
  std::shared_ptr<const compiler::CompiledModel> program_;
  std::vector<rt::Array> inputs_;
  std::vector<rt::VariableValue> variables_;
  rt::RunResult result_;
};

TEST_P(StepMemory, ASecondRunAllocatesNothing) {
  if (!kCounts) GTEST_SKIP() << "NOT TESTED: sanitizers have an allocator of their own";
  manual_seed(1);
  Runner runner(GetParam().make(), ones({16, 20}), GetParam().targets(16));
  EXPECT_GT(runner.counted_run(), 0) << "the first run makes its context";
  runner.run();
  EXPECT_EQ(runner.counted_run(), 0);
}

TEST_P(StepMemory, WeightsAndSlotsAreUpdatedInPlace) {
  manual_seed(1);
  Runner runner(GetParam().make(), ones({16, 20}), GetParam().targets(16));
  runner.run();  // what shares its first value with others gets storage of its own
  const std::vector<const void*> before = runner.storage();
  runner.run();
  runner.run();
  EXPECT_EQ(runner.storage(), before);
}

TEST_P(StepMemory, LaterBatchesCompileNothing) {
  manual_seed(1);
  Model model = GetParam().make();
  model.train_on_batch(ones({16, 20}), GetParam().targets(16));
  const int programs = model.compilations();
  const std::int64_t kernels = codegen_library().llvm_compilations();
  std::vector<const void*> storage;
  for (const Variable& weight : model.weights()) storage.push_back(weight.cell()->array().data());
  for (std::int64_t rows : {16, 7, 1}) model.train_on_batch(ones({rows, 20}), GetParam().targets(rows));
  EXPECT_EQ(model.compilations(), programs);
  EXPECT_EQ(codegen_library().llvm_compilations(), kernels);
  for (std::size_t i = 0; i < storage.size(); ++i)
    EXPECT_EQ(model.weights()[i].cell()->array().data(), storage[i]) << model.weights()[i].path();
}

INSTANTIATE_TEST_SUITE_P(Models, StepMemory, ::testing::ValuesIn(kCases),
                         [](const auto& model) { return std::string(model.param.name); });

}  // namespace
}  // namespace mica
