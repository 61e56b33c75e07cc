// OpDef: everything the system knows about one operation. Verifier, printer, docs, gradient, CPU code, GPU code,
// reference and the generated tests are derived from this record; nothing about an operation stands anywhere else.
// Plain data and captureless functions; no LLVM, no dnnl.
//
// Three kinds of operation:
//   composite   `decompose` only (gelu, softmax, losses): two files to touch, the record and a row of the outside
//   fixtures; primitive   `define` (or `kernel`), `reference` and `vjp`: elementwise ones get all but `vjp` from their
//   ScalarOp; library     a primitive that a library may also take (matmul, convolution): `library` names the
//   descriptor.
// `composite` operations stay whole until the pass `legalize`, so that rules, gradients and epilogues still see gelu as
// gelu.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/loop/expr.h"
#include "compiler/loop/kernel.h"

namespace mica::ir {

class Builder;  // builder.h

// How the fuser may treat it.
enum class FusionClass {
  kElementwise,  // element i of the result needs element i of the operands (after broadcasting)
  kInjective,    // an index map: reshape, transpose, slice, pad, concat, gather, iota
  kReduction,    // folds axes of one operand
  kContraction,  // matmul, convolution, pooling: a fold over a product or a window
  kOpaque,       // own kernel (sort, scatter) or region (scan): never fused into, may take no epilogue
};

struct OperandDef {
  std::string name;
  std::string doc;
  enum Kind { kRequired, kOptional, kVariadic } kind = kRequired;  // optional and variadic ones stand last
  // Allowed element types: "float", "int", "bool", "number" (float or int), "any".
  std::string dtypes = "any";
};

struct AttrDef {
  std::string name;
  Attr fallback;  // the default; also fixes the kind
  std::string doc;
  bool required = false;  // no default: `fallback` fixes the kind only
  Strings allowed = {};   // of string attributes
};

// What inference, definition and gradient see of a node. Operands by position; optional operands that are absent count
// as not present.
struct InferContext {
  const OpDef& op;
  const Attrs& attrs;
  const Types& operands;
  const std::vector<std::unique_ptr<Graph>>& bodies;
  int num_operands() const { return static_cast<int>(operands.size()); }
  const TensorType& operand(int i) const { return operands[static_cast<std::size_t>(i)]; }
};
using InferFn = std::function<absl::StatusOr<Types>(const InferContext&)>;

// What a node asks of sizes beyond dims that are not negative. Where they are open it is looked at when arrays are
// bound.
struct Bound {
  Dim slack;             // not negative
  std::string expected;  // "at least 3 elements on axis 1"
  Dim received;          // what an error shows
};
using BoundsFn = std::function<std::vector<Bound>(const InferContext&)>;

// Gradients of the operands from those of the results; an empty Value for an operand that has none. `grads[i]` is empty
// when result i is unused. Broadcasting is undone once, in the driver: a gradient may have the result's shape. May
// return more precise shapes.
using VjpFn = std::function<Values(Builder& b, Node& node, const Values& grads)>;
// The same values from smaller operations.
using DecomposeFn = std::function<Values(Builder& b, const Node& node)>;

// The meaning in Loop IR: the element of result `result` at `index`, as an expression over ctx.read(operand, index) and
// ctx.reduce(…).
class DefineContext {
 public:
  DefineContext(const Attrs& a, const Types& operand_types, const Types& result_types)
      : attrs(a), operands(operand_types), results(result_types) {}
  const Attrs& attrs;
  const Types &operands, &results;
  // operands[i] at index; with broadcast_to given, `index` runs over that shape and 1-sized or missing axes are
  // dropped.
  loop::Expr read(int i, loop::Exprs index) const;
  loop::Expr read_broadcast(int i, const loop::Exprs& index, const Dims& of) const;
  // Folds body(vars) over the extents.
  loop::Expr reduce(loop::Reducer reducer, const Dims& extents,
                    const std::function<loop::Expr(const loop::Exprs& vars)>& body) const;
};
using DefineFn = std::function<loop::Expr(const DefineContext& ctx, int result, const loop::Exprs& index)>;

// Opaque operations build their kernel themselves: params are the operands in order, then the results.
using KernelFn = std::function<loop::Kernel(const Node& node)>;

// The double reference: dense row-major arrays of double (integers and bool as exact doubles up to 2^53; i64 beyond is
// out of its scope).
struct RefTensor {
  DType dtype = kFloat64;
  Ints dims;
  std::vector<double> data;
  std::int64_t numel() const;
};
// Runs a region on the values of its inputs; dims of the enclosing graph are bound.
using RegionFn =
    std::function<absl::StatusOr<std::vector<RefTensor>>(const Graph& body, std::span<const RefTensor> inputs)>;
struct RefContext {
  const Attrs& attrs;
  const std::vector<const RefTensor*>& operands;
  std::vector<RefTensor>& results;  // dtype and dims are set, data is sized and zero
  const std::vector<std::unique_ptr<Graph>>& bodies;
  const RegionFn& run_body;
};
using ReferenceFn = std::function<absl::Status(const RefContext&)>;

// A case of the generated tests: operand types (symbols are bound to `bindings`), attributes, and the range of random
// float values.
struct Sample {
  std::vector<std::string>
      operands;  // "f32[3,5]", "i32[7]:0..9" (integers drawn from a range), "f32[N,4]", "bool[2,3]"
  Attrs attrs = {};
  double low = -2, high = 2;
  std::vector<std::pair<std::string, std::int64_t>> bindings = {};
  bool gradient = true;  // false: away from differentiable points, values only
};

// What a library can take, as data for the passes and for program assembly.
struct LibraryBinding {
  std::string name;                        // "onednn.matmul"
  std::function<bool(const Node&)> takes;  // dtype, layout, sizes (dims may be symbolic)
  Strings epilogues =
      {};  // elementwise operations it can apply to its result, in the library's names of ours: "relu", "add"
};

struct OpDef {
  std::string name;
  std::string doc;      // first sentence: the summary of `mica ops`
  std::string mirrors;  // the Keras or PyTorch name with the same meaning: where the outside fixture comes from
  std::vector<OperandDef> operands;
  std::vector<AttrDef> attrs;
  FusionClass fusion = FusionClass::kOpaque;
  std::optional<loop::ScalarOp> scalar;  // elementwise: define and reference follow from it
  InferFn infer;
  BoundsFn bounds;  // none: any sizes that inference takes
  VjpFn vjp;
  std::string no_gradient;  // why there is none: "integer result", "piecewise constant"
  DecomposeFn decompose;
  DefineFn define;
  KernelFn kernel;
  ReferenceFn reference;
  std::vector<LibraryBinding> libraries;
  std::vector<Sample> samples;
  std::string fixture;  // the case of the outside oracle ("torch:gelu", "keras:activation_gelu") or why none can exist
                        // ("none: …")
  bool internal = false;  // made by passes only: not offered by the frontend, not in the docs

