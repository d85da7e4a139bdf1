# install and find_package(tf2jax): target tf2jax::tf2jax, headers under include/tf2jax/<folder>/<file>.h.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS tf2jax EXPORT tf2jax-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TF2JAX_LLVM)
  install(TARGETS tf2jax_codegen LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/tf2jax)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tf2jax
  FILES_MATCHING PATTERN "*.h" PATTERN "internal" EXCLUDE)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tf2jax)
install(EXPORT tf2jax-targets NAMESPACE tf2jax:: DESTINATION ${config_dir})
configure_package_config_file(cmake/tf2jax-config.cmake.in ${PROJECT_BINARY_DIR}/tf2jax-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tf2jax-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tf2jax-config.cmake ${PROJECT_BINARY_DIR}/tf2jax-config-version.cmake DESTINATION ${config_dir})
