# Target `docs`: the reference of the public headers, in docs/html of the build folder; a warning fails it. There is one
# where doxygen is installed (scripts/setup --docs).
find_package(Doxygen QUIET)
if(NOT DOXYGEN_FOUND)
  return()
endif()
set(DOXYGEN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR}/src)
set(DOXYGEN_FILE_PATTERNS *.h *.md)
set(DOXYGEN_EXCLUDE_PATTERNS */internal/* */src/compiler/*.h */src/compiler/*/* */src/kernels/*)
set(DOXYGEN_EXCLUDE_SYMBOLS *::detail detail formatter*)
set(DOXYGEN_INPUT_FILTER "sed s/fmt::formatter/formatter/")   # doxygen looks for the class in the scope it is named in
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE ${PROJECT_SOURCE_DIR}/README.md)
set(DOXYGEN_EXTRACT_ALL YES)         # comments above a group are for all of it
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)   # the first line says what it is
set(DOXYGEN_AUTOLINK_SUPPORT NO)     # words that are also names stay words
set(DOXYGEN_BUILTIN_STL_SUPPORT YES)
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_QUIET YES)
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(pages README.md CONTRIBUTING.md SECURITY.md docs src)
list(TRANSFORM pages PREPEND ${PROJECT_SOURCE_DIR}/)
doxygen_add_docs(docs ${pages} COMMENT "Reference of the public headers")