  bool is_composite() const { return static_cast<bool>(decompose) && !define && !kernel && !scalar; }
};

// Fluent construction, so that a record reads like a sentence. See activation.cc for a composite, elementwise.cc for a
// primitive.
class Op {
 public:
  explicit Op(std::string_view name);
  Op& doc(std::string_view text);
  Op& mirrors(std::string_view name);
  Op& input(std::string_view name, std::string_view dtypes, std::string_view doc = "");
  Op& optional_input(std::string_view name, std::string_view dtypes, std::string_view doc = "");
  Op& variadic_input(std::string_view name, std::string_view dtypes, std::string_view doc = "");
  Op& attr(std::string_view name, Attr fallback, std::string_view doc);
  Op& required_attr(std::string_view name, Attr kind, std::string_view doc);
  Op& choice(std::string_view name, std::string_view fallback, Strings allowed, std::string_view doc);
  Op& fusion(FusionClass f);
  Op& elementwise(loop::ScalarOp op);  // sets fusion, scalar, and inference by broadcasting and promotion
  Op& infer(InferFn f);
  Op& bounds(BoundsFn f);
  Op& vjp(VjpFn f);
  Op& not_differentiable(std::string_view why);
  Op& decompose(DecomposeFn f);
  Op& define(DefineFn f);
  Op& kernel(KernelFn f);
  Op& reference(ReferenceFn f);
  Op& library(LibraryBinding binding);
  Op& sample(Sample s);
  Op& fixture(std::string_view name);
  Op& internal();
  OpDef take() { return std::move(def_); }

 private:
  OpDef def_;
};

class Registry {
 public:
  void add(Op& op) { add(op.take()); }
  void add(Op&& op) { add(op.take()); }
  void add(OpDef def);
  const OpDef* find(std::string_view name) const;
  std::vector<const OpDef*> all() const;  // by name

 private:
  std::vector<std::unique_ptr<OpDef>> defs_;
  std::unordered_map<std::string, const OpDef*> index_;
};

const Registry& registry();              // filled once, by registry.cc, one line a family
const OpDef& op(std::string_view name);  // MICA_CHECKs that it exists

// Of a valid node.
std::vector<Bound> bounds_of(const Node& node);
// What a node that reports indices out of range expects of them, in the words of its attribute `called`: "labels from 0
// to 9"; "" of other operations. The indices are operand 1, positions along `axis` of operand 0.
std::string expected_indices(const Node& node);

}  // namespace mica::ir
