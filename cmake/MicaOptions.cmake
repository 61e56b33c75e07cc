# Language level, warnings, sanitizers and the fast tools, and mica_library(): every source file of some folders as one shared library.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(MICA_SANITIZE "" CACHE STRING "sanitizers, as in -fsanitize=")
set(MICA_FIXTURES "${CMAKE_SOURCE_DIR}/../shared/fixtures" CACHE PATH "numbers from real Keras and PyTorch")
set(MICA_PROGRAMS "${CMAKE_SOURCE_DIR}/../shared/programs" CACHE PATH "acceptance programs of the public API")
set(MICA_DATA "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH "small real data sets")

# Tests keep their compiled kernels in the build tree, not in the cache of the user.
set(MICA_TEST_ENVIRONMENT "XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test-cache")

include(GNUInstallDirs)
# All shared libraries lie in one folder, in the build tree and in the prefix: each finds the others beside itself.
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN;$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

find_program(MICA_CCACHE ccache)
if(MICA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MICA_CCACHE}")
endif()

# A link takes 0.05 s with lld and 1 s with the system's linker. g++ 12 looks for a linker named ld.lld in the -B folders only.
find_program(MICA_LLD NAMES ld.lld-19 ld.lld-20 ld.lld-18 ld.lld)
if(MICA_LLD)
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/linker")
  file(CREATE_LINK "${MICA_LLD}" "${CMAKE_BINARY_DIR}/linker/ld.lld" SYMBOLIC)
  add_link_options("-B${CMAKE_BINARY_DIR}/linker" -fuse-ld=lld)
endif()

add_library(mica_warnings INTERFACE)
target_compile_options(mica_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                               -Wimplicit-fallthrough -Werror -Wno-missing-field-initializers)
# g++ 12 reports overlapping copies inside std::string concatenation that do not exist (GCC bug 105651).
target_compile_options(mica_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# clang 19 reports std::stable_sort of the standard library of g++ 12, which allocates with a deprecated function.
target_compile_options(mica_warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(MICA_SANITIZE)
  add_compile_options(-fsanitize=${MICA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MICA_SANITIZE})
  target_sources(mica_warnings INTERFACE
                 $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${CMAKE_SOURCE_DIR}/cmake/sanitizer_defaults.cc>)
  # g++ 12 takes the states of std::regex for uninitialised once they are instrumented.
  set_source_files_properties(
    ${CMAKE_SOURCE_DIR}/frontend/training/callbacks/file_name.cc
    ${CMAKE_SOURCE_DIR}/frontend/training/optimizers/pattern.cc PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
endif()

# mica_library(name entry… [EXCEPT file…]): an entry is a folder or one source file.
function(mica_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" EXCEPT)
  set(sources)
  foreach(entry IN LISTS arg_UNPARSED_ARGUMENTS)
    set(pattern "${CMAKE_SOURCE_DIR}/${entry}/*.cc")
    if(entry MATCHES "[.]cc$")
      set(pattern "${CMAKE_SOURCE_DIR}/${entry}")
    endif()
    file(GLOB found CONFIGURE_DEPENDS "${pattern}")
    list(APPEND sources ${found})
  endforeach()
  list(TRANSFORM arg_EXCEPT PREPEND "${CMAKE_SOURCE_DIR}/")
  list(REMOVE_ITEM sources ${arg_EXCEPT})
  add_library(${name} SHARED ${sources})
  set_target_properties(${name} PROPERTIES VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}")
  # A call inside one library is direct and may be inlined; nobody replaces our functions by preloading.
  target_compile_options(${name} PRIVATE -fno-semantic-interposition)
  if(NOT MICA_SANITIZE)  # whose functions only a program brings along
    target_link_options(${name} PRIVATE LINKER:-z,defs)  # a layer uses what it links and nothing above it
  endif()
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>")
  target_link_libraries(${name} PRIVATE mica_warnings)
endfunction()
