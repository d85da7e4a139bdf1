# Libraries from the distribution; nothing is downloaded.
find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Protobuf REQUIRED)
find_package(leveldb REQUIRED)
find_package(ZLIB REQUIRED)
# Debian's leveldb is shared and already linked to snappy; its exported link line would need snappy's -dev package.
set_target_properties(leveldb::leveldb PROPERTIES INTERFACE_LINK_LIBRARIES Threads::Threads)
# Regular expressions of models. Debian's package has no file for CMake.
find_path(RE2_INCLUDE re2/re2.h REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)
add_library(tf2jax_re2 INTERFACE)
target_include_directories(tf2jax_re2 SYSTEM INTERFACE $<BUILD_INTERFACE:${RE2_INCLUDE}>)

# LAPACK by its C interface: factorisations. Loaded when one is asked for.
find_path(LAPACKE_INCLUDE lapacke.h REQUIRED)
add_library(tf2jax_lapack INTERFACE)
target_include_directories(tf2jax_lapack SYSTEM INTERFACE $<BUILD_INTERFACE:${LAPACKE_INCLUDE}>)

# oneDNN 2.x and the OpenMP runtime it shares with us; without them the own kernels and threads do the work. Its package
# file asks for OpenCL, which nothing here needs.
find_path(DNNL_INCLUDE dnnl.hpp)
find_library(DNNL_LIBRARY dnnl)
if(TF2JAX_ONEDNN AND DNNL_INCLUDE AND DNNL_LIBRARY)
  add_library(tf2jax_dnnl INTERFACE)
  target_include_directories(tf2jax_dnnl SYSTEM INTERFACE $<BUILD_INTERFACE:${DNNL_INCLUDE}>)
  target_link_libraries(tf2jax_dnnl INTERFACE ${DNNL_LIBRARY})
endif()
set(TF2JAX_OPENMP_LIBS)
if(TF2JAX_OPENMP AND NOT TF2JAX_SANITIZE STREQUAL "thread")   # libgomp is not instrumented
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    set(TF2JAX_OPENMP_LIBS OpenMP::OpenMP_CXX)
  endif()
endif()
