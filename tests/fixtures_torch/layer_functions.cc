// Linear maps, convolutions, pooling, normalisation, attention and pixel functions of torch.nn.functional.
#include <algorithm>
#include <cmath>

#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

Value with_bias(Call& c, Value y) { return c.has("bias") ? y + c.tensor("bias") : y; }

// OIHW to [window…, in, out].
Value kernel_last(Builder& b, Value w) {
  Ints order;
  for (int i = 2; i < w.rank(); ++i) order.push_back(i);
  order.insert(order.end(), {1, 0});
  return b.transpose(w, order);
}

Function convolution(int spatial) {
  return {{"input", "weight", "bias"}, [spatial](Call& c) -> Values {
            std::size_t n = at(spatial);
            Value x = c.tensor("input"), w = c.tensor("weight");
            Ints low(n, 0), high(n, 0), dilation = c.ints("dilation", Ints(n, 1), n);
            if (c.is_text("padding") && c.text("padding", "") == "same") {
              for (std::size_t i = 0; i < n; ++i) {
                std::int64_t total = dilation[i] * (w.dims()[i + 2].value() - 1);
                low[i] = total / 2;
                high[i] = total - low[i];
              }
            } else if (!c.is_text("padding")) {
              low = high = c.ints("padding", low, n);
            }
            Attrs attrs = {{"strides", c.ints("stride", Ints(n, 1), n)},
                           {"dilations", dilation},
                           {"pad_low", low},
                           {"pad_high", high},
                           {"groups", c.integer("groups", 1)}};
            bool batched = x.rank() == w.rank();
            Value batch = batched ? x : c.b.expand_dims(x, 0);
            Value y = c.b.call("conv", {channels_last(c.b, batch), kernel_last(c.b, w)}, attrs);
            y = channels_first(c.b, with_bias(c, y));
            return {batched ? y : c.b.squeeze(y, 0)};
          }};
}

// The weight is [in, out/groups, window…]: the kernel of the convolution whose gradient this is.
Function transposed_convolution(int spatial) {
  return {{"input", "weight", "bias"}, [spatial](Call& c) -> Values {
            std::size_t n = at(spatial);
            Value x = c.tensor("input"), w = c.tensor("weight");
            Ints stride = c.ints("stride", Ints(n, 1), n), pad = c.ints("padding", Ints(n, 0), n);
            Ints extra = c.ints("output_padding", Ints(n, 0), n), dilation = c.ints("dilation", Ints(n, 1), n);
            Dims sizes;
            for (std::size_t i = 0; i < n; ++i) {
              std::int64_t reach = dilation[i] * (w.dims()[i + 2].value() - 1);
              sizes.push_back((x.dims()[i + 2].value() - 1) * stride[i] - 2 * pad[i] + reach + extra[i] + 1);
            }
            Attrs attrs = {{"strides", stride},
                           {"dilations", dilation},
                           {"pad_low", pad},
                           {"pad_high", pad},
                           {"groups", c.integer("groups", 1)},
                           {"spatial", sizes}};
            Value y = c.b.call("conv_grad_input", {channels_last(c.b, x), kernel_last(c.b, w)}, attrs);
            return {channels_first(c.b, with_bias(c, y))};
          }};
}

// Windows of a pooling call. With ceil_mode the last window may reach beyond the padding, but not start there.
struct Windows {
  Ints window, stride, pad, dilation, beyond;
  Windows(Call& c, Value x, std::size_t n) {
    window = c.ints("kernel_size", {}, n);
    stride = c.ints("stride", window, n);
    pad = c.ints("padding", Ints(n, 0), n);
    dilation = c.ints("dilation", Ints(n, 1), n);
    for (std::size_t i = 0; i < n; ++i) {
      std::int64_t size = x.dims()[i + 2].value(), span = size + 2 * pad[i] - dilation[i] * (window[i] - 1) - 1;
      std::int64_t count = span / stride[i] + 1;
      if (c.flag("ceil_mode") && span % stride[i] != 0 && count * stride[i] < size + pad[i]) ++count;
      beyond.push_back(std::max<std::int64_t>(0, (count - 1) * stride[i] - span));
    }
  }
  Attrs attrs(bool with_pads) const {
    Ints low = with_pads ? pad : Ints(pad.size(), 0), high = low;
    for (std::size_t i = 0; i < high.size(); ++i) high[i] += beyond[i];
    return {{"window", window}, {"strides", stride}, {"dilations", dilation}, {"pad_low", low}, {"pad_high", high}};
  }
};

