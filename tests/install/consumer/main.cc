#include <mica/runtime/dtype.h>

#include <cstdio>

int main() {
  const mica::DType type("float32");
  std::printf("%s has %d bytes\n", type.name().c_str(), type.bytes());
  return type.bytes() == 4 ? 0 : 1;
}
