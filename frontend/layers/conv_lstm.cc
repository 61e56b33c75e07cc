// ConvLSTM: an LSTM whose products are convolutions. The convolution of the inputs runs over all steps at once.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"
#include "frontend/layers/window.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

template <int N>
struct ConvGateOptions : GateOptions {  // `units` are the filters
  Ints<N> kernel_size = 1, strides = 1, dilation_rate = 1;
  std::string padding = "valid", data_format = "channels_last";
};

template <int N>
class ConvLSTMCellLayer final : public CellLayer {
 public:
  using Options = ConvGateOptions<N>;
  static constexpr std::string_view kClass = "ConvLSTMCell";
  static constexpr std::string_view kLayer = N == 1 ? "ConvLSTM1D" : N == 2 ? "ConvLSTM2D" : "ConvLSTM3D";

  ConvLSTMCellLayer(std::string name, Options options, MaybeDType dtype)
      : CellLayer({kClass, std::move(name), true, dtype}), o_(std::move(options)) {
    settle();
  }

  void fields(FieldVisitor& v) override {
    layer_fields(v, o_, [] {});
  }
  static void layer_fields(FieldVisitor& v, Options& o, absl::FunctionRef<void()> activity) {
    v.required("filters", o.units);
    v.required("kernel_size", o.kernel_size);
    v.field("strides", o.strides);
    v.field("padding", o.padding);
    v.field("data_format", o.data_format);
    v.field("dilation_rate", o.dilation_rate);
    visit_lstm(v, o, activity);
  }

  void settle() override {
    expect_positive("filters", o_.units);
    expect_sizes("kernel_size", to_vector(o_.kernel_size), N);
    expect_sizes("strides", to_vector(o_.strides), N);
    expect_sizes("dilation_rate", to_vector(o_.dilation_rate), N);
    if (exceeds_one(o_.strides) && exceeds_one(o_.dilation_rate)) {
      fail("strides of 1 or a dilation_rate of 1", "both above 1");
    }
    expect_choice("padding", o_.padding, {"valid", "same"});
    expect_choice("data_format", o_.data_format, {"channels_last", "channels_first"});
    check_dropout(o_.dropout, name());
    check_dropout(o_.recurrent_dropout, name());
  }

  std::vector<Shape> state_size() const override { return {state_, state_}; }
  std::shared_ptr<CellLayer> copy() const override {
    return std::make_shared<ConvLSTMCellLayer>(name(), o_, dtype_policy());
  }

  CellRun start(const ir::Dim& batch, bool training) const override {
    ir::Dims x_dims{batch}, h_dims{batch};
    for (std::int64_t dim : input_) x_dims.push_back(ir::Dim(dim));
    for (std::int64_t dim : state_) h_dims.push_back(ir::Dim(dim));
    auto of_input = [this](const Tensor& x, const Tensor& kernel) {
      const bool all_steps = x.dim() == N + 3;
      Tensor rows = channels_to_last(all_steps ? steps_as_rows(x) : x, o_.data_format);
      Tensor gates = convolved(rows, kernel, o_.padding, o_.strides, o_.dilation_rate);
      return all_steps ? rows_as_steps(gates, x) : gates;
    };
    auto of_state = [this](const Tensor& h, const Tensor& kernel) {
      return convolved(channels_to_last(h, o_.data_format), kernel, "same", 1, 1);
    };
    // Keras draws for each gate.
    GateProduct input(kernel_, 4, noise(o_.dropout, 4, x_dims, o_.seed, training), of_input);
    GateProduct state(recurrent_kernel_, 4, noise(o_.recurrent_dropout, 4, h_dims, o_.seed, training), of_state);
    auto project = [=, this](const Tensor& x) { return projected(x, input); };
    auto advance = [=, this](const Tensor& x, const Tensors& states) { return step(x, states, state); };
    return {project, advance};
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    const Shape& input = inputs[0];
    expect_rank(input, N + 2);
    const bool last = o_.data_format == "channels_last";
    std::int64_t channels = known_dim(input, last ? -1 : 1);
    std::vector<std::int64_t> spatial;
    for (int axis = 0; axis < N; ++axis) spatial.push_back(known_dim(input, last ? axis + 1 : axis + 2));
    input_ = Shape(std::vector<std::int64_t>(input.begin() + 1, input.end()));
    state_ = state_shape(spatial);
    auto shape = [&](std::int64_t from) {
      std::vector<std::int64_t> dims = to_vector(o_.kernel_size);
      dims.insert(dims.end(), {from, 4 * o_.units});
      return Shape(std::move(dims));
    };
    kernel_ = add_weight({.shape = shape(channels),
                          .initializer = o_.kernel_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = o_.kernel_regularizer,
                          .constraint = o_.kernel_constraint,
                          .name = "kernel"});
    recurrent_kernel_ = add_weight({.shape = shape(o_.units),
                                    .initializer = o_.recurrent_initializer,
                                    .dtype = weight_dtype(),
                                    .regularizer = o_.recurrent_regularizer,
                                    .constraint = o_.recurrent_constraint,
                                    .name = "recurrent_kernel"});
    if (!o_.use_bias) return;
    bias_ = add_weight(
        {.shape = {4 * o_.units},
         .initializer = o_.unit_forget_bias ? forget_bias(o_.units, o_.bias_initializer) : o_.bias_initializer,
         .dtype = weight_dtype(),
         .regularizer = o_.bias_regularizer,
         .constraint = o_.bias_constraint,
         .name = "bias"});
  }

