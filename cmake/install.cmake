# What other programs use: the program, and the durable core as a library (find_package(lockstep), pkg-config lockstep).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(LOCKSTEP_INSTALLED base fs crypto durable)
set(targets)
foreach(library IN LISTS LOCKSTEP_INSTALLED)
  list(APPEND targets lockstep_${library})
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${library}/*.h)
  list(FILTER headers EXCLUDE REGEX "_internal\\.h$|_cases\\.h$|posix_descriptor\\.h$|low_level\\.h$|member_file_sink\\.h$")
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lockstep/${library})
endforeach()
install(TARGETS lockstep DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${targets} EXPORT lockstep ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT lockstep NAMESPACE lockstep:: FILE lockstep-targets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
configure_package_config_file(cmake/lockstep-config.cmake.in ${CMAKE_BINARY_DIR}/lockstep-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/lockstep-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/lockstep-config.cmake ${CMAKE_BINARY_DIR}/lockstep-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
# The prefix may be chosen at install time, so the file says where things are relative to itself.
file(RELATIVE_PATH LOCKSTEP_PC_TO_INCLUDE /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR}/lockstep)
configure_file(cmake/lockstep.pc.in ${CMAKE_BINARY_DIR}/lockstep.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES packaging/lockstep-recover.service packaging/lockstep-agent.service packaging/lockstep-renew.service
              packaging/lockstep-renew.timer packaging/lockstep-ca.service packaging/lockstep-serve.service packaging/lockstep.toml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep/systemd)
