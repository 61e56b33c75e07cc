// Padding, resizing, sampling and distances of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {

void add_image_functions(Table& t) {
  t["F.pad"] = {{"input", "pad", "mode", "value"}, [](Call& c) -> Tensors {
                  return {F::pad(c.tensor("input"), c.list("pad"),
                                 {.mode = c.text("mode", "constant"), .value = c.number("value", 0)})};
                }};
  t["F.interpolate"] = {
      {"input", "size", "scale_factor", "mode", "align_corners"}, [](Call& c) -> Tensors {
        return {F::interpolate(c.tensor("input"), {.size = c.list("size"),
                                                   .scale_factor = c.maybe_number("scale_factor"),
                                                   .mode = c.text("mode", "nearest"),
                                                   .align_corners = c.flag("align_corners"),
                                                   .recompute_scale_factor = c.flag("recompute_scale_factor"),
                                                   .antialias = c.flag("antialias")})};
      }};
  t["F.grid_sample"] = {{"input", "grid", "mode", "padding_mode", "align_corners"}, [](Call& c) -> Tensors {
                          return {F::grid_sample(c.tensor("input"), c.tensor("grid"),
                                                 {.mode = c.text("mode", "bilinear"),
                                                  .padding_mode = c.text("padding_mode", "zeros"),
                                                  .align_corners = c.flag("align_corners")})};
                        }};
  t["F.affine_grid"] = {{"theta", "size", "align_corners"}, [](Call& c) -> Tensors {
                          return {F::affine_grid(c.tensor("theta"), c.shape("size"), c.flag("align_corners"))};
                        }};
  t["F.pixel_shuffle"] = {{"input", "upscale_factor"}, [](Call& c) -> Tensors {
                            return {F::pixel_shuffle(c.tensor("input"), c.integer("upscale_factor", 1))};
                          }};
  t["F.pixel_unshuffle"] = {{"input", "downscale_factor"}, [](Call& c) -> Tensors {
                              return {F::pixel_unshuffle(c.tensor("input"), c.integer("downscale_factor", 1))};
                            }};
  t["F.channel_shuffle"] = {{"input", "groups"}, [](Call& c) -> Tensors {
                              return {F::channel_shuffle(c.tensor("input"), c.integer("groups", 1))};
                            }};
  t["F.normalize"] = {
      {"input", "p", "dim", "eps"}, [](Call& c) -> Tensors {
        return {F::normalize(c.tensor("input"),
                             {.p = c.number("p", 2), .dim = c.dim("dim", 1), .eps = c.number("eps", 1e-12)})};
      }};
  t["F.cosine_similarity"] = {{"x1", "x2", "dim", "eps"}, [](Call& c) -> Tensors {
                                return {F::cosine_similarity(c.tensor("x1"), c.tensor("x2"),
                                                             {.dim = c.dim("dim", 1), .eps = c.number("eps", 1e-8)})};
                              }};
  t["F.pairwise_distance"] = {
      {"x1", "x2", "p", "eps", "keepdim"}, [](Call& c) -> Tensors {
        return {
            F::pairwise_distance(c.tensor("x1"), c.tensor("x2"),
                                 {.p = c.number("p", 2), .eps = c.number("eps", 1e-6), .keepdim = c.flag("keepdim")})};
      }};
  t["F.pdist"] = {{"input", "p"}, [](Call& c) -> Tensors { return {F::pdist(c.tensor("input"), c.number("p", 2))}; }};
}

}  // namespace mica::torch_fixtures
