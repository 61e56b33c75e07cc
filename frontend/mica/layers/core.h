// The core layers: Dense, Embedding, Activation and what is around them; the options that many layers share.
#pragma once
#include "mica/dtype_policy.h"
#include "mica/model.h"

namespace mica {
struct InputOptions {
  std::optional<std::int64_t> batch_size = {};
  DType dtype = kFloat32;
  std::string name = {};
  bool optional = false;
};
Tensor Input(
    const Shape& shape,
    InputOptions options = {});  // shape without the batch; kAny for a dynamic dim; Input({}) is a scalar per sample

inline namespace layers {

using MaybeDType = DTypePolicy;  // the default policy, unless said otherwise

// Options of many layers.
struct NameOptions {
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
struct AxisOptions {
  int axis = -1;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
struct DataFormatOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  MaybeDType dtype = {};
};

struct DenseOptions {
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Dense : public Layer {
 public:
  explicit Dense(std::int64_t units, DenseOptions options = {});
};  // weights kernel [in,units], bias [units]
struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;
  Tensor weights = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Embedding : public Layer {
 public:
  Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options = {});
};
// The kernel contracted with the input as the equation says, "...ab,bc->...ac". output_shape leaves out the batch; kAny
// for an axis of the input's size. bias_axes: letters of the output.
struct EinsumDenseOptions {
  ActivationFn activation = {};
  std::string bias_axes = {};
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class EinsumDense : public Layer {
 public:
  EinsumDense(std::string_view equation, const Shape& output_shape, EinsumDenseOptions options = {});
};
// An embedding that also projects vectors back to logits over the ids, with the same weights when they are tied.
struct ReversibleEmbeddingOptions {
  bool tie_weights = true;
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;
  Tensor weights = {};
  std::optional<DType> reverse_dtype = {};
  std::optional<double> logit_soft_cap = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class ReversibleEmbedding : public Layer {
 public:
  ReversibleEmbedding(std::int64_t input_dim, std::int64_t output_dim, ReversibleEmbeddingOptions options = {});
  Tensor reverse(const Tensor& x) const;  // [..., output_dim] -> [..., input_dim]
};
class Activation : public Layer {
 public:
  explicit Activation(ActivationFn activation, NameOptions options = {});
};
class Identity : public Layer {
 public:
  explicit Identity(NameOptions options = {});
};
class Masking : public Layer {
 public:
  explicit Masking(double mask_value = 0, NameOptions options = {});
};
class Lambda : public Layer {
 public:
  explicit Lambda(std::function<Tensor(const Tensor&)> function, NameOptions options = {});
  explicit Lambda(std::function<Tensor(const Tensors&)> function, NameOptions options = {});
};

}  // namespace layers
}  // namespace mica
