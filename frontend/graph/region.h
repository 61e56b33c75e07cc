// Regions: what this thread traces while a RegionScope lives. A gradient computes the values of a region once more
// instead of keeping them; traces collect its nodes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/graph.h"
#include "frontend/graph/value.h"
#include "frontend/mica/remat.h"

namespace mica::internal {

struct Region {};  // an identity
using RegionRef = std::shared_ptr<const Region>;

// Inside of another region it does nothing: that one has all.
class RegionScope {
 public:
  explicit RegionScope(RegionRef region = std::make_shared<const Region>());  // null: none
  ~RegionScope();
  RegionScope(const RegionScope&) = delete;
  RegionScope& operator=(const RegionScope&) = delete;

  // The region of this thread; null: none.
  static const RegionRef& current();

 private:
  bool outermost_;
};

// The nodes of a graph by the regions that they were made in.
class RegionNodes {
 public:
  // The nodes from number `first` on were made in the region.
  void add(const RegionRef& region, const ir::Graph& graph, std::size_t first);
  // Each region becomes a `checkpoint` node, where the graph asks for gradients.
  void outline(ir::Graph& graph) const;

 private:
  std::vector<std::pair<RegionRef, std::vector<ir::Node*>>> regions_;
};

// What a RematScope wants of the layers that are made in it.
struct RematMode {
  enum Kind { kFull, kActivations, kLargerThan, kListedLayers } kind = kFull;
  RematScopeOptions options;
};
// A layer keeps the mode of the innermost scope of this thread as long as it lives; most are made in none.
void keep_remat_mode(const CustomLayer& layer);
void forget_remat_mode(const CustomLayer& layer);

// Whether the mode of the layer makes a region of this call, or of the activation of the layer that is running.
bool is_region(const LayerRef& layer, const CallArguments& arguments);
bool activation_is_region();

}  // namespace mica::internal
