// Layers that add zeros to both sides of the spatial axes, or take elements away.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/shape.h"

namespace mica::inline layers {
namespace {

using namespace internal;

// Elements before and after each spatial axis.
class SidesLayer : public BuiltinLayer {
 public:
  SidesLayer(const char* class_name, const char* option, SidePairs sides, const DataFormatOptions& o)
      : BuiltinLayer({class_name, o.name, true, o.dtype}),
        option_(option),
        spatial_rank_(sides.size()),
        sides_(std::move(sides)),
        data_format_(o.data_format) {}

 protected:
  void settle() override {
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
    if (sides_.size() != spatial_rank_)
      fail(absl::StrCat(option_, " of ", spatial_rank_, " pairs"), absl::StrCat(sides_.size()));
    for (const auto& [before, after] : sides_) {
      if (before < 0 || after < 0) fail(absl::StrCat(option_, " of at least 0"), absl::StrCat(before, " and ", after));
    }
  }
  // A layer of one axis has a flat pair in its configuration.
  void sides_field(FieldVisitor& v) {
    if (spatial_rank_ != 1) return v.field(option_, sides_);
    std::vector<std::int64_t> pair(sides_[0].begin(), sides_[0].end());
    v.field(option_, pair);
    expect_count(option_, pair, 2);
    sides_[0] = {pair[0], pair[1]};
  }
  void expect_images(const Tensor& x) const { expect_rank(x.shape(), static_cast<int>(spatial_rank_) + 2); }
  std::size_t first_axis() const { return data_format_ == "channels_last" ? 1 : 2; }

  const char* option_;
  std::size_t spatial_rank_;
  SidePairs sides_;
  std::string data_format_;
};

class ZeroPaddingLayer final : public SidesLayer {
 public:
  ZeroPaddingLayer(const char* class_name, SidePairs padding, const DataFormatOptions& o)
      : SidesLayer(class_name, "padding", std::move(padding), o) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    sides_field(v);
    v.field("data_format", data_format_);
  }

 protected:
  Tensor forward(const Tensor& x) override {
    expect_images(x);
    ir::Dims low(dims_of(x).size(), ir::Dim(0)), high = low;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      low[i + first_axis()] = ir::Dim(sides_[i][0]);
      high[i + first_axis()] = ir::Dim(sides_[i][1]);
    }
    return apply("pad", {x}, {{"low", low}, {"high", high}});
  }
};

class CroppingLayer final : public SidesLayer {
 public:
  CroppingLayer(const char* class_name, SidePairs cropping, const DataFormatOptions& o)
      : SidesLayer(class_name, "cropping", std::move(cropping), o) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    sides_field(v);
    if (spatial_rank_ > 1) v.field("data_format", data_format_);
  }

 protected:
  void settle() override {
    SidesLayer::settle();
    if (spatial_rank_ == 1) expect_choice("data_format", data_format_, {"channels_last"});
  }
  Tensor forward(const Tensor& input) override {
    expect_images(input);
    Tensor x = input;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      const auto [before, after] = sides_[i];
      if (before == 0 && after == 0) continue;
      std::size_t axis = i + first_axis();
      ir::Dim stop = dims_of(x)[axis] - ir::Dim(after);
      if (stop.is_static() && stop.value() <= before) {
        fail(
            absl::StrCat("an input of more than ", before + after, " along axis ", axis, ", so that something is left"),
            describe(input));
      }
      x = apply(
          "slice", {x},
          {{"axis", static_cast<std::int64_t>(axis)}, {"start", ir::Dims{ir::Dim(before)}}, {"stop", ir::Dims{stop}}});
    }
    return x;
  }
};

template <int N>
SidePairs pairs(const Sides<N>& sides) {
  return SidePairs(sides.all().begin(), sides.all().end());
}
SidePairs one_pair(const Ints<2>& sides) { return {{sides[0], sides[1]}}; }

template <class LayerType>
std::shared_ptr<BuiltinLayer> make_sides(const char* class_name, SidePairs sides, const DataFormatOptions& o = {}) {
  return std::make_shared<LayerType>(class_name, std::move(sides), o);
}

}  // namespace

ZeroPadding1D::ZeroPadding1D(Ints<2> padding, DataFormatOptions options)
    : Layer(make_sides<ZeroPaddingLayer>("ZeroPadding1D", one_pair(padding), options)) {}
ZeroPadding2D::ZeroPadding2D(Sides<2> padding, DataFormatOptions options)
    : Layer(make_sides<ZeroPaddingLayer>("ZeroPadding2D", pairs(padding), options)) {}
ZeroPadding3D::ZeroPadding3D(Sides<3> padding, DataFormatOptions options)
    : Layer(make_sides<ZeroPaddingLayer>("ZeroPadding3D", pairs(padding), options)) {}
Cropping1D::Cropping1D(Ints<2> cropping, DataFormatOptions options)
    : Layer(make_sides<CroppingLayer>("Cropping1D", one_pair(cropping), options)) {}
Cropping2D::Cropping2D(Sides<2> cropping, DataFormatOptions options)
    : Layer(make_sides<CroppingLayer>("Cropping2D", pairs(cropping), options)) {}
Cropping3D::Cropping3D(Sides<3> cropping, DataFormatOptions options)
    : Layer(make_sides<CroppingLayer>("Cropping3D", pairs(cropping), options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> padding_layers() {
  return {
      {"ZeroPadding1D", [] { return layers::make_sides<layers::ZeroPaddingLayer>("ZeroPadding1D", SidePairs(1)); }},
      {"ZeroPadding2D", [] { return layers::make_sides<layers::ZeroPaddingLayer>("ZeroPadding2D", SidePairs(2)); }},
      {"ZeroPadding3D", [] { return layers::make_sides<layers::ZeroPaddingLayer>("ZeroPadding3D", SidePairs(3)); }},
      {"Cropping1D", [] { return layers::make_sides<layers::CroppingLayer>("Cropping1D", SidePairs(1)); }},
      {"Cropping2D", [] { return layers::make_sides<layers::CroppingLayer>("Cropping2D", SidePairs(2)); }},
      {"Cropping3D", [] { return layers::make_sides<layers::CroppingLayer>("Cropping3D", SidePairs(3)); }},
  };
}

}  // namespace mica::internal
