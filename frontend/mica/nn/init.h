// torch.nn.init: fill in place.
#pragma once
#include "mica/tensor.h"

namespace mica::nn::init {

struct KaimingOptions {
  std::string mode = "fan_in";              // or "fan_out"
  std::string nonlinearity = "leaky_relu";  // whose gain is taken
};
double calculate_gain(std::string_view nonlinearity, double param = 0.01);
void zeros_(const Variable& w);
void ones_(const Variable& w);
void eye_(const Variable& w);
void constant_(const Variable& w, double value);
void normal_(const Variable& w, double mean = 0, double std = 1);
void trunc_normal_(const Variable& w, double mean = 0, double std = 1, double a = -2, double b = 2);
void uniform_(const Variable& w, double a = 0, double b = 1);
void xavier_uniform_(const Variable& w, double gain = 1);
void xavier_normal_(const Variable& w, double gain = 1);
void kaiming_uniform_(const Variable& w, double a = 0, KaimingOptions options = {});
void kaiming_normal_(const Variable& w, double a = 0, KaimingOptions options = {});
void orthogonal_(const Variable& w, double gain = 1);
void dirac_(const Variable& w, std::int64_t groups = 1);
void sparse_(const Variable& w, double sparsity, double std = 0.01);

}  // namespace mica::nn::init
