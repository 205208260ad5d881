# Compiler settings as interface targets, and the three functions by which every folder declares what it builds.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

option(KPU_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(KPU_FUZZ "Only the readers and their libFuzzer targets, with both sanitizers; needs clang" OFF)

find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
# libzip by pkg-config: its CMake package in Debian demands the zipcmp tools.
find_package(PkgConfig REQUIRED)
pkg_check_modules(libzip REQUIRED IMPORTED_TARGET libzip)
if(NOT KPU_FUZZ)
  find_package(Boost REQUIRED COMPONENTS unit_test_framework)
  find_library(SYSTEMC_LIBRARY systemc REQUIRED)
endif()

add_library(kpu_options INTERFACE)
target_include_directories(kpu_options INTERFACE ${CMAKE_SOURCE_DIR})
# -ffp-contract=off: product and sum are rounded separately, whatever the host's instruction set (see compiler/tensor/README.md).
target_compile_options(kpu_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
                                             -ffp-contract=off)
if(KPU_SANITIZE)
  target_compile_options(kpu_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                               -fno-sanitize=vptr,null,alignment,object-size -fno-omit-frame-pointer)
  target_link_options(kpu_options INTERFACE -fsanitize=address,undefined)
endif()
if(KPU_FUZZ)
  # Without a call at each comparison, which was an eighth of the time: dictionaries have the formats' words.
  target_compile_options(kpu_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                                               -fno-sanitize-coverage=trace-cmp -fno-omit-frame-pointer)
  target_link_options(kpu_options INTERFACE -fsanitize=address,undefined)
endif()

if(NOT KPU_FUZZ)
  add_library(kpu_systemc INTERFACE)
  target_link_libraries(kpu_systemc INTERFACE ${SYSTEMC_LIBRARY})
  target_compile_definitions(kpu_systemc INTERFACE SC_INCLUDE_DYNAMIC_PROCESSES)
endif()

# kpu_library(NAME SOURCES file... LINK library...): a static library with the project's options.
function(kpu_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC kpu_options ${ARG_LINK})
endfunction()

# kpu_tool(NAME SOURCES file... LINK library...): an executable in bin/.
function(kpu_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE kpu_options ${ARG_LINK})
endfunction()

# kpu_test(NAME SOURCES file... LINK library... [TIMEOUT s] [LABELS label...]): a Boost.Test program of which CTest runs every case
# in a process of its own. The cases are listed by the program itself when it is built.
function(kpu_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  # Boost's main() is made where BOOST_TEST_MODULE is defined: in one source of its own
  set(main ${CMAKE_CURRENT_BINARY_DIR}/${name}_main.cpp)
  file(CONFIGURE OUTPUT ${main} CONTENT "#define BOOST_TEST_MODULE ${name}\n#include <boost/test/unit_test.hpp>\n")
  add_executable(${name} ${ARG_SOURCES} ${main})
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK KPU_SOURCE_DIR="${CMAKE_SOURCE_DIR}" KPU_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_link_libraries(${name} PRIVATE kpu_options ${ARG_LINK} Boost::unit_test_framework)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  set(cases ${CMAKE_CURRENT_BINARY_DIR}/${name}_cases.cmake)
  string(REPLACE ";" "," labels "${ARG_LABELS}")
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${name}> -DNAME=${name} -DOUTPUT=${cases} -DTIMEOUT=${ARG_TIMEOUT}
            -DLABELS=${labels} -P ${CMAKE_SOURCE_DIR}/tests/cmake/ListCases.cmake
    VERBATIM)
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${cases})
endfunction()