Function max_pooling(int spatial) {
  return {{"input", "kernel_size", "stride", "padding"}, [spatial](Call& c) -> Values {
            Value x = c.tensor("input"), last = channels_last(c.b, x);
            Attrs attrs = Windows(c, x, at(spatial)).attrs(true);
            Value y = c.b.call("max_pool", {last}, attrs);
            Values results = {channels_first(c.b, y)};
            if (!c.flag("return_indices")) return results;
            results.push_back(channels_first(c.b, c.b.cast(c.b.call("max_pool_index", {last, y}, attrs), kInt64)));
            return results;
          }};
}

Value padded(Builder& b, Value x, const Ints& pad) {
  Dims sizes = {0};
  sizes.insert(sizes.end(), pad.begin(), pad.end());
  return b.call("pad", {x}, {{"low", sizes}, {"high", sizes}});
}

Function average_pooling(int spatial) {
  return {{"input", "kernel_size", "stride", "padding"}, [spatial](Call& c) -> Values {
            Value x = c.tensor("input"), last = channels_last(c.b, x);
            Windows windows(c, x, at(spatial));
            Value y;
            if (c.has("divisor_override")) {
              y = c.b.call("sum_pool", {last}, windows.attrs(true)) / c.number("divisor_override", 1);
            } else if (c.flag("count_include_pad", true)) {  // padding counts, what lies beyond it does not
              y = c.b.call("avg_pool", {padded(c.b, last, windows.pad)}, windows.attrs(false));
            } else {
              y = c.b.call("avg_pool", {last}, windows.attrs(true));
            }
            return {channels_first(c.b, y)};
          }};
}

Function power_pooling(int spatial) {
  return {{"input", "norm_type", "kernel_size", "stride"}, [spatial](Call& c) -> Values {
            Value x = c.tensor("input"), p = c.b.like(c.number("norm_type", 2), x);
            Value sums =
                c.b.call("sum_pool", {channels_last(c.b, c.b.pow(x, p))}, Windows(c, x, at(spatial)).attrs(true));
            return {channels_first(c.b, c.b.pow(sums, c.b.like(1 / c.number("norm_type", 2), x)))};
          }};
}

// Every output position has its own window: mean or maximum of a slice, an axis at a time.
Function adaptive_pooling(int spatial, bool maximum) {
  return {{"input", "output_size"}, [spatial, maximum](Call& c) -> Values {
            Value x = c.tensor("input");
            Ints sizes = c.ints("output_size", {}, at(spatial));
            for (int i = 0; i < spatial; ++i) {
              Values parts;
              std::int64_t in = size_of(x, i + 2), out = sizes[at(i)];
              for (std::int64_t o = 0; o < out; ++o) {
                Value part = c.b.slice(x, i + 2, o * in / out, ((o + 1) * in + out - 1) / out);
                parts.push_back(maximum ? c.b.reduce_max(part, {i + 2}, true) : c.b.mean(part, {i + 2}, true));
              }
              x = c.b.concat(parts, i + 2);
            }
            return {x};
          }};
}

