# hearth_library(NAME SOURCES ... DEPENDS ...): one static library for one folder of src/.
function(hearth_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC hearth_options ${ARG_DEPENDS})
endfunction()

# hearth_test(NAME SOURCES ... DEPENDS ... [LABELS ...] [TIMEOUT seconds] [SERIAL]): one GoogleTest
# program, one ctest entry a program. The label "sanitizer" puts it into the subset that runs under
# asan-ubsan and tsan. SERIAL keeps it from running beside others.
function(hearth_test name)
  if(NOT HEARTH_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE hearth_options ${ARG_DEPENDS} GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "HEARTH_SOURCE_DIR=${CMAKE_SOURCE_DIR};HEARTH_BINARY=$<TARGET_FILE:hearth>;TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp")
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
