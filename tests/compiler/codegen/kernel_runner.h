// Runs a kernel as machine code between guard pages and through the Loop IR interpreter, on the same data.
#pragma once
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/loop/interpret.h"
#include "compiler/loop/scalar_eval.h"
#include "runtime/error.h"

namespace mica::codegen {

// What is tested here is made here; tests of the cache choose their own folder.
inline const int kWithoutCache = setenv("MICA_CACHE", "off", 1);

// Bytes that touch an unmapped page: after their end, or before their begin. JIT code is not instrumented by
// sanitizers, so this is how an access outside is seen.
class GuardedBytes {
 public:
  enum Side { kAfter, kBefore };

  GuardedBytes(std::size_t size, Side side) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inside = (size + page - 1) / page * page;
    length_ = inside + 2 * page;
    void* base = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MICA_CHECK(base != MAP_FAILED) << "mmap";
    base_ = static_cast<char*>(base);
    MICA_CHECK(inside == 0 || mprotect(base_ + page, inside, PROT_READ | PROT_WRITE) == 0) << "mprotect";
    data_ = base_ + page + (side == kAfter ? inside - size : 0);
  }
  ~GuardedBytes() { munmap(base_, length_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  void* data() const { return data_; }

 private:
  char* base_;
  char* data_;
  std::size_t length_;
};

inline loop::Kernel parsed(const std::string& text) {
  absl::StatusOr<loop::Kernel> kernel = loop::parse_kernel(text);
  MICA_CHECK(kernel.ok()) << kernel.status();
  absl::Status status = loop::verify(*kernel);
  MICA_CHECK(status.ok()) << status;
  return *kernel;
}

using Bytes = std::vector<unsigned char>;

// One kernel, sizes for its symbols, and random arguments. Integers are 0 to 3, so that they can index.
class KernelRun {
 public:
  KernelRun(loop::Kernel kernel, const std::map<std::string, std::int64_t>& sizes) : kernel_(std::move(kernel)) {
    ir::SymbolValue value = [&](const ir::Symbol& symbol) { return sizes.at(symbol.name); };
    for (const ir::Symbol* symbol : kernel_.symbols()) {
      dims_.push_back(symbol->numerator ? symbol->numerator->evaluate(value) / symbol->divisor : value(*symbol));
    }
    iterations_ = kernel_.parallel_extent().evaluate(value);
    for (const loop::BufferRef& param : kernel_.params) {
      std::int64_t count = 1;
      for (const ir::Dim& dim : param->dims) count *= dim.evaluate(value);
      arguments_.push_back(param->access == loop::Access::kOut ? canaries(*param, count) : random(*param, count));
    }
  }

  std::vector<Bytes>& arguments() { return arguments_; }
  const loop::Kernel& kernel() const { return kernel_; }

  // The arguments after a run of the machine code, of the whole range in two pieces.
  std::vector<Bytes> compiled(const CpuTarget& target, GuardedBytes::Side side, MicaErrorWord* error_word = nullptr) {
    MicaKernelFn function = compile({&kernel_, 1}, target)->functions[0];
    std::vector<std::unique_ptr<GuardedBytes>> memory;
    std::vector<void*> buffers;
    for (const Bytes& argument : arguments_) {
      memory.push_back(std::make_unique<GuardedBytes>(argument.size(), side));
      if (!argument.empty()) std::memcpy(memory.back()->data(), argument.data(), argument.size());
      buffers.push_back(memory.back()->data());
    }
    if (error_word != nullptr) buffers.push_back(error_word);
    const std::int64_t middle = iterations_ / 2;
    function(buffers.data(), dims_.data(), 0, middle);
    function(buffers.data(), dims_.data(), middle, iterations_);
    std::vector<Bytes> result;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const auto* begin = static_cast<const unsigned char*>(memory[i]->data());
      result.emplace_back(begin, begin + arguments_[i].size());
    }
    return result;
  }

  std::vector<Bytes> interpreted(MicaErrorWord* error_word = nullptr) {
    std::vector<Bytes> result = arguments_;
    std::vector<loop::InterpretBuffer> buffers;
    for (Bytes& bytes : result) buffers.push_back({bytes.data(), bytes.size()});
    absl::Status status = loop::interpret(kernel_, buffers, dims_, {.error_word = error_word});
    MICA_CHECK(status.ok()) << status;
    return result;
  }

 private:
  static Bytes canaries(const loop::Buffer& buffer, std::int64_t count) {
    return Bytes(static_cast<std::size_t>(count * buffer.dtype.bytes()), buffer.dtype.is_bool() ? 1 : 0xff);
  }

  Bytes random(const loop::Buffer& buffer, std::int64_t count) {
    const DType dtype = buffer.dtype;
    Bytes bytes(static_cast<std::size_t>(count * dtype.bytes()));
    for (std::int64_t i = 0; i < count; ++i) {
      std::uint64_t element = generator_() % (dtype.is_bool() ? 2 : 4);
      if (dtype.is_floating()) {
        element = loop::float_to_bits(std::uniform_real_distribution<double>(-2, 2)(generator_), dtype);
      }
      std::memcpy(bytes.data() + i * dtype.bytes(), &element, static_cast<std::size_t>(dtype.bytes()));
    }
    return bytes;
  }

  loop::Kernel kernel_;
  std::vector<std::int64_t> dims_;
  std::int64_t iterations_ = 1;
  std::vector<Bytes> arguments_;
  std::mt19937_64 generator_{7};
};

// An element as a number, for comparisons and messages.
inline double element(const Bytes& bytes, DType dtype, std::size_t i) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + i * static_cast<std::size_t>(dtype.bytes()),
              static_cast<std::size_t>(dtype.bytes()));
  if (dtype.is_floating()) return loop::bits_to_float(bits, dtype);
  return static_cast<double>(loop::wrap_to(static_cast<std::int64_t>(bits), dtype));
}

// Equal bits or within `tolerance` · (1 + |want|); NaN equals NaN.
inline void expect_equal(const Bytes& got, const Bytes& want, DType dtype, double tolerance, const std::string& where) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size() / static_cast<std::size_t>(dtype.bytes()); ++i) {
    const double a = element(got, dtype, i), b = element(want, dtype, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    EXPECT_LE(std::fabs(a - b), tolerance * (1 + std::fabs(b)))
        << where << " element " << i << ": " << a << ", not " << b;
  }
}

}  // namespace mica::codegen
