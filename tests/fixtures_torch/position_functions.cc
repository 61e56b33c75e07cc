// torch.* functions that read and write at positions which are data.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {

void add_position_functions(Table& t) {
  t["torch.index_select"] = {{"input", "dim", "index"}, [](Call& c) -> Tensors {
                               return {index_select(c.tensor("input"), c.dim(), c.tensor("index"))};
                             }};
  t["torch.gather"] = {{"input", "dim", "index"},
                       [](Call& c) -> Tensors { return {gather(c.tensor("input"), c.dim(), c.tensor("index"))}; }};
  t["torch.take_along_dim"] = {{"input", "indices", "dim"}, [](Call& c) -> Tensors {
                                 return {take_along_dim(c.tensor("input"), c.tensor("indices"), c.dim())};
                               }};
  t["torch.take"] = {{"input", "index"},
                     [](Call& c) -> Tensors { return {take(c.tensor("input"), c.tensor("index"))}; }};
  t["torch.index_add"] = {{"input", "dim", "index", "source"}, [](Call& c) -> Tensors {
                            return {index_add(c.tensor("input"), c.dim(), c.tensor("index"), c.tensor("source"),
                                              {.alpha = c.number("alpha", 1)})};
                          }};
  t["torch.index_copy"] = {{"input", "dim", "index", "source"}, [](Call& c) -> Tensors {
                             return {index_copy(c.tensor("input"), c.dim(), c.tensor("index"), c.tensor("source"))};
                           }};
  t["torch.scatter"] = {{"input", "dim", "index", "src"}, [](Call& c) -> Tensors {
                          return {scatter(c.tensor("input"), c.dim(), c.tensor("index"), c.tensor("src"))};
                        }};
  t["torch.scatter_add"] = {{"input", "dim", "index", "src"}, [](Call& c) -> Tensors {
                              return {scatter_add(c.tensor("input"), c.dim(), c.tensor("index"), c.tensor("src"))};
                            }};
  t["torch.scatter_reduce"] = {
      {"input", "dim", "index", "src", "reduce"}, [](Call& c) -> Tensors {
        return {scatter_reduce(c.tensor("input"), c.dim(), c.tensor("index"), c.tensor("src"), c.text("reduce", ""),
                               {.include_self = c.flag("include_self", true)})};
      }};
  t["torch.masked_select"] = {{"input", "mask"},
                              [](Call& c) -> Tensors { return {masked_select(c.tensor("input"), c.tensor("mask"))}; },
                              {"mask"}};
  t["torch.nonzero"] = {{"input"}, [](Call& c) -> Tensors { return {nonzero(c.tensor("input"))}; }, {"input"}};
  t["torch.bincount"] = {{"input", "weights", "minlength"},
                         [](Call& c) -> Tensors { return {bincount(c.tensor("input"), c.integer("minlength", 0))}; },
                         {"input"}};
}

}  // namespace mica::torch_fixtures
