// torch.nn.utils: parameters as one vector, and sequences as one tensor.
#include "frontend/mica/nn/utils.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/value.h"
#include "frontend/mica/autograd.h"

namespace mica::nn::utils {

Tensor parameters_to_vector(const Parameters& parameters) {
  Tensors rows;
  for (const Variable& parameter : parameters) rows.push_back(parameter.reshape({kAny}));
  return cat(rows);
}

void vector_to_parameters(const Tensor& vec, const Parameters& parameters) {
  std::int64_t needed = 0;
  for (const Variable& parameter : parameters) needed += parameter.numel();
  if (vec.dim() != 1 || vec.numel() < needed) {
    throw Error({.where = "vector_to_parameters",
                 .expected = absl::StrCat("a vector of ", needed, " elements"),
                 .received = internal::describe(vec),
                 .hint = {}});
  }
  NoGradGuard no_grad;
  std::int64_t begin = 0;
  for (Variable parameter : parameters) {
    parameter.assign(vec.narrow(0, begin, parameter.numel()).reshape(parameter.shape()));
    begin += parameter.numel();
  }
}

namespace rnn {

Tensor pad_sequence(const Tensors& sequences, PadOptions options) {
  if (sequences.empty() || (options.padding_side != "right" && options.padding_side != "left")) {
    throw Error({.where = "pad_sequence",
                 .expected = sequences.empty() ? "sequences" : "padding_side \"right\" or \"left\"",
                 .received = sequences.empty() ? "none" : absl::StrCat("\"", options.padding_side, "\""),
                 .hint = {}});
  }
  std::int64_t longest = 0;
  for (const Tensor& sequence : sequences) longest = std::max(longest, sequence.size(0));
  Tensors padded;
  for (const Tensor& sequence : sequences) {
    std::vector<std::int64_t> dims = sequence.shape().dims();
    dims[0] = longest - dims[0];
    if (dims[0] == 0) {
      padded.push_back(sequence);
      continue;
    }
    Tensor padding = full(dims, options.padding_value, {.dtype = sequence.dtype()});
    padded.push_back(cat(options.padding_side == "right" ? Tensors{sequence, padding} : Tensors{padding, sequence}));
  }
  return stack(padded, options.batch_first ? 0 : 1);
}

Tensors unpad_sequence(const Tensor& padded_sequences, const Tensor& lengths, bool batch_first) {
  const Tensor by_example = batch_first ? padded_sequences : padded_sequences.transpose(0, 1);
  Tensors sequences;
  for (std::int64_t length : lengths.to_vector<std::int64_t>()) {
    sequences.push_back(by_example.select(0, std::ssize(sequences)).narrow(0, 0, length));
  }
  return sequences;
}

}  // namespace rnn
}  // namespace mica::nn::utils
