// Calls of the library (oneDNN), without its headers: what a MICA_LIBRARY step becomes when dims are bound.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/dtype.h"

namespace mica::rt {

struct LibraryOperand {
  DType dtype = kFloat32;
  std::vector<std::int64_t> dims;
};

// A call with concrete operands, in the order of the step's arguments (see MicaLibraryKind). `where` names it in
// errors.
struct LibraryRequest {
  MicaLibraryCall call = {};
  std::vector<MicaEpilogue> epilogues;
  std::vector<LibraryOperand> operands;
  std::string where;
};

// The layout in which a call wants its weights: made once by a pack step.
struct PackedLayout {
  std::int64_t bytes = 0;
  std::string text;  // equal texts mean equal layouts
};

// Primitives bound to concrete dims. Immutable and shared by all threads; a State holds what one context needs.
//
// The work is cut into pieces that run on the pool, each under one OpenMP thread. The cut depends on the shape alone,
// so results do not depend on the number of threads.
class LibraryStep {
 public:
  class State {
   public:
    virtual ~State() = default;
  };

  virtual ~LibraryStep() = default;
  virtual std::unique_ptr<State> make_state() const = 0;
  // `args` are the storages of the operands; `scratch` has scratch_bytes() and is 64-byte aligned.
  virtual void run(State& state, void* const* args, void* scratch) const = 0;
  virtual std::int64_t scratch_bytes() const = 0;
  virtual PackedLayout packed_layout() const = 0;  // calls with packed weights only
  virtual std::string implementation() const = 0;  // "brgconv:avx512_core x 16 pieces"
};

// Throws mica::Error naming the call when the library has no implementation of it.
std::unique_ptr<LibraryStep> make_library_step(const LibraryRequest& request);
// The step that brings plain weights, `operands[0]` of the pack call's request, into the layout that `user` wants.
std::unique_ptr<LibraryStep> make_pack_step(const LibraryRequest& pack, const LibraryStep& user);
// What the library would pick, for dumps: "brg:avx512_core x 8 pieces".
std::string library_implementation(const LibraryRequest& request);

}  // namespace mica::rt
