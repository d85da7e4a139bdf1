# Included at the end of each folder of tests: what all of them run with.
if(TF2JAX_SANITIZE STREQUAL "thread")
  get_property(tests DIRECTORY PROPERTY TESTS)
  set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp)
endif()
# Every plan that a test compiles is verified.
get_property(tests DIRECTORY PROPERTY TESTS)
set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT TF2JAX_VERIFY_PLANS=1)
