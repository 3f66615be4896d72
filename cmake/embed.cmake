# lockstep_embed(TARGET FILE NAME): FILE's bytes as `extern const std::string_view lockstep::embedded::NAME` in TARGET.
# What a program needs at run time is then in it, and cannot be lost or be of another version.
function(lockstep_embed target file name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc)
  set(in ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  add_custom_command(OUTPUT ${out} DEPENDS ${in} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
                     COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -DNAME=${name}
                             -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
                     COMMENT "Embedding ${file}" VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
