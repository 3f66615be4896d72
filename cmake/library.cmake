# lockstep_library(NAME DEPENDS lib... LINK target...): the folder this is called in, as a static library
# lockstep_NAME, and its *_test.cc files as one test program NAME_test.
function(lockstep_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK;TEST_DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/main\\.cc$")

  add_library(lockstep_${name} STATIC ${sources})
  target_include_directories(lockstep_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
                                                     $<INSTALL_INTERFACE:include/lockstep>)
  target_link_libraries(lockstep_${name} PRIVATE $<BUILD_INTERFACE:lockstep_options>)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(lockstep_${name} PUBLIC lockstep_${dependency})
  endforeach()
  target_link_libraries(lockstep_${name} PUBLIC ${ARG_LINK})
  set_target_properties(lockstep_${name} PROPERTIES EXPORT_NAME ${name})

  if(LOCKSTEP_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE lockstep_${name} lockstep_options GTest::gtest GTest::gmock
                                               GTest::gtest_main)
    foreach(dependency IN LISTS ARG_TEST_DEPENDS)
      target_link_libraries(${name}_test PRIVATE lockstep_${dependency})
    endforeach()
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()
