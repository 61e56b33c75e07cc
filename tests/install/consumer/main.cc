#include <mica/mica.h>

using namespace mica;

int main() {
  Tensor x = Input({2});
  Model model({x}, {Dense(1, {.use_bias = false, .kernel_initializer = "ones"})(x)});
  const double sum = model.predict(tensor({{3.0, 4.0}})).item<double>();
  std::cout << "3 + 4 = " << sum << "\n";
  return sum == 7 ? 0 : 1;
}
