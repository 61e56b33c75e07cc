// Models averaged in one graph; the members stay models of their own.
#include "models/ensemble.h"

#include <cmath>
#include <cstdio>
#include <iostream>

using namespace mica;

int main() {
  set_random_seed(1);
  Model model = examples::ensemble();
  std::cout << model.summary();

  Tensor features = randn({5, 128}), average = model.predict(features), sum;
  for (const char* name : {"member_1", "member_2", "member_3"}) {
    Tensor vote = model.get_layer(name)(features);
    sum = sum.defined() ? sum + vote : vote;
  }
  double difference = (average - sum / 3.0).abs().max().item();
  std::printf("largest difference from the members averaged by hand: %.1e\n", difference);
  return difference < 1e-5 ? 0 : 1;
}
