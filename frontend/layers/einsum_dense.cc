// EinsumDense: a kernel contracted with the input as an equation says.
#include <algorithm>
#include <cctype>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/execute.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

// The parts of "ab,bc->ac", "...ab,bc->...ac" or "ab...,bc->ac...".
struct Equation {
  enum class Ellipsis { kNone, kLeft, kRight };
  std::string input, kernel, output;
  Ellipsis ellipsis = Ellipsis::kNone;

  static std::optional<Equation> parse(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    std::size_t comma = text.find(','), arrow = text.find("->");
    if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) return std::nullopt;
    Equation e{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
    constexpr std::string_view kDots = "...";
    bool left = e.input.starts_with(kDots) && e.output.starts_with(kDots);
    bool right = !left && e.input.ends_with(kDots) && e.output.ends_with(kDots);
    if (left || right) {
      e.ellipsis = left ? Ellipsis::kLeft : Ellipsis::kRight;
      for (std::string* labels : {&e.input, &e.output}) labels->erase(left ? 0 : labels->size() - 3, 3);
    }
    for (const std::string* labels : {&e.input, &e.kernel, &e.output}) {
      bool letters = std::all_of(labels->begin(), labels->end(),
                                 [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
      if (labels->empty() || !letters) return std::nullopt;
    }
    return e;
  }

  // The equation for an input of this rank: letters where the ellipsis stood.
  std::string for_rank(int rank) const {
    std::string elided;
    std::string used = input + kernel + output;
    for (char c = 'A'; elided.size() < static_cast<std::size_t>(rank) - input.size(); ++c) {
      if (!has(used, c)) elided += c;
    }
    auto whole = [&](const std::string& labels) {
      return ellipsis == Ellipsis::kLeft ? elided + labels : labels + elided;
    };
    return absl::StrCat(whole(input), ",", kernel, "->", whole(output));
  }
};

// Draws that depend on the fans see the matrix that the kernel is, whatever the order of its axes.
Initializer with_fans(const Initializer& initializer, std::int64_t in, std::int64_t out) {
  if (!initializer.described().config.contains("input_axes")) return initializer;
  return [=](const Shape& shape, DType dtype) {
    rt::Array matrix = compute(initializer({in, out}, dtype).node());
    return Tensor::of(make_computed(matrix.reshaped(shape.dims())));
  };
}

class EinsumDenseLayer final : public BuiltinLayer {
 public:
  EinsumDenseLayer(std::string_view equation, const Shape& output_shape, EinsumDenseOptions o)
      : BuiltinLayer({"EinsumDense", o.name, o.trainable, o.dtype, o.activity_regularizer}),
        text_(equation),
        output_shape_(output_shape.dims()),
        o_(std::move(o)) {
    if (!o_.bias_axes.empty()) bias_axes_ = o_.bias_axes;
    settle();
  }
  EinsumDenseLayer() : EinsumDenseLayer("ab,bc->ac", {1}, {}) {}
  void settle() override {
    std::optional<Equation> parsed = Equation::parse(text_);
    if (!parsed) {
      fail("an equation of the form [X],[Y]->[Z], ...[X],[Y]->...[Z] or [X]...,[Y]->[Z]...",
           absl::StrCat("\"", text_, "\""));
    }
    equation_ = *parsed;
    for (char label : equation_.output) {
      if (has(equation_.input, label) || has(equation_.kernel, label)) continue;
      fail_label(label, "every axis of the output to be one of the input or of the kernel");
    }
    for (char label : equation_.kernel) {
      if (has(equation_.input, label) || has(equation_.output, label)) continue;
      fail_label(label, "every axis of the kernel to be one of the input or of the output");
    }
    for (char label : bias_axes_.value_or("")) {
      if (!has(equation_.output, label)) fail_label(label, "bias_axes that are axes of the output");
    }
  }
  void fields(FieldVisitor& v) override {
    v.required("output_shape", output_shape_);
    v.required("equation", text_);
    v.field("activation", o_.activation);
    v.field("bias_axes", bias_axes_);
    v.field("kernel_initializer", o_.kernel_initializer);
    v.field("bias_initializer", o_.bias_initializer);
    v.field("kernel_regularizer", o_.kernel_regularizer);
    v.field("bias_regularizer", o_.bias_regularizer);
    activity_regularizer_field(v);
    v.field("kernel_constraint", o_.kernel_constraint);
    v.field("bias_constraint", o_.bias_constraint);
    v.fixed("quantization_config", {});
    v.fixed("lora_rank", {});
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    const Shape& input = inputs[0];
    expect_input(input);
    std::vector<std::int64_t> shape;
    std::int64_t fan_in = 1, fan_out = 1;
    for (char label : equation_.kernel) {
      bool made = has(equation_.output, label);
      shape.push_back(known_size(made ? output_size(label, input) : input_size(label, input), label));
      (made ? fan_out : fan_in) *= shape.back();
    }
    kernel_ = add_weight({.shape = Shape(shape),
                          .initializer = with_fans(o_.kernel_initializer, fan_in, fan_out),
                          .dtype = weight_dtype(),
                          .regularizer = o_.kernel_regularizer,
                          .constraint = o_.kernel_constraint,
                          .name = "kernel"});
    if (!bias_axes_) return;
    bias_ = add_weight({.shape = bias_shape(input),
                        .initializer = o_.bias_initializer,
                        .dtype = weight_dtype(),
                        .regularizer = o_.bias_regularizer,
                        .constraint = o_.bias_constraint,
                        .name = "bias"});
  }

  Tensor forward(const Tensor& x) override {
    expect_input(x.shape());
    Tensor y = einsum(equation_.for_rank(x.dim()), {x, kernel_});
    return o_.activation(bias_axes_ ? y + bias_ : y);
  }

 private:
  [[noreturn]] void fail_label(char label, const char* expected) const {
    fail(expected, absl::StrCat("\"", std::string(1, label), "\""), absl::StrCat("The equation is \"", text_, "\"."));
  }

  int elided(const Shape& input) const { return input.rank() - static_cast<int>(equation_.input.size()); }

  void expect_input(const Shape& input) const {
    int rank = static_cast<int>(equation_.input.size());
    if (equation_.ellipsis == Equation::Ellipsis::kNone) return expect_rank(input, rank);
    expect_min_rank(input, rank);
  }

  std::int64_t known_size(std::int64_t size, char label) const {
    if (size == kAny) fail_label(label, "the sizes of the weights' axes to be known");
    return size;
  }

  std::int64_t input_size(char label, const Shape& input) const {
    int skipped = equation_.ellipsis == Equation::Ellipsis::kLeft ? elided(input) : 0;
    return input[static_cast<int>(equation_.input.find(label)) + skipped];
  }

  // The size that output_shape says, kAny where it leaves one open. It has no batch, which is the first axis of the
  // ellipsis or of the labels; an axis that the input has too keeps its size.
  std::int64_t output_size(char label, const Shape& input) const {
    bool batch_elided = equation_.ellipsis == Equation::Ellipsis::kLeft && elided(input) > 0;
    std::vector<std::int64_t> sizes = output_shape_.dims();
    if (!batch_elided) sizes.insert(sizes.begin(), kAny);
    if (sizes.size() != equation_.output.size()) {
      fail(absl::StrCat("output_shape of ", equation_.output.size() - (batch_elided ? 0 : 1), " axes"),
           output_shape_.to_string(), absl::StrCat("The equation is \"", text_, "\"."));
    }
    std::int64_t size = sizes[equation_.output.find(label)];
    if (!has(equation_.input, label)) return size;
    std::int64_t given = input_size(label, input);
    if (size == kAny || size == given) return given;
    fail(absl::StrCat("the input's axis ", std::string(1, label), " to have the size ", size, " of output_shape"),
         input.to_string());
  }

  // From the first axis with a bias on, 1 where there is none.
  Shape bias_shape(const Shape& input) const {
    std::vector<std::int64_t> shape;
    for (char label : equation_.output) {
      bool biased = has(*bias_axes_, label);
      if (!biased && shape.empty()) continue;
      shape.push_back(biased ? known_size(output_size(label, input), label) : 1);
    }
    if (equation_.ellipsis == Equation::Ellipsis::kRight) {
      shape.insert(shape.end(), static_cast<std::size_t>(elided(input)), 1);
    }
    return Shape(std::move(shape));
  }

  std::string text_;
  Shape output_shape_;
  EinsumDenseOptions o_;
  std::optional<std::string> bias_axes_;
  Equation equation_;
  Variable kernel_, bias_;
};

}  // namespace

EinsumDense::EinsumDense(std::string_view equation, const Shape& output_shape, EinsumDenseOptions options)
    : Layer(std::make_shared<EinsumDenseLayer>(equation, output_shape, std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::einsum_dense_layers() {
  return {{"EinsumDense", make_default<layers::EinsumDenseLayer>}};
}

}  // namespace mica
