// The order of the passes. A test proves from this table that every need is given.
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// clang-format off
constexpr Pass kPipeline[] = {
    // name          run            needs                     gives                    breaks
    {"canonicalize", canonicalize,  kNone,                    kCanonical,              kNone,
     "rules first: gradients and later passes see fewer spellings"},
    {"hoist-inputs", hoist_inputs,  kCanonical,               kNone,                   kNone,
     "one large product instead of one a step; before the gradient, which then is one large product, too"},
    {"split-concats", split_concats, kCanonical,              kNone,                   kNone,
     "before the gradient, which then takes slices of slices: a few kernels for all of them"},
    {"autodiff",     autodiff,      kCanonical,               kDifferentiated,         kCanonical,
     "before anything is decomposed: softmax and the losses keep their stable gradients"},
    {"open-checkpoints", open_checkpoints, kDifferentiated,   kOpen,                   kCanonical,
     "gradients have their own copies of what is inside: the rest is ordinary graph"},
    {"canonicalize", canonicalize,  kDifferentiated | kOpen,  kCanonical,              kNone,
     "gradients leave multiplications by one and transposes of transposes"},
    {"hoist-sums",   hoist_sums,    kDifferentiated | kCanonical, kNone,               kNone,
     "the gradient of a scan adds up products that are one large product outside"},
    {"hoist-inputs", hoist_inputs,  kDifferentiated | kCanonical, kNone,               kNone,
     "the gradient of a step multiplies saved states and transposed matrices; before layout hides what is transposed"},
    {"fold-norm",    fold_normalization, kDifferentiated | kCanonical, kNone,          kNone,
     "while a normalisation is still one node; what it adds to the weights is hoisted later"},
    {"layout",       choose_layout, kDifferentiated | kCanonical, kLaidOut,            kNone,
     "products and convolutions must read what they read before they become groups"},
    {"make-loops",   make_loops,    kLaidOut,                 kTemplated,              kNone,
     "the library calls of a loop's body are claimed like any other; gradients have made their own scans"},
    {"fuse-library", fuse_library,  kLaidOut | kTemplated,    kClaimed,                kNone,
     "while gelu is still gelu, so that it can be an epilogue"},
    {"legalize",     legalize,      kDifferentiated | kClaimed, kLegal,                kCanonical,
     "decomposes what no library took"},
    {"canonicalize", canonicalize,  kLegal,                   kCanonical,              kNone,
     "decompositions leave their own x * 1 and broadcasts of broadcasts"},
    {"fold",         constant_fold, kLegal | kCanonical,      kFolded,                 kNone,
     "constants of decompositions meet here"},
    {"cleanup",      cleanup,       kLegal | kFolded,         kClean,                  kNone,
     "gradients through decompositions computed the forward values twice"},
    {"split-sums",   split_sums,    kLegal | kClean,          kNone,                   kNone,
     "after the last rule that would join them again, before they choose the nodes of their kernels"},
    {"fuse-loops",   fuse_loops,    kLegal | kCanonical | kClean, kFused,              kClean,
     "last: every node that stands alone now costs a step"},
};
// clang-format on

}  // namespace

std::span<const Pass> pipeline() { return kPipeline; }

const Pass* find_pass(std::string_view name) {
  for (const Pass& pass : kPipeline) {
    if (pass.name == name) return &pass;
  }
  return nullptr;
}

}  // namespace mica::ir
