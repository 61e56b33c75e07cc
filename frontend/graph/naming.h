// Keras' automatic names: snake_case of the class and a counter of the process, reset by clear_session().
#pragma once
#include <string>
#include <string_view>
#include <typeinfo>

namespace mica::internal {

// "Conv2DTranspose" -> "conv2d_transpose", "ReLU" -> "re_lu".
std::string snake_case(std::string_view class_name);
// "reduce_sum" -> "ReduceSum".
std::string camel_case(std::string_view name);
// The name of a class without its namespaces and, of a template, its arguments.
std::string class_name_of(const std::type_info& type);
// "dense", then "dense_1", …
std::string unique_name(std::string_view base);
void reset_names();

// While it lives, unique_name() on this thread counts nothing: the names are replaced later.
class NamingPause {
 public:
  NamingPause();
  ~NamingPause();
  NamingPause(const NamingPause&) = delete;
  NamingPause& operator=(const NamingPause&) = delete;
};

}  // namespace mica::internal
