# Warnings, sanitizers and the compiler cache: one interface target that every Hearth target links.
find_program(HEARTH_CCACHE ccache)
if(HEARTH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HEARTH_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${HEARTH_CCACHE}")
endif()

add_library(hearth_options INTERFACE)
target_compile_options(hearth_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  $<$<CONFIG:Release>:-fstack-protector-strong>)
target_include_directories(hearth_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_definitions(hearth_options INTERFACE HEARTH_VERSION="${PROJECT_VERSION}" BOOST_ALL_NO_LIB)

if(HEARTH_SANITIZE)
  target_compile_options(hearth_options INTERFACE
    -fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE})
  if(HEARTH_SANITIZE MATCHES "undefined")
    # libspdlog's types come from a shared library, where the vptr check finds no type information.
    target_compile_options(hearth_options INTERFACE -fno-sanitize=vptr)
  endif()
endif()

if(HEARTH_FUZZ)
  # The libraries under test tell libFuzzer where they go. clang warns about other things than g++,
  # which is the compiler that the warnings are kept at zero for.
  target_compile_options(hearth_options INTERFACE -fsanitize=fuzzer-no-link -Wno-error -Wno-sign-conversion)
endif()

if(HEARTH_COVERAGE)
  target_compile_options(hearth_options INTERFACE --coverage)
  target_link_options(hearth_options INTERFACE --coverage)
endif()