void add_convolutions(Table& t) {
  for (int n = 1; n <= 3; ++n) {
    std::string dims = std::to_string(n) + "d";
    t["F.conv" + dims] = convolution(n);
    t["F.conv_transpose" + dims] = transposed_convolution(n);
    t["F.max_pool" + dims] = max_pooling(n);
    t["F.avg_pool" + dims] = average_pooling(n);
    t["F.lp_pool" + dims] = power_pooling(n);
    t["F.adaptive_avg_pool" + dims] = adaptive_pooling(n, false);
    if (n < 3) t["F.adaptive_max_pool" + dims] = adaptive_pooling(n, true);
  }
  t["F.linear"] = {{"input", "weight", "bias"}, [](Call& c) -> Values {
                     Value x = c.tensor(c.has("input") ? "input" : "x"), w = c.tensor("weight");
                     bool vector = x.rank() == 1;
                     Value y = c.b.matmul(vector ? c.b.expand_dims(x, 0) : x, w, false, true);
                     return {with_bias(c, vector ? c.b.squeeze(y, 0) : y)};
                   }};
  t["F.bilinear"] = {{"input1", "input2", "weight", "bias"}, [](Call& c) -> Values {
                       Value x = c.tensor("input1"), y = c.tensor("input2"), w = c.tensor("weight");  // w [o, i, j]
                       Value left = c.b.matmul(c.b.expand_dims(c.b.expand_dims(x, -2), -2), w);       // [n, o, 1, j]
                       return {with_bias(c, c.b.sum(c.b.squeeze(left, -2) * c.b.expand_dims(y, -2), {-1}))};
                     }};
  t["F.embedding"] = {{"input", "weight"}, [](Call& c) -> Values {
                        Value ids = c.tensor("input"), w = c.tensor("weight"), rows = gather(c.b, w, ids, 0);
                        if (!c.has("padding_idx")) return {rows};
                        Value skipped = c.b.expand_dims(c.b.eq(ids, c.b.like(c.number("padding_idx", 0), ids)), -1);
                        return {c.b.where(skipped, c.b.unary("stop_gradient", rows), rows)};
                      }};
  t["F.one_hot"] = {{"input", "num_classes"}, [](Call& c) -> Values {
                      Attrs attrs = {{"num_classes", c.integer("num_classes", -1)}, {"dtype", kInt64}};
                      return {c.b.call("one_hot", {c.tensor("input")}, attrs)};
                    }};
}

Value per_channel(Builder& b, Value v, Value x) {
  Dims dims(at(x.rank()), Dim(1));
  dims[1] = x.type().dim(1);
  return b.reshape(v, dims);
}
Value affine_per_channel(Call& c, Value y) {
  if (c.has("weight")) y = y * per_channel(c.b, c.tensor("weight"), y);
  return c.has("bias") ? y + per_channel(c.b, c.tensor("bias"), y) : y;
}

Values batch_norm(Call& c) {
  Value x = c.tensor("input"), mean, variance;
  Values results;
  if (c.flag("training")) {
    Ints axes = {0};
    for (int i = 2; i < x.rank(); ++i) axes.push_back(i);
    mean = c.b.mean(x, axes, true);
    variance = c.b.call("reduce_variance", {x}, {{"axes", axes}, {"keepdims", true}});
    if (c.has("running_mean")) {
      double momentum = c.number("momentum", 0.1), n = static_cast<double>(x.type().numel().value() / size_of(x, 1));
      auto after = [&](const char* name, Value now) {
        Value before = c.tensor(name);
        return before * (1 - momentum) + c.b.unary("stop_gradient", c.b.reshape(now, before.dims())) * momentum;
      };
      results = {after("running_mean", mean), after("running_var", variance * (n / (n - 1)))};
    }
  } else {
    mean = per_channel(c.b, c.tensor("running_mean"), x);
    variance = per_channel(c.b, c.tensor("running_var"), x);
  }
  Value y = c.b.call("batch_normalization", {x, mean, variance}, {{"epsilon", c.number("eps", 1e-5)}});
  results.insert(results.begin(), affine_per_channel(c, y));
  return results;
}

Values instance_norm(Call& c) {
  Value x = c.tensor("input"), mean, variance;
  if (c.flag("use_input_stats", true)) {
    Ints axes;
    for (int i = 2; i < x.rank(); ++i) axes.push_back(i);
    mean = c.b.mean(x, axes, true);
    variance = c.b.call("reduce_variance", {x}, {{"axes", axes}, {"keepdims", true}});
  } else {
    mean = per_channel(c.b, c.tensor("running_mean"), x);
    variance = per_channel(c.b, c.tensor("running_var"), x);
  }
  return {affine_per_channel(
      c, c.b.call("batch_normalization", {x, mean, variance}, {{"epsilon", c.number("eps", 1e-5)}}))};
}

Function row_norm(const char* op, double epsilon) {
  return {{"input", "normalized_shape", "weight", "bias"}, [op, epsilon](Call& c) -> Values {
            Ints axes;
            for (std::size_t i = 0; i < c.ints("normalized_shape").size(); ++i)
              axes.push_back(-1 - static_cast<std::int64_t>(i));
            Value y = c.b.call(op, {c.tensor("input")}, {{"axes", axes}, {"epsilon", c.number("eps", epsilon)}});
            if (c.has("weight")) y = y * c.tensor("weight");
            return {with_bias(c, y)};
          }};
}

