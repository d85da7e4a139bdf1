# Installs the build to a fresh prefix, then configures, builds and runs the project beside this file with it.
# All installed headers are compiled there too: one that needs a private header fails.
#   cmake -DBUILD=... -DWORK=... -DMODEL=... -DCXX=... -P install_and_use.cmake
function(step)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}: exit status ${status}\n${out}${err}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
step(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=${CXX}
  -DCMAKE_PREFIX_PATH=${WORK}/prefix)
step(${CMAKE_COMMAND} --build ${WORK}/build)
step(${WORK}/build/consumer ${MODEL})
if(NOT output STREQUAL "f32[1,10]\n")
  message(FATAL_ERROR "the consumer printed '${output}'")
endif()
step(${WORK}/prefix/bin/tf2jax inspect ${MODEL})

file(GLOB_RECURSE headers RELATIVE ${WORK}/prefix/include ${WORK}/prefix/include/*.h)
set(includes "")
foreach(header IN LISTS headers)
  string(APPEND includes "#include <${header}>\n")
endforeach()
file(WRITE ${WORK}/headers.cpp "${includes}")
step(${CXX} -std=c++20 -fsyntax-only -I${WORK}/prefix/include ${WORK}/headers.cpp)
file(REMOVE_RECURSE ${WORK})
