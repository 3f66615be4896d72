# Compiler settings that every target of the project shares.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(lockstep_options INTERFACE)
target_compile_options(lockstep_options INTERFACE -Wall -Wextra -Wconversion -Werror -fvisibility=hidden
                                                  # Designated initializers leave out what has its default on purpose.
                                                  -Wno-missing-field-initializers
                                                  # g++ 12 sees overlaps in std::string's own code (GCC bug 105651).
                                                  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                                  -fstack-protector-strong)
# Paths in messages and debug information are relative, so that builds do not depend on where they are made.
target_compile_options(lockstep_options INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_compile_definitions(lockstep_options INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)

if(LOCKSTEP_SANITIZE)
  target_compile_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE})
endif()
if(LOCKSTEP_COVERAGE)
  target_compile_options(lockstep_options INTERFACE --coverage -O0)
  target_link_options(lockstep_options INTERFACE --coverage)
endif()
