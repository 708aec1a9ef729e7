# One static library per room. The allowed dependencies stand in tools/layers.py, which `make lint`
# runs over the includes; the links below are the same plan, so that the linker agrees with it.
#
#   slipway_room(store DEPENDS base resources LINKS SQLite::SQLite3)
#
# takes src/store/*.cc; *_test.cc become the program store_test, and each *_fuzz.cc a fuzz target.
if(SLIPWAY_TESTS)
  add_custom_target(tests)
endif()
if(SLIPWAY_FUZZ)
  add_custom_target(fuzzers)
endif()

function(slipway_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  list(TRANSFORM ROOM_DEPENDS PREPEND slipway_)

  add_library(slipway_${name} STATIC ${sources})
  target_link_libraries(slipway_${name} PUBLIC slipway_options ${ROOM_DEPENDS} ${ROOM_LINKS})

  if(SLIPWAY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE slipway_${name} GTest::gtest GTest::gtest_main)
    add_dependencies(tests ${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  endif()
  if(SLIPWAY_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${name}_${target} ${fuzzer})
      target_link_libraries(${name}_${target} PRIVATE slipway_${name} -fsanitize=fuzzer)
      add_dependencies(fuzzers ${name}_${target})
    endforeach()
  endif()
endfunction()
