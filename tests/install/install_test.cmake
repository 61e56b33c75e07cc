# BUILD_DIR: a finished build; WORK_DIR: replaced; PROJECT_DIR: the project to build; PROGRAMS: what it builds from SOURCES_DIR and what is
# run; FLAGS: compiler flags that the libraries were built with.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
execute_process(COMMAND "${CMAKE_COMMAND}" -G Ninja -S "${PROJECT_DIR}" -B "${WORK_DIR}/build" "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix"
                        "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DPROGRAMS=${PROGRAMS}" "-DSOURCES_DIR=${SOURCES_DIR}"
                COMMAND_ERROR_IS_FATAL ANY)
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
foreach(program IN LISTS PROGRAMS)
  run("${WORK_DIR}/build/${program}")
endforeach()
