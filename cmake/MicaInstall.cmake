# What `cmake --install` puts into a prefix: the shared libraries, the public headers, and the package that find_package(mica) reads.
include(CMakePackageConfigHelpers)

set_target_properties(mica_frontend PROPERTIES OUTPUT_NAME mica EXPORT_NAME mica)
set_target_properties(mica_runtime PROPERTIES EXPORT_NAME runtime)
install(TARGETS mica_frontend mica_runtime mica_ir mica_codegen mica_compiler EXPORT mica)

# oneDNN of tools/setup travels with us; oneDNN of the distribution is found where it is.
get_target_property(dnnl_location DNNL::dnnl LOCATION)
cmake_path(IS_PREFIX MICA_DEPS "${dnnl_location}" NORMALIZE dnnl_is_ours)
if(dnnl_is_ours)
  install(IMPORTED_RUNTIME_ARTIFACTS DNNL::dnnl)
endif()

target_include_directories(mica_runtime INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_include_directories(mica_frontend INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
install(CODE "set(MICA_SOURCE_DIR \"${CMAKE_SOURCE_DIR}\")
set(MICA_INCLUDE_DIR \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")
include(\"${CMAKE_SOURCE_DIR}/cmake/InstallHeaders.cmake\")")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mica")
install(EXPORT mica NAMESPACE mica:: FILE micaTargets.cmake DESTINATION "${package_dir}")
configure_package_config_file(cmake/micaConfig.cmake.in micaConfig.cmake INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(micaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/micaConfig.cmake" "${CMAKE_BINARY_DIR}/micaConfigVersion.cmake" DESTINATION "${package_dir}")
