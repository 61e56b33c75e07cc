// torch.* functions that fold axes, run along them or put them in order.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

const std::vector<std::string> kReduceParameters = {"input", "dim", "keepdim"};

using Fold = Tensor (*)(const Tensor&, const Axes&, ReduceOptions);
Function folding(Fold fold) {
  return {kReduceParameters,
          [fold](Call& c) -> Tensors { return {fold(c.tensor("input"), c.axes(), {.keepdim = c.flag("keepdim")})}; }};
}

Tensors both(const MaxResult& result) { return {result.values, result.indices}; }

VarOptions spread_options(const Call& c) {
  std::int64_t correction = c.has("unbiased") ? (c.flag("unbiased") ? 1 : 0) : c.integer("correction", 1);
  return {.correction = correction, .keepdim = c.flag("keepdim")};
}

using Run = Tensor (*)(const Tensor&, int);
Function running(Run run) {
  return {{"input", "dim"}, [run](Call& c) -> Tensors { return {run(c.tensor("input"), c.dim())}; }};
}

void add_folds(Table& t) {
  t["torch.sum"] = folding(sum);
  t["torch.mean"] = folding(mean);
  t["torch.prod"] = folding(prod);
  t["torch.amax"] = folding(amax);
  t["torch.amin"] = folding(amin);
  t["torch.any"] = folding(any);
  t["torch.all"] = folding(all);
  t["torch.logsumexp"] = folding(logsumexp);
  t["torch.nansum"] = folding(nansum);
  t["torch.count_nonzero"] = {{"input", "dim"},
                              [](Call& c) -> Tensors { return {count_nonzero(c.tensor("input"), c.axes())}; }};
  t["torch.max"] = {kReduceParameters, [](Call& c) -> Tensors {
                      if (!c.has("dim")) return {max(c.tensor("input"))};
                      return both(max(c.tensor("input"), c.dim(), {.keepdim = c.flag("keepdim")}));
                    }};
  t["torch.min"] = {kReduceParameters, [](Call& c) -> Tensors {
                      if (!c.has("dim")) return {min(c.tensor("input"))};
                      return both(min(c.tensor("input"), c.dim(), {.keepdim = c.flag("keepdim")}));
                    }};
  auto maybe_dim = [](const Call& c) { return c.has("dim") ? std::optional(c.dim()) : std::nullopt; };
  t["torch.argmax"] = {kReduceParameters, [maybe_dim](Call& c) -> Tensors {
                         return {argmax(c.tensor("input"), maybe_dim(c), {.keepdim = c.flag("keepdim")})};
                       }};
  t["torch.argmin"] = {kReduceParameters, [maybe_dim](Call& c) -> Tensors {
                         return {argmin(c.tensor("input"), maybe_dim(c), {.keepdim = c.flag("keepdim")})};
                       }};
  t["torch.var"] = {kReduceParameters,
                    [](Call& c) -> Tensors { return {var(c.tensor("input"), c.axes(), spread_options(c))}; }};
  t["torch.std"] = {kReduceParameters,
                    [](Call& c) -> Tensors { return {mica::std(c.tensor("input"), c.axes(), spread_options(c))}; }};
  t["torch.var_mean"] = {kReduceParameters, [](Call& c) -> Tensors {
                           VarMean both_of = var_mean(c.tensor("input"), c.axes(), spread_options(c));
                           return {both_of.var, both_of.mean};
                         }};
}

void add_runs(Table& t) {
  t["torch.cumsum"] = running(cumsum);
  t["torch.cumprod"] = running(cumprod);
  t["torch.logcumsumexp"] = running(logcumsumexp);
  t["torch.cummax"] = {{"input", "dim"}, [](Call& c) -> Tensors { return both(cummax(c.tensor("input"), c.dim())); }};
}

void add_orders(Table& t) {
  t["torch.sort"] = {{"input", "dim"},
                     [](Call& c) -> Tensors { return both(sort(c.tensor("input"), c.dim(), c.flag("descending"))); }};
  t["torch.argsort"] = {{"input", "dim"},
                        [](Call& c) -> Tensors { return {argsort(c.tensor("input"), c.dim(), c.flag("descending"))}; }};
  t["torch.topk"] = {{"input", "k", "dim", "largest"}, [](Call& c) -> Tensors {
                       return both(topk(c.tensor("input"), c.integer("k", 1), c.dim(), c.flag("largest", true)));
                     }};
  t["torch.kthvalue"] = {{"input", "k", "dim"}, [](Call& c) -> Tensors {
                           return both(kthvalue(c.tensor("input"), c.integer("k", 1), c.dim()));
                         }};
  t["torch.median"] = {{"input", "dim"}, [](Call& c) -> Tensors {
                         if (!c.has("dim")) return {median(c.tensor("input"))};
                         return both(median(c.tensor("input"), c.dim()));
                       }};
  t["torch.searchsorted"] = {{"sorted_sequence", "values"}, [](Call& c) -> Tensors {
                               return {searchsorted(c.tensor("sorted_sequence"), c.tensor("values"), c.flag("right"))};
                             }};
  t["torch.bucketize"] = {{"input", "boundaries"}, [](Call& c) -> Tensors {
                            return {bucketize(c.tensor("input"), c.tensor("boundaries"), c.flag("right"))};
                          }};
}

}  // namespace

void add_reduction_functions(Table& table) {
  add_folds(table);
  add_runs(table);
  add_orders(table);
}

}  // namespace mica::torch_fixtures