void add_normalizations(Table& t) {
  t["F.batch_norm"] = {{"input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"},
                       batch_norm};
  t["F.instance_norm"] = {{"input", "running_mean", "running_var", "weight", "bias", "use_input_stats"}, instance_norm};
  t["F.layer_norm"] = row_norm("layer_normalization", 1e-5);
  t["F.rms_norm"] = row_norm("rms_normalization", 2.220446049250313e-16);
  t["F.group_norm"] = {{"input", "num_groups", "weight", "bias"}, [](Call& c) -> Values {
                         Attrs attrs = {{"groups", c.integer("num_groups", 1)},
                                        {"axis", std::int64_t{1}},
                                        {"epsilon", c.number("eps", 1e-5)}};
                         return {affine_per_channel(c, c.b.call("group_normalization", {c.tensor("input")}, attrs))};
                       }};
  t["F.local_response_norm"] = {{"input", "size", "alpha", "beta", "k"}, [](Call& c) -> Values {
                                  Value x = c.tensor("input");
                                  std::int64_t size = c.integer("size", 1);
                                  Dims low = {0, size / 2}, high = {0, (size - 1) / 2};
                                  Value squares = c.b.call("pad", {x * x}, {{"low", low}, {"high", high}}), sum;
                                  for (std::int64_t i = 0; i < size; ++i) {
                                    Value part = c.b.slice(squares, 1, i, i + size_of(x, 1));
                                    sum = sum ? sum + part : part;
                                  }
                                  Value base =
                                      c.number("k", 1) + sum * (c.number("alpha", 1e-4) / static_cast<double>(size));
                                  return {x / c.b.pow(base, c.b.like(c.number("beta", 0.75), x))};
                                }};
  for (const char* name :
       {"F.dropout1d", "F.dropout2d", "F.dropout3d", "F.dropout", "F.alpha_dropout", "F.feature_alpha_dropout"}) {
    t[name] = {{"input", "p", "training"}, [](Call& c) -> Values {  // the cases are those without random numbers
                 Value x = c.tensor("input");
                 return {c.flag("training", true) && c.number("p", 0.5) == 1 ? x * 0.0 : x};
               }};
  }
}

Values attention(Call& c) {
  Value q = c.tensor("query"), k = c.tensor("key"), v = c.tensor("value");
  if (c.flag("enable_gqa")) {
    auto spread = [&](Value x) {
      std::int64_t repeats = size_of(q, -3) / size_of(x, -3);
      Dims dims = x.dims(), joined = x.dims();
      dims.insert(dims.end() - 2, Dim(repeats));
      joined[joined.size() - 3] = q.type().dim(-3);
      return c.b.reshape(c.b.broadcast_to(c.b.expand_dims(x, x.rank() - 2), dims), joined);
    };
    k = spread(k);
    v = spread(v);
  }
  Value scores = c.b.matmul(q, k, false, true) * c.number("scale", 1 / std::sqrt(static_cast<double>(size_of(q, -1))));
  Value outside = c.b.like(-HUGE_VAL, scores);
  if (c.flag("is_causal")) {
    Dims dims(scores.dims().end() - 2, scores.dims().end());
    scores = c.b.where(c.b.ge(positions(c.b, dims, 0, kInt64), positions(c.b, dims, 1, kInt64)), scores, outside);
  }
  if (c.has("attn_mask")) {
    Value mask = c.tensor("attn_mask");
    scores = mask.dtype().is_bool() ? c.b.where(mask, scores, outside) : scores + mask;
  }
  return {c.b.matmul(c.b.call("softmax", {scores}), v)};
}

ir::Attr method_of(const std::string& mode) {
  if (mode.rfind("nearest", 0) == 0) return std::string("nearest");
  return mode == "bicubic" ? std::string("cubic") : mode == "area" ? mode : std::string("linear");
}

Values interpolate(Call& c) {
  Value x = c.tensor("input");
  const std::size_t n = at(x.rank() - 2);
  const std::string mode = c.text("mode", "nearest");
  const double factor = c.number("scale_factor", 1);
  const bool given = c.has("scale_factor") && !c.flag("recompute_scale_factor"), antialias = c.flag("antialias");
  Dims size;
  for (std::size_t i = 0; i < n; ++i) {
    double scaled = std::floor(static_cast<double>(x.dims()[i + 2].value()) * factor);
    size.push_back(c.has("size") ? c.ints("size", {}, n)[i] : static_cast<std::int64_t>(scaled));
  }
  const char* coordinates = c.flag("align_corners") ? "align_corners" : mode == "nearest" ? "asymmetric" : "half_pixel";
  Attrs attrs = {{"size", size},
                 {"method", method_of(mode)},
                 {"coordinates", std::string(coordinates)},
                 {"scale", given ? ir::Doubles(n, factor) : ir::Doubles()},
                 {"antialias", antialias},
                 {"cubic_slope", antialias ? -0.5 : -0.75},
                 {"border", std::string(antialias ? "inside" : "repeat")}};
  return {channels_first(c.b, c.b.call("resize", {channels_last(c.b, x)}, attrs))};
}

