# lockstep_page(TARGET): the page of the status service, as data in TARGET. scripts/build-page decides what of it has to
# be done; one result, in build/ui of the source tree, serves the build trees of all presets.
function(lockstep_page target)
  set(table ${CMAKE_SOURCE_DIR}/build/ui/asset_table.cc)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/src/* ${CMAKE_SOURCE_DIR}/ui/public/*)
  add_custom_command(OUTPUT ${table}
                     COMMAND ${CMAKE_SOURCE_DIR}/scripts/build-page
                     DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/scripts/build-page ${CMAKE_SOURCE_DIR}/src/service/rules.json
                             ${CMAKE_SOURCE_DIR}/ui/index.html ${CMAKE_SOURCE_DIR}/ui/embed.mjs
                             ${CMAKE_SOURCE_DIR}/ui/package-lock.json ${CMAKE_SOURCE_DIR}/ui/vite.config.ts
                     COMMENT "Building the page" VERBATIM)
  target_sources(${target} PRIVATE ${table})
endfunction()
