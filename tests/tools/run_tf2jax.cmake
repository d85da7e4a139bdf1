# The command-line program on a model: every command, with files in and out.
#   cmake -DTOOL=... -DMODEL=... -DWORK=... -P run_tf2jax.cmake
function(tf2jax expected_status pattern)
  execute_process(COMMAND ${TOOL} ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE status)
  if(NOT status EQUAL expected_status)
    message(FATAL_ERROR "tf2jax ${ARGN}: exit status ${status}, expected ${expected_status}\n${out}${err}")
  endif()
  if(NOT "${out}${err}" MATCHES "${pattern}")
    message(FATAL_ERROR "tf2jax ${ARGN}: '${pattern}' is not in\n${out}${err}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()
function(must_exist)
  foreach(file IN LISTS ARGN)
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "'${file}' was not written")
    endif()
  endforeach()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
tf2jax(0 "serving_default.*image: float32.*3818 trainable elements.*Conv2D" inspect ${MODEL})

tf2jax(0 "logits  f32.2,10." run ${MODEL} --batch 2 --random 1 --output-dir ${WORK}/random)
must_exist(${WORK}/random/logits.npy ${WORK}/random/probabilities.npy)

tf2jax(0 "loss  f32.*d image  f32.2,16,16,1." grad ${MODEL} --batch 2 --random 1 --output-dir ${WORK}/grad)
must_exist(${WORK}/grad/loss.npy ${WORK}/grad/image.npy)

# A gradient has the shape of its input, so it serves as an input file: the same file gives the same numbers.
tf2jax(0 "probabilities  f32.2,10." run ${MODEL} --input image=${WORK}/grad/image.npy --output-dir ${WORK}/first)
tf2jax(0 "probabilities  f32.2,10." run ${MODEL} --input image=${WORK}/grad/image.npy --output-dir ${WORK}/second --no-jit)
file(SIZE ${WORK}/first/probabilities.npy size)
if(NOT size EQUAL 208)   # a header of 128 bytes and 20 floats
  message(FATAL_ERROR "probabilities.npy has ${size} bytes")
endif()
must_exist(${WORK}/second/probabilities.npy)

tf2jax(0 "lambda.*conv_general_dilated" jaxpr ${MODEL} --batch 2)
tf2jax(0 "b,16,16,1" jaxpr ${MODEL} --symbolic)
tf2jax(0 "agree with finite differences" check-grads ${MODEL} --batch 2 --random 1)

# Out to StableHLO and back: the same numbers from a model that went through each kind of file.
foreach(kind mlir mlirbc export)
  tf2jax(0 "wrote" export ${MODEL} --batch 2 --out ${WORK}/model.${kind})
  tf2jax(0 "wrote" convert ${WORK}/model.${kind} --out ${WORK}/${kind})
  tf2jax(0 "f32.2,10.  mean 0.0267" run ${WORK}/${kind} --random 1)
endforeach()
tf2jax(0 "wrote" convert ${WORK}/model.mlirbc --out ${WORK}/native --native)
tf2jax(0 "f32.2,10.  mean 0.0267" run ${WORK}/native --random 1)
tf2jax(0 "wrote" convert ${WORK}/model.mlir --out ${WORK}/frozen.pb)
must_exist(${WORK}/frozen.pb)
tf2jax(1 "cannot read" convert ${WORK}/no-such.mlir --out ${WORK}/frozen.pb)

# A model of texts: inputs are given as text or a file of lines, results that are strings are written as lines.
file(WRITE ${WORK}/text.pbtxt "node { name: 't' op: 'Placeholder' attr { key: 'dtype' value { type: DT_STRING } }
  attr { key: 'shape' value { shape { dim { size: -1 } dim { size: 1 } } } } }
  node { name: 'y' op: 'StringUpper' input: 't' }")
file(WRITE ${WORK}/lines.txt "ab\nc d\n")
tf2jax(0 "string.2,1.  'AB' 'C D'" run ${WORK}/text.pbtxt --text t=ab --text "t=c d" --output-dir ${WORK}/text)
must_exist(${WORK}/text/output.txt)
tf2jax(0 "string.2,1.  'AB' 'C D'" run ${WORK}/text.pbtxt --text t=@${WORK}/lines.txt)
tf2jax(1 "inputs are missing.*t: string" run ${WORK}/text.pbtxt)
tf2jax(1 "only numbers can be made up" run ${WORK}/text.pbtxt --random 1)

tf2jax(1 "tf2jax: .*no-such-model" inspect ${WORK}/no-such-model)
tf2jax(1 "image" run ${MODEL})
tf2jax(1 "no-such.npy" run ${MODEL} --input image=${WORK}/no-such.npy)
file(REMOVE_RECURSE ${WORK})
