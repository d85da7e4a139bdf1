# tf2jax_flags: what every target of this project is compiled with.
add_library(tf2jax_flags INTERFACE)
target_compile_options(tf2jax_flags INTERFACE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
  -Wno-restrict  # false alarms of GCC 12 on string concatenation (PR 105651)
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>  # kB before GCC collects its garbage: a tenth less time
  $<$<AND:$<BOOL:${TF2JAX_WERROR}>,$<STREQUAL:${TF2JAX_SANITIZE},>>:-Werror>)  # instrumented code confuses GCC 12's flow analysis
if(TF2JAX_SANITIZE STREQUAL "address")
  target_compile_options(tf2jax_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(tf2jax_flags INTERFACE -fsanitize=address,undefined)
elseif(TF2JAX_SANITIZE STREQUAL "fuzzer")   # needs Clang
  target_compile_options(tf2jax_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(tf2jax_flags INTERFACE -fsanitize=address,undefined)
elseif(TF2JAX_SANITIZE STREQUAL "thread")
  target_compile_options(tf2jax_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(tf2jax_flags INTERFACE -fsanitize=thread)
endif()

# "tf2jax/<folder>/<file>.h" resolves to src/<folder>/<file>.h in the tree, and to the same path once installed.
set(TF2JAX_BUILD_INCLUDE ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${TF2JAX_BUILD_INCLUDE})
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src ${TF2JAX_BUILD_INCLUDE}/tf2jax SYMBOLIC)

# tf2jax_folder(NAME [LIBS …] [EXCLUDE regex]): one object library for the sources of one folder under src/.
function(tf2jax_folder folder)
  cmake_parse_arguments(ARG "" "EXCLUDE" "LIBS" ${ARGN})
  string(REPLACE "/" "_" target "tf2jax_${folder}")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
  if(ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${ARG_EXCLUDE})
  endif()
  if(NOT sources)
    return()
  endif()
  add_library(${target} OBJECT ${sources})
  target_include_directories(${target} PUBLIC ${TF2JAX_BUILD_INCLUDE})
  target_link_libraries(${target} PUBLIC tf2jax_flags fmt::fmt Threads::Threads PRIVATE ${ARG_LIBS})
  set_property(GLOBAL APPEND PROPERTY TF2JAX_OBJECTS ${target})
endfunction()