 private:
  static bool exceeds_one(const Ints<N>& sizes) {
    std::vector<std::int64_t> all = to_vector(sizes);
    return std::any_of(all.begin(), all.end(), [](std::int64_t size) { return size > 1; });
  }

  // The input convolution's result, without the batch.
  Shape state_shape(const std::vector<std::int64_t>& spatial) const {
    std::vector<std::int64_t> dims;
    for (int axis = 0; axis < N; ++axis) {
      std::int64_t size = spatial[static_cast<std::size_t>(axis)], stride = o_.strides[axis];
      std::int64_t extent = (o_.kernel_size[axis] - 1) * o_.dilation_rate[axis] + 1;
      if (o_.padding == "valid" && size < extent) {
        fail(absl::StrCat("an input of at least ", extent, " along axis ", axis + 1, ", the size of the kernel"),
             absl::StrCat(size), "Use padding \"same\", or a smaller kernel_size.");
      }
      dims.push_back(o_.padding == "valid" ? (size - extent) / stride + 1 : (size + stride - 1) / stride);
    }
    dims.insert(o_.data_format == "channels_last" ? dims.end() : dims.begin(), o_.units);
    return Shape(std::move(dims));
  }

  // The gates' inputs, channels last: [N, …] or, of all steps, [N, T, …].
  Tensor projected(const Tensor& given, const GateProduct& product) const {
    Tensor gates = product(cast(given, compute_dtype()));
    return o_.use_bias ? gates + bias_ : gates;
  }

  Tensors step(const Tensor& x, const Tensors& states, const GateProduct& product) const {
    Tensor z = x + product(states[0]);
    auto gate = [&](std::int64_t i) { return channels_back(z.narrow(-1, i * o_.units, o_.units), o_.data_format); };
    Tensor input = o_.recurrent_activation(gate(0)), forget = o_.recurrent_activation(gate(1));
    Tensor c = forget * states[1] + input * o_.activation(gate(2));
    Tensor next = o_.recurrent_activation(gate(3)) * o_.activation(c);
    return {next, next, c};
  }

  Tensor convolved(const Tensor& x, const Tensor& kernel, const std::string& padding, Ints<N> strides,
                   Ints<N> dilations) const {
    PaddedInput padded = padded_input(x, padding, to_vector(o_.kernel_size), to_vector(strides), to_vector(dilations));
    return apply("conv", {padded.x, kernel},
                 {{"strides", to_vector(strides)},
                  {"dilations", to_vector(dilations)},
                  {"pad_low", padded.padding.low},
                  {"pad_high", padded.padding.high},
                  {"groups", std::int64_t{1}}});
  }

  Options o_;
  Shape input_, state_;  // of one step, without the batch
  Variable kernel_, recurrent_kernel_, bias_;
};

template <int N>
std::shared_ptr<CustomLayer> make_conv_lstm(std::int64_t filters, Ints<N> size, const ConvLSTMOptions<N>& o) {
  ConvGateOptions<N> options{gate_options(filters, o)};
  options.kernel_size = size;
  options.strides = o.strides;
  options.dilation_rate = o.dilation_rate;
  options.padding = o.padding;
  options.data_format = o.data_format;
  using Cell = ConvLSTMCellLayer<N>;
  BuiltinLayer::Common common{Cell::kLayer, o.name, o.trainable, o.dtype, o.activity_regularizer};
  return std::make_shared<LayerOfCell<Cell>>(common, std::move(options), recurrent_options(o));
}

}  // namespace

ConvLSTM1D::ConvLSTM1D(std::int64_t filters, Ints<1> size, ConvLSTMOptions<1> options)
    : Layer(make_conv_lstm(filters, size, options)) {}
ConvLSTM2D::ConvLSTM2D(std::int64_t filters, Ints<2> size, ConvLSTMOptions<2> options)
    : Layer(make_conv_lstm(filters, size, options)) {}
ConvLSTM3D::ConvLSTM3D(std::int64_t filters, Ints<3> size, ConvLSTMOptions<3> options)
    : Layer(make_conv_lstm(filters, size, options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::conv_lstm_layers() {
  using namespace layers;
  return {{"ConvLSTM1D", make_default<LayerOfCell<ConvLSTMCellLayer<1>>>},
          {"ConvLSTM2D", make_default<LayerOfCell<ConvLSTMCellLayer<2>>>},
          {"ConvLSTM3D", make_default<LayerOfCell<ConvLSTMCellLayer<3>>>}};
}

}  // namespace mica
