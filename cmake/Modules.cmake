# lakehouse_module(NAME [PUBLIC targets...] [LIBS targets...] [PRECOMPILED header] [ALONE sources...])
# One static library a folder of src/. Beside the code stand its tests: every *_test.cc of the folder goes into
# the program NAME_test, every *_fuzz.cc becomes a fuzz target of its own, every *_bench.cc a benchmark.
# PRECOMPILED is for a header that costs more to read than the file that includes it. Sources include it all the same.
#
# The presets of ./run and ./test compile several sources of a folder as one (CMAKE_UNITY_BUILD), which reads the heavy
# headers and makes their templates once: a third of the time. So names in unnamed namespaces must not clash in a folder.
# ALONE is for sources that such a neighbour would change: macros before a header, code for one kind of processor.

add_library(lakehouse_options INTERFACE)
target_include_directories(lakehouse_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(lakehouse_options INTERFACE -Wall -Wextra -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(lakehouse_options INTERFACE -Wthread-safety -Werror=thread-safety)
else()
  # g++ 12 reports these inside the standard library's own expected and string code, and -Wuninitialized inside its
  # own AVX-512 header (GCC bug 105593). Clang looks for the same in our code.
  target_compile_options(lakehouse_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer -Wno-uninitialized)
endif()
if(LAKEHOUSE_SANITIZE)
  target_compile_options(lakehouse_options INTERFACE -fsanitize=${LAKEHOUSE_SANITIZE} -g1)
  target_link_options(lakehouse_options INTERFACE -fsanitize=${LAKEHOUSE_SANITIZE})
  if(LAKEHOUSE_SANITIZE MATCHES "undefined")
    target_compile_options(lakehouse_options INTERFACE -fno-sanitize-recover=undefined -fno-sanitize=vptr,function)
  endif()
endif()

configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/version.h @ONLY)

function(lakehouse_module name)
  cmake_parse_arguments(arg "" "PRECOMPILED" "PUBLIC;LIBS;ALONE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc ${CMAKE_SOURCE_DIR}/src/${name}/*/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")

  list(TRANSFORM arg_ALONE PREPEND ${CMAKE_SOURCE_DIR}/src/${name}/)
  set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  if(sources)
    add_library(lakehouse_${name} STATIC ${sources})
    target_link_libraries(lakehouse_${name} PUBLIC lakehouse_options ${arg_PUBLIC} PRIVATE ${arg_LIBS})
    if(arg_PRECOMPILED)
      target_precompile_headers(lakehouse_${name} PRIVATE ${arg_PRECOMPILED})
      # The same bytes each time, so that ccache knows them again.
      target_compile_options(lakehouse_${name} PRIVATE $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
    endif()
  else()
    add_library(lakehouse_${name} INTERFACE)
    target_link_libraries(lakehouse_${name} INTERFACE lakehouse_options ${arg_PUBLIC} ${arg_LIBS})
  endif()

  if(LAKEHOUSE_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE lakehouse_${name} lakehouse_testing ${arg_LIBS} GTest::gmock GTest::gtest_main)
    # What is tested is as optimised as ever; the tests themselves need not be.
    target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)
    set_property(GLOBAL APPEND PROPERTY lakehouse_test_programs ${name}_test)
  endif()
  if(LAKEHOUSE_FUZZ)
    foreach(source ${fuzzers})
      get_filename_component(target ${source} NAME_WE)
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE lakehouse_${name} ${arg_LIBS})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY lakehouse_fuzz_programs ${target})
    endforeach()
    if(sources)
      target_compile_options(lakehouse_${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
  endif()
  if(LAKEHOUSE_BENCH)
    foreach(source ${benches})
      get_filename_component(target ${source} NAME_WE)
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE lakehouse_${name} ${arg_LIBS} benchmark::benchmark)
    endforeach()
  endif()
endfunction()

file(GLOB testing_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/testing/*.cc)
if(LAKEHOUSE_TESTS AND testing_sources)
  add_library(lakehouse_testing STATIC ${testing_sources})
  target_link_libraries(lakehouse_testing PUBLIC lakehouse_options lakehouse_object)
else()
  add_library(lakehouse_testing INTERFACE)
endif()