void add_pixels(Table& t) {
  t["F.interpolate"] = {{"input", "size", "scale_factor", "mode", "align_corners"}, interpolate};
  t["F.scaled_dot_product_attention"] = {{"query", "key", "value"}, attention};
  t["F.pixel_shuffle"] = {{"input", "upscale_factor"}, [](Call& c) -> Values {
                            Value x = c.tensor("input");
                            std::int64_t r = c.integer("upscale_factor", 1), n = size_of(x, 0),
                                         ch = size_of(x, 1) / (r * r);
                            std::int64_t h = size_of(x, 2), w = size_of(x, 3);
                            Value parts = c.b.transpose(c.b.reshape(x, {n, ch, r, r, h, w}), {0, 1, 4, 2, 5, 3});
                            return {c.b.reshape(parts, {n, ch, h * r, w * r})};
                          }};
  t["F.pixel_unshuffle"] = {{"input", "downscale_factor"}, [](Call& c) -> Values {
                              Value x = c.tensor("input");
                              std::int64_t r = c.integer("downscale_factor", 1), n = size_of(x, 0), ch = size_of(x, 1);
                              std::int64_t h = size_of(x, 2) / r, w = size_of(x, 3) / r;
                              Value parts = c.b.transpose(c.b.reshape(x, {n, ch, h, r, w, r}), {0, 1, 3, 5, 2, 4});
                              return {c.b.reshape(parts, {n, ch * r * r, h, w})};
                            }};
  t["F.channel_shuffle"] = {{"input", "groups"}, [](Call& c) -> Values {
                              Value x = c.tensor("input");
                              std::int64_t groups = c.integer("groups", 1);
                              Dims split = x.dims();
                              split[1] = Dim(size_of(x, 1) / groups);
                              split.insert(split.begin() + 1, Dim(groups));
                              Ints order = {0, 2, 1};
                              for (int i = 3; i <= x.rank(); ++i) order.push_back(i);
                              return {c.b.reshape(c.b.transpose(c.b.reshape(x, split), order), x.dims())};
                            }};
  t["F.pad"] = {{"input", "pad", "mode", "value"}, [](Call& c) -> Values {
                  Value x = c.tensor("input");
                  Ints pads = c.ints("pad");
                  std::string mode = c.text("mode", "constant");
                  if (mode == "constant") {
                    Dims low(at(x.rank())), high(at(x.rank()));
                    for (std::size_t i = 0; i < pads.size() / 2; ++i) {
                      low[low.size() - 1 - i] = pads[2 * i];
                      high[high.size() - 1 - i] = pads[2 * i + 1];
                    }
                    return {c.b.call("pad", {x}, {{"low", low}, {"high", high}, {"value", c.number("value", 0)}})};
                  }
                  for (std::size_t i = 0; i < pads.size() / 2;
                       ++i) {  // the position in x of each element, an axis at a time
                    int along = x.rank() - 1 - static_cast<int>(i);
                    std::int64_t size = size_of(x, along), total = size + pads[2 * i] + pads[2 * i + 1];
                    auto number = [&](std::int64_t value) { return c.b.constant(static_cast<double>(value), kInt64); };
                    Value from = positions(c.b, {Dim(total)}, 0, kInt64) - number(pads[2 * i]);
                    if (mode == "circular") from = c.b.call("mod", {from, number(size)});
                    if (mode == "reflect") from = number(size - 1) - c.b.abs(number(size - 1) - c.b.abs(from));
                    if (mode == "replicate") from = c.b.min(c.b.max(from, number(0)), number(size - 1));
                    x = gather(c.b, x, from, along);
                  }
                  return {x};
                }};
}

}  // namespace

void add_layer_functions(Table& table) {
  add_convolutions(table);
  add_normalizations(table);
  add_pixels(table);
}

}  // namespace mica::torch_fixtures
