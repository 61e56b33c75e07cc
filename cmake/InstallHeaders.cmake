# Run by `cmake --install`: copies the public headers, and the headers of the project that they include, to MICA_INCLUDE_DIR/mica.
# In the source tree a header says "runtime/dtype.h"; installed it says "mica/runtime/dtype.h", so that one include folder is enough and no
# name of ours can meet a "runtime/…" of the user's own project.
cmake_minimum_required(VERSION 3.25)
# Follows every include of a public header.
file(GLOB pending RELATIVE "${MICA_SOURCE_DIR}" "${MICA_SOURCE_DIR}/frontend/mica/*.h"
     "${MICA_SOURCE_DIR}/frontend/mica/functional/*.h" "${MICA_SOURCE_DIR}/frontend/mica/layers/*.h"
     "${MICA_SOURCE_DIR}/frontend/mica/nn/*.h" "${MICA_SOURCE_DIR}/frontend/mica/training/*.h")
list(APPEND pending runtime/program.h runtime/parallel.h)
set(done)

while(pending)
  list(POP_FRONT pending header)
  if(header IN_LIST done)
    continue()
  endif()
  list(APPEND done "${header}")
  file(READ "${MICA_SOURCE_DIR}/${header}" text)
  string(REGEX MATCHALL "#include \"runtime/[^\"]+\"" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" include "${include}")
    list(APPEND pending "${include}")
  endforeach()

  string(REGEX REPLACE "#include \"runtime/" "#include \"mica/runtime/" text "${text}")
  string(REGEX REPLACE "^frontend/" "" installed "${header}")
  if(NOT installed MATCHES "^mica/")
    string(PREPEND installed "mica/")
  endif()
  message(STATUS "Installing: ${MICA_INCLUDE_DIR}/${installed}")
  file(WRITE "${MICA_INCLUDE_DIR}/${installed}" "${text}")
endwhile()
